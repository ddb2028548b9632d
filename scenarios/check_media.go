package scenarios

import (
	"fmt"
	"slices"

	"rtpfabric/scenarios/internal/strict"
)

func (c *checker) endpoints() {
	nodes := c.s.Nodes()
	if len(c.s.Endpoints) == 0 {
		c.fail(at("endpoints"), "there is no endpoint", `add "S1: {at: A}"`)
	}
	for _, e := range c.s.Endpoints {
		p := at("endpoints", e.Name)
		c.name(p, e.Name, "an endpoint")
		if !slices.Contains(nodes, e.At) {
			c.fail(p.Child("at"), fmt.Sprintf("no link has the node %q", e.At), instead(e.At, nodes, "the nodes"))
		}
		if c.peersAreKnown() && !slices.Contains(c.s.Topology.Peers, e.Name) {
			c.failKey(p, "this endpoint takes no part", "add it to topology.peers or remove it")
		}
	}
}

func (c *checker) endpointNames() []string {
	var names []string
	for _, e := range c.s.Endpoints {
		names = append(names, e.Name)
	}
	return names
}

func (c *checker) topology() {
	peers := c.s.Topology.Peers
	p := at("topology", "peers")
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
	if !c.peersAreKnown() {
		return
	}
	a, b := c.s.Endpoint(peers[0]), c.s.Endpoint(peers[1])
	nodes := c.s.Nodes()
	switch {
	case a.At == b.At:
		c.fail(p, fmt.Sprintf("both peers are at %s, so no link lies between them", a.At), "put them at different nodes")
	case slices.Contains(nodes, a.At) && slices.Contains(nodes, b.At) && !c.connected(a.At, b.At):
		c.fail(p, fmt.Sprintf("no path leads from %s to %s", a.At, b.At), "add a link that joins them")
	}
}

// peersAreKnown reports whether the peers are two different endpoints.
func (c *checker) peersAreKnown() bool {
	p := c.s.Topology.Peers
	return len(p) == 2 && p[0] != p[1] && c.s.Endpoint(p[0]) != nil && c.s.Endpoint(p[1]) != nil
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

// maxMedia is the number of streams a scenario may have: there are 32 dynamic
// payload types (RFC 3551 §3), and 31 report blocks in a report.
const maxMedia = 31

func (c *checker) media() {
	switch n := len(c.s.Media); {
	case n == 0:
		c.fail(at("media"), "there is no stream", `add "- {from: S1, kind: video}"`)
	case n > maxMedia:
		c.fail(at("media"), fmt.Sprintf("%d streams are too many", n), fmt.Sprintf("keep to %d", maxMedia))
	}
	flows := map[string]bool{}
	for i := range c.s.Media {
		m := &c.s.Media[i]
		p := at("media", i)
		c.name(p.Child("name"), m.Name, "a stream")
		if flows[m.FlowName()] {
			c.fail(c.firstOf(p.Child("name"), p), fmt.Sprintf("there are two streams called %s", m.FlowName()), "give one of them another \"name:\"")
		}
		flows[m.FlowName()] = true
		c.ends(m, p)
		c.times(m, p)
		if m.Kind == "video" {
			c.video(m, p)
		} else {
			c.audio(m, p)
		}
	}
}

// ends checks who sends to whom.
func (c *checker) ends(m *Media, p strict.Path) {
	peers := c.s.Topology.Peers
	if len(peers) != 2 {
		return // reported at the topology
	}
	if !slices.Contains(peers, m.From) {
		c.fail(p.Child("from"), fmt.Sprintf("%q is not a peer", m.From), instead(m.From, peers, "the peers"))
		return
	}
	if m.To != c.s.otherPeer(m.From) {
		c.fail(p.Child("to"), fmt.Sprintf("%q is not the peer of %s", m.To, m.From), fmt.Sprintf("write %s, or leave it out", c.s.otherPeer(m.From)))
	}
}

func (c *checker) times(m *Media, p strict.Path) {
	switch {
	case *m.Stop > c.s.Duration:
		c.fail(p.Child("stop"), fmt.Sprintf("%s lies after the end of the run at %s", format(*m.Stop), format(c.s.Duration)), "choose an earlier time or a longer duration")
	case m.Start >= *m.Stop:
		c.fail(c.firstOf(p.Child("start"), p.Child("stop")), fmt.Sprintf("the stream starts at %s, which is not before it stops at %s", format(m.Start), format(*m.Stop)), "let it start earlier or stop later")
	}
}

func (c *checker) video(m *Media, p strict.Path) {
	for _, name := range []string{"rate", "frame"} {
		if c.places.Has(p.Child(name)) {
			c.failKey(p.Child(name), "this is a field of audio", `for video, write "encoder: {min: 150kbps, max: 1.5Mbps}"`)
		}
	}
	e, q := m.Encoder, p.Child("encoder")
	switch start := *e.Start; {
	case e.Min > e.Max:
		c.fail(c.firstOf(q.Child("min"), q.Child("max")), fmt.Sprintf("min, %s, is above max, %s", e.Min, e.Max), "let min be at most max")
	case start < e.Min || start > e.Max:
		c.fail(q.Child("start"), fmt.Sprintf("start, %s, is outside min to max", start), fmt.Sprintf("write %s to %s", e.Min, e.Max))
	}
}

func (c *checker) audio(m *Media, p strict.Path) {
	if c.places.Has(p.Child("encoder")) {
		c.failKey(p.Child("encoder"), "this is a field of video", `for audio, write "rate: 20kbps"`)
	}
	const around = 12 + 16 // RTP header, and the largest SRTP tag
	payload := m.Rate.BytesIn(*m.Frame)
	where := c.firstOf(p.Child("frame"), p.Child("rate"))
	switch {
	case payload < 1:
		c.fail(where, fmt.Sprintf("a frame of %s at %s has less than a byte", format(*m.Frame), *m.Rate), "write a longer frame or a higher rate")
	case payload > m.PacketSize-around:
		c.fail(where, fmt.Sprintf("a frame of %s at %s has %s, which doesn't fit into a packet of %s", format(*m.Frame), *m.Rate, payload, m.PacketSize), "write a shorter frame or a lower rate")
	}
}
