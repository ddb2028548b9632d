package fec_test

import (
	"encoding/binary"
	"testing"
	"time"

	"rtpfabric/endpoints/fec"
	"rtpfabric/endpoints/fec/flexfec"
	"rtpfabric/endpoints/fec/parity"
	"rtpfabric/endpoints/nack"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

const millisecond = time.Millisecond

// video is a stream of 200 packets a second, played after 200 ms; what a test is about
// is changed.
func video(change func(*fec.Situation)) fec.Situation {
	s := fec.Situation{
		Loss: 0.03, Burst: 1, RTT: 300 * millisecond, Playout: 200 * millisecond, Packets: 200, Share: 0.5,
		NACK: true, FEC: true, Importance: nack.Base, Missing: 1, PacketSize: 1200, KeyFrame: 20000,
	}
	if change != nil {
		change(&s)
	}
	return s
}

// audio has 50 packets a second.
func audio(change func(*fec.Situation)) fec.Situation {
	return video(func(s *fec.Situation) {
		s.Audio, s.Packets, s.Share, s.InBand, s.NACK = true, 50, 3, true, false
		s.Importance, s.PacketSize, s.KeyFrame = nack.Discardable, 100, 0
		if change != nil {
			change(s)
		}
	})
}

// §8: retransmission is preferred while it comes in time; else there is as much FEC as
// the loss that is seen makes necessary, within what it may cost.
//
// conformance: ROB-6.2-2
func TestDecide(t *testing.T) {
	for _, c := range []struct {
		name      string
		situation fec.Situation
		reason    fec.Reason
		rtx       bool
		refresh   bool
		repairs   int // of 40 packets
	}{
		{"no loss", video(func(s *fec.Situation) { s.Loss = 0; s.RTT = 20 * millisecond }), fec.Clean, true, false, 0},
		{"no loss, far away", video(func(s *fec.Situation) { s.Loss = 0 }), fec.Clean, false, true, 0},
		{"next to no loss", video(func(s *fec.Situation) { s.Loss = 0.0009 }), fec.Clean, false, true, 0},
		{"near", video(func(s *fec.Situation) { s.RTT = 50 * millisecond }), fec.InTime, true, false, 0},
		{"one try does it", video(func(s *fec.Situation) { s.RTT = 180 * millisecond }), fec.InTime, true, false, 0},
		{"one try doesn't", video(func(s *fec.Situation) { s.RTT = 180 * millisecond; s.Loss = 0.1 }), fec.Protected, true, false, 7},
		{"just too far", video(func(s *fec.Situation) { s.RTT = 186 * millisecond }), fec.Protected, false, false, 8},
		{"far", video(nil), fec.Protected, false, false, 8},
		{"more is lost", video(func(s *fec.Situation) { s.Loss = 0.05 }), fec.Protected, false, false, 20},
		{"bursts", video(func(s *fec.Situation) { s.Loss = 0.01; s.Burst = 4.5 }), fec.Protected, false, false, 5},
		{"little may be spent", video(func(s *fec.Situation) { s.Share = 0.1 }), fec.Limited, false, false, 4},
		{"nothing may be spent", video(func(s *fec.Situation) { s.Share = 0.02 }), fec.TooCostly, false, true, 0},
		{"congestion", video(func(s *fec.Situation) { s.Congested = true; s.Current = 0.05 }), fec.Limited, false, false, 2},
		{"congestion, without FEC", video(func(s *fec.Situation) { s.Congested = true }), fec.TooCostly, false, true, 0},
		{"played at once", video(func(s *fec.Situation) { s.Playout = 9 * millisecond }), fec.TooLate, false, true, 0},
		{"no FEC", video(func(s *fec.Situation) { s.FEC = false }), fec.Unavailable, false, true, 0},
		{"no NACK", video(func(s *fec.Situation) { s.NACK = false; s.RTT = 20 * millisecond }), fec.Protected, false, false, 8},
		{"RTT isn't known", video(func(s *fec.Situation) { s.RTT = 0 }), fec.Protected, false, false, 8},
		{"discardable", video(func(s *fec.Situation) { s.Importance = nack.Discardable; s.RTT = 50 * millisecond }), fec.Unimportant, false, false, 0},
		{"much is missing", video(func(s *fec.Situation) { s.RTT = 50 * millisecond; s.Missing = 17 }), fec.InTime, false, true, 0},
		{"not so much", video(func(s *fec.Situation) { s.RTT = 50 * millisecond; s.Missing = 16 }), fec.InTime, true, false, 0},
	} {
		p := fec.Decide(c.situation)
		if p.Reason != c.reason || p.RTX != c.rtx || p.Refresh != c.refresh || p.Repairs != c.repairs || p.Repairs > 0 && p.Group != 40 {
			t.Errorf("%s: %v, %+v, want %v", c.name, p.Reason, p, c.reason)
		}
		if want := float64(c.repairs) / 40; float64(p.Overhead) < want-1e-9 || float64(p.Overhead) > want+1e-9 {
			t.Errorf("%s: overhead %v", c.name, p.Overhead)
		}
	}
}

// §4.1: audio has what its payload format has against single losses, packets that
// repeat frames against several in a row, and never a FEC stream.
//
// conformance: ROB-6.2-2
func TestDecideAudio(t *testing.T) {
	for _, c := range []struct {
		name      string
		situation fec.Situation
		reason    fec.Reason
		inBand    bool
		level     int
	}{
		{"no loss", audio(func(s *fec.Situation) { s.Loss = 0 }), fec.Clean, false, 0},
		{"single losses", audio(nil), fec.Protected, true, 0},
		{"pairs", audio(func(s *fec.Situation) { s.Burst = 2 }), fec.Protected, false, 2},
		{"pairs, in band alone", audio(func(s *fec.Situation) { s.Burst = 2; s.FEC = false }), fec.Limited, true, 0},
		{"many single losses", audio(func(s *fec.Situation) { s.Loss = 0.1 }), fec.Protected, false, 2},
		{"not in band", audio(func(s *fec.Situation) { s.InBand = false }), fec.Protected, false, 1},
		{"long bursts", audio(func(s *fec.Situation) { s.Burst = 7 }), fec.Limited, false, 3},
		{"all is lost", audio(func(s *fec.Situation) { s.Loss = 1; s.InBand = false }), fec.Limited, false, 3},
		{"little delay", audio(func(s *fec.Situation) { s.Burst = 3; s.Playout = 45 * millisecond }), fec.Limited, false, 2},
		{"no delay", audio(func(s *fec.Situation) { s.Playout = 19 * millisecond }), fec.TooLate, false, 0},
		{"nothing may be spent", audio(func(s *fec.Situation) { s.Share = 0.2 }), fec.TooCostly, false, 0},
		{"no frame may be repeated", audio(func(s *fec.Situation) { s.Share = 0.9; s.InBand = false }), fec.TooCostly, false, 0},
		{"pairs, but in band is cheaper", audio(func(s *fec.Situation) { s.Share = 0.9; s.Burst = 2 }), fec.Limited, true, 0},
		{"nothing negotiated", audio(func(s *fec.Situation) { s.FEC, s.InBand = false, false }), fec.Unavailable, false, 0},
		{"near", audio(func(s *fec.Situation) { s.NACK = true; s.RTT = 30 * millisecond }), fec.InTime, false, 0},
	} {
		p := fec.Decide(c.situation)
		if p.Reason != c.reason || p.InBand != c.inBand || p.Level != c.level || p.Repairs != 0 || p.Refresh {
			t.Errorf("%s: %v, %+v, want %v", c.name, p.Reason, p, c.reason)
		}
	}
}

// Whatever the situation: FEC never costs more than it may, nor more than now under
// congestion; repair makes nothing worse; more loss never means less protection.
func TestDecideAlways(t *testing.T) {
	r := rng.New(1).Stream("situations")
	for range 20000 {
		s := fec.Situation{
			Audio: r.Bool(0.3), Loss: units.Ratio(r.Uniform(0, 0.5)), Burst: r.Uniform(0, 10),
			RTT: time.Duration(r.Uniform(0, 6e8)), Playout: time.Duration(r.Uniform(0, 5e8)), Packets: r.Uniform(0, 1000),
			Share: units.Ratio(r.Uniform(0, 2)), Congested: r.Bool(0.3), Current: units.Ratio(r.Uniform(0, 1)),
			NACK: r.Bool(0.7), FEC: r.Bool(0.8), InBand: r.Bool(0.5), Importance: nack.Importance(r.Uint64() % 3),
		}
		p := fec.Decide(s)
		if p.Overhead > s.Share+1e-6 || s.Congested && p.Overhead > s.Current+1e-6 || p.Residual < 0 || p.Residual > s.Loss {
			t.Fatalf("%+v: %+v", s, p)
		}
		if p.Repairs > p.Group || p.Group > 48 || (p.Reason == fec.Protected || p.Reason == fec.Limited) != (p.Overhead > 0) {
			t.Fatalf("%+v: %+v", s, p)
		}
		worse := s
		worse.Loss *= 1.5
		if q := fec.Decide(worse); !s.Audio && q.Overhead < p.Overhead {
			t.Fatalf("%+v: %+v, with more loss %+v", s, p, q)
		}
	}
}

// A stream that is protected as planned, over a path as assumed, has no more loss left
// than the plan says, and what is counted before repair is the path's.
//
// conformance: ROB-6.2-2
func TestPlanHolds(t *testing.T) {
	for _, loss := range []float64{0.01, 0.03, 0.06} {
		a := fec.NewAdaptive(fec.DefaultHold)
		p := a.Update(0, video(func(s *fec.Situation) { s.Loss = units.Ratio(loss); s.Share = 1 }))
		tx := flexfec.NewMaskSender(flexfec.NewStream(2, 120, 0), 1)
		rx := flexfec.NewReceiver(parity.DefaultLimits())
		rx.Expect(1)
		r := rng.New(7).Stream("loss")
		var losses fec.Losses
		const packets = 200_000
		repairs := 0
		for seq := range uint64(packets) {
			b := binary.BigEndian.AppendUint16([]byte{0x80, 96}, uint16(seq))
			b = append(b, 0, 0, 0, 0, 0, 0, 0, 1, byte(seq))
			now := simtime.At(time.Duration(seq) * 5 * millisecond)
			if err := tx.Add(b); err != nil {
				t.Fatal(err)
			}
			if !r.Bool(loss) || seq == 0 {
				rx.Source(now, b)
				losses.Arrived(seq, fec.Original)
			}
			if (seq+1)%uint64(p.Group) != 0 {
				continue
			}
			tx.Protect(a.Repairs(p.Group))
			for {
				b, ok := tx.Poll(nil, 0, nil)
				if !ok {
					break
				}
				repairs++
				if r.Bool(loss) {
					continue
				}
				_ = rx.Repair(now, b)
				for {
					b, ok := rx.Poll(nil)
					if !ok {
						break
					}
					losses.Arrived(seq-uint64(uint16(seq)-binary.BigEndian.Uint16(b[2:])), fec.ByFEC)
				}
			}
		}
		c := losses.Counts()
		if got := float64(c.PreRepair()); got < 0.95*loss || got > 1.05*loss {
			t.Errorf("loss %v: %v before repair", loss, got)
		}
		if got, want := float64(c.PostRepair()), float64(p.Residual); got > 1.1*want || got < 0.8*want || got > 0.0055 {
			t.Errorf("loss %v: %v after repair, the plan said %v", loss, got, want)
		}
		if got, want := float64(repairs)/packets, float64(p.Overhead); got < want*0.999 || got > want*1.001 {
			t.Errorf("loss %v: overhead %v, want %v", loss, got, want)
		}
	}
}

// Protection rises at once and falls after a while, but never stays above what it may
// cost.
func TestAdaptive(t *testing.T) {
	at := func(x int) simtime.Time { return simtime.At(time.Duration(x) * time.Second) }
	a := fec.NewAdaptive(fec.DefaultHold)
	quiet := video(func(s *fec.Situation) { s.Loss = 0 })
	lossy := video(nil)
	want := func(now int, s fec.Situation, overhead float64) {
		t.Helper()
		p := a.Update(at(now), s)
		if got := float64(p.Overhead); got < overhead-1e-9 || got > overhead+1e-9 || p != a.Plan() || a.Overhead() != p.Overhead {
			t.Errorf("%d s: %+v, want an overhead of %v", now, p, overhead)
		}
	}
	want(0, quiet, 0)
	want(1, lossy, 0.2)
	want(2, quiet, 0.2)
	want(10, quiet, 0.2)
	want(11, quiet, 0)
	want(12, lossy, 0.2)
	want(20, lossy, 0.2)
	want(29, quiet, 0.2)
	want(30, quiet, 0)
	want(31, lossy, 0.2)
	want(32, video(func(s *fec.Situation) { s.Share = 0.1 }), 0.1)
	want(33, video(func(s *fec.Situation) { s.Loss = 0.1; s.Congested = true }), 0.1)
	want(34, video(func(s *fec.Situation) { s.FEC = false }), 0)
}

// Frames of different sizes share the repair packets; none has more than it has
// packets, and fractions aren't lost.
func TestRepairs(t *testing.T) {
	a := fec.NewAdaptive(fec.DefaultHold)
	if n := a.Repairs(10); n != 0 {
		t.Errorf("%d without a plan", n)
	}
	a.Update(0, video(nil)) // a fifth
	sum, packets := 0, 0
	r := rng.New(3).Stream("frames")
	for range 1000 {
		n := 1 + int(r.Uint64()%12)
		got := a.Repairs(n)
		if got > n || got > n/5+1 {
			t.Fatalf("%d repair packets for %d packets", got, n)
		}
		sum, packets = sum+got, packets+n
		if sum > packets/5 {
			t.Fatalf("%d repair packets for %d packets so far", sum, packets)
		}
	}
	if sum < packets/5-1 {
		t.Errorf("%d repair packets for %d packets", sum, packets)
	}
}

// A packet counts once, whatever it comes by; one that was only late wasn't lost.
//
// conformance: ROB-6.2-2
func TestLosses(t *testing.T) {
	var l fec.Losses
	if c := l.Counts(); c != (fec.LossCounts{}) || c.PreRepair() != 0 {
		t.Errorf("%+v", c)
	}
	arrive := func(by fec.Means, seqs ...uint64) {
		for _, seq := range seqs {
			l.Arrived(seq, by)
		}
	}
	want := func(c fec.LossCounts) {
		t.Helper()
		if got := l.Counts(); got != c {
			t.Errorf("%+v, want %+v", got, c)
		}
	}
	arrive(fec.Original, 1000, 1001, 1001, 1005, 999)
	want(fec.LossCounts{Expected: 6, Lost: 3, Remaining: 3})
	before := l.Counts()
	arrive(fec.ByFEC, 1002, 1002, 1001)
	arrive(fec.ByRTX, 1002, 1003)
	want(fec.LossCounts{Expected: 6, Lost: 3, ByFEC: 1, ByRTX: 1, Remaining: 1})
	if got := l.Counts().Since(before); got != (fec.LossCounts{ByFEC: 1, ByRTX: 1}) {
		t.Errorf("since: %+v", got)
	}
	arrive(fec.Original, 1002, 1002) // late
	want(fec.LossCounts{Expected: 6, Lost: 2, ByRTX: 1, Remaining: 1})
	arrive(fec.ByRTX, 1006) // the last one, before anything later
	want(fec.LossCounts{Expected: 7, Lost: 3, ByRTX: 2, Remaining: 1})
	c := l.Counts()
	if pre, post := float64(c.PreRepair()), float64(c.PostRepair()); pre < 0.428 || pre > 0.429 || post < 0.142 || post > 0.143 {
		t.Errorf("%v before, %v after repair", pre, post)
	}
	arrive(fec.Original, 1004+1024)
	arrive(fec.ByRTX, 1004) // too late to be counted
	want(fec.LossCounts{Expected: 1029, Lost: 1029 - 5, ByRTX: 2, Remaining: 1029 - 7})
}

func BenchmarkDecide(b *testing.B) {
	s := video(nil)
	b.ReportAllocs()
	for b.Loop() {
		if fec.Decide(s).Repairs == 0 {
			b.Fatal("no protection")
		}
	}
}
