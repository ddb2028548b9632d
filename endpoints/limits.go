package endpoints

import (
	"rtpfabric/endpoints/tmmbr"
	"rtpfabric/endpoints/wire"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// newLimits keeps the limits on a stream.
func newLimits(st *Stream) *tmmbr.Sender { return tmmbr.NewSender(st.ssrc, 0) }

// wish is a limit that this end sets on the peer's stream in a section
// (RFC 5104 §3.5.4).
type wish struct {
	receiver *tmmbr.Receiver
	media    uint32 // SSRC that it is about
	rate     units.BitRate
	limited  bool
}

// Limit asks the peer to send no more than a rate, IP and UDP headers included, in
// the section. It holds until it is lifted.
func (m *Section) Limit(now simtime.Time, rate units.BitRate) {
	if m.wish == nil {
		m.wish = &wish{}
	}
	m.wish.rate, m.wish.limited = rate, true
	m.updateWish(now)
}

// Unlimit takes the limit back.
func (m *Section) Unlimit(now simtime.Time) {
	if m.wish == nil {
		return
	}
	m.wish.limited = false
	m.updateWish(now)
}

// updateWish tells the limit to whichever stream the section has now.
func (m *Section) updateWish(now simtime.Time) {
	m.session.touch()
	w, s := m.wish, m.session
	if w == nil {
		return
	}
	src := s.mediaOf(m)
	if src == nil {
		return
	}
	if w.receiver == nil || w.media != src.ssrc {
		w.media = src.ssrc
		w.receiver = tmmbr.NewReceiver(tmmbr.ReceiverConfig{SSRC: m.SSRC(), Media: src.ssrc, Overhead: packet.HeaderIPv4UDP + rtpHeader})
	}
	if w.limited {
		w.receiver.SetLimit(w.rate)
	} else {
		w.receiver.Lift()
	}
	s.wantMessages(now, m)
}

func (w *wish) wants() bool {
	return w.receiver != nil && w.receiver.State() == tmmbr.Asking
}

// appendLimits adds TMMBR and TMMBN (RFC 5104 §4.2).
func (w *compound) appendLimits(now simtime.Time, m *Section, regular bool) {
	s := w.s
	if m.limits.Pending() {
		n := m.limits.Notify(now, s.rtt, s.timing.DitherMax(m.main.local))
		w.add(&n)
		s.repairs.LimitsNotified++
	}
	if m.wish == nil || m.wish.receiver == nil {
		return
	}
	switch r := m.wish.receiver; r.State() {
	case tmmbr.Repeating:
		if !regular {
			return
		}
		fallthrough
	case tmmbr.Asking:
		w.add(&wire.TMMBR{SenderSSRC: m.SSRC(), Limits: []wire.Limit{r.Request()}})
	case tmmbr.Unlimited, tmmbr.Owner, tmmbr.Suppressed, tmmbr.Unanswered:
	}
}

// raiseLimits lets raises count whose wait is over: at once between two ends that don't know
// their round trip yet.
func (s *Session) raiseLimits(now simtime.Time) {
	if s.repairs.LimitsReceived == 0 {
		return
	}
	for _, m := range s.sections {
		m.raiseLimits(now)
	}
}

func (m *Section) raiseLimits(now simtime.Time) {
	if m.limits.NextTimeout() <= now {
		m.limits.HandleTimeout(now)
		m.session.requestRates(now, nil)
	}
}

// handleTMMBR takes limits on this end's streams.
func (s *Session) handleTMMBR(now simtime.Time, r *wire.TMMBR) {
	for _, m := range s.sections {
		if m.config.Send != nil && m.limits.OnRequest(r) {
			s.repairs.LimitsReceived++
			s.requestRates(now, nil)
			s.wantMessages(now, m)
		}
	}
}

// handleTMMBN takes the answer.
func (s *Session) handleTMMBN(now simtime.Time, n *wire.TMMBN) {
	for _, m := range s.sections {
		if m.wish != nil && m.wish.receiver != nil {
			m.wish.receiver.OnNotification(n)
			s.wantMessages(now, m)
		}
	}
}

// ceiling is the highest rate on the wire, as the model counts it, that limits on
// the section's stream allow. How large its packets are is measured: those of small
// frames are smaller than the model's mean.
func (m *Section) ceiling() units.BitRate {
	model := m.config.Send.Model
	most := model.Wire(model.Max)
	payload := m.main.payload
	if payload == 0 {
		payload = float64(model.Room)
	}
	if net, ok := m.limits.NetLimitOfSize(max(units.Bytes(payload), 1)); ok {
		encoded := float64(net) * (1 - float64(m.descriptor())/payload)
		most = model.Wire(units.BitRate(min(encoded, float64(model.Max))))
	}
	return most
}

// observe measures the overhead of a packet for limits, of which another one may now have to
// be told.
func (m *Section) observe(now simtime.Time, size units.Bytes, payload int) {
	if m.wish == nil || m.wish.receiver == nil {
		return
	}
	m.wish.receiver.Observe(size - units.Bytes(payload))
	if m.wish.wants() {
		m.session.wantMessages(now, m)
	}
}

// forgetLimits takes away the limits of an SSRC that is gone (§4.2.2.2).
func (s *Session) forgetLimits(now simtime.Time, ssrc uint32) {
	for _, m := range s.sections {
		m.limits.OnGone(ssrc)
		s.wantMessages(now, m)
	}
}
