package simrun

import (
	"fmt"
	"slices"
	"strings"

	"rtpfabric/scenarios"
)

// maxMeshPeers is how many peers of a mesh are drawn.
const maxMeshPeers = 4

// meshFigure draws what each peer of a mesh sends: its sources, the encoders that they
// feed, and the peer connections, UDP flows and RTP sessions that the streams leave by, one
// for each other peer. It is the manner of figures 7 and 8 of draft-ietf-rtcweb-rtp-usage-03,
// appendix A.2.
func meshFigure(c *scenarios.Scenario) string {
	var b strings.Builder
	peers, streams := c.Topology.Peers, c.Streams()
	listeners := 0 // who have no peer connection with each other
	for _, p := range peers {
		if !slices.ContainsFunc(streams, func(m scenarios.Media) bool { return m.From == p }) {
			listeners++
		}
	}
	calls := (len(peers)*(len(peers)-1) - listeners*(listeners-1)) / 2
	fmt.Fprintf(&b, "%s%d peers, %d peer connections, %d streams\n", margin, len(peers), calls, len(streams))
	for i, peer := range peers {
		if i == maxMeshPeers {
			fmt.Fprintf(&b, "\n%sand so on: %d peers aren't drawn\n", margin, len(peers)-i)
			break
		}
		b.WriteString("\n")
		drawMeshPeer(&b, c, peer, streams)
	}
	return b.String()
}

// drawMeshPeer draws the streams of a peer in the order of its sources.
func drawMeshPeer(b *strings.Builder, c *scenarios.Scenario, peer string, streams []scenarios.Media) {
	label, name := 0, 0
	for i := range streams {
		label = max(label, textWidth(streamLabel(&streams[i])))
		name = max(name, textWidth(sourceOf(&streams[i])))
	}
	others := slices.DeleteFunc(slices.Clone(c.Topology.Peers), func(p string) bool { return p == peer })
	fmt.Fprintf(b, "%s%s\n", margin, peer)
	encoders, last, flows := 0, "", map[string]int{}
	for i := range streams {
		m := &streams[i]
		if m.From != peer {
			continue
		}
		source := sourceOf(m)
		first := source != last
		last = source
		path := padded("", name+len(" --> ENC1")) + " +-> "
		if first || c.Topology.Encoders == "per-peer" {
			encoders++
			path = fmt.Sprintf("%s +-> ENC%d --> ", padded("", name), encoders)
			if first {
				path = fmt.Sprintf("%s --> ENC%d --> ", padded(source, name), encoders)
			}
		}
		peerC, flow := slices.Index(others, m.To)+1, flowNumber(flows, c, m)
		fmt.Fprintf(b, "%s  %sPeerC%d/UDP%d/RTP%d --- %s ---> %s\n", margin, path, peerC, flow, flow, padded(streamLabel(m), label), m.To)
	}
	if encoders == 0 {
		fmt.Fprintf(b, "%s  sends nothing\n", margin)
	}
}

// sourceOf is what a stream is of.
func sourceOf(m *scenarios.Media) string { return strings.TrimSuffix(m.FlowName(), ">"+m.To) }

// flowNumber counts the UDP flows of a peer, each of which has an RTP session.
func flowNumber(flows map[string]int, c *scenarios.Scenario, m *scenarios.Media) int {
	key := m.To
	for _, s := range c.Sessions([]string{m.From, m.To}) {
		if slices.ContainsFunc(s.Media, func(o *scenarios.Media) bool { return o.FlowName() == m.FlowName() }) {
			key += "/" + s.Name
		}
	}
	if flows[key] == 0 {
		flows[key] = len(flows) + 1
	}
	return flows[key]
}
