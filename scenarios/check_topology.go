package scenarios

import (
	"fmt"
	"slices"

	"rtpfabric/scenarios/internal/strict"
)

// session checks that endpoints, topology and media are all there, or traffic
// instead.
func (c *checker) session() bool {
	parts := []struct {
		name, example string
		there         bool
	}{
		{"endpoints", `add "endpoints: {S1: {at: A}, R1: {at: B}}"`, len(c.s.Endpoints) > 0},
		{"topology", `add "topology: {peers: [S1, R1]}"`, len(c.s.Topology.Gatherings()) > 0 || c.s.Topology.Meshed() || c.s.Topology.Forked() || c.s.Topology.Forwarded()},
		{"media", `add "media: [{from: S1, kind: video}]"`, len(c.s.Media) > 0},
	}
	n := 0
	for _, part := range parts {
		if part.there {
			n++
		}
	}
	if n == 0 && len(c.s.Traffic) > 0 {
		return false
	}
	for _, part := range parts {
		if !part.there {
			c.fail(at(part.name), "is missing", part.example)
		}
	}
	return n == len(parts)
}

func (c *checker) topology() {
	t := &c.s.Topology
	if t.Encoders == "shared" && !t.Meshed() && t.Type != SFM {
		c.failKey(at("topology", "encoders"), "an encoder is shared by the calls of a mesh", `remove it, or write "type: mesh"`)
	}
	if !t.Relayed() {
		const problem, remedy = "a relay copies packets, or doesn't", `remove it, or write "type: relay"`
		if *t.Bind && (len(t.Cascade) == 0 || t.Type != Mixer) {
			c.failKey(at("topology", "bind"), problem, remedy)
		}
		if len(t.Blocks) > 0 {
			c.failKey(at("topology", "blocks"), problem, remedy)
		}
		if t.Keys == "own" {
			c.failKey(at("topology", "keys"), "a call has keys of its own anyway", `remove it, or write "type: relay"`)
		}
		if t.KeyHost != "" {
			c.failKey(at("topology", "key-host"), "ends of a call agree on keys themselves", `remove it, or write "type: relay"`)
		}
	}
	c.callRelay()
	c.boxRestarts()
	if len(t.Trunks) > 0 && len(t.Cascade) == 0 {
		c.failKey(at("topology", "trunks"), "there is nothing to join", `add "cascade:", or remove them`)
	}
	if len(t.Cascade) > 0 && t.Box() == "" {
		c.failKey(at("topology", "cascade"), "here is no middlebox", `write "type: sfm", "mixer" or "relay"`)
		return
	}
	if t.Joint && t.Type != MeshName {
		c.failKey(at("topology", "joint"), "the peers of a mesh can share a session", `remove it, or write "type: mesh"`)
	}
	if t.Layout == "speaker" && t.Type != Mixer {
		c.failKey(at("topology", "layout"), "a mixer puts pictures together", `remove it, or write "type: mixer"`)
	}
	if t.Loudest > 0 && t.Type != Mixer {
		c.failKey(at("topology", "loudest"), "a mixer chooses whom to mix", `remove it, or write "type: mixer"`)
	}
	if !t.Forwarded() || t.Decodes() || t.Translates() {
		if t.LastN > 0 && !t.Relayed() {
			c.failKey(at("topology", "last-n"), "an SFM chooses whom to show", `remove it, or write "type: sfm"`)
		}
		if !t.Limits && !t.Translates() && t.Type != Mixer {
			c.failKey(at("topology", "limits"), "an SFM or a mixer sets them", `remove it, or write "type: sfm"`)
		}
	}
	if guest := slices.IndexFunc(c.s.Endpoints, func(e Endpoint) bool { return e.Hosted() }); t.PauseUnneeded {
		c.apply([]rule{
			{t.Type != SFM && t.Type != SwitchingMixer, at("topology", "pause-unneeded"), "an SFM knows what nobody gets", `remove it, or write "type: sfm"`},
			{guest >= 0, at("topology", "pause-unneeded"), "pion knows no PAUSE", `remove it, or "stack:" from the endpoints`},
		})
	}
	if !t.CSRC && t.Type != SwitchingMixer && t.Type != Mixer {
		c.failKey(at("topology", "csrc"), "a mixer names sources", `remove it, or write "type: mixer"`)
	}
	if t.Relayed() {
		c.relay()
		return
	}
	if t.Forwarded() {
		c.sfm()
		return
	}
	if t.At != "" {
		c.failKey(at("topology", "at"), "only a relay, an SFM or a mixer has a node", `remove it, or write "type: relay"`)
	}
	if t.Type == MeshName {
		c.mesh()
		return
	}
	if t.Forked() {
		c.fork()
		return
	}
	p := at("topology", "peers")
	if len(t.Peers) > 0 {
		if len(t.Pairs) > 0 {
			c.failKey(at("topology", "pairs"), "there are peers as well", "write all calls as pairs, like [[S1, R1], [S2, R2]]")
			return
		}
		c.call(t.Peers, p)
	}
	for i, pair := range t.Pairs {
		p := at("topology", "pairs", i)
		c.call(pair, p)
		for _, earlier := range t.Pairs[:i] {
			if len(pair) == 2 && slices.Contains(earlier, pair[0]) && slices.Contains(earlier, pair[1]) {
				c.fail(p, fmt.Sprintf("%s and %s talk to each other already", pair[0], pair[1]), "put all their media into one call")
				break
			}
		}
	}
}

// callRelay checks a relay between the ends of calls.
func (c *checker) callRelay() {
	at, p := c.s.Topology.Relay, at("topology", "relay")
	if at == "" {
		return
	}
	named := c.s.Endpoint(RelayName) != nil
	asymmetric := slices.IndexFunc(c.s.Endpoints, func(e Endpoint) bool { return !e.Symmetric })
	known := slices.Contains(c.s.Nodes(), at)
	cut := slices.IndexFunc(c.s.Endpoints, func(e Endpoint) bool { return known && !c.connected(at, e.At) })
	c.apply([]rule{
		{c.s.Topology.Type != "point-to-point", p, "a relay for calls stands between two ends, of whom others know nothing", `write "type: point-to-point", or "type: relay" for a group`},
		{!known, p, fmt.Sprintf("no link has the node %q", at), instead(at, c.s.Nodes(), "the nodes")},
		{named, p, `an endpoint has the name "relay" already`, "give it another one"},
		{asymmetric >= 0, p, "the relay sends to where packets come from", "remove symmetric from the endpoint"},
		{cut >= 0, p, "no path leads to every endpoint", "add links that join them"},
	})
}

// call checks a pair of endpoints.
func (c *checker) call(peers []string, p strict.Path) {
	if len(peers) != 2 {
		c.fail(p, fmt.Sprintf("a point-to-point topology has two peers, not %d", len(peers)), "write two endpoints, like [S1, R1]")
		return
	}
	for i, peer := range peers {
		if c.s.Endpoint(peer) == nil {
			c.fail(p.Child(fmt.Sprint(i)), fmt.Sprintf("there is no endpoint %q", peer), instead(peer, c.endpointNames(), "the endpoints"))
		}
	}
	if peers[0] == peers[1] {
		c.fail(p, fmt.Sprintf("%s would talk to itself", peers[0]), "write two different endpoints")
	}
	if c.s.Endpoint(peers[0]) == nil || c.s.Endpoint(peers[1]) == nil || peers[0] == peers[1] {
		return
	}
	c.apart(peers[0], peers[1], p)
}

// apart checks that a path leads from one endpoint to another.
func (c *checker) apart(one, other string, p strict.Path) {
	a, b := c.s.Endpoint(one), c.s.Endpoint(other)
	nodes := c.s.Nodes()
	switch {
	case a.At == b.At:
		c.fail(p, fmt.Sprintf("both peers are at %s, so no link lies between them", a.At), "put them at different nodes")
	case slices.Contains(nodes, a.At) && slices.Contains(nodes, b.At) && !c.connected(a.At, b.At):
		c.fail(p, fmt.Sprintf("no path leads from %s to %s", a.At, b.At), "add a link that joins them")
	}
}

// silence refuses calls in which nobody sends anything, but for those of a mesh, whose peers may
// just listen to others.
func (c *checker) silence() {
	if c.s.Topology.Meshed() || c.s.Topology.Forked() || len(c.errs) > 0 {
		return
	}
	for i, call := range c.s.Topology.Calls() {
		if len(c.s.Sessions(call)) == 0 {
			p := c.firstOf(at("topology", "pairs", i), at("topology"))
			c.fail(p, fmt.Sprintf("%s and %s have nothing to send each other", call[0], call[1]), "let one of them send something, or remove the call")
		}
	}
}

// callsAreKnown reports whether every call is between two different endpoints.
func (c *checker) callsAreKnown() bool {
	if c.s.Topology.Forwarded() {
		return !slices.ContainsFunc(c.s.Topology.Everyone(), func(p string) bool { return c.s.Endpoint(p) == nil })
	}
	calls := c.s.Topology.Calls()
	for _, p := range calls {
		if len(p) != 2 || p[0] == p[1] || c.s.Endpoint(p[0]) == nil || c.s.Endpoint(p[1]) == nil {
			return false
		}
	}
	return len(calls) > 0
}

// connected reports whether links lead from one node to another.
func (c *checker) connected(from, to string) bool {
	reached := map[string]bool{from: true}
	for grown := true; grown; {
		grown = false
		for _, l := range c.s.Network.Links {
			some, all := false, true
			for _, n := range l.Between {
				some, all = some || reached[n], all && reached[n]
			}
			if some && !all {
				grown = true
				for _, n := range l.Between {
					reached[n] = true
				}
			}
		}
	}
	return reached[to]
}
