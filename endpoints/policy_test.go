package endpoints_test

import (
	"testing"
	"time"

	"github.com/pion/rtp"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/fec"
	"rtpfabric/endpoints/protect"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/units"
)

// adaptiveRepair is all that an endpoint can do, as far as it is of use.
func adaptiveRepair() endpoints.RepairConfig {
	r := endpoints.DefaultRepair()
	r.Adaptive, r.FEC = true, 0.5
	return r
}

// Near by, what is lost is sent again and FEC costs nothing. Far away nothing could be
// in time that is asked for: there is FEC as the loss makes necessary. Where there are
// too few packets for that as well, key frames are asked for, at once.
//
// conformance: ROB-6.1-6, ROB-6.1-7, ROB-6.2-2, ROB-6.1-3
func TestRepairPolicy(t *testing.T) {
	for _, tt := range []struct {
		name    string
		delay   time.Duration
		rate    units.BitRate
		scheme  stream
		reason  fec.Reason
		again   bool
		fec     bool
		refresh bool
	}{
		{"near", 5 * time.Millisecond, units.Mbps, stream{rtx: 97, fec: 98}, fec.InTime, true, false, false},
		{"far", 200 * time.Millisecond, units.Mbps, stream{rtx: 97, fec: 98}, fec.Protected, false, true, false},
		{"far, ULPFEC", 200 * time.Millisecond, units.Mbps, stream{rtx: 97, red: 116, ulpfec: 117}, fec.Protected, false, true, false},
		{"far, without FEC", 200 * time.Millisecond, units.Mbps, stream{rtx: 97}, fec.Unavailable, false, false, true},
	} {
		video := tt.scheme
		video.name, video.kind, video.from, video.pt = "video", endpoints.Video, "A", 96
		c := newCall(t, setup{
			streams: []stream{video, talkback}, rate: tt.rate, rtcp: brisk, delay: tt.delay, repair: adaptiveRepair(), extensions: withMID,
		})
		random := rng.New(7).Stream("loss")
		lost := 0
		c.lose(func(h *rtp.Header, _ []byte) bool {
			if h.PayloadType == talkback.pt || c.now < 5e9 || !random.Bool(0.02) {
				return false
			}
			lost++
			return true
		})
		c.run(5 * time.Second)
		if n := c.sessions[0].RepairCounts(); n.FECSent != 0 || n.Retransmitted != 0 {
			t.Errorf("%s: repairs without loss: %+v", tt.name, n)
		}
		c.run(20 * time.Second)
		a, b := c.sessions[0].RepairCounts(), c.sessions[1].RepairCounts()
		plan := c.sessions[0].Sections()[0].Plan()
		if plan.Reason != tt.reason || (b.Requested > 20) != tt.again || (a.FECSent > 100) != tt.fec || (b.RefreshesSent > 15) != tt.refresh {
			t.Errorf("%s: %v; sender %+v, receiver %+v", tt.name, plan.Reason, a, b)
		}
		if !tt.refresh && float64(b.Restored) < 0.8*float64(lost)*0.8 {
			t.Errorf("%s: %d packets lost, %d restored", tt.name, lost, b.Restored)
		}
		if !tt.again && a.Retransmitted != 0 {
			t.Errorf("%s: %d packets sent again, too late", tt.name, a.Retransmitted)
		}
	}
}

// Protection goes again when nothing is lost any more, but not at once.
//
// conformance: ROB-6.2-2
func TestProtectionEnds(t *testing.T) {
	video := stream{name: "video", kind: endpoints.Video, from: "A", pt: 96, fec: 98}
	c := newCall(t, setup{
		streams: []stream{video, talkback}, rate: units.Mbps, rtcp: brisk, delay: 200 * time.Millisecond, repair: adaptiveRepair(), extensions: withMID,
	})
	random := rng.New(7).Stream("loss")
	c.lose(func(*rtp.Header, []byte) bool { return c.now < 10e9 && random.Bool(0.02) })
	overhead := func() float64 { return float64(c.sessions[0].Sections()[0].Plan().Overhead) }
	c.run(10 * time.Second)
	during := overhead()
	c.run(5 * time.Second)
	held := overhead()
	c.run(25 * time.Second)
	sent := c.sessions[0].RepairCounts().FECSent
	c.run(5 * time.Second)
	if during <= 0.05 || held <= 0.05 || overhead() != 0 || c.sessions[0].RepairCounts().FECSent != sent {
		t.Errorf("FEC costs %v with loss, %v soon after, %v at last", during, held, overhead())
	}
	if n := c.count(0, endpoints.ProtectionChanged); n < 2 {
		t.Errorf("%d changes told", n)
	}
}

// What takes more packets to ask for than a key frame has isn't asked for.
//
// conformance: ROB-6.1-9, ROB-6.1-3
func TestCostlyRequests(t *testing.T) {
	for _, burst := range []int{2, 12} {
		c := newCall(t, setup{streams: []stream{repaired, talkback}, rtcp: brisk, repair: adaptiveRepair(), delay: 5 * time.Millisecond, rate: units.Mbps})
		n := 0
		c.drop(func(uint16, bool) bool {
			n++
			return n > 200 && n <= 200+burst
		})
		c.run(5 * time.Second)
		b := c.sessions[1].RepairCounts()
		if asks := b.Requested > 0; asks != (burst == 2) || (b.RefreshesSent > 0) == asks {
			t.Errorf("%d packets lost: %+v", burst, b)
		}
	}
}

// Audio repeats as many frames as the loss makes necessary.
//
// conformance: ROB-6.2-2
func TestAdaptiveAudio(t *testing.T) {
	for _, loss := range []float64{0, 0.03, 0.2} {
		c := newCall(t, setup{
			streams: []stream{{name: "voice", kind: endpoints.Audio, from: "A", pt: 111, red: 63, repeats: 3}, talkback},
			delay:   50 * time.Millisecond, rtcp: brisk, repair: adaptiveRepair(), protection: protect.Full, extensions: withMID,
		})
		random := rng.New(3).Stream("loss")
		lost := 0
		c.lose(func(*rtp.Header, []byte) bool {
			if random.Bool(loss) {
				lost++
				return true
			}
			return false
		})
		c.run(20 * time.Second)
		level, recovered := c.sessions[0].Sections()[0].Plan().Level, c.sessions[1].RepairCounts().FECRecovered
		want := map[float64]int{0: 0, 0.03: 1, 0.2: 3}[loss]
		if level != want || float64(recovered) < 0.8*float64(lost) {
			t.Errorf("loss %v: level %d, %d lost, %d recovered", loss, level, lost, recovered)
		}
	}
}

// Frames that nobody predicts from, here every other one, are neither protected nor
// asked for.
//
// conformance: ROB-6.1-3, ROB-6.2-2
func TestUnimportantFrames(t *testing.T) {
	for _, scheme := range []stream{{rtx: 97, fec: 98}, {rtx: 97, red: 116, ulpfec: 117}} {
		var protection, requests [3]uint64 // by layers
		for layers := 1; layers <= 2; layers++ {
			for _, delay := range []time.Duration{5 * time.Millisecond, 60 * time.Millisecond} {
				video := scheme
				video.name, video.kind, video.from, video.pt, video.layers = "video", endpoints.Video, "A", 96, layers
				c := newCall(t, setup{
					streams: []stream{video, talkback}, rate: units.Mbps, rtcp: brisk, repair: adaptiveRepair(), extensions: withMID, delay: delay,
				})
				random := rng.New(7).Stream("loss")
				c.lose(func(*rtp.Header, []byte) bool { return random.Bool(0.03) })
				c.run(20 * time.Second)
				if delay > 50*time.Millisecond {
					protection[layers] = c.sessions[0].RepairCounts().FECSent
				} else {
					requests[layers] = c.sessions[1].RepairCounts().Requested
				}
			}
		}
		for _, n := range [][3]uint64{protection, requests} {
			if ratio := float64(n[2]) / float64(n[1]); n[1] < 50 || ratio < 0.3 || ratio > 0.8 {
				t.Errorf("%+v: repairs %v, requests %v, by layers; want about half with two", scheme, protection[1:], requests[1:])
			}
		}
	}
}
