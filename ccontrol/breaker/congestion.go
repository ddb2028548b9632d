package breaker

import (
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Circuit breaker 3: congestion (§4.3). Media comes, and far more is sent than TCP
// would send.

// maxIntervals bounds the history; with Tdr of a millisecond 15 s have as many.
const maxIntervals = 1 << 14

// interval is a reporting interval.
type interval struct {
	lost     float64 // fraction
	duration time.Duration
	bytes    uint64 // sent meanwhile
}

// maxClean is more than any number of intervals that is asked for.
const maxClean = 1 << 30

// history holds the last reporting intervals.
type history struct {
	ring  []interval
	head  int32 // of the next one
	n     int32
	clean int32 // how many of the last ones nothing was lost in; no more than maxClean
}

func (h *history) clear() { h.head, h.n, h.clean = 0, 0, 0 }

// add keeps an interval, and room for as many as are asked for.
func (h *history) add(i interval, room int) {
	if len(h.ring) < room {
		ring := make([]interval, max(room, 2*len(h.ring)))
		for k := range int(h.n) {
			ring[k] = *h.at(int(h.n) - 1 - k)
		}
		h.ring, h.head = ring, h.n
	}
	h.ring[h.head] = i
	if h.head++; int(h.head) == len(h.ring) {
		h.head = 0
	}
	h.n = min(h.n+1, int32(len(h.ring)))
	if h.clean = min(h.clean+1, maxClean); i.lost > 0 {
		h.clean = 0
	}
}

// at returns the interval that is k before the last.
func (h *history) at(k int) *interval {
	i := int(h.head) - 1 - k
	if i < 0 {
		i += len(h.ring)
	}
	return &h.ring[i]
}

// mean returns the average fraction lost over the last n intervals, by their
// durations, the bytes that were sent in them, and how long they are.
func (h *history) mean(n int) (p, bytes float64, d time.Duration) {
	total := uint64(0)
	for k := range n {
		i := h.at(k)
		if i.lost > 0 {
			p += float64(i.lost * i.duration.Seconds())
		}
		total += i.bytes
		d += i.duration
	}
	return p / d.Seconds(), float64(total), d
}

// recent returns the rate of the last intervals that together last as long as is given.
func (h *history) recent(long time.Duration) units.BitRate {
	bytes, d := 0.0, time.Duration(0)
	for k := 0; k < int(h.n) && (k == 0 || d < long); k++ {
		i := h.at(k)
		bytes += float64(i.bytes)
		d += i.duration
	}
	return rateOf(bytes, d.Seconds())
}

// horizon is the time in which a rate shows: as many frames as s is about, and a round
// trip.
func (s *stream) horizon(now simtime.Time) time.Duration {
	frames := time.Duration(4 * s.g)
	return max(s.tr, frames*min(s.framing.interval(now), longest/frames))
}

// forgetCongestion forgets what a reporter said of congestion.
func (r *reporter) forgetCongestion() {
	r.history.clear()
	r.tooMuch = 0
}

// lost is the share of packets that a block says is lost, or marked CE.
func (b *Breaker) lost(by *reporter, r *Report) float64 {
	f := float64(r.FractionLost) / 256
	if expected := int32(r.Highest - by.highest); !b.settings.IgnoreECN && r.CE > 0 && expected > 0 {
		f = min(f+float64(r.CE)/float64(expected), 1)
	}
	return f
}

// checkCongestion records the interval that ends with a block, and compares the rate
// with TCP's.
//
// The rate is that of the same intervals as the loss, or what is sent now if that is
// less: CB_INTERVAL gives a controller time to react, and one that has done so isn't to
// blame any more. That a packet is sent every max(Tdr, Tr) goes by their mean distance:
// frames of several packets leave gaps.
func (b *Breaker) checkCongestion(now simtime.Time, s *stream, by *reporter, r *Report) {
	if b.settings.NoCongestion {
		return
	}
	d, packets, least := now.Sub(by.at), s.totals.packets-by.totals.packets, max(s.tdr, s.tr)
	switch {
	case !s.sending(now):
		by.forgetCongestion() // it has stopped, and begins anew
		return
	case packets == 0 && now.Sub(s.lastSent) > least,
		float64(packets)*least.Seconds() < s.lastSent.Sub(by.lastSent).Seconds():
		return // too few packets to judge by
	}
	n := int(by.cb)
	by.history.add(interval{b.lost(by, r), d, s.totals.bytes - by.totals.bytes}, n)
	if int(by.history.n) < n || s.ceased { // it may have tripped with this block
		return
	}
	if int(by.history.clean) >= n { // nothing is too much
		by.tooMuch = 0
		return
	}
	p, bytes, total := by.history.mean(n)
	rate := min(rateOf(bytes, total.Seconds()), by.history.recent(s.horizon(now)))
	size := s.framing.size(s.totals)
	x := b.settings.Equation.Throughput(size, s.tr, p)
	if rate <= Tenfold*x {
		by.tooMuch = 0
		return
	}
	if by.tooMuch++; b.settings.Sustained && int(by.tooMuch) <= n {
		return
	}
	t := Trip{
		At: now, Condition: Congestion, Action: Cease, Equation: b.settings.Equation,
		Interval: total, Reports: n, Loss: p, Throughput: x, Rate: rate, RTT: s.tr, Size: size,
	}
	if b.settings.Reduce && s.group.state == watching {
		t.Action = Reduce
	}
	b.trip(s, t)
}
