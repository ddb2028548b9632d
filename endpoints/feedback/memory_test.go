package feedback_test

import (
	"testing"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints/feedback"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// However little room there is at first, a sender remembers all of the last 8192 packets that
// may yet be reported on, whether most of them arrive, or few, or nobody reports for long. What
// was reported as received is no news any more.
func TestSenderRemembers(t *testing.T) {
	for _, loss := range []float64{0, 0.001, 0.02, 0.5, 1} {
		for _, silence := range []int{0, 5000} {
			random := rng.New(1).Stream("losses")
			var h feedback.History
			r := h.Receiver("")
			got := map[uint64]bool{}
			list := make([]sent, 0, 20_000)
			report := func(p sent) int {
				m := rtcp.CCFeedbackReport{ReportBlocks: []rtcp.CCFeedbackReportBlock{
					{MediaSSRC: p.ssrc, BeginSequence: p.rtp, MetricBlocks: []rtcp.CCFeedbackMetricBlock{{Received: true}}},
				}}
				return len(r.OnCCFB(p.at, &m).Packets)
			}
			for i := range cap(list) {
				p := sent{ssrc: uint32(7 + i%3), rtp: uint16(65000 + i/3), at: simtime.Time(i)}
				p.seq = h.Sent(p.at, p.ssrc, p.rtp, 100, 0, nil)
				list = append(list, p)
				if i < silence || i < 30 {
					continue
				}
				for k := i - 30; k < i-20; k++ { // once for each packet, in an order of their own
					p := list[k-k%10+(k*7)%10]
					if !got[p.seq] && !random.Bool(loss) {
						if n := report(p); n != 1 {
							t.Fatalf("loss %v, silence %d: %d results for packet %d", loss, silence, n, p.seq)
						}
						got[p.seq] = true
					}
				}
			}
			for i, p := range list {
				want := 1
				if got[p.seq] || len(list)-i > 8192 {
					want = 0
				}
				if n := report(p); n != want {
					t.Fatalf("loss %v, silence %d: %d results for packet %d of %d, want %d", loss, silence, n, i, len(list), want)
				}
			}
		}
	}
}

// A receiver reports on the last 2048 numbers whatever has come of them, if one comes late that
// the last report has told as lost.
func TestReceiverRemembers(t *testing.T) {
	for _, gap := range []int{1, 50, 200, 2000, 2100} {
		for _, before := range []int{100, 5000} {
			var r feedback.CCFBRecorder
			at, late := simtime.Time(0), before
			for i := range before + gap + 1 {
				at = ms(float64(i))
				if i == late {
					continue
				}
				r.Record(at, 7, uint16(i), packet.NotECT, nil)
				r.Record(at, 7, uint16(i), packet.NotECT, nil)
				if i%10 == 9 {
					r.Build(at, 1, 1200)
				}
			}
			for r.Pending() {
				r.Build(at, 1, 1200)
			}
			r.Record(at, 7, uint16(late), packet.NotECT, nil)
			received := 0
			for r.Pending() {
				for _, b := range r.Build(at, 1, 1200).ReportBlocks {
					for _, m := range b.MetricBlocks {
						if m.Received {
							received++
						}
					}
				}
			}
			want := gap + 1
			if gap >= 2048 {
				want = 0 // too late to be told
			}
			if received != want {
				t.Errorf("%d packets after %d: %d told, want %d", gap, before, received, want)
			}
		}
	}
}
