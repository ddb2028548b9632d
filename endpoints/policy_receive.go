package endpoints

import (
	"time"

	"rtpfabric/endpoints/fec"
	"rtpfabric/endpoints/nack"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// weigher lets a receiver decide, frame by frame, between requests for packets, waiting
// for FEC and a refresh point (RFC 8834 §6, RFC 8854 §8).
type weigher struct {
	at                 simtime.Time // of the last stretch's end
	expected, received uint64       // then
	loss, packets      float64      // of it: 0 to 1, and per second
	size               float64      // mean of packets' payload, octets
	key                units.Bytes  // size of the last refresh point
	missing            int          // packets, when last weighed
}

// fecMemory is how long after a repair packet FEC is taken to be in use.
const fecMemory = 2 * time.Second

// protected reports whether FEC is in use in the section.
func (m *Section) protected(now simtime.Time) bool {
	return m.repairHeard != 0 && now.Sub(m.repairHeard) < fecMemory
}

// measure notes a packet of media.
func (w *weigher) measure(now simtime.Time, r *source, size int) {
	w.size += float64((float64(size) - w.size) / 16)
	if w.at == 0 {
		w.at, w.expected, w.received = now, r.expected(), r.received
	}
	if d := now.Sub(w.at); d >= policyInterval {
		expected, received := r.expected()-w.expected, r.received-w.received
		w.packets = float64(expected) / d.Seconds()
		w.loss = 0
		if received < expected {
			w.loss = float64(expected-received) / float64(expected)
		}
		w.at, w.expected, w.received = now, r.expected(), r.received
	}
}

// weigh decides about packets that are found to be missing.
func (r *source) weigh(now simtime.Time) {
	w, s := r.weigher, r.session
	missing := r.missing.Missing()
	found := missing > w.missing
	w.missing = missing
	if !found {
		return
	}
	rtt := s.rttTo(r.ssrc)
	if rtt == 0 {
		rtt = s.config.Repair.Requests.RTT
	}
	plan := fec.Decide(fec.Situation{
		Loss: units.Ratio(max(w.loss, leastLoss)), RTT: rtt, Playout: s.config.PlayoutDelay, Packets: w.packets, Share: 1,
		NACK: true, FEC: r.section.protected(now), Importance: max(r.importance, nack.Base),
		Missing: missing, PacketSize: units.Bytes(w.size), KeyFrame: w.key,
	})
	if plan.Refresh {
		r.missing.GiveUp()
		w.missing = 0
	}
}

// leastLoss is what somebody who has just lost a packet takes for granted.
const leastLoss = 0.01
