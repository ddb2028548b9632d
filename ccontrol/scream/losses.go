package scream

import (
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
)

// losses tells lost packets from late ones (RFC 8298 §4.1.2.4, rfc8298bis §4.2.1.1). A
// packet that is reported missing is lost once the reordering window has passed. The
// window grows to the longest time that a packet was missing before it arrived after all.
//
// Neither document bounds it. One round trip bounds it here, as RFC 8985 §6.2 has it: a
// single straggler would else postpone all reactions to loss.
type losses struct {
	ring       [256]missing
	next       int // where the next one goes, counted without end
	undeclared int // the first that is neither lost nor arrived
	window     time.Duration
}

type missing struct {
	seq          uint64
	sent, marked simtime.Time
	arrived      bool
}

// onPacket takes a result that isn't the newest arrival. Packets missing for the first
// time are marked; marked ones that arrive widen the window.
func (l *losses) onPacket(now simtime.Time, r *ccontrol.PacketResult, sRTT time.Duration) {
	if !r.Received {
		l.ring[l.next%len(l.ring)] = missing{seq: r.Seq, sent: r.Sent, marked: now}
		l.next++
		l.undeclared = max(l.undeclared, l.next-len(l.ring))
		return
	}
	for i := max(0, l.next-len(l.ring)); i < l.next; i++ {
		if m := &l.ring[i%len(l.ring)]; m.seq == r.Seq && !m.arrived {
			m.arrived = true
			l.window = min(max(l.window, now.Sub(m.marked)), sRTT)
		}
	}
}

// declare returns how many packets are lost by now, and when the last of them was
// sent.
func (l *losses) declare(now simtime.Time) (lost int, sent simtime.Time) {
	for ; l.undeclared < l.next; l.undeclared++ {
		m := &l.ring[l.undeclared%len(l.ring)]
		if !m.arrived {
			if now.Sub(m.marked) < l.window {
				break
			}
			lost++
			sent = max(sent, m.sent)
		}
	}
	return lost, sent
}

// lossEventGain is the gain of loss_event_rate, per round trip. RFC 8298 leaves it
// open; it is that of the authors' implementation.
const lossEventGain = 0.02

// lossEvents is loss_event_rate, the fraction of round trips in which packets were lost.
type lossEvents struct {
	rate  float64
	began simtime.Time // of the present round trip
	lost  bool
}

func (e *lossEvents) update(now simtime.Time, lost bool, sRTT time.Duration) {
	e.lost = e.lost || lost
	if now.Sub(e.began) < sRTT {
		return
	}
	sample := 0.0
	if e.lost {
		sample = 1
	}
	e.rate += float64(lossEventGain * (sample - e.rate))
	e.lost, e.began = false, now
}

// reaction limits the reactions to congestion to one per round trip (RFC 8298 §4.1.2.1): s_rtt
// has to pass, and what is lost or marked has to have left after the last
// reaction. The latter makes one event of a burst whose news come in two reports.
type reaction struct {
	at  simtime.Time
	any bool
}

func (r *reaction) due(now, sent simtime.Time, sRTT time.Duration) bool {
	return !r.any || sent > r.at && now.Sub(r.at) >= sRTT
}

func (r *reaction) note(now simtime.Time) { r.at, r.any = now, true }
