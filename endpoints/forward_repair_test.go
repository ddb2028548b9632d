package endpoints_test

import (
	"testing"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/units"
)

// Repair packets go in a stream of their own, a fifth as many as those that they
// protect, whatever is lost; what they give back is in time without a word to the
// sender, however long the way.
//
// conformance: ROB-6.2-2, ROB-6.2-3
func TestForwardRepair(t *testing.T) {
	guarded := stream{name: "video", kind: endpoints.Video, from: "A", pt: 96, fec: 98}
	for _, loss := range []float64{0, 0.02} {
		c := newCall(t, setup{
			streams: []stream{guarded, voice}, rate: units.Mbps, rtcp: brisk, delay: 300 * time.Millisecond,
			repair: endpoints.RepairConfig{FEC: 0.2, Decoder: true, Refresh: endpoints.RefreshPLI}, extensions: withMID,
		})
		random := rng.New(3).Stream("loss")
		lost := 0
		c.drop(func(uint16, bool) bool {
			if random.Bool(loss) {
				lost++
				return true
			}
			return false
		})
		c.run(20 * time.Second)
		media, repair := 0, 0
		var fec uint32
		for _, p := range c.rtps() {
			switch p.PayloadType {
			case 96:
				media++
				if p.SSRC != c.sessions[0].Sections()[0].SSRC() {
					t.Fatalf("media with SSRC %x", p.SSRC)
				}
			case 98:
				repair++
				fec = p.SSRC
				if len(p.CSRC) != 1 || p.CSRC[0] != c.sessions[0].Sections()[0].SSRC() {
					t.Fatalf("a repair packet about %x", p.CSRC)
				}
			}
		}
		if share := float64(repair) / float64(media); share < 0.19 || share > 0.21 {
			t.Errorf("loss %v: %d repair packets for %d of media", loss, repair, media)
		}
		if !c.sessions[0].Sections()[0].Repairs(fec) || c.lastCNAME(0, fec) == "" {
			t.Errorf("repair packets with SSRC %x, CNAME %q", fec, c.lastCNAME(0, fec))
		}
		a, b := c.sessions[0].RepairCounts(), c.sessions[1].RepairCounts()
		if a.NACKsReceived != 0 || a.Retransmitted != 0 || b.FECRecovered != b.Restored {
			t.Errorf("loss %v: %+v, %+v", loss, a, b)
		}
		if float64(b.FECRecovered) < 0.75*float64(lost)*0.83 {
			t.Errorf("%d packets lost, of media and of repair, %d came back", lost, b.FECRecovered)
		}
		// Three SSRCs of the first end, two of the second: contributing sources of
		// repair packets are no others.
		if n := c.sessions[1].Members(); n != 5 {
			t.Errorf("%d members", n)
		}
		if n := c.sessions[1].Counts(); n.Malformed+n.Unassociated+n.ThirdPartyCollisions != 0 {
			t.Errorf("%+v", n)
		}
	}
}
