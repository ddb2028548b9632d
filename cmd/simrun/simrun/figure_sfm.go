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
				if m.From == box {
					line = fmt.Sprintf("<-- %s ----", padded(streamLabel(m), label))
				}
				fmt.Fprintf(&b, "%s  UDP%d/RTP%d  %s %s %s\n", margin, k+1, k+1, padded(m.FlowName(), name), line, box)
			}
		}
	}
	return b.String()
}
