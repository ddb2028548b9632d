package simrun

import (
	"fmt"
	"strings"

	"rtpfabric/scenarios"
)

// relayFigure draws the sessions that a group shares: the streams of each are arrows to a relay, which
// copies them to all other peers, or to these themselves.
func relayFigure(c *scenarios.Scenario) string {
	var b strings.Builder
	name, label := 0, 0
	for i := range c.Media {
		name = max(name, textWidth(c.Media[i].FlowName()))
		label = max(label, textWidth(streamLabel(&c.Media[i]))+8)
	}
	peers := c.Topology.Everyone()
	boxes := c.Topology.Boxes()
	for i, session := range c.Sessions(peers) {
		if i > 0 {
			b.WriteString("\n")
		}
		flows := "one UDP flow each"
		if !c.RTCP.Mux {
			flows = "two UDP flows each, the second for RTCP"
		}
		fmt.Fprintf(&b, "%sRTP%d of %d peers", margin, i+1, len(peers))
		switch len(boxes) {
		case 0:
			b.WriteString(", one UDP flow between any two\n")
		case 1:
			fmt.Fprintf(&b, " with the relay at %s, %s\n", boxes[0].At, flows)
		default:
			fmt.Fprintf(&b, " with %d relays, %s\n", len(boxes), flows)
		}
		for _, m := range session.Media {
			fmt.Fprintf(&b, "%s  %s ---%s> ", margin, padded(m.FlowName(), name), padded(" "+streamLabel(m)+" ", label-4, '-'))
			heard := peers
			if via := c.Topology.BoxOf(m.From); via != "" {
				fmt.Fprintf(&b, "%s --> ", via)
				heard = c.Topology.Neighbours(via)
			}
			fmt.Fprintf(&b, "%s\n", listening(heard, m.From))
		}
		for _, pair := range c.Topology.Joins() {
			fmt.Fprintf(&b, "%s  %s <-- all that it gets --> %s\n", margin, pair[0], pair[1])
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
