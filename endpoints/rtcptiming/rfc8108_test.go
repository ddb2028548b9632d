package rtcptiming_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"rtpfabric/endpoints/rtcptiming"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// §7.1.4: members time out after five times Td, which isn't less than 5 s
// whatever the profile and T_rr_interval.
//
// conformance: RTP-4.1-15
func TestSilentMemberTimesOut(t *testing.T) {
	quick := avpf(1 * units.Mbps)
	quick.TrrInterval = 60 * time.Millisecond
	for _, c := range []struct {
		name     string
		config   rtcptiming.Config
		sends    bool
		interval time.Duration // how often the survivor looks, at most
	}{
		{"AVPF", quick, false, 60 * time.Millisecond},
		{"AVPF, survivor sends", quick, true, 60 * time.Millisecond},
		{"AVP", avp(1 * units.Mbps), false, 6200 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSession(t)
			a := s.join(c.config, 1)
			b := s.join(c.config, 1)
			a.sends, b.sends = c.sends, true
			s.run(30 * time.Second)
			b.silent = true
			// b was last heard at some moment of the last interval.
			last := s.now
			if c.config.AVPF {
				last = s.now.Add(-rtpPeriod)
			}
			s.run(24800 * time.Millisecond)
			if a.s.Members() != 2 || len(a.gone) != 0 {
				t.Fatalf("%v after it fell silent: %d members, gone %v; want it to stay for 25 s", s.now.Sub(last), a.s.Members(), a.gone)
			}
			s.run(400*time.Millisecond + c.interval)
			if a.s.Members() != 1 || !slices.Equal(a.gone, []uint32{1001}) {
				t.Fatalf("%v after it fell silent: %d members, gone %v; want it removed", s.now.Sub(last), a.s.Members(), a.gone)
			}
			if a.s.Senders() > 1 {
				t.Errorf("%d senders", a.s.Senders())
			}
		})
	}
}

// §7.1.4: where Td is longer than 5 s, five times that counts.
//
// conformance: RTP-4.1-15
func TestTimeoutScalesWithInterval(t *testing.T) {
	// Three receivers: Td = 3·100/(0.75·10) = 40 s.
	s := newSession(t)
	a := s.join(avp(80), 1)
	s.join(avp(80), 1)
	c := s.join(avp(80), 1)
	s.run(600 * time.Second)
	c.silent = true
	s.run(140 * time.Second) // c may have sent up to 50 s ago
	if a.s.Members() != 3 {
		t.Fatal("removed before 5·Td")
	}
	s.run(110 * time.Second)
	if a.s.Members() != 2 {
		t.Error("not removed after 5·Td and an interval")
	}
}

// §7.1.2: endpoints with different T_rr_interval don't time each other out.
//
// conformance: RTP-4.1-15
func TestDifferentTrrIntervals(t *testing.T) {
	s := newSession(t)
	for _, trr := range []time.Duration{100 * time.Millisecond, 600 * time.Millisecond, 10 * time.Second} {
		c := avpf(1 * units.Mbps)
		c.TrrInterval = trr
		s.join(c, 1)
	}
	s.run(600 * time.Second)
	for i, p := range s.parties {
		if len(p.gone) != 0 || p.s.Members() != 3 {
			t.Errorf("endpoint %d lost %v", i, p.gone)
		}
	}
}

// aggregated runs two endpoints with five SSRCs each.
func aggregated(t *testing.T, c rtcptiming.Config, on, naive bool) (intervals []float64, packets int) {
	s := newSession(t)
	s.aggregate, s.naiveSize = on, naive
	for range 2 {
		s.join(c, 5).sends = true
	}
	s.run(100 * time.Second)
	s.reset()
	s.run(4000 * time.Second)
	for i := range s.parties {
		for _, l := range s.parties[i].locals {
			intervals = append(intervals, s.gaps(l.SSRC)...)
		}
	}
	return intervals, len(s.log)
}

// §5.3: aggregation leaves the intervals of an SSRC as they are, and saves
// packets.
//
// conformance: RTP-4.1-17, RTP-4.1-18, RTP-4.1-3
func TestAggregation(t *testing.T) {
	const td = 10 * 100 / 400.0 // ten members, 400 bytes/s
	for _, c := range []struct {
		name   string
		config rtcptiming.Config
		td     float64
	}{
		{"AVPF", avpf(3200), td},
		{"AVP", avp(3200), 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			single, singlePackets := aggregated(t, c.config, false, false)
			if err := checkIntervals(single, c.td); err != nil {
				t.Errorf("without aggregation: %v", err)
			}
			many, packets := aggregated(t, c.config, true, false)
			if m := mean(many); math.Abs(m-c.td) > 0.05*c.td {
				t.Errorf("with aggregation the mean interval is %.3f s, want %.3f ± 5 %%", m, c.td)
			}
			if d := ks2(single, many); d > 0.15 {
				t.Errorf("the distribution of intervals changed: Kolmogorov-Smirnov distance %.3f", d)
			}
			if ratio := float64(singlePackets) / float64(packets); ratio < 4.5 || ratio > 5.5 {
				t.Errorf("%d packets instead of %d: a factor of %.2f, want 5", packets, singlePackets, ratio)
			}
		})
	}
}

// §5.3.1: who counts the whole packet becomes five times as slow.
//
// conformance: RTP-4.1-17
func TestAggregationWithNaiveSizeIsTooSlow(t *testing.T) {
	naive, _ := aggregated(t, avpf(3200), true, true)
	if m := mean(naive); m < 4.5*2.5 {
		t.Errorf("mean interval %.2f s, want some five times 2.5 s: the test of the division would pass without it", m)
	}
}

// §5.3.1: a packet without SR or RR counts as one reporter's.
func TestPacketWithoutReport(t *testing.T) {
	c := avpf(3200)
	c.FirstSize = 160
	s := rtcptiming.New(c)
	s.CountPacket(320, 0)
	if got := s.AverageSize(); math.Abs(got-170) > 1e-9 {
		t.Errorf("avg_rtcp_size %v, want 170", got)
	}
	s.CountPacket(850, 5)
	if got := s.AverageSize(); math.Abs(got-170) > 1e-9 {
		t.Errorf("avg_rtcp_size %v, want 170: 850 bytes are five times 170", got)
	}
}

// §5: each SSRC is a participant.
//
// conformance: RTP-4.1-3
func TestEachSSRCIsAMember(t *testing.T) {
	s := newSession(t)
	a := s.join(avpf(32000), 1)
	s.join(avpf(32000), 4)
	s.run(20 * time.Second)
	if a.s.Members() != 5 {
		t.Errorf("%d members, want 1 + 4", a.s.Members())
	}
}

// §5.3.2: candidates come in the order of their timers.
func TestCandidatesInOrder(t *testing.T) {
	s := newSession(t)
	p := s.join(avpf(3200), 8)
	s.run(10 * time.Second)
	for range 50 {
		first := p.locals[3]
		list := p.s.Candidates(first)
		if len(list) != 7 || slices.Contains(list, first) {
			t.Fatalf("%d candidates", len(list))
		}
		// Remove them one by one: the earliest deadline is never that of a
		// later candidate.
		s.run(s.parties[0].s.NextTimeout().Sub(s.now))
		sent := s.log[len(s.log)-1].reporters[0]
		_ = sent
	}
	// The next timer to expire is the first candidate's, or the SSRC's own.
	next := p.s.NextTimeout()
	d := rtcptiming.Decision{}
	first := p.s.Candidates(p.locals[0])[0]
	for at := next; d.Kind == rtcptiming.None; at = p.s.NextTimeout() {
		first = p.s.Candidates(p.locals[0])[0]
		d = p.s.Due(at, false)
	}
	if d.Local != first && d.Local != p.locals[0] {
		t.Errorf("SSRC %d is due, the first candidate is %d", d.Local.SSRC, first.SSRC)
	}
}

// §5.4.1: if one SSRC has used up its early packet, another one may send it.
func TestEarlyFeedbackFromAnotherSSRC(t *testing.T) {
	s := newSession(t)
	p := s.join(avpf(3200), 2)
	s.join(avpf(3200), 1)
	s.run(20 * time.Second)
	var now simtime.Time
	// Find a moment with both timers some way off.
	for {
		now = s.now.Add(time.Millisecond)
		if p.s.NextTimeout().Sub(now) > 300*time.Millisecond {
			break
		}
		s.run(50 * time.Millisecond)
	}
	var from []*rtcptiming.Local
	for range 3 {
		p.s.WantFeedback(now)
		d := p.s.Due(now, true)
		if d.Kind == rtcptiming.None {
			break
		}
		from = append(from, d.Local)
		p.s.SentEarly(now, d.Local)
	}
	if len(from) != 2 || from[0] == from[1] {
		t.Errorf("%d early packets, want one of each SSRC", len(from))
	}
}

// §5.2: on joining, at most four compound packets go without delay, however many
// SSRCs there are; the others follow the timer.
//
// conformance: RTP-4.1-16
func TestInitialBurst(t *testing.T) {
	for _, c := range []struct {
		ssrcs, burst, want int
		aggregate          bool
	}{
		{1, 4, 1, false}, {3, 4, 3, false}, {60, 4, 4, false}, {60, 4, 1, true}, {60, 0, 0, false},
	} {
		s := newSession(t)
		s.aggregate = c.aggregate
		config := avpf(50_000)
		config.Burst = c.burst
		s.join(config, c.ssrcs)
		s.run(time.Minute)
		atOnce, reported := 0, map[uint32]bool{}
		for _, tr := range s.log {
			if tr.at == 0 {
				atOnce++
			}
			for _, ssrc := range tr.reporters {
				reported[ssrc] = true
			}
		}
		if atOnce != c.want || len(reported) != c.ssrcs {
			t.Errorf("%+v: %d packets at once, %d SSRCs reported", c, atOnce, len(reported))
		}
	}
}

// §7.1.2: what RFC 4585 §3.5.4 had asked for lets an end with a T_rr_interval of
// 100 ms time out one with 600 ms.
func TestOldTimeoutRule(t *testing.T) {
	s := newSession(t)
	for _, trr := range []time.Duration{100 * time.Millisecond, 600 * time.Millisecond} {
		c := avpf(11 * units.Kbps) // Td is about 145 ms, a quarter of 600 ms
		c.TrrInterval, c.OldTimeouts = trr, true
		s.join(c, 1)
	}
	s.run(600 * time.Second)
	if n := len(s.parties[0].gone); n == 0 {
		t.Error("the slower end wasn't timed out")
	}
	if n := len(s.parties[1].gone); n != 0 {
		t.Errorf("the faster end was timed out %d times", n)
	}
}
