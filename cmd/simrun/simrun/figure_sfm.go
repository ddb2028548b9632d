package simrun

import (
	"fmt"
	"strings"

	"rtpfabric/scenarios"
)

// sfmFigure draws the legs of a middlebox that passes media on: what each peer sends it, and
// what it sends to the peer, each stream under an SSRC of its own. It is the manner of
// figures 11 and 12 of draft-ietf-rtcweb-rtp-usage-03, appendix A.3.
func sfmFigure(c *scenarios.Scenario) string {
	var b strings.Builder
	peers, streams := c.Topology.Peers, c.Streams()
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
		shown = "one stream, a mix of what all others say"
		if n := c.Topology.Loudest; n > 0 {
			shown = fmt.Sprintf("one stream, a mix of what the %d loudest say but for its own voice", n)
		}
	case n > 0:
		shown = fmt.Sprintf("all audio of others, and the video of the %d latest speakers", n)
	}
	box := c.Topology.Box()
	fmt.Fprintf(&b, "%s%s at %s sends each of %d peers %s\n", margin, box, c.Topology.At, len(peers), shown)
	for i, peer := range peers {
		if i == maxMeshPeers {
			fmt.Fprintf(&b, "\n%sand so on: %d peers aren't drawn\n", margin, len(peers)-i)
			break
		}
		fmt.Fprintf(&b, "\n%s%s, PeerC1\n", margin, peer)
		for k, session := range c.Sessions([]string{peer, c.Topology.Box()}) {
			for _, m := range session.Media {
				line := fmt.Sprintf("--- %s --->", padded(streamLabel(m), label))
				mix := ""
				if m.From == box {
					line = fmt.Sprintf("<-- %s ----", padded(streamLabel(m), label))
					mix = mixOf(c, m)
				}
				fmt.Fprintf(&b, "%s  UDP%d/RTP%d  %s %s %s%s\n", margin, k+1, k+1, padded(m.FlowName(), name), line, box, mix)
			}
		}
	}
	return b.String()
}

// mixOf says whose sound may be in a mixer's stream to a peer: figure 10's contents of a leg.
func mixOf(c *scenarios.Scenario, m *scenarios.Media) string {
	if c.Topology.Type != scenarios.Mixer {
		return ""
	}
	var others []string
	for i := range c.Media {
		if from := c.Media[i].From; from != m.To {
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
