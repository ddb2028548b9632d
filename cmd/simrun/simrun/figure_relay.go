package simrun

import (
	"fmt"
	"strings"

	"rtpfabric/scenarios"
)

// relayFigure draws the sessions that a group shares over a relay: the streams of
// each are arrows to the relay, which copies them to all other peers.
func relayFigure(c *scenarios.Scenario) string {
	var b strings.Builder
	name, label := 0, 0
	for i := range c.Media {
		name = max(name, textWidth(c.Media[i].FlowName()))
		label = max(label, textWidth(streamLabel(&c.Media[i]))+8)
	}
	peers := c.Topology.Peers
	for i, session := range c.Sessions(peers) {
		if i > 0 {
			b.WriteString("\n")
		}
		flows := "one UDP flow each"
		if !c.RTCP.Mux {
			flows = "two UDP flows each, the second for RTCP"
		}
		fmt.Fprintf(&b, "%sRTP%d of %d peers with the relay at %s, %s\n", margin, i+1, len(peers), c.Topology.At, flows)
		for _, m := range session.Media {
			fmt.Fprintf(&b, "%s  %s ---%s> relay --> %s\n", margin, padded(m.FlowName(), name),
				padded(" "+streamLabel(m)+" ", label-4, '-'), listening(peers, m.From))
		}
	}
	return b.String()
}

// listening names who gets a stream.
func listening(peers []string, from string) string {
	const shown = 6
	var names []string
	for _, p := range peers {
		if p != from {
			names = append(names, p)
		}
	}
	if len(names) > shown {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shown-1], ", "), len(names)-shown+1)
	}
	return strings.Join(names, ", ")
}
