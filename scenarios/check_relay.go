package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rtpfabric/scenarios/internal/strict"
)

// relay checks a group with a relay, or several.
func (c *checker) relay() {
	t := &c.s.Topology
	if !c.boxes() {
		return
	}
	if t.Keys == "own" && c.s.Protection == "none" {
		c.failKey(at("topology", "keys"), "nothing is encrypted", `remove it, or "protection: none"`)
	}
	c.keyHost(t)
	for i := range t.Blocks {
		c.block(&t.Blocks[i], at("topology", "blocks", i))
	}
}

// keyHost checks where peers get their keys.
func (c *checker) keyHost(t *Topology) {
	p := at("topology", "key-host")
	switch {
	case t.KeyHost == "":
	case t.Keys != "own" || c.s.Protection == "none":
		c.failKey(p, "a key host gives peers the key by which they tell their own", `write "keys: own" in topology`)
	case !slices.Contains(c.s.Nodes(), t.KeyHost):
		c.fail(p, fmt.Sprintf("no link has the node %q", t.KeyHost), instead(t.KeyHost, c.s.Nodes(), "the nodes"))
	case c.s.Endpoint(KeyHostName) != nil:
		c.failKey(at("endpoints", KeyHostName), fmt.Sprintf("%q is the name of the key host", KeyHostName), "give the endpoint another name")
	default:
		for i := range c.s.Endpoints {
			if e := &c.s.Endpoints[i]; e.At != t.KeyHost && slices.Contains(c.s.Nodes(), e.At) && !c.connected(e.At, t.KeyHost) {
				c.fail(p, fmt.Sprintf("no path leads from %s to %s", e.At, t.KeyHost), "add a link that joins them")
				return
			}
		}
	}
}

// block checks what a relay doesn't copy.
func (c *checker) block(b *Block, p strict.Path) {
	var flows []string
	for i := range c.s.Media {
		flows = append(flows, c.s.Media[i].FlowName())
	}
	from, _, _ := strings.Cut(b.Flow, "/")
	switch peers := c.s.Topology.Everyone(); {
	case !slices.Contains(flows, b.Flow):
		c.fail(p.Child("flow"), fmt.Sprintf("there is no stream %q", b.Flow), instead(b.Flow, flows, "the streams"))
	case !slices.Contains(peers, b.To) || b.To == from:
		c.fail(p.Child("to"), fmt.Sprintf("%q doesn't get the stream", b.To), "write another peer")
	}
	for i, d := range b.During {
		if d.To > c.s.Duration {
			c.fail(p.Child("during").Child(strconv.Itoa(i)), fmt.Sprintf("%s ends after the run does, at %s", d, format(c.s.Duration)), "choose an earlier time or a longer duration")
		}
	}
}

// spoofs checks a stream that is sent with somebody else's SSRC.
func (c *checker) spoofs(m *Media, p strict.Path) {
	i := slices.IndexFunc(c.s.Media, func(o Media) bool { return o.From == m.Spoofs && o.Name == m.Name && o.Spoofs == "" })
	switch {
	case m.Spoofs == "":
	case !c.s.Topology.Relayed():
		c.failKey(p.Child("spoofs"), "only behind a relay do others hear who passes for somebody", `remove it, or write "type: relay" in topology`)
	case i < 0 || m.Spoofs == m.From:
		c.fail(p.Child("spoofs"), fmt.Sprintf("%q has no stream called %s to pass for", m.Spoofs, m.Name), "write a peer that has one, and give both the same name")
	}
}

// relayed checks a stream that goes to everybody else in a group.
func (c *checker) relayed(index int, p strict.Path) {
	m := &c.s.Media[index]
	if peers := c.s.Topology.Everyone(); len(peers) > 0 && !slices.Contains(peers, m.From) {
		c.fail(p.Child("from"), fmt.Sprintf("%q is none of the peers", m.From), instead(m.From, peers, "the peers"))
	}
	if m.To != "" {
		c.failKey(p.Child("to"), "every stream goes to all other peers", `remove "to:"`)
	}
	if len(m.Limits) > 0 {
		c.failKey(p.Child("limits"), "limits need one receiver, and a group has several", "remove them")
	}
	if m.Speech.converses() {
		c.fail(c.firstOf(p.Child("speech").Child("activity"), p.Child("speech")), "the model of a conversation has two ends, and here is a group", `write "activity: always"`)
	}
	for i := range index {
		if o := &c.s.Media[i]; o.Name == m.Name && o.Kind != m.Kind {
			c.fail(c.firstOf(p.Child("name"), p), fmt.Sprintf("media %s calls a stream of %s %s too, and one name is one media section of all peers", strconv.Itoa(i), o.Kind, o.Name), `give one of them another "name:"`)
			return
		}
	}
}

// groupFeedback refuses kinds of feedback that are between two ends: transport-wide numbers
// are a sender's own, of which a receiver of several senders can't tell whose they are, and
// neither estimates nor ECN summaries say whom they are about.
func (c *checker) groupFeedback() {
	if !c.s.Topology.Grouped() {
		if c.s.Congestion.Receivers != "least" {
			c.failKey(at("congestion", "receivers"), "each sender has one receiver", `remove it, or write "type: relay" in topology`)
		}
		return
	}
	forGroups := func(feedback string) bool { return feedback == "none" || feedback == "rfc8888" }
	if g := &c.s.Congestion; !forGroups(g.Feedback) {
		c.fail(c.firstOf(at("congestion", "feedback"), at("congestion")), g.Feedback+severalReceivers, `write "feedback: rfc8888", or "feedback: none"`)
	}
	for i := range c.s.Endpoints {
		e := &c.s.Endpoints[i]
		if o := e.Congestion; o != nil && o.Feedback != "" && o.Feedback != c.s.Congestion.Feedback {
			c.fail(at("endpoints", e.Name, "congestion", "feedback"), "all peers of a relay give and get the same feedback", "leave it out")
		}
	}
}

const severalReceivers = " is feedback between two ends, and here is a group"

// checkKeying refuses a handshake that a scenario with a relay asks for. Without a
// word about keying the group has its key from the start.
func checkKeying(s *Scenario, places *strict.Places) []*strict.Error {
	c := checker{s: s, places: places}
	if p := at("security", "keying"); s.Topology.Grouped() && s.Security.Keying != "preshared" && places.Has(p) {
		c.fail(p, "a handshake gives keys to two ends, and here is a group", `write "keying: preshared", or leave it out`)
	}
	return c.errs
}
