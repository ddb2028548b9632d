package breaker_test

import (
	"testing"
	"time"

	"rtpfabric/ccontrol/breaker"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Useless for ten seconds on end.
//
// conformance: CC-7.1-7
func TestUsability(t *testing.T) {
	c := breaker.Settings{Usability: breaker.Usability{Loss: 0.3, RTT: 2 * s1, For: 10 * s1}}
	x := video(100 * units.Kbps)
	s := start(t, c, s1, 100*ms, x)
	for range 5 { // 9 s, and a good report
		x.lost = 0.4
		s.advance(9 * s1)
		x.lost = 0.2
		s.advance(s1)
	}
	s.wantNoTrip()
	x.lost = 0.4
	s.advance(20 * s1)
	s.wantAt(s.wantTrip(breaker.Unusable, breaker.Cease), 60*s1, 0)

	x = video(100 * units.Kbps)
	s = start(t, c, s1, 3*s1, x)
	s.advance(30 * s1)
	s.wantAt(s.wantTrip(breaker.Unusable, breaker.Cease), 12*s1, s1)
}

// Each stream for itself, unless they are a group; those with another DSCP never are.
//
// conformance: CC-7.1-10
func TestGroups(t *testing.T) {
	for _, c := range []struct {
		configs []breaker.Stream
		want    []uint32
	}{
		{[]breaker.Stream{{}, {}, {}}, []uint32{1}},
		{[]breaker.Stream{{Group: "all"}, {Group: "all"}, {Group: "others"}}, []uint32{1, 2}},
		{[]breaker.Stream{{Group: "all"}, {Group: "all", DSCP: 46}, {Group: "all"}}, []uint32{1, 3}},
	} {
		b := breaker.New(breaker.Settings{Equation: breaker.Full, Reduce: true})
		s := &session{T: t, b: b, tdr: s1, rtt: 200 * ms, obey: true}
		for i, g := range c.configs {
			x := video(5 * units.Mbps)
			x.ssrc = uint32(i + 1)
			g.Tf = x.gap
			b.Add(x.ssrc, g)
			s.streams = append(s.streams, x)
		}
		s.streams[0].lost = 0.5
		s.advance(5 * s1)
		trip := s.wantTrip(breaker.Congestion, breaker.Reduce)
		if len(trip.Streams) != len(c.want) {
			t.Fatalf("%v: streams %x, want %x", c.configs, trip.Streams, c.want)
		}
		for i := range c.want {
			if trip.Streams[i] != c.want[i] {
				t.Errorf("%v: streams %x, want %x", c.configs, trip.Streams, c.want)
			}
		}
		// The group's rate is reduced as a whole.
		if want := units.BitRate(len(c.want)) * 500 * units.Kbps; trip.Limit < want*95/100 || trip.Limit > want*105/100 {
			t.Errorf("limit %v, want %v", trip.Limit, want)
		}
		s.advance(5 * s1)
		if trip := s.wantTrip(breaker.Congestion, breaker.Cease); len(trip.Streams) != len(c.want) {
			t.Errorf("streams %x cease", trip.Streams)
		}
	}
}

// No restart before the reaction has lasted as long as the cause, but with evidence.
//
// conformance: CC-7.1-8
func TestRestart(t *testing.T) {
	x := video(500 * units.Kbps)
	x.silent = true
	s := start(t, breaker.Settings{}, s1, 100*ms, x)
	s.advance(30 * s1)
	trip := s.wantTrip(breaker.ReportTimeout, breaker.Cease)
	earliest, ceased := s.b.Ceased(ssrc)
	if !ceased || earliest != trip.At.Add(trip.Interval) || trip.Interval < 15*s1 {
		t.Fatalf("earliest %v, tripped at %v", earliest, trip.At)
	}
	if s.b.Restart(earliest-1, ssrc, false) {
		t.Error("restarted too early")
	}
	if !s.b.Restart(earliest, ssrc, false) || s.b.Restart(earliest, ssrc, false) {
		t.Error("restarts once, when it may")
	}
	s.advance(earliest.Sub(s.now))
	x.quiet = false
	s.advance(20 * s1) // another whole timeout
	s.wantAt(s.wantTrip(breaker.ReportTimeout, breaker.Cease), earliest.Duration()+15*s1, 2*x.gap)
	if !s.b.Restart(s.now, ssrc, true) {
		t.Error("no restart with evidence")
	}
}

// What shall cease and doesn't is no news. Conditions can be left out.
func TestOneTripEach(t *testing.T) {
	x := video(5 * units.Mbps)
	x.lost = 0.9
	s := start(t, breaker.Settings{Usability: breaker.Usability{Loss: 0.1}}, s1, 300*ms, x)
	s.obey = false
	s.advance(60 * s1)
	x.silent = true
	s.advance(60 * s1)
	if len(s.trips) != 1 {
		t.Errorf("%d trips", len(s.trips))
	}
	off := breaker.Settings{NoReportTimeout: true, NoMediaTimeout: true, NoCongestion: true}
	x = video(5 * units.Mbps)
	x.lost = 0.9
	s = start(t, off, s1, 300*ms, x)
	s.advance(30 * s1)
	x.cut = true
	s.advance(30 * s1)
	x.silent = true
	s.advance(30 * s1)
	s.wantNoTrip()
}

// Two SSRCs of one peer report on a stream (RFC 8108 §5): each counts by itself.
func TestSeveralReporters(t *testing.T) {
	b := breaker.New(breaker.Settings{})
	b.Add(ssrc, breaker.Stream{Tf: 20 * ms})
	now, frame := simtime.Time(0), uint32(0)
	reports := 0
	for range 10_000 {
		frame++
		b.OnSent(now, ssrc, 1200, frame)
		if now.Duration()%s1 == 0 {
			reports++
			for by := range uint32(2) {
				highest := frame
				if reports > 20 {
					highest = 2000
				}
				b.OnReport(now, &breaker.Report{SSRC: ssrc, By: by, Highest: highest, RTT: 100 * ms, Tdr: s1})
			}
		}
		if trip, ok := b.PollTrip(); ok {
			if trip.Condition != breaker.MediaSilence || trip.Reports != 5 || reports < 25 {
				t.Fatalf("after %d reports: %s", reports, trip.Reason())
			}
			return
		}
		now = now.Add(10 * ms)
	}
	t.Error("no trip")
}

// A stream with another SSRC begins anew; one that is gone isn't watched.
func TestRenameAndRemove(t *testing.T) {
	x := video(500 * units.Kbps)
	x.silent = true
	s := start(t, breaker.Settings{}, s1, 100*ms, x)
	s.advance(10 * s1)
	s.b.Rename(ssrc, 99)
	x.ssrc = 99
	s.advance(10 * s1)
	s.wantNoTrip()
	s.advance(6 * s1)
	if trip := s.wantTrip(breaker.ReportTimeout, breaker.Cease); trip.SSRC != 99 {
		t.Errorf("SSRC %x", trip.SSRC)
	}
	s.b.Restart(s.now, 99, true)
	s.b.Remove(99)
	x.quiet = false
	s.advance(60 * s1)
	s.wantNoTrip()
}

// What was reported on the old SSRC is nothing to compare reports on the new one with: its
// sequence numbers are others, and the time since then isn't an interval.
func TestRenameForgetsReports(t *testing.T) {
	c := breaker.Settings{Usability: breaker.Usability{Loss: 0.3, For: 10 * s1}}
	x := video(100 * units.Kbps)
	s := start(t, c, s1, 100*ms, x)
	s.advance(10 * s1)
	x.silent = true
	s.advance(8 * s1)
	s.b.Rename(ssrc, 99)
	x.ssrc, x.highest, x.before = 99, 0, 0
	x.silent, x.lost = false, 0.5
	s.advance(15 * s1)
	s.wantAt(s.wantTrip(breaker.Unusable, breaker.Cease), 29*s1, 100*ms)
}

func FuzzBreaker(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, uint64(7), false)
	f.Fuzz(func(t *testing.T, script []byte, odd uint64, full bool) {
		c := breaker.Settings{Reduce: odd&1 != 0, Recover: time.Duration(odd >> 1), K: int(int8(odd)), TrrInterval: time.Duration(odd << 3), Factor: float64(int64(odd))}
		c.Usability = breaker.Usability{Loss: float64(odd%100) / 100, RTT: time.Duration(odd % 1e9), For: time.Duration(odd % 7e9)}
		if full {
			c.Equation = breaker.Full
		}
		b := breaker.New(c)
		b.Add(1, breaker.Stream{G: int(int16(odd)), Group: "a"})
		b.Add(2, breaker.Stream{Tf: time.Duration(odd), Group: "a"})
		now := simtime.Time(0)
		for len(script) >= 4 {
			op, x, y, z := script[0], uint32(script[1]), script[2], script[3]
			script = script[4:]
			now = now.Add(time.Duration(uint64(y)*odd) % time.Hour)
			switch op % 7 {
			case 0, 1:
				b.OnSent(now, x%3, units.Bytes(int8(z)), uint32(z)*x)
			case 2, 3:
				b.OnReport(now, &breaker.Report{
					SSRC: x % 3, By: uint32(z), FractionLost: y, Highest: x * uint32(y) << 20, CE: int(int8(z)),
					RTT: time.Duration(int64(z)) * time.Duration(odd), Tdr: time.Duration(int64(int8(y))) * time.Duration(odd),
				})
			case 4:
				b.Stop(x % 3)
				b.OnReducedSize()
			case 5:
				b.SetTd(time.Duration(odd) * time.Duration(y))
			case 6:
				b.Restart(now, x%3, y&1 != 0)
			}
			for trip, ok := b.PollTrip(); ok; trip, ok = b.PollTrip() {
				if trip.Reason() == "" || trip.Loss != trip.Loss || trip.Loss < 0 || trip.Loss > 1 || trip.Rate < 0 || trip.Throughput < 0 || trip.Limit < 0 {
					t.Fatalf("trip %+v", trip)
				}
			}
		}
	})
}

// steady is a session in its steady state.
func steady() func() {
	b := breaker.New(breaker.Settings{})
	b.Add(ssrc, breaker.Stream{Tf: 33 * ms})
	now, frame := simtime.Time(0), uint32(0)
	round := func() {
		for range 4 {
			frame++
			b.OnSent(now, ssrc, 1200, frame/2)
			now = now.Add(15 * ms)
		}
		b.OnReport(now, &breaker.Report{SSRC: ssrc, By: peer, Highest: frame, RTT: 50 * ms, Tdr: 60 * ms, FractionLost: 3})
		b.OnReducedSize()
	}
	for range 1000 {
		round()
	}
	return round
}

func TestNothingIsAllocated(t *testing.T) {
	if n := testing.AllocsPerRun(1000, steady()); n > 0 {
		t.Errorf("%v allocations for four packets and a report", n)
	}
}

// A report and the four packets before it.
func BenchmarkReport(b *testing.B) {
	round := steady()
	b.ReportAllocs()
	for b.Loop() {
		round()
	}
}
