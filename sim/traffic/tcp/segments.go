package tcp

import (
	"time"

	"rtpfabric/sim/simtime"
)

// sent is one segment of the sequence space as it was first cut. What was sent
// before it is what the delivery rate is computed from (see rate.go).
type sent struct {
	end           seq
	at            simtime.Time // of the last transmission
	retransmitted bool
	delivered     bool // as far as the delivery rate is concerned
	rateState
}

// sentLog is a ring of the segments between SND.UNA and SND.NXT.
type sentLog struct {
	ring []sent // length is a power of two
	head int
	n    int
}

func (l *sentLog) at(i int) *sent { return &l.ring[(l.head+i)&(len(l.ring)-1)] }

func (l *sentLog) push(s sent) {
	if l.n == len(l.ring) {
		bigger := make([]sent, max(16, 2*len(l.ring)))
		for i := range l.n {
			bigger[i] = *l.at(i)
		}
		l.ring, l.head = bigger, 0
	}
	l.n++
	*l.at(l.n - 1) = s
}

func (l *sentLog) pop() {
	l.head = (l.head + 1) & (len(l.ring) - 1)
	l.n--
}

// search returns the index of the first segment that ends after s.
func (l *sentLog) search(s seq) int {
	lo, hi := 0, l.n
	for lo < hi {
		mid := (lo + hi) / 2
		if l.at(mid).end <= s {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// roundTrips are the measurements that one cumulative acknowledgment allows.
type roundTrips struct {
	// oldest is of the first segment it acknowledges, and contains the wait of
	// a delayed acknowledgment (RFC 7323 §4.1); newest is of the last. 0 is
	// none.
	oldest, newest time.Duration
}

// acknowledge removes the segments below una. By Karn's algorithm (RFC 6298 §3)
// there is no measurement if one of them was sent twice; nor if one was
// delivered earlier, as selective acknowledgments said, because it waited for
// the others.
func (l *sentLog) acknowledge(now simtime.Time, una seq, waited bool) roundTrips {
	var rt roundTrips
	ambiguous := waited
	for l.n > 0 && l.at(0).end <= una {
		s := l.at(0)
		ambiguous = ambiguous || s.retransmitted
		rt.newest = now.Sub(s.at)
		if rt.oldest == 0 {
			rt.oldest = rt.newest
		}
		l.pop()
	}
	if ambiguous {
		return roundTrips{}
	}
	return rt
}
