package breaker_test

import (
	"testing"
	"time"

	"rtpfabric/ccontrol/breaker"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

const (
	ms = time.Millisecond
	s1 = time.Second
)

// Nothing is heard for three times Td of 5 s; Td counts if it is longer.
//
// conformance: CC-7.1-3
func TestReportTimeout(t *testing.T) {
	x := video(500 * units.Kbps)
	s := start(t, breaker.Settings{}, 62500*time.Microsecond, 100*ms, x)
	s.advance(10 * s1)
	x.silent = true
	s.advance(14900 * ms)
	s.wantNoTrip()
	s.advance(5 * s1)
	trip := s.wantTrip(breaker.ReportTimeout, breaker.Cease)
	s.wantAt(trip, 25*s1, 2*x.gap)
	if len(trip.Streams) != 1 || trip.Streams[0] != ssrc {
		t.Errorf("streams %x", trip.Streams)
	}

	x = video(500 * units.Kbps)
	s = start(t, breaker.Settings{}, s1, 100*ms, x)
	s.b.SetTd(8 * s1)
	x.silent = true
	s.advance(60 * s1)
	s.wantAt(s.wantTrip(breaker.ReportTimeout, breaker.Cease), 24*s1, 2*x.gap)
}

// Reports on any stream of the session will do (§4.1), and so will reduced-size RTCP
// (§5); of that nobody can tell congestion, which raises an alarm.
//
// conformance: CC-7.1-3, CC-7.1-9
func TestSignsOfLife(t *testing.T) {
	x, other := video(500*units.Kbps), video(100*units.Kbps)
	other.ssrc, x.silent = 7, true
	s := start(t, breaker.Settings{}, 2*s1, 100*ms, x, other)
	s.advance(60 * s1)
	if trip := s.wantTrip(breaker.Blind, breaker.Alarm); trip.SSRC != ssrc {
		t.Errorf("the alarm is about %x", trip.SSRC)
	}

	x = video(5 * units.Mbps)
	x.silent, x.lost = true, 0.9
	s = start(t, breaker.Settings{Equation: breaker.Full}, s1, 400*ms, x)
	for range 60 {
		s.advance(s1)
		s.b.OnReducedSize()
	}
	s.wantAt(s.wantTrip(breaker.Blind, breaker.Alarm), 15*s1, 20*ms)
	s.advance(20 * s1) // now not even these
	s.wantAt(s.wantTrip(breaker.ReportTimeout, breaker.Cease), 75*s1, 20*ms)
}

// A sender that pauses isn't answered, and needn't be. When it goes on it has all the
// time there is.
func TestPausesAreNoTimeout(t *testing.T) {
	x := video(500 * units.Kbps)
	s := start(t, breaker.Settings{}, 62500*time.Microsecond, 100*ms, x)
	s.advance(10 * s1)
	x.quiet, x.silent = true, true
	s.advance(60 * s1)
	x.quiet = false
	s.advance(14900 * ms)
	s.wantNoTrip()
	x.silent = false
	s.advance(60 * s1)
	s.wantNoTrip()
	// Pauses of a receiver that reports on silent sources aren't media timeouts either.
	x.quiet = true
	s.advance(60 * s1)
	x.quiet = false
	s.advance(10 * s1)
	s.wantNoTrip()
}

// After five reports at 5 s, and eight of 62.5 ms on a path of 100 ms (§4.2).
//
// conformance: CC-7.1-4
func TestMediaTimeout(t *testing.T) {
	for _, c := range []struct {
		tdr     time.Duration
		reports int
	}{{5 * s1, 5}, {62500 * time.Microsecond, 8}} {
		x := video(500 * units.Kbps)
		s := start(t, breaker.Settings{}, c.tdr, 100*ms, x)
		s.advance(20*s1 + ms) // reports come at multiples of Tdr
		x.cut = true
		s.advance(40 * s1)
		trip := s.wantTrip(breaker.MediaSilence, breaker.Cease)
		if trip.Reports != c.reports {
			t.Errorf("Tdr %v: %d reports, want %d", c.tdr, trip.Reports, c.reports)
		}
		// The one after the cut still has something new.
		s.wantAt(trip, 20*s1+time.Duration(c.reports+1)*c.tdr, c.tdr+ms)
	}
}

// Progress cancels the timeout, and so does the end of sending. MEDIA_TIMEOUT grows
// while there is no progress, and never shrinks.
//
// conformance: CC-7.1-4
func TestMediaTimeoutIsCancelledAndReconsidered(t *testing.T) {
	tdr := 62500 * time.Microsecond
	x := video(500 * units.Kbps)
	s := start(t, breaker.Settings{}, tdr, 100*ms, x)
	s.advance(10*s1 + ms)
	for range 10 { // seven reports without anything new, and one with
		x.cut = true
		s.advance(7 * tdr)
		x.cut = false
		s.advance(2 * tdr)
	}
	s.wantNoTrip()
	for range 10 { // six, and then nothing is sent for a while
		x.cut = true
		s.advance(6 * tdr)
		x.quiet = true
		s.advance(s1)
		x.quiet = false
	}
	s.wantNoTrip()
	s.advance(6 * tdr)
	s.b.Stop(ssrc) // at once
	s.advance(6 * tdr)
	s.wantNoTrip()

	for _, rtts := range [][2]time.Duration{{100 * ms, 800 * ms}, {800 * ms, 100 * ms}} {
		x = video(500 * units.Kbps)
		s = start(t, breaker.Settings{}, tdr, rtts[0], x)
		s.advance(60*s1 + ms)
		x.cut, s.rtt = true, rtts[1]
		s.advance(20 * s1)
		trip := s.wantTrip(breaker.MediaSilence, breaker.Cease)
		if rtts[0] > rtts[1] && trip.Reports != 64 {
			t.Errorf("MEDIA_TIMEOUT shrank from 64 to %d", trip.Reports)
		}
		if rtts[0] < rtts[1] && (trip.Reports < 60 || trip.Reports > 64) { // Tr is smoothed
			t.Errorf("MEDIA_TIMEOUT is %d, want nearly 64 when Tr grows", trip.Reports)
		}
	}
}

// A stream with less than a frame in 10 s has Tf to match.
//
// conformance: CC-7.1-4
func TestRareFrames(t *testing.T) {
	b := breaker.New(breaker.Settings{})
	b.Add(ssrc, breaker.Stream{})
	s := &session{T: t, b: b, tdr: 5 * s1, rtt: 100 * ms, report: 0}
	x := &stream{ssrc: ssrc, gap: 14 * s1, size: 200}
	s.streams = []*stream{x}
	s.advance(100 * s1)
	x.cut = true
	s.advance(200 * s1)
	if trip := s.wantTrip(breaker.MediaSilence, breaker.Cease); trip.Reports != 14 {
		t.Errorf("%d reports, want ceil(5·14 s/5 s)", trip.Reports)
	}
}

// Reports count by RTCP packets (§4.2): a second block of a reporter in one adds nothing.
func TestTwoBlocksInAPacket(t *testing.T) {
	b := breaker.New(breaker.Settings{})
	b.Add(ssrc, breaker.Stream{Tf: 20 * ms})
	now := simtime.Time(0)
	for i := range uint32(400) {
		b.OnSent(now, ssrc, 1200, i)
		if i%100 == 0 {
			for range 4 {
				b.OnReport(now, &breaker.Report{SSRC: ssrc, By: peer, Highest: 7, RTT: 100 * ms, Tdr: 5 * s1})
			}
		}
		now = now.Add(20 * ms)
	}
	if trip, ok := b.PollTrip(); ok {
		t.Error(trip.Reason())
	}
}
