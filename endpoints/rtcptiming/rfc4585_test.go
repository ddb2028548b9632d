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

// Experiment E01: 100-byte reports of two endpoints, 5 % of 512 kbit/s.
//
// conformance: CC-7.3-3
func TestFeedbackBudget(t *testing.T) {
	s := newSession(t)
	s.join(avpf(25600), 1).sends = true
	s.join(avpf(25600), 1)
	s.run(10 * time.Second)
	s.reset()
	start := s.now
	s.run(1000 * time.Second)
	if got := float64(s.bytes(start, s.now)) / 1000; math.Abs(got-3200) > 32 {
		t.Errorf("%.0f bytes/s, want 3200", got)
	}
	for from := start; from < s.now; from = from.Add(10 * time.Second) {
		// Ten seconds hold some 320 packets: σ = 0.179·√320 = 3.2 of them.
		if got := float64(s.bytes(from, from.Add(10*time.Second))) / 10; got > 1.05*3200 {
			t.Errorf("%.0f bytes/s in the ten seconds from %v", got, from)
		}
	}
	x := s.gaps(1)
	if err := checkIntervals(x, 0.0625); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		what           string
		got, want, tol float64 // ms
	}{
		{"mean", 1e3 * mean(x), 62.5, 0.5},
		{"median", 1e3 * quantile(x, 0.5), 65.0, 0.5},
		{"5 % quantile", 1e3 * quantile(x, 0.05), 40.3, 0.7},
		{"shortest", 1e3 * slices.Min(x), 25.7, 1},
		{"longest", 1e3 * slices.Max(x), 76.95, 0.2},
	} {
		if math.Abs(c.got-c.want) > c.tol {
			t.Errorf("%s %.2f ms, want %.2f ± %.2f", c.what, c.got, c.want, c.tol)
		}
	}
	if uncompensated := mean(simulateA7(rng.New(1).Stream("a7"), 62.5, 20000, false, true)); math.Abs(uncompensated-76.2) > 0.5 {
		t.Errorf("without the compensation %.1f ms, want 76.2", uncompensated)
	}
}

// §3.5.1: the first packet has no minimum between two parties, and 1 s in a
// group.
func TestInitialMinimum(t *testing.T) {
	for _, c := range []struct {
		multiparty bool
		td         float64
	}{{false, 100.0 / 12500}, {true, 1}} {
		var x []float64
		for seed := range uint64(2000) {
			conf := avpf(100 * units.Kbps)
			conf.Random, conf.FirstSize = rng.New(seed).Stream("rtcp"), 75 // 75 % of the bandwidth
			s := rtcptiming.New(conf)
			s.SetMultiparty(c.multiparty)
			s.Join(0, 1)
			x = append(x, s.NextTimeout().Seconds())
		}
		lo, hi := 0.5*c.td/e32, 1.5*c.td/e32
		if a, b := slices.Min(x), slices.Max(x); a < lo*0.999 || b > hi*1.001 || a > lo*1.02 || b < hi*0.98 {
			t.Errorf("multiparty %v: first timers from %.5f to %.5f s, want from %.5f to %.5f", c.multiparty, a, b, lo, hi)
		}
	}
}

// pair returns two endpoints that have exchanged reports; the first one's last
// report was just now, and its next is at tn.
func pair(t *testing.T, c rtcptiming.Config, multiparty bool) (s *session, a *party, tp, tn simtime.Time) {
	t.Helper()
	s = newSession(t)
	a = s.join(c, 1)
	s.join(c, 1)
	for _, p := range s.parties {
		p.s.SetMultiparty(multiparty)
	}
	s.run(20 * time.Second)
	// Silence the other, so that nothing changes but what the test does.
	s.parties[1].silent = true
	s.reset()
	for len(s.log) == 0 {
		s.run(a.s.NextTimeout().Sub(s.now))
	}
	tp, tn = s.now, a.s.NextTimeout()
	if s.log[0].at != tp || tn <= tp {
		t.Fatalf("the last report was at %v, the next is at %v, now is %v", s.log[0].at, tn, tp)
	}
	return s, a, tp, tn
}

// slow makes Td some 0.27 s between two receivers.
var slow = avpf(8000)

// §3.5.2: between two parties feedback goes at once.
//
// conformance: TIM-4.2-1
func TestEarlyFeedbackGoesAtOnce(t *testing.T) {
	var s *session
	var a *party
	var tp, tn simtime.Time
	for _, at := range []float64{0, 0.1, 0.5, 0.9, 0.99} {
		s, a, tp, tn = pair(t, slow, false)
		t0 := tp.Add(time.Duration(at * float64(tn-tp)))
		a.s.WantFeedback(t0)
		if got := a.s.NextTimeout(); got != t0 {
			t.Errorf("event at %v between %v and %v: feedback at %v", t0, tp, tn, got)
		}
		d := a.s.Due(t0, true)
		if d.Kind != rtcptiming.Early || d.Local != a.locals[0] {
			t.Errorf("event at %v: kind %d, want an early packet", t0, d.Kind)
		}
	}
	_ = s
}

// §3.5.2: without an event nothing is early, and an early packet whose
// feedback is gone isn't sent.
func TestNoEarlyPacketWithoutFeedback(t *testing.T) {
	_, a, tp, tn := pair(t, slow, false)
	t0 := tp.Add(time.Millisecond)
	a.s.WantFeedback(t0)
	if d := a.s.Due(t0, false); d.Kind != rtcptiming.None {
		t.Errorf("kind %d without anything to say", d.Kind)
	}
	if a.s.NextTimeout() != tn {
		t.Errorf("next deadline %v, want the regular one at %v (§3.5.2 step 5a)", a.s.NextTimeout(), tn)
	}
}

// §3.5.2 step 6: after an early packet tn = tp + 2·T_rr, and the next one waits
// for it.
//
// conformance: TIM-4.2-2
func TestEarlyFeedbackSkipsRegularPacket(t *testing.T) {
	s, a, tp, tn := pair(t, slow, false)
	trr := tn.Sub(tp)
	t0 := tp.Add(trr / 4)
	a.s.WantFeedback(t0)
	if d := a.s.Due(t0, true); d.Kind != rtcptiming.Early {
		t.Fatalf("kind %d", d.Kind)
	}
	a.s.SentEarly(t0, a.locals[0])
	skipped := tp.Add(2 * trr)
	if got := a.s.NextTimeout(); got != skipped {
		t.Errorf("after the early packet the next is at %v, want tp + 2·T_rr = %v", got, skipped)
	}
	// The second event, 10 ms later, waits.
	a.s.WantFeedback(t0.Add(10 * time.Millisecond))
	a.s.WantFeedback(tn.Add(time.Millisecond)) // nor is the skipped slot one to send in
	if got := a.s.NextTimeout(); got != skipped {
		t.Errorf("a second event moved the next packet to %v", got)
	}
	a.pending = true
	s.reset()
	s.run(skipped.Sub(s.now) + 2*trr)
	if len(s.log) == 0 || s.log[0].kind != rtcptiming.Regular || s.log[0].at < skipped {
		t.Fatalf("sent %+v, want a regular packet at %v or, reconsidered, soon after", s.log, skipped)
	}
	// tp was set to the previous tn: reconsideration counts from there, so
	// that the packet goes at most 1.5·Td/1.218 later than that.
	if at, latest := s.log[0].at, tn.Add(seconds(1.5/e32*0.267)+time.Millisecond); at > latest {
		t.Errorf("regular packet at %v, want by %v", at, latest)
	}
	// allow_early is set again.
	_, now := 0, s.now
	a.s.WantFeedback(now)
	if got := a.s.NextTimeout(); got != now {
		t.Errorf("after the regular packet feedback waits until %v", got)
	}
}

// §3.4: the short-term average bandwidth with early feedback doesn't exceed the
// one without. (The skipped slot was never reconsidered, so that a pair of
// packets takes 1 + 1/1.218 intervals: 1.10 times the rate.)
//
// conformance: TIM-4.2-2, PRF-4.2-2
func TestFeedbackStaysWithinShare(t *testing.T) {
	run := func(waiting bool, trr time.Duration) (rate float64, s *session) {
		s = newSession(t)
		c := avpf(25600)
		c.TrrInterval = trr
		for range 2 {
			s.join(c, 1)
		}
		s.parties[0].sends, s.parties[1].sends = true, true
		s.run(5 * time.Second)
		for _, p := range s.parties {
			p.waiting, p.pending = waiting, waiting
		}
		s.reset()
		start := s.now
		s.run(200 * time.Second)
		return float64(s.bytes(start, s.now)) / 200, s
	}
	quiet, _ := run(false, 0)
	busy, s := run(true, 0)
	if math.Abs(quiet-3200) > 64 {
		t.Errorf("without events %.0f bytes/s, want 3200", quiet)
	}
	if busy > 1.12*quiet || busy < 0.95*quiet {
		t.Errorf("with events all the time %.0f bytes/s, without any %.0f", busy, quiet)
	}
	early := 0
	for _, tr := range s.log {
		if tr.kind == rtcptiming.Early {
			early++
		}
	}
	if share := float64(early) / float64(len(s.log)); share < 0.4 || share > 0.6 {
		t.Errorf("%.2f of the packets are early, want half of them", share)
	}
	// With T_rr_interval the rate is far below the share unless there are
	// events (003 §4.2).
	quiet, _ = run(false, time.Second)
	busy, _ = run(true, time.Second)
	if quiet > 300 {
		t.Errorf("T_rr_interval 1 s, no events: %.0f bytes/s, want some 200", quiet)
	}
	if busy < 0.9*3200 || busy > 1.12*3200 {
		t.Errorf("T_rr_interval 1 s, events all the time: %.0f bytes/s, want the share of 3200", busy)
	}
}

// §3.5.2 step 2b: in a group feedback is delayed at random by up to half of
// T_rr; step 3: if that may reach beyond tn, it waits for the regular packet.
//
// (Suppression by the feedback of others, the other half of TIM-4.2-3, is what
// package nack does.)
func TestDithering(t *testing.T) {
	var x []float64
	for seed := range uint64(600) {
		c := slow
		c.Random = rng.New(seed).Stream("rtcp")
		s, a, tp, tn := pair(t, c, true)
		trr := tn.Sub(tp)
		t0 := tp.Add(trr / 10)
		a.s.WantFeedback(t0)
		te := a.s.NextTimeout()
		x = append(x, float64(te.Sub(t0))/(0.5*float64(trr)))
		// Another event joins the packet that is scheduled (step 2a).
		a.s.WantFeedback(t0.Add(time.Millisecond))
		if a.s.NextTimeout() != te {
			t.Fatal("a second event moved the scheduled packet")
		}
		if d := a.s.Due(te, true); d.Kind != rtcptiming.Early {
			t.Fatalf("kind %d at te", d.Kind)
		}
		_ = s
	}
	if d := ks(x, func(v float64) float64 { return min(max(v, 0), 1) }); d > 2.23/math.Sqrt(float64(len(x))) {
		t.Errorf("delays have distance %.3f from uniform in [0, 0.5·T_rr]", d)
	}

	_, a, tp, tn := pair(t, slow, true)
	a.s.WantFeedback(tp.Add(tn.Sub(tp) * 55 / 100))
	if got := a.s.NextTimeout(); got != tn {
		t.Errorf("t0 + T_dither_max > tn, and yet something is due at %v before tn = %v", got, tn)
	}
}

// RFC 5506 §4.1: nothing early before the first compound packet.
//
// conformance: TIM-4.6-4
func TestNoEarlyFeedbackBeforeFirstReport(t *testing.T) {
	s := newSession(t)
	a := s.join(slow, 1)
	tn := a.s.NextTimeout()
	a.pending = true
	a.s.WantFeedback(0)
	if got := a.s.NextTimeout(); got != tn {
		t.Fatalf("feedback scheduled at %v, the first report at %v", got, tn)
	}
	s.run(time.Second)
	if len(s.log) == 0 || s.log[0].kind != rtcptiming.Regular {
		t.Fatalf("the first packet isn't a report: %+v", s.log)
	}
	if !a.locals[0].HasSent() {
		t.Error("HasSent is false after a report")
	}
}

// Without AVPF there is no early feedback.
func TestNoEarlyFeedbackUnderAVP(t *testing.T) {
	_, a, tp, tn := pair(t, avp(8000), false)
	a.s.WantFeedback(tp.Add(time.Millisecond))
	if got := a.s.NextTimeout(); got != tn {
		t.Errorf("feedback at %v, want with the report at %v", got, tn)
	}
}

// §3.5.3 and RFC 8108 §7.1.1: gaps between regular packets when T_rr_interval
// suppresses some.
//
// conformance: TIM-4.2-5
func TestTrrIntervalGaps(t *testing.T) {
	const size = 100
	for _, c := range []struct {
		td, trr float64 // seconds
		lo, hi  float64
	}{
		{1, 1, 0.5, 2.731},           // Td = T_rr_interval: [0.5, 2.731]·Td
		{0.25, 1, 0.5, 1.81},         // Td = T_rr_interval/4: [0.5, 1.81]·T_rr_interval
		{0.05, 1, 0.5, 1.5 + 0.0616}, // 1.5·T_rr_interval + 1.5/1.21828·Td
		// 1.5·T_rr_interval < 0.5·Td/1.218: no effect. (RFC 8108 §7.2.2 says
		// Td/3, which forgets the compensation.)
		{1, 0.27, 0.5 / e32, 1.5 / e32},
	} {
		t.Run(fmt.Sprintf("Td=%v,T_rr_interval=%v", c.td, c.trr), func(t *testing.T) {
			s := newSession(t)
			conf := avpf(units.BitRate(2 * size * 8 / c.td))
			conf.TrrInterval = time.Duration(c.trr * float64(time.Second))
			s.join(conf, 1).sends = true
			s.join(conf, 1).sends = true
			s.run(20 * time.Second)
			s.reset()
			s.run(20000 * time.Second)
			for _, tr := range s.log {
				if tr.kind != rtcptiming.Regular {
					t.Fatalf("kind %d without feedback", tr.kind)
				}
			}
			x := s.gaps(1)
			a, b := slices.Min(x), slices.Max(x)
			if a < c.lo*0.9999 || b > c.hi*1.0001 {
				t.Errorf("gaps from %.3f to %.3f s, want within [%.3f, %.3f]", a, b, c.lo, c.hi)
			}
			// The range isn't too wide either: a gap of nearly both ends occurs.
			if width := c.hi - c.lo; a > c.lo+0.15*width || b < c.hi-0.25*width {
				t.Errorf("gaps from %.3f to %.3f s, want about [%.3f, %.3f]", a, b, c.lo, c.hi)
			}
		})
	}
}

// §3.5.3 step 2b: feedback goes in the place of a suppressed packet, which
// leaves t_rr_last as it was; step 2c: without feedback nothing goes, and in
// both cases allow_early is set.
func TestMinimalPacketInSuppressedSlot(t *testing.T) {
	c := slow
	c.TrrInterval = 10 * time.Second
	s := newSession(t)
	a := s.join(c, 1)
	s.join(c, 1)
	s.run(60 * time.Second)
	s.reset()
	for len(s.log) == 0 || s.log[len(s.log)-1].from != 0 {
		s.run(100 * time.Millisecond)
	}
	last := s.log[len(s.log)-1].at
	s.reset()

	// An early packet and then more to say: the slot at tn carries it.
	a.pending = true
	a.s.WantFeedback(s.now)
	a.s.Due(s.now, true)
	a.s.SentEarly(s.now, a.locals[0])
	tn := a.s.NextTimeout()
	s.run(tn.Sub(s.now) + 400*time.Millisecond)
	i := slices.IndexFunc(s.log, func(tr transmission) bool { return tr.from == 0 })
	if i < 0 || s.log[i].kind != rtcptiming.Minimal || s.log[i].at < tn {
		t.Fatalf("sent %+v, want feedback at %v in the place of a report", s.log, tn)
	}
	a.s.WantFeedback(s.now)
	if a.s.NextTimeout() != s.now {
		t.Error("after a suppressed slot feedback may not go early")
	}
	a.s.Due(s.now, false)

	// The next regular packet is due by t_rr_last + 1.5·T_rr_interval + T.
	s.reset()
	s.run(16 * time.Second)
	i = slices.IndexFunc(s.log, func(tr transmission) bool { return tr.from == 0 && tr.kind == rtcptiming.Regular })
	if i < 0 {
		t.Fatal("no report within 16 s")
	}
	if gap := s.log[i].at.Sub(last); gap < 5*time.Second || gap > 15*time.Second+400*time.Millisecond {
		t.Errorf("the next report is %v after the last", gap)
	}
}
