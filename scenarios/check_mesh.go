package scenarios

import (
	"fmt"
	"slices"

	"rtpfabric/scenarios/internal/strict"
)

// maxMesh is how many peers a mesh may have: the calls grow with their square.
const maxMesh = 150

// mesh checks who talks to each other.
func (c *checker) mesh() {
	t, p := &c.s.Topology, at("topology", "peers")
	if len(t.Pairs) > 0 {
		c.failKey(at("topology", "pairs"), "in a mesh all peers talk to each other", `write "peers: [A, B, C]"`)
		return
	}
	if n := len(t.Peers); n < 2 || n > maxMesh {
		c.fail(c.firstOf(p, at("topology")), fmt.Sprintf("a mesh has 2 to %d peers, not %d", maxMesh, n), "write endpoints, like [A, B, C]")
		return
	}
	if !c.different(t.Peers, p) {
		return
	}
	for i, peer := range t.Peers {
		for _, other := range t.Peers[i+1:] {
			c.apart(peer, other, p)
		}
	}
	c.sharedEncoders()
}

// different reports whether peers are different endpoints.
func (c *checker) different(peers []string, p strict.Path) bool {
	for i, peer := range peers {
		switch {
		case c.s.Endpoint(peer) == nil:
			c.fail(p.Child(fmt.Sprint(i)), fmt.Sprintf("there is no endpoint %q", peer), instead(peer, c.endpointNames(), "the endpoints"))
			return false
		case slices.Contains(peers[:i], peer):
			c.fail(p.Child(fmt.Sprint(i)), fmt.Sprintf("%s stands here twice", peer), "remove one of them")
			return false
		}
	}
	return true
}

// sharedEncoders refuses what asks one encoder for different pictures at once.
func (c *checker) sharedEncoders() {
	if c.s.Topology.Encoders != "shared" {
		return
	}
	const problem = "an encoder that all peers share can't repair the picture of one of them"
	if c.s.Repair.repairsPictures() {
		c.fail(c.firstOf(at("repair", "sli"), at("repair", "rpsi"), at("repair", "nack-action")), problem, `write "encoders: per-peer" in topology, or remove it`)
	}
	for i := range c.s.Media {
		if len(c.s.Media[i].TradeOffs) > 0 {
			c.failKey(at("media", i, "trade-offs"), "an encoder that all peers share can't follow the wish of one of them", `write "encoders: per-peer" in topology, or remove them`)
		}
	}
}

// meshed checks a stream that goes to every other peer, or to one.
func (c *checker) meshed(m *Media, p strict.Path) {
	peers := c.s.Topology.Everyone()
	switch {
	case !slices.Contains(peers, m.From):
		c.fail(p.Child("from"), fmt.Sprintf("%q is none of the peers", m.From), instead(m.From, peers, "the peers"))
	case m.To == m.From:
		c.fail(p.Child("to"), fmt.Sprintf("%s would talk to itself", m.From), `name another peer, or remove "to:"`)
	case m.To != "" && !slices.Contains(peers, m.To):
		c.fail(p.Child("to"), fmt.Sprintf("%q is none of the peers", m.To), instead(m.To, peers, "the peers"))
	}
	if m.Speech.converses() {
		c.fail(c.firstOf(p.Child("speech").Child("activity"), p.Child("speech")), "the model of a conversation has two ends, and here are more", `write "activity: always"`)
	}
}
