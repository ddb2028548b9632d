package breaker_test

import (
	"math"
	"testing"
	"time"

	"rtpfabric/ccontrol/breaker"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

const (
	ssrc = 0x1111
	peer = 0x2222
)

// stream is a stream that a test sends.
type stream struct {
	ssrc    uint32
	gap     time.Duration // between packets, each of which is a frame
	size    units.Bytes
	lost    float64 // fraction that the receiver reports
	ce      float64 // fraction that was marked, by ECN feedback in the same packet
	cut     bool    // nothing comes
	quiet   bool    // nothing is sent
	silent  bool    // nothing is reported
	next    simtime.Time
	frame   uint32
	highest uint32
	before  uint32 // highest of the last report
}

// session is a sender, a receiver that reports, and the breaker between them.
type session struct {
	*testing.T
	b        *breaker.Breaker
	now      simtime.Time
	streams  []*stream
	tdr, rtt time.Duration
	report   simtime.Time // the next one
	trips    []breaker.Trip
	obey     bool // a stream that shall cease does
}

func start(t *testing.T, c breaker.Settings, tdr, rtt time.Duration, streams ...*stream) *session {
	s := &session{T: t, b: breaker.New(c), tdr: tdr, rtt: rtt, report: simtime.At(tdr), streams: streams, obey: true}
	for _, x := range streams {
		s.b.Add(x.ssrc, breaker.Stream{Tf: x.gap})
	}
	return s
}

// video is a stream of the given rate in packets of 1200 octets.
func video(rate units.BitRate) *stream {
	return &stream{ssrc: ssrc, gap: rate.TimeToSend(1200), size: 1200}
}

// advance sends and reports for a while.
func (s *session) advance(d time.Duration) {
	s.Helper()
	for end := s.now.Add(d); ; {
		next := s.report
		for _, x := range s.streams {
			next = min(next, x.next)
		}
		if next > end {
			s.now = end
			return
		}
		s.now = next
		for _, x := range s.streams {
			if x.next <= s.now {
				x.next = s.now.Add(x.gap)
				if !x.quiet {
					x.frame++
					if !x.cut {
						x.highest++
					}
					s.b.OnSent(s.now, x.ssrc, x.size, x.frame)
				}
			}
		}
		if s.report <= s.now {
			s.report = s.now.Add(s.tdr)
			for _, x := range s.streams {
				s.reportOn(x)
			}
		}
		s.collect()
	}
}

// reportOn delivers a block about a stream.
func (s *session) reportOn(x *stream) {
	if x.silent || x.highest == 0 {
		return
	}
	r := breaker.Report{SSRC: x.ssrc, By: peer, Highest: x.highest, RTT: s.rtt, Tdr: s.tdr}
	if n := x.highest - x.before; n > 0 {
		r.FractionLost = uint8(min(256*x.lost, 255))
		r.CE = int(math.Round(x.ce * float64(n)))
	}
	x.before = x.highest
	s.b.OnReport(s.now, &r)
}

func (s *session) collect() {
	for t, ok := s.b.PollTrip(); ok; t, ok = s.b.PollTrip() {
		s.trips = append(s.trips, t)
		for _, x := range s.streams {
			for _, ssrc := range t.Streams {
				x.quiet = x.quiet || s.obey && ssrc == x.ssrc && t.Action == breaker.Cease
			}
		}
	}
}

// wantTrip checks that there is exactly one trip that nobody has asked for, and
// returns it.
func (s *session) wantTrip(c breaker.Condition, a breaker.Action) breaker.Trip {
	s.Helper()
	if len(s.trips) != 1 || s.trips[0].Condition != c || s.trips[0].Action != a {
		s.Fatalf("at %v: trips %+v, want one of %v", s.now, s.trips, c)
	}
	t := s.trips[0]
	s.trips = nil
	if t.Reason() == "" {
		s.Errorf("%v gives no reason", c)
	}
	return t
}

// wantAt checks when a trip was.
func (s *session) wantAt(t breaker.Trip, at, tolerance time.Duration) {
	s.Helper()
	if d := t.At.Duration() - at; d < -tolerance || d > tolerance {
		s.Errorf("%v at %v, want %v ± %v", t.Condition, t.At, at, tolerance)
	}
}

func (s *session) wantNoTrip() {
	s.Helper()
	if len(s.trips) > 0 {
		s.Fatalf("at %v: %v: %s", s.trips[0].At, s.trips[0].Condition, s.trips[0].Reason())
	}
}
