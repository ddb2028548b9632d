package scenarios

import (
	"fmt"
	"slices"
)

// restarts checks when the process of a middlebox dies and comes back.
func (c *checker) boxRestarts() {
	t, p := &c.s.Topology, at("topology", "restarts")
	if len(t.Restarts) == 0 {
		return
	}
	keying := c.firstOf(at("security", "keying"), p)
	guest := slices.IndexFunc(c.s.Endpoints, func(e Endpoint) bool { return e.Stack != "" && e.Hosted() })
	before := len(c.errs)
	c.apply([]rule{
		{t.Translates(), p, "a translator sends with the SSRCs of others, which a new process with new numbers would use twice", "remove them"},
		{t.Box() == "" && t.Relay == "", p, "here is no middlebox", `remove them, or write "type: sfm", "mixer", "switching-mixer" or "relay"`},
		{len(t.Cascade) > 0, p, "which of several middleboxes restarts can't be said", `write "at:" and "peers:" in place of cascade, or remove them`},
		{t.Forwarded() && c.s.Protection != "none" && c.s.Security.Keying != "preshared", keying, "who has forgotten its keys needs another handshake, which the other end takes part in only when it has noticed", `write "keying: preshared" in security, or remove restarts from topology`},
		{t.Forwarded() && c.s.Signalling != nil, p, "the middlebox would have to agree on the call again", `remove them, or "signalling:"`},
		{t.Forwarded() && guest >= 0, p, "calls with another stack can't be made again", `remove them, or "stack:" from the endpoints`},
		{t.Forwarded() && c.s.Congestion.External != nil, p, "a controller that is a program can't be made again", "remove them, or choose another controller"},
	})
	if len(c.errs) > before {
		return
	}
	for i, r := range t.Restarts {
		c.boxRestart(i, r)
	}
}

func (c *checker) boxRestart(i int, r BoxRestart) {
	list := c.s.Topology.Restarts
	p := at("topology", "restarts", i, "at")
	switch {
	case r.At+r.For >= c.s.Duration:
		c.fail(p, fmt.Sprintf("at %s, when it is there again, the run is over", format(r.At+r.For)), "choose an earlier time or a longer duration")
	case i > 0 && r.At <= list[i-1].At+list[i-1].For:
		c.fail(p, fmt.Sprintf("the restart before is over at %s", format(list[i-1].At+list[i-1].For)), "choose a later time")
	}
}
