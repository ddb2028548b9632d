package tfrc

import (
	"rtpfabric/ccontrol"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

const (
	intervals = 8 // n of §5.4
	// dupACKs is NDUPACK of §5.1: how many later packets have to come before a missing
	// one is lost.
	dupACKs = 3
	// doubtful bounds how many missing packets are waited for; more are lost at once.
	doubtful = 64
)

// weights are w_0 to w_7 of §5.4.
var weights = [intervals]float64{1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2}

// history finds loss events and their mean interval (§5).
type history struct {
	threshold float64 // of §5.5

	events    int          // so far
	start     uint64       // first packet of the last event
	startTime simtime.Time // its nominal arrival
	past      [intervals + 1]float64
	n         int                    // of past intervals: past[1] to past[n]
	df        float64                // DF of §5.5
	discounts [intervals + 1]float64 // DF_i

	highest  uint64 // packet received so far
	received int    // packets so far
	last     arrival
	any      bool

	missing []suspect // that may still come, by number
}

type arrival struct {
	seq uint64
	at  simtime.Time
}

// suspect is a packet that was reported missing.
type suspect struct {
	seq    uint64
	before arrival // S_before of §5.2
	known  bool    // before is
	after  arrival // S_after, once received is larger
	since  int     // packets received when it was reported
}

// onPacket takes results in the order of the numbers; r is the round-trip time in
// seconds.
func (h *history) onPacket(p ccontrol.PacketResult, r float64) {
	if !p.Received {
		h.suspect(p.Seq, r)
		return
	}
	for i := range h.missing {
		if h.missing[i].seq == p.Seq { // it was only late
			h.missing = append(h.missing[:i], h.missing[i+1:]...)
			break
		}
	}
	now := arrival{p.Seq, p.Arrival}
	for i := range h.missing {
		if m := &h.missing[i]; m.since == h.received && m.seq < p.Seq {
			m.after = now
		}
	}
	h.received++
	if !h.any || p.Seq > h.highest {
		h.highest, h.last, h.any = p.Seq, now, true
	}
	h.confirm(dupACKs, r)
	if p.ECN == packet.CE {
		h.confirm(1, r) // what is missing before it begins the event (§5.1)
		h.event(p.Seq, p.Arrival, r)
	}
	h.discount()
}

func (h *history) suspect(seq uint64, r float64) {
	if h.missing == nil {
		h.missing = make([]suspect, 0, doubtful)
	}
	if len(h.missing) == doubtful {
		h.event(h.missing[0].seq, h.missing[0].nominal(), r)
		h.missing = append(h.missing[:0], h.missing[1:]...)
	}
	h.missing = append(h.missing, suspect{seq: seq, before: h.last, known: h.any, since: h.received})
}

// confirm takes suspects as lost after which enough packets have come.
func (h *history) confirm(enough int, r float64) {
	lost := 0
	for lost < len(h.missing) && h.received-h.missing[lost].since >= enough {
		h.event(h.missing[lost].seq, h.missing[lost].nominal(), r)
		lost++
	}
	h.missing = append(h.missing[:0], h.missing[lost:]...)
}

// nominal is T_loss of §5.2.
func (s *suspect) nominal() simtime.Time {
	switch {
	case !s.known:
		return s.after.at
	case s.after.seq <= s.before.seq:
		return s.before.at
	}
	share := float64(s.seq-s.before.seq) / float64(s.after.seq-s.before.seq)
	return s.before.at + simtime.Time(float64(s.after.at-s.before.at)*share)
}

// event notes a packet that was lost or marked; it begins a loss event unless it is
// within a round-trip time of the one that did last (§5.2).
func (h *history) event(seq uint64, at simtime.Time, r float64) {
	if h.events > 0 && (at.Sub(h.startTime).Seconds() <= r || seq <= h.start) {
		return
	}
	if h.events > 0 {
		h.shift(float64(seq - h.start))
	}
	h.events++
	h.start, h.startTime = seq, at
}

// shift closes an interval (§5.5).
func (h *history) shift(size float64) {
	for i := intervals; i > 1; i-- {
		h.past[i] = h.past[i-1]
		h.discounts[i] = float64(h.discounts[i-1] * h.df)
	}
	h.past[1], h.discounts[1] = size, 1
	h.n = min(h.n+1, intervals)
	h.df = 1
}

// seed sets the interval before the first loss event (§6.3.1), unless so many have
// come at once that it is too old to count.
func (h *history) seed(size float64) {
	if h.n == intervals {
		return
	}
	h.past[h.n+1], h.discounts[h.n+1] = size, 1
	h.n++
}

// open is I_0 of §5.3.
func (h *history) open() float64 {
	if h.highest < h.start {
		return 1
	}
	return float64(h.highest - h.start + 1)
}

// mean returns the weighted mean of the past intervals.
func (h *history) mean() float64 {
	var sum, total float64
	for i := 1; i <= h.n; i++ {
		w := float64(weights[i-1] * h.discounts[i])
		sum += float64(h.past[i] * w)
		total += w
	}
	return sum / total
}

// discount updates DF.
func (h *history) discount() {
	if h.n == 0 {
		return
	}
	h.df = 1
	if m := h.mean(); h.open() > 2*m {
		h.df = max(2*m/h.open(), h.threshold)
	}
}

// lossEventRate is p; 0 before the first event.
func (h *history) lossEventRate() float64 {
	if h.n == 0 {
		return 0
	}
	sum, total := h.open(), 1.0
	for i := 1; i < intervals && i <= h.n; i++ {
		w := float64(weights[i] * h.discounts[i] * h.df)
		sum += float64(h.past[i] * w)
		total += w
	}
	return min(1/max(sum/total, h.mean()), 1)
}
