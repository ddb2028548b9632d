package simrun

import (
	"fmt"
	"slices"
	"strings"

	"rtpfabric/scenarios"
)

// sfmFigure draws the legs of a middlebox that passes media on: what each peer sends it, and
// what it sends to the peer, each stream under an SSRC of its own. It is the manner of
// figures 11 and 12 of draft-ietf-rtcweb-rtp-usage-03, appendix A.3.
func sfmFigure(c *scenarios.Scenario) string {
	var b strings.Builder
	streams := c.Streams()
	name, label := 0, 0
	for i := range streams {
		name = max(name, textWidth(streams[i].FlowName()))
		label = max(label, textWidth(streamLabel(&streams[i])))
	}
	shown := "all streams of others"
	switch n := c.Topology.Shown(); {
	case c.Topology.Type == scenarios.SwitchingMixer:
		shown = fmt.Sprintf("streams of its own, with the media of the latest speakers, %d at a time", n)
	case c.Topology.Type == scenarios.Gateway:
		shown = "what the other one sends, with its SSRC, and looks like that to it"
	case c.Topology.Type == scenarios.Transcoder:
		shown = "what the other one says in its own codec, with the other's SSRC"
	case c.Topology.Type == scenarios.Mixer:
		shown = mixed(c)
	case n > 0:
		shown = fmt.Sprintf("all audio of others, and the video of the %d latest speakers", n)
	}
	for i, box := range c.Topology.Boxes() {
		if i > 0 {
			b.WriteString("\n")
		}
		if fmt.Fprintf(&b, "%s%s at %s ", margin, box.Name, box.At); len(box.Peers) == 0 {
			b.WriteString("stands between others\n")
			continue
		}
		fmt.Fprintf(&b, "sends each of %d peers %s\n", len(box.Peers), shown)
		for k, peer := range box.Peers {
			if k == maxMeshPeers {
				fmt.Fprintf(&b, "\n%sand so on: %d peers aren't drawn\n", margin, len(box.Peers)-k)
				break
			}
			drawLeg(&b, c, []string{peer, box.Name}, peer+", PeerC1", name, label)
		}
	}
	for _, pair := range c.Topology.Joins() {
		drawLeg(&b, c, pair, pair[0]+", to "+pair[1], name, label)
	}
	return b.String()
}

// mixed says what a mixer sends everybody.
func mixed(c *scenarios.Scenario) string {
	has := func(kind string) bool {
		return slices.ContainsFunc(c.Media, func(m scenarios.Media) bool { return m.Kind == kind })
	}
	said := "a mix of what all others say"
	if n := c.Topology.Loudest; n > 0 {
		said = fmt.Sprintf("a mix of what the %d loudest say but for its own voice", n)
	}
	const seen = "the pictures of all others side by side"
	switch {
	case has("audio") && has("video"):
		return "two streams, " + said + " and " + seen
	case has("video"):
		return "one stream, " + seen
	}
	return "one stream, " + said
}

// drawLeg draws the sessions of a call with a middlebox, the second of the pair.
func drawLeg(b *strings.Builder, c *scenarios.Scenario, pair []string, title string, name, label int) {
	fmt.Fprintf(b, "\n%s%s\n", margin, title)
	box := pair[1]
	for k, session := range c.Sessions(pair) {
		for _, m := range session.Media {
			line := fmt.Sprintf("--- %s --->", padded(streamLabel(m), label))
			if m.From == box {
				line = fmt.Sprintf("<-- %s ----", padded(streamLabel(m), label))
			}
			fmt.Fprintf(b, "%s  UDP%d/RTP%d  %s %s %s%s\n", margin, k+1, k+1, padded(m.FlowName(), name), line, box, mixOf(c, m))
		}
	}
}

// mixOf says whose sound may be in a mixer's stream to a peer: figure 10's contents of a leg.
func mixOf(c *scenarios.Scenario, m *scenarios.Media) string {
	if c.Topology.Type != scenarios.Mixer || !c.Topology.Stands(m.From) {
		return ""
	}
	heard := c.Topology.Everyone()
	if c.Topology.Stands(m.To) {
		heard = c.Topology.Behind(m.From, m.To)
	}
	var others []string
	for i := range c.Media {
		if from := c.Media[i].From; c.Media[i].Kind == m.Kind && from != m.To && slices.Contains(heard, from) {
			others = append(others, from)
		}
	}
	if len(others) > maxMixed {
		others = append(others[:maxMixed], fmt.Sprintf("%d more", len(others)-maxMixed))
	}
	return ": " + strings.Join(others, "+")
}

// maxMixed bounds how many a figure names.
const maxMixed = 8
