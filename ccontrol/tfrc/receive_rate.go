package tfrc

import (
	"math"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
)

// receiver measures the receive rate (§6.2).
type receiver struct {
	ring    [1 << 10]landed
	n       uint64  // so far
	last    float64 // octets per second
	highest float64
}

type landed struct {
	at   simtime.Time
	size float64
}

func (r *receiver) onPacket(p ccontrol.PacketResult) {
	if p.Received {
		r.ring[r.n%uint64(len(r.ring))] = landed{p.Arrival, float64(p.Size)}
		r.n++
	}
}

// leastSpan is the shortest time that a rate is measured over: video comes in frames,
// of which a shorter time has one too many or too few.
const leastSpan = 200 * time.Millisecond

// rate returns what came in the last round-trip time, in octets per second.
func (r *receiver) rate(rtt float64) float64 {
	if r.n == 0 {
		return r.last
	}
	span := simtime.Time(max(rtt, leastSpan.Seconds()) * float64(time.Second))
	newest := r.ring[(r.n-1)%uint64(len(r.ring))].at
	var sum float64
	oldest := newest
	for i := r.n; i > 0 && i+uint64(len(r.ring)) > r.n; i-- {
		l := r.ring[(i-1)%uint64(len(r.ring))]
		if newest-l.at >= span {
			oldest = newest - span
			break
		}
		sum += l.size
		oldest = min(oldest, l.at)
	}
	if took := (newest - oldest).Duration().Seconds(); took > 0 {
		r.last = sum / max(took, rtt)
	} else {
		r.last = sum / max(rtt, 1e-3)
	}
	r.highest = max(r.highest, r.last)
	return r.last
}

// recvSet is X_recv_set of §4.3.
type recvSet struct {
	values [4]recvValue
	n      int
}

type recvValue struct {
	at simtime.Time
	x  float64
}

func infinite() recvSet {
	return recvSet{values: [4]recvValue{{x: math.Inf(1)}}, n: 1}
}

func (s *recvSet) max() float64 {
	top := 0.0
	for _, v := range s.values[:s.n] {
		top = max(top, v.x)
	}
	return top
}

func (s *recvSet) halve() {
	for i := range s.values[:s.n] {
		s.values[i].x /= 2
	}
}

func (s *recvSet) replace(now simtime.Time, x float64) {
	s.values[0], s.n = recvValue{now, x}, 1
}

// maximize keeps the largest value, but not the infinite one.
func (s *recvSet) maximize(now simtime.Time, x float64) {
	for _, v := range s.values[:s.n] {
		if !math.IsInf(v.x, 1) {
			x = max(x, v.x)
		}
	}
	s.replace(now, x)
}

// update keeps the values of the last two round-trip times. With feedback more often
// than that needs room for, the smaller of the two oldest goes.
func (s *recvSet) update(now simtime.Time, x, rtt float64) {
	kept := s.values[:0]
	for _, v := range s.values[:s.n] {
		if now.Sub(v.at).Seconds() <= 2*rtt {
			kept = append(kept, v)
		}
	}
	if s.n = len(kept); s.n == len(s.values) {
		if s.values[1].x < s.values[0].x {
			s.values[1] = s.values[0]
		}
		copy(s.values[:], s.values[1:])
		s.n--
	}
	s.values[s.n] = recvValue{now, x}
	s.n++
}
