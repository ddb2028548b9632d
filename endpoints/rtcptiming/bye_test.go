package rtcptiming_test

import (
	"testing"
	"time"

	"rtpfabric/endpoints/rtcptiming"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// byes returns how many bytes of BYE packets were sent until a moment.
func (s *session) byes(until simtime.Time) (n units.Bytes) {
	for _, tr := range s.log {
		if tr.kind == rtcptiming.Bye && tr.at < until {
			n += tr.size
		}
	}
	return n
}

// RFC 3550 §6.3.7: when 200 members leave at once, BYEs take no more than
// another 5 %, here 1000 bytes/s. Without the rule all go at the same instant.
//
// conformance: RTP-4.1-12
func TestByeBackoff(t *testing.T) {
	const members, size, rate = 200, 100, 1000
	s := newSession(t)
	for range members {
		s.join(rtcptiming.Config{Bandwidth: 8 * rate, Minimum: rtcptiming.FixedMinimum}, 1)
	}
	s.run(120 * time.Second)
	s.reset()
	from := s.now
	for i, p := range s.parties[:members-1] {
		s.quit(i, p)
	}
	if n := s.byes(from.Add(time.Nanosecond)); n != 0 {
		t.Errorf("%d bytes of BYEs at once", n)
	}
	s.run(5 * time.Minute)
	if n := s.byes(s.now); n != (members-1)*size {
		t.Fatalf("%d bytes of BYEs, want those of %d members", n, members-1)
	}
	for window := 10 * time.Second; window <= time.Minute; window += 10 * time.Second {
		// Reconsideration settles after some overshoot.
		most := units.Bytes(1.3 * rate * window.Seconds())
		for _, tr := range s.log {
			if n := s.byes(tr.at.Add(window)) - s.byes(tr.at); n > most {
				t.Errorf("%d bytes of BYEs within %v, want at most %d", n, window, most)
				break
			}
		}
	}
	if n := s.parties[members-1].s.Members(); n != 1 {
		t.Errorf("who stays knows %d members", n)
	}
}

// §6.3.7: in a session of up to 50 members a BYE may go at once.
func TestByeOfSmallGroupGoesAtOnce(t *testing.T) {
	for _, members := range []int{2, 50, 51} {
		s := newSession(t)
		for range members {
			s.join(avpf(80_000), 1)
		}
		s.run(30 * time.Second)
		p := s.parties[0]
		if waits := p.s.Quit(s.now, p.locals[0], 100); waits != (members > 50) {
			t.Errorf("of %d members one waits: %v", members, waits)
		}
	}
}

// While it waits, an SSRC sends nothing else.
func TestQuittingIsSilent(t *testing.T) {
	s := newSession(t)
	for range 60 {
		s.join(avpf(80_000), 1)
	}
	s.run(30 * time.Second)
	p := s.parties[0]
	l := p.locals[0]
	if !p.s.Quit(s.now, l, 100) || !l.Quitting() {
		t.Fatal("it doesn't wait")
	}
	p.s.WantFeedback(s.now)
	for at := p.s.NextTimeout(); ; at = p.s.NextTimeout() {
		d := p.s.Due(at, true)
		if d.Kind == rtcptiming.Bye {
			break
		}
		if d.Kind != rtcptiming.None {
			t.Fatalf("a packet of kind %d", d.Kind)
		}
		p.s.CountBye(100)
	}
}
