package scream

import (
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
)

// Bounds that no honest feedback reaches. They keep everything finite.
const (
	longest  = 10.0 // of delays, s
	shortest = 1e-3 // of round trips, s
	most     = 1e9  // of windows, bytes
)

// path is what both versions measure of the way there and back: RFC 8298 §4.1.2,
// rfc8298bis §4.1. Times are in seconds, sizes in bytes.
type path struct {
	base baseDelay
	// qdelay is the queuing delay that the newest packet had.
	qdelay float64
	// sRTT is 0 before the first sample.
	sRTT float64
	// slow makes sRTT follow a falling round-trip time only slowly.
	slow bool
	// interval is the smoothed time between reports.
	interval float64
	reported simtime.Time // when the last report came
	reports  int
	// inFlight is the host's count. What was sent and isn't in flight is acked, lost or not.
	inFlight, sent, acked float64
	// largest packet that was sent.
	largest float64

	highest uint64 // sequence number of the newest packet that arrived
	arrived bool   // whether any has
	trips   float64
	fresh   int // packets in trips
}

func (p *path) onSent(s ccontrol.Sent) {
	p.sent += clampBytes(float64(s.Size))
	p.inFlight = clampBytes(float64(s.InFlight))
	p.largest = max(p.largest, min(float64(s.Size), 65535))
}

// onPacket takes a result. It returns whether the packet is the newest so far; then qdelay
// is its. Stragglers say what the path was like before.
func (p *path) onPacket(now simtime.Time, r *ccontrol.PacketResult) bool {
	if !r.Received || p.arrived && r.Seq <= p.highest {
		return false
	}
	p.arrived, p.highest = true, r.Seq
	owd := r.Arrival.Sub(r.Sent)
	p.qdelay = clamp((owd - p.base.update(r.Arrival, owd)).Seconds(), 0, longest)
	p.trips += clamp(now.Sub(r.Sent).Seconds(), 0, longest)
	p.fresh++
	return true
}

// onReport completes a report after its packets and returns the bytes that it acked and the
// time since the one before.
//
// A round trip lasts from a packet's leaving to the report about it, however long
// the receiver held the news, and s_rtt averages over all packets. By Little's law
// it is then the time that goes with the bytes in flight, which is what RFC 8298 §4.1.2.6 and
// rfc8298bis §4.4 divide by it, also where reports come rarely.
func (p *path) onReport(now simtime.Time, r *ccontrol.Report) (newlyAcked, elapsed float64) {
	if p.fresh > 0 {
		p.updateRTT(p.trips / float64(p.fresh))
		p.trips, p.fresh = 0, 0
	}
	if p.reports > 0 {
		elapsed = clamp(now.Sub(p.reported).Seconds(), 0, longest)
		if p.reports == 1 {
			p.interval = elapsed
		}
		p.interval += float64((elapsed - p.interval) / 8)
	}
	p.reports++
	p.reported = now
	p.inFlight = clampBytes(float64(r.InFlight))
	acked := max(p.acked, p.sent-p.inFlight)
	newlyAcked = min(acked-p.acked, most)
	p.acked = acked
	return newlyAcked, elapsed
}

// slowGain is the gain of s_rtt while the source sends less than it may and the round-trip time
// falls. rfc8298bis §6 recommends "a longer time constant" and leaves it open.
const slowGain = 1.0 / 64

// updateRTT smooths as RFC 6298 §2 does.
func (p *path) updateRTT(sample float64) {
	sample = clamp(sample, shortest, longest)
	switch {
	case p.sRTT == 0:
		p.sRTT = sample
	case p.slow && sample < p.sRTT:
		p.sRTT += float64((sample - p.sRTT) * slowGain)
	default:
		p.sRTT += float64((sample - p.sRTT) / 8)
	}
}

func (p *path) roundTrip() time.Duration { return seconds(p.sRTT) }

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func clamp(x, lo, hi float64) float64 { return min(max(x, lo), hi) }

func clampBytes(b float64) float64 { return clamp(b, 0, most) }
