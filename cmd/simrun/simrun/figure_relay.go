package simrun

import (
	"fmt"
	"slices"
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
	for i, session := range c.Sessions(peers) {
		if i > 0 {
			b.WriteString("\n")
		}
		flows := "one UDP flow each"
		if !c.RTCP.Mux {
			flows = "two UDP flows each, the second for RTCP"
		}
		boxes := c.Topology.Boxes()
		if len(boxes) == 0 {
			fmt.Fprintf(&b, "%sRTP%d of %d peers, one UDP flow between any two\n", margin, i+1, len(peers))
			for _, m := range session.Media {
				fmt.Fprintf(&b, "%s  %s ---%s> %s\n", margin, padded(m.FlowName(), name), padded(" "+streamLabel(m)+" ", label-4, '-'), listening(peers, m.From))
			}
			continue
		}
		if len(boxes) == 1 {
			fmt.Fprintf(&b, "%sRTP%d of %d peers with the relay at %s, %s\n", margin, i+1, len(peers), boxes[0].At, flows)
		} else {
			fmt.Fprintf(&b, "%sRTP%d of %d peers with %d relays, %s\n", margin, i+1, len(peers), len(boxes), flows)
		}
		for _, m := range session.Media {
			via := c.Topology.BoxOf(m.From)
			fmt.Fprintf(&b, "%s  %s ---%s> %s --> %s\n", margin, padded(m.FlowName(), name),
				padded(" "+streamLabel(m)+" ", label-4, '-'), via, listening(slices.Concat(peersOf(c, via), joinedTo(c, via)), m.From))
		}
		for _, pair := range c.Topology.Joins() {
			fmt.Fprintf(&b, "%s  %s <-- all that it gets --> %s\n", margin, pair[0], pair[1])
		}
	}
	return b.String()
}

// peersOf returns who is connected to a middlebox.
func peersOf(c *scenarios.Scenario, box string) []string {
	for _, b := range c.Topology.Boxes() {
		if b.Name == box {
			return b.Peers
		}
	}
	return nil
}

// joinedTo returns the middleboxes that a trunk joins to one.
func joinedTo(c *scenarios.Scenario, box string) []string {
	var names []string
	for _, pair := range c.Topology.Joins() {
		for side, name := range pair {
			if name == box {
				names = append(names, pair[1-side])
			}
		}
	}
	return names
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
