package rtcptiming_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"rtpfabric/endpoints/rtcptiming"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

func avp(bandwidth units.BitRate) rtcptiming.Config {
	return rtcptiming.Config{Bandwidth: bandwidth, Minimum: rtcptiming.FixedMinimum}
}

func avpf(bandwidth units.BitRate) rtcptiming.Config {
	return rtcptiming.Config{AVPF: true, Bandwidth: bandwidth}
}

// §6.3.1: the interval scales with the membership, so that the traffic stays
// what the share allows.
//
// conformance: RTP-4.1-8
func TestIntervalScalesWithMembers(t *testing.T) {
	const size, rate = 100, 3200 // bytes, bytes/s
	for _, n := range []int{2, 3, 5, 10, 20, 35, 50} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			s := newSession(t)
			for range n {
				s.join(avpf(8*rate), 1).sends = true
			}
			s.run(20 * time.Second) // until everybody knows everybody
			for i, p := range s.parties {
				if p.s.Members() != n || p.s.Senders() != n {
					t.Fatalf("member %d counts %d members and %d senders", i, p.s.Members(), p.s.Senders())
				}
			}
			s.reset()
			start := s.now
			s.run(60 * time.Second)
			got := float64(s.bytes(start, s.now)) / 60
			if math.Abs(got-rate) > 0.1*rate {
				t.Errorf("%.0f bytes/s, want %d ± 10 %%", got, rate)
			}
			td := float64(n) * size / rate
			var all []float64
			for i := range s.parties {
				all = append(all, s.gaps(uint32(1000*i+1))...)
			}
			if m := mean(all); math.Abs(m-td) > 0.1*td {
				t.Errorf("mean interval of a member %.3f s, want %.3f ± 10 %%", m, td)
			}
		})
	}
}

// §6.3.1 steps 4 and 5 with §6.3.6.
//
// conformance: RTP-4.1-9
func TestIntervalsAreRandomised(t *testing.T) {
	const td = 5.0
	s := newSession(t)
	s.join(avp(1*units.Mbps), 1).sends = true
	s.join(avp(1*units.Mbps), 1)
	s.run(time.Minute)
	s.reset()
	s.run(60000 * time.Second)
	for ssrc := uint32(1); ssrc <= 1001; ssrc += 1000 {
		x := s.gaps(ssrc)
		if len(x) < 10000 {
			t.Fatalf("only %d intervals", len(x))
		}
		if err := checkIntervals(x, td); err != nil {
			t.Errorf("SSRC %d: %v", ssrc, err)
		}
		if lo, hi := slices.Min(x), slices.Max(x); lo < 2.05 || lo > 2.3 || hi > 6.16 || hi < 6.1 {
			t.Errorf("SSRC %d: intervals from %.3f to %.3f s, want about 2.05 to 6.16", ssrc, lo, hi)
		}
		upper := 0
		for _, v := range x {
			if v > td {
				upper++
			}
		}
		// 1 - F(5 s) = 0.565.
		if share := float64(upper) / float64(len(x)); share < 0.55 {
			t.Errorf("SSRC %d: %.3f of the intervals are longer than Td, want the majority (RFC 8108 §7.2.1 d)", ssrc, share)
		}
	}
}

// The check of TestIntervalsAreRandomised sees whether steps are missing.
func TestIntervalCheckFindsMissingSteps(t *testing.T) {
	r := rng.New(7).Stream("a7")
	if err := checkIntervals(simulateA7(r, 5, 10000, true, true), 5); err != nil {
		t.Errorf("the RFC's sample code fails the check: %v", err)
	}
	x := simulateA7(r, 5, 10000, false, true)
	if checkIntervals(x, 5) == nil {
		t.Error("the check doesn't notice a missing compensation")
	}
	if m := mean(x); math.Abs(m-5*e32) > 0.05 {
		t.Errorf("mean without compensation %.3f s, want 5 s × 1.218 = 6.09 s", m)
	}
	if checkIntervals(simulateA7(r, 5, 10000, true, false), 5) == nil {
		t.Error("the check doesn't notice missing reconsideration")
	}
}

// Randomisation keeps endpoints that started at once from staying in step.
//
// conformance: RTP-4.1-9
func TestNoPhaseLocking(t *testing.T) {
	s := newSession(t)
	s.join(avp(1*units.Mbps), 1)
	s.join(avp(1*units.Mbps), 1)
	s.run(60000 * time.Second)
	// Where in the interval of one does the other send?
	var bins [10]int
	total := 0
	last, gap := simtime.Never, []simtime.Time(nil)
	for _, tr := range s.log {
		if tr.from == 1 {
			gap = append(gap, tr.at)
			continue
		}
		if last != simtime.Never {
			for _, at := range gap {
				bins[int(10*float64(at-last)/float64(tr.at-last+1))]++
				total++
			}
		}
		last, gap = tr.at, nil
	}
	for i, n := range bins {
		if share := float64(n) / float64(total); share < 0.07 || share > 0.13 {
			t.Errorf("%.3f of the packets lie in tenth %d of the other's interval, want about 0.1", share, i)
		}
	}
}

// §6.3.2: the first packet comes after half the minimum.
func TestFirstIntervalIsHalved(t *testing.T) {
	const n = 4000
	var x []float64
	for seed := range uint64(n) {
		c := avp(1 * units.Mbps)
		c.Random, c.FirstSize = rng.New(seed).Stream("rtcp"), 100
		s := rtcptiming.New(c)
		s.Join(simtime.At(time.Second), 1)
		x = append(x, s.NextTimeout().Seconds()-1)
	}
	lo, hi := 1.25/e32, 3.75/e32
	if a, b := slices.Min(x), slices.Max(x); a < lo-1e-4 || b > hi+1e-4 || a > lo+0.01 || b < hi-0.01 {
		t.Errorf("first timers from %.4f to %.4f s, want from %.4f to %.4f", a, b, lo, hi)
	}
	// Uniform: nothing has been reconsidered yet.
	if m, se := mean(x), (hi-lo)/math.Sqrt(12*n); math.Abs(m-(lo+hi)/2) > 4*se {
		t.Errorf("mean %.4f s, want %.4f ± %.4f", m, (lo+hi)/2, 4*se)
	}
}

// flashJoin lets 100 members join within 100 ms a session whose RTCP may take
// 400 bytes/s. They know of each other from RTP, which makes Td 25 s, or from
// nothing but RTCP.
func flashJoin(t *testing.T, media, sabotage bool) *session {
	t.Helper()
	s := newSession(t)
	s.noReconsideration = sabotage
	for range 100 {
		s.join(avp(3200), 1).sends = media
		s.run(time.Millisecond)
	}
	s.run(200 * time.Second)
	return s
}

// §6.3.6: timer reconsideration tames a flash crowd.
//
// conformance: RTP-4.1-10
func TestReconsiderationBoundsFlashJoin(t *testing.T) {
	const window = 2050 * time.Millisecond // all first timers lie in it
	for _, c := range []struct {
		name   string
		media  bool
		rate   float64 // bytes/s in the long run
		td     float64 // s
		packet float64 // expectation of the packets in a window, at most
		first  units.Bytes
	}{
		// All are in phase: the density of the intervals, u·e^u, ends at e.
		{"senders", true, 400, 25, 100 * math.E * 2.05 / (25 / e32), 1000},
		// Receivers share 75 %. The group size is learnt from the packets
		// themselves; each makes the next less likely. In the first window
		// the k-th packet waits until Td has grown with k.
		{"receivers", false, 300, 100 * 100 / 300.0, 100 * math.E * 2.05 / (33.3 / e32), 3000},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := flashJoin(t, c.media, false)
			bad := flashJoin(t, c.media, true)
			if got := bad.peak(window); got < 9500 {
				t.Errorf("without reconsideration %v in %v, want nearly all 100 packets", got, window)
			}
			// Three standard deviations of the number of packets.
			if got, most := s.peak(window), 100*(c.packet+3*math.Sqrt(c.packet)); float64(got) > most {
				t.Errorf("with reconsideration %v in %v, want %.0f at most", got, window, most)
			}
			if got := s.bytes(0, simtime.At(3200*time.Millisecond)); got > c.first {
				t.Errorf("with reconsideration %v while the first timers expire, want %v at most", got, c.first)
			}
			over := func(s *session, from simtime.Time) float64 {
				return float64(s.bytes(from, from.Add(seconds(c.td)))) / c.td / c.rate
			}
			for from := simtime.Time(0); from < simtime.At(150*time.Second); from = from.Add(time.Second) {
				most := 1.3
				if from.Seconds() < c.td {
					most = 1.5 // for one interval the share may be exceeded
				}
				if got := over(s, from); got > most {
					t.Errorf("%.2f times the share in the interval from %v", got, from)
				}
			}
			if got := over(bad, 0); got <= 1.5 {
				t.Errorf("without reconsideration the first interval has %.2f times the share: the limit is too lax to tell", got)
			}
		})
	}
}

// §6.3.4: when members leave, tn and tp move closer by members/pmembers.
//
// conformance: RTP-4.1-11
func TestReverseReconsideration(t *testing.T) {
	s := newSession(t)
	for range 100 {
		s.join(avp(3200), 1).sends = true
	}
	s.run(200 * time.Second)
	survivors, leavers := s.parties[:10], s.parties[10:]
	before := make([]time.Duration, len(survivors))
	for i, p := range survivors {
		before[i] = p.s.NextTimeout().Sub(s.now)
	}
	for _, p := range leavers {
		s.leave(p)
	}
	for i, p := range survivors {
		after, want := p.s.NextTimeout().Sub(s.now), before[i]/10
		if d := after - want; d < -time.Microsecond || d > time.Microsecond {
			t.Errorf("survivor %d: the timer ran for %v more, now %v, want %v", i, before[i], after, want)
		}
		if p.s.Members() != 10 {
			t.Errorf("survivor %d counts %d members", i, p.s.Members())
		}
	}
	// tp moved with tn: reconsideration doesn't undo the change. The ten that
	// are left share what is 2.5 s each, but no less than 5 s apart.
	s.reset()
	s.run(200 * time.Second)
	for i, p := range survivors {
		if len(p.gone) != 0 {
			t.Errorf("survivor %d timed out %v", i, p.gone)
		}
		x := s.gaps(uint32(1000*i + 1))
		if m := mean(x); math.Abs(m-5) > 4*sdInterval*5/math.Sqrt(float64(len(x))) {
			t.Errorf("survivor %d: mean interval %.2f s, want 5", i, m)
		}
	}
}

// §6.3.4: tp is scaled as well. A member with 100 in its session sent at tp;
// 10 s later 90 leave. Scaled by ten, tp lies 1 s back, and the time from there
// to the next report is an interval of a session of ten.
//
// conformance: RTP-4.1-11
func TestReverseReconsiderationMovesTp(t *testing.T) {
	var x []float64
	for seed := range uint64(3000) {
		c := avpf(3200)
		c.Random, c.FirstSize = rng.New(seed).Stream("rtcp"), 100
		s := rtcptiming.New(c)
		l := s.Join(0, 1)
		s.SentRTP(0, l.SSRC, nil)
		for ssrc := uint32(2); ssrc <= 100; ssrc++ {
			s.HeardRTP(0, ssrc, nil)
		}
		report := func() simtime.Time {
			for {
				now := s.NextTimeout()
				if d := s.Due(now, false); d.Kind == rtcptiming.Regular {
					s.CountPacket(100, 1)
					s.SentRegular(now, []*rtcptiming.Local{d.Local})
					return now
				}
			}
		}
		now := report().Add(10 * time.Second)
		if s.NextTimeout() < now {
			t.Fatal("the interval is shorter than 0.5·25 s/1.218")
		}
		for ssrc := uint32(11); ssrc <= 100; ssrc++ {
			s.HeardBye(now, ssrc)
		}
		s.SentRTP(now, l.SSRC, nil)
		for ssrc := uint32(2); ssrc <= 10; ssrc++ {
			s.HeardRTP(now, ssrc, nil)
		}
		x = append(x, report().Sub(now.Add(-time.Second)).Seconds())
	}
	if err := checkIntervals(x, 2.5); err != nil {
		t.Error(err)
	}
}

// §6.3.4: a BYE of one that isn't a member changes nothing.
func TestByeOfStrangerIsIgnored(t *testing.T) {
	s := newSession(t)
	p := s.join(avp(3200), 1)
	s.join(avp(3200), 1)
	s.run(30 * time.Second)
	before, members := p.s.NextTimeout(), p.s.Members()
	p.s.HeardBye(s.now, 0xdead)
	p.s.HeardBye(s.now, p.locals[0].SSRC) // nor can a peer remove us
	if p.s.NextTimeout() != before || p.s.Members() != members {
		t.Errorf("members %d, next deadline %v; want %d, %v", p.s.Members(), p.s.NextTimeout(), members, before)
	}
}

// §6.2: the reduced minimum is 360 s divided by the bandwidth in kbit/s.
//
// conformance: RTP-4.1-14
func TestReducedMinimum(t *testing.T) {
	for _, c := range []struct {
		session units.BitRate
		want    time.Duration
	}{
		{512 * units.Kbps, 703125 * time.Microsecond},
		{72 * units.Kbps, 5 * time.Second},
		{64 * units.Kbps, 5 * time.Second}, // never longer than the fixed one
		{360 * units.Kbps, time.Second},
		{9 * units.Mbps, 40 * time.Millisecond},
		{0, 5 * time.Second},
	} {
		if got := rtcptiming.ReducedMinimum(c.session); got != c.want {
			t.Errorf("%v: %v, want %v", c.session, got, c.want)
		}
	}

	// With it the shortest Td is just that, as bandwidth abounds.
	s := newSession(t)
	c := avp(1 * units.Mbps)
	c.Minimum = rtcptiming.ReducedMinimum(512 * units.Kbps)
	s.join(c, 1).sends = true
	s.join(c, 1)
	s.run(10 * time.Second)
	s.reset()
	s.run(3000 * time.Second)
	if err := checkIntervals(s.gaps(1), 0.703125); err != nil {
		t.Error(err)
	}
}

// §6.3.1 step 1: up to a quarter of senders share 25 % of the bandwidth, and
// receivers the rest; beyond a quarter all are alike.
func TestSenderShare(t *testing.T) {
	const size, rate, members = 100, 1000.0, 20
	for _, c := range []struct {
		senders            int
		tdSender, tdOthers float64 // seconds
	}{
		{1, 1 * size / (0.25 * rate), 19 * size / (0.75 * rate)},
		{2, 2 * size / (0.25 * rate), 18 * size / (0.75 * rate)},
		{5, 5 * size / (0.25 * rate), 15 * size / (0.75 * rate)}, // 25 % exactly
		{6, 20 * size / rate, 20 * size / rate},
		{20, 20 * size / rate, 0},
	} {
		t.Run(fmt.Sprint(c.senders), func(t *testing.T) {
			s := newSession(t)
			for i := range members {
				s.join(avpf(8*rate), 1).sends = i < c.senders
			}
			s.run(20 * time.Second)
			s.reset()
			s.run(400 * time.Second)
			var ours, others []float64
			for i := range members {
				if i < c.senders {
					ours = append(ours, s.gaps(uint32(1000*i+1))...)
				} else {
					others = append(others, s.gaps(uint32(1000*i+1))...)
				}
			}
			if err := checkIntervals(ours, c.tdSender); err != nil {
				t.Errorf("senders: %v", err)
			}
			if c.senders == members {
				return
			}
			if err := checkIntervals(others, c.tdOthers); err != nil {
				t.Errorf("receivers: %v", err)
			}
		})
	}
}

// Share is what TestSenderShare measures, for one endpoint.
func TestShareOfAllIsOne(t *testing.T) {
	for _, senders := range []int{1, 5, 6, 20} {
		s := newSession(t)
		for i := range 20 {
			s.join(avpf(8000), 1).sends = i < senders
		}
		s.run(30 * time.Second)
		sum := 0.0
		for _, p := range s.parties {
			sum += p.s.Share()
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Errorf("%d senders of 20: shares add up to %v", senders, sum)
		}
	}
}

// §6.3.3 and §6.3.6: avg_rtcp_size is a moving average over packets sent and
// received.
func TestAverageSize(t *testing.T) {
	c := avp(3200)
	c.FirstSize, c.Random = 160, rng.New(1).Stream("rtcp")
	s := rtcptiming.New(c)
	want := 160.0
	for _, size := range []units.Bytes{320, 80, 1200} {
		s.CountPacket(size, 1)
		want = float64(size)/16 + want*15/16
		if got := s.AverageSize(); math.Abs(got-want) > 1e-9 {
			t.Errorf("after %v: avg_rtcp_size %v, want %v", size, got, want)
		}
	}
}

// §6.3.5: a sender that has sent no RTP for two intervals isn't one any more,
// and is still a member.
func TestSenderTimesOut(t *testing.T) {
	s := newSession(t)
	a := s.join(avp(1*units.Mbps), 1)
	b := s.join(avp(1*units.Mbps), 1)
	a.sends = true
	s.run(20 * time.Second)
	if b.s.Senders() != 1 || !a.s.IsSender(a.locals[0]) {
		t.Fatalf("%d senders", b.s.Senders())
	}
	a.sends = false
	s.run(9 * time.Second) // less than 2 × 5 s
	if b.s.Senders() != 1 || a.s.Senders() != 1 {
		t.Error("the sender was forgotten within two intervals")
	}
	s.run(9 * time.Second) // two intervals and the time to the next check
	if b.s.Senders() != 0 || a.s.Senders() != 0 || a.s.IsSender(a.locals[0]) {
		t.Error("one who stopped sending is still a sender")
	}
	if b.s.Members() != 2 || a.s.Members() != 2 {
		t.Error("who stops sending stays a member")
	}
}
