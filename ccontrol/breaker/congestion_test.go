package breaker_test

import (
	"math"
	"testing"
	"time"

	"rtpfabric/ccontrol/breaker"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// 2.5 Mbit/s over a path of 100 ms trips the simplified equation above 22.2 % of loss,
// after more than CB_INTERVAL reports; 1 Mbit/s never does.
//
// conformance: CC-7.1-5
func TestCongestion(t *testing.T) {
	tdr := 62500 * time.Microsecond
	for _, c := range []struct {
		rate     units.BitRate
		lost     float64
		equation breaker.Equation
		trips    bool
	}{
		{2500 * units.Kbps, 0.21, breaker.Simplified, false},
		{2500 * units.Kbps, 0.24, breaker.Simplified, true},
		{2500 * units.Kbps, 0.065, breaker.Full, false},
		{2500 * units.Kbps, 0.08, breaker.Full, true},
		{1 * units.Mbps, 1, breaker.Simplified, false},
		{1170 * units.Kbps, 1, breaker.Simplified, false},
		{1 * units.Mbps, 0.2, breaker.Full, true},
		{150 * units.Kbps, 0.31, breaker.Full, false},
		{150 * units.Kbps, 0.34, breaker.Full, true},
	} {
		x := video(c.rate)
		s := start(t, breaker.Settings{Equation: c.equation}, tdr, 100*ms, x)
		x.lost = c.lost
		s.advance(60 * s1)
		if !c.trips {
			s.wantNoTrip()
			continue
		}
		trip := s.wantTrip(breaker.Congestion, breaker.Cease)
		s.wantAt(trip, 17*tdr, 80*ms) // CB_INTERVAL is 16
		if math.Abs(trip.Loss-c.lost) > 1.0/256 || trip.Size != 1200 || trip.RTT != 100*ms || trip.Reports < 16 {
			t.Errorf("%v: loss %v, size %v, round trip %v, %d intervals", c.rate, trip.Loss, trip.Size, trip.RTT, trip.Reports)
		}
		if r := float64(trip.Rate) / float64(c.rate); r < 0.9 || r > 1.1 || trip.Rate <= 10*trip.Throughput {
			t.Errorf("rate %v of %v, X %v", trip.Rate, c.rate, trip.Throughput)
		}
	}
}

// Loss fractions count for as long as their intervals are (§4.3).
//
// conformance: CC-7.1-5
func TestLossIsWeightedByTime(t *testing.T) {
	b := breaker.New(breaker.Settings{Equation: breaker.Full})
	b.Add(ssrc, breaker.Stream{Tf: 20 * ms})
	now, frame := simtime.Time(0), uint32(0)
	report := func(after time.Duration, lost float64) {
		for end := now.Add(after); now < end; now = now.Add(10 * ms) {
			frame++
			b.OnSent(now, ssrc, 1200, frame) // 960 kbit/s
		}
		b.OnReport(now, &breaker.Report{SSRC: ssrc, By: peer, Highest: frame, RTT: 100 * ms, Tdr: 5 * s1, FractionLost: uint8(256 * lost)})
	}
	report(5*s1, 0)
	report(2*s1, 0.5)
	report(9*s1, 0.08) // 14.5 % would trip; the mean by number is 22 %
	report(4*s1, 0.08) // and that by time (2·0.5+13·0.08)/15 = 13.6 %
	if trip, ok := b.PollTrip(); ok {
		t.Fatalf("tripped: %s", trip.Reason())
	}
	report(8*s1, 0.16) // (9·0.08+4·0.08+8·0.16)/21 = 11 %
	if trip, ok := b.PollTrip(); ok {
		t.Fatalf("tripped: %s", trip.Reason())
	}
	report(14*s1, 0.17) // (4·0.08+8·0.16+14·0.17)/26 = 15.3 %
	if trip, ok := b.PollTrip(); !ok || math.Abs(trip.Loss-0.153) > 0.005 || trip.Interval != 26*s1 {
		t.Errorf("trip %+v", trip)
	}
}

// With more than CB_INTERVAL report blocks: three intervals of 5 s need four.
//
// conformance: CC-7.1-5, CC-7.4-2
func TestThreeReportsAreNotEnough(t *testing.T) {
	x := video(5 * units.Mbps)
	x.lost = 0.9
	s := start(t, breaker.Settings{}, 5*s1, 100*ms, x)
	s.advance(19 * s1)
	s.wantNoTrip()
	s.advance(2 * s1)
	if trip := s.wantTrip(breaker.Congestion, breaker.Cease); trip.Reports != 3 || trip.Interval != 15*s1 {
		t.Errorf("%d intervals, %v", trip.Reports, trip.Interval)
	}
}

// A sender of less than a packet every max(Tdr, Tr) isn't judged.
//
// conformance: CC-7.1-5
func TestSlowSendersAreNotJudged(t *testing.T) {
	for _, c := range []struct {
		gap   time.Duration
		trips bool
	}{{2200 * ms, false}, {1900 * ms, true}} {
		x := &stream{ssrc: ssrc, gap: c.gap, size: 1200, lost: 0.9}
		s := start(t, breaker.Settings{Equation: breaker.Full}, 2*s1, 1900*ms, x)
		s.advance(300 * s1)
		if got := len(s.trips) > 0; got != c.trips {
			t.Errorf("a packet every %v: trips %v", c.gap, s.trips)
		}
	}
}

// T_rr_interval takes the place of a shorter Tdr in CB_INTERVAL.
//
// conformance: CC-7.1-5
func TestTrrInterval(t *testing.T) {
	for trr, want := range map[time.Duration]int{0: 16, 4 * s1: 3} {
		x := video(5 * units.Mbps)
		x.lost = 0.9
		s := start(t, breaker.Settings{TrrInterval: trr}, 62500*time.Microsecond, 100*ms, x)
		s.advance(10 * s1)
		if trip := s.wantTrip(breaker.Congestion, breaker.Cease); trip.Reports != want {
			t.Errorf("T_rr_interval %v: %d intervals, want %d", trr, trip.Reports, want)
		}
	}
}

// Packets that are marked CE count as lost, if the marks come with an SR or RR (§5),
// unless somebody is of another opinion (§7).
//
// conformance: CC-7.1-9
func TestMarksCountAsLoss(t *testing.T) {
	for _, ignore := range []bool{false, true} {
		x := video(2500 * units.Kbps)
		x.lost, x.ce = 0.1, 0.2
		s := start(t, breaker.Settings{IgnoreECN: ignore, Usability: breaker.Usability{Loss: 0.15}}, 62500*time.Microsecond, 100*ms, x)
		s.advance(30 * s1)
		if ignore {
			s.wantNoTrip() // nor is media with marks unusable
			continue
		}
		if trip := s.wantTrip(breaker.Congestion, breaker.Cease); trip.Loss < 0.28 || trip.Loss > 0.31 {
			t.Errorf("loss %v, want 30 %%", trip.Loss)
		}
	}
}

// First a tenth of the rate, then the end if it triggers again after the next
// CB_INTERVAL, and not before.
//
// conformance: CC-7.1-6
func TestReduction(t *testing.T) {
	x := video(5 * units.Mbps)
	x.lost = 0.5
	s := start(t, breaker.Settings{Equation: breaker.Full, Reduce: true}, s1, 200*ms, x)
	s.advance(5 * s1)
	trip := s.wantTrip(breaker.Congestion, breaker.Reduce)
	limit, ok := s.b.Limit(ssrc)
	if !ok || limit != trip.Limit || limit < 490*units.Kbps || limit > 510*units.Kbps {
		t.Fatalf("limit %v, %v", trip.Limit, limit)
	}
	x.gap *= 10
	first := trip.At
	s.advance(60 * s1)
	trip = s.wantTrip(breaker.Congestion, breaker.Cease)
	if d := trip.At.Sub(first); d != time.Duration(trip.Reports)*s1 || trip.Reports != 3 {
		t.Errorf("the second time %v later, after %d intervals", d, trip.Reports)
	}
	if _, ok := s.b.Limit(ssrc); ok {
		t.Error("a stream that has ceased has a limit")
	}
}

// A reduction that helps is taken back, slowly, if that was asked for. Congestion then
// is something new; before, it is the end.
//
// conformance: CC-7.1-6
func TestRecovery(t *testing.T) {
	for _, during := range []bool{false, true} {
		x := video(5 * units.Mbps)
		x.lost = 0.5
		s := start(t, breaker.Settings{Equation: breaker.Full, Reduce: true, Recover: 10 * s1}, s1, 200*ms, x)
		s.advance(4*s1 + ms)
		s.wantTrip(breaker.Congestion, breaker.Reduce)
		was, _ := s.b.Limit(ssrc)
		x.lost = 0
		x.gap *= 10
		s.advance(15 * s1)
		if limit, _ := s.b.Limit(ssrc); limit != 2*was {
			t.Errorf("limit %v after 10 s, was %v", limit, was)
		}
		want := breaker.Cease
		if !during {
			s.advance(40 * s1)
			if limit, ok := s.b.Limit(ssrc); ok {
				t.Errorf("limit %v at last", limit)
			}
			want = breaker.Reduce
		}
		x.lost = 0.9
		x.gap /= 5
		for range 6 {
			if s.advance(s1); len(s.trips) > 0 {
				break
			}
		}
		s.wantTrip(breaker.Congestion, want)
	}
}

// With s of 4·G frames: those before don't count.
//
// conformance: CC-7.1-5
func TestPacketSizeIsThatOfTheLastFrames(t *testing.T) {
	x := video(3 * units.Mbps)
	x.size = 100
	s := start(t, breaker.Settings{Equation: breaker.Full}, s1, 100*ms, x)
	s.advance(2 * s1)
	x.lost = 0.9
	s.advance(1900 * ms)
	x.size = 1000
	for range 2 { // the present frame and the last four
		s.advance(x.gap * 3)
	}
	s.advance(5 * s1)
	if trip := s.wantTrip(breaker.Congestion, breaker.Cease); trip.Size != 1000 {
		t.Errorf("s is %v", trip.Size)
	}
}

// What was lost before a pause doesn't count against what comes after it.
func TestPauseForgetsCongestion(t *testing.T) {
	x := video(5 * units.Mbps)
	s := start(t, breaker.Settings{}, s1, 100*ms, x)
	x.lost = 0.9
	s.advance(3*s1 - ms) // two intervals, with the report that is due
	x.quiet = true
	s.advance(10 * s1)
	x.quiet, x.lost = false, 0.0
	s.advance(1900 * ms)
	x.lost = 0.9
	s.advance(s1 + 100*ms)
	s.wantNoTrip()
	s.advance(s1)
	s.wantTrip(breaker.Congestion, breaker.Cease)
}

// A controller that has reduced its rate in time isn't to blame for the rest of
// CB_INTERVAL, in which loss and the mean rate are still high.
func TestWhoHasReactedIsntToBlame(t *testing.T) {
	for _, reacts := range []bool{true, false} {
		x := video(1 * units.Mbps)
		s := start(t, breaker.Settings{}, 62500*time.Microsecond, 300*ms, x) // CB_INTERVAL is 3 s
		s.advance(5 * s1)
		x.lost = 0.5
		s.advance(800 * ms)
		s.wantNoTrip() // 13 %, and 15.4 % would trip
		if reacts {
			x.gap *= 5
		}
		s.advance(s1)
		x.lost = 0
		s.advance(5 * s1)
		if got := len(s.trips) > 0; got == reacts {
			t.Errorf("reacts %v: trips %v", reacts, s.trips)
		}
	}
}

// Sustained congestion trips after CB_INTERVAL reports that show it, as many more than the
// RFC's, and not at all if it ends before.
func TestSustained(t *testing.T) {
	tdr := 62500 * time.Microsecond
	x := video(2500 * units.Kbps)
	s := start(t, breaker.Settings{Sustained: true}, tdr, 100*ms, x) // CB_INTERVAL is 16
	x.lost = 0.3
	s.advance(60 * s1)
	s.wantAt(s.wantTrip(breaker.Congestion, breaker.Cease), 33*tdr, 80*ms)

	for reports, trips := range map[time.Duration]bool{12: false, 20: true} { // it takes 13 of 16 until the mean is above 22.2 %
		x = video(2500 * units.Kbps)
		s = start(t, breaker.Settings{Sustained: true}, tdr, 100*ms, x)
		s.advance(5 * s1)
		x.lost = 0.3
		s.advance((12 + reports) * tdr)
		x.gap *= 10
		s.advance(5 * s1)
		if got := len(s.trips) > 0; got != trips {
			t.Errorf("congestion in %d reports: trips %v", reports, s.trips)
		}
	}
}

// Reports that come between two frames, when nothing is sent, count like others.
func TestReportsBetweenFrames(t *testing.T) {
	b := breaker.New(breaker.Settings{})
	b.Add(ssrc, breaker.Stream{Tf: 40 * ms})
	now, packets := simtime.Time(0), uint32(0)
	for i := range uint32(400) {
		if i%4 == 0 { // a frame every 40 ms, a report every 10 ms
			for range 12 {
				packets++
				b.OnSent(now, ssrc, 1200, i) // 2.88 Mbit/s
			}
		}
		now = now.Add(10 * ms)
		b.OnReport(now, &breaker.Report{SSRC: ssrc, By: peer, Highest: packets, RTT: 100 * ms, Tdr: 10 * ms, FractionLost: 64})
		if trip, ok := b.PollTrip(); ok {
			if trip.Condition != breaker.Congestion || now < simtime.At(s1) || now > simtime.At(1100*ms) {
				t.Errorf("at %v: %s", now, trip.Reason())
			}
			return
		}
	}
	t.Error("no trip")
}
