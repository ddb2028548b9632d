package endpoints

import (
	"cmp"
	"slices"

	"rtpfabric/endpoints/encoder"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// What circuit breakers do to streams (RFC 8083 §4.3, §4.5). Streams that have ceased
// stay members of the session, and RTCP goes on: their SSRCs report, and are reported
// on, so that it is known when there is a path again. BYE is for those who leave.

// reduction is a group of sections that send at a tenth.
type reduction struct {
	sections []*Section
	limit    units.BitRate // of them together
}

// halted reports whether a breaker keeps the section from sending.
func (m *Section) halted() bool { return m.judged.ceased || m.judged.cut }

// nextFrame returns when the section has something to do for its media.
func (m *Section) nextFrame() simtime.Time {
	switch {
	case m.judged.ceased:
		return m.judged.restart
	case m.judged.cut, m.held, m.paused.on:
		return simtime.Never
	}
	return m.config.Send.nextFrame()
}

// cease stops sections, and says when they go on.
func (j *judges) cease(now simtime.Time, by *judge, sections []*Section) {
	for _, m := range sections {
		m.judged.ceased, m.judged.cut, m.judged.cap = true, false, 0
		m.judged.restart = simtime.Never
		if wait := j.session.config.Breakers.Restart; wait > 0 {
			earliest, _ := by.breaker.Ceased(m.judged.ssrc)
			m.judged.restart = max(now.Add(wait), earliest)
		}
	}
	j.silence(now, sections)
}

// silence drops what waits of sections, repairs included, and tells the breakers that
// nothing is sent. What they asked of an encoder that others share isn't wanted any more.
func (j *judges) silence(now simtime.Time, sections []*Section) {
	s := j.session
	for _, m := range sections {
		if !m.halted() {
			continue
		}
		for i := range j.list {
			j.list[i].breaker.Stop(m.judged.ssrc)
		}
		if send := m.config.Send; send != nil {
			if e, shared := send.Encoder.(encoder.Wisher); shared {
				e.Withdraw(send.Clock.At(now))
			}
		}
		s.discard(m)
	}
}

// discard drops what waits in the pacer of a section, or of all if it is nil.
func (s *Session) discard(m *Section) {
	s.pacer.Drop(func(p *packet.Packet) bool {
		st, _, _ := s.ofHop(p)
		for st.next != nil { // after a collision
			st = st.next
		}
		if m != nil && st.section != m {
			return false
		}
		st.queued--
		s.endpoint.config.Pool.Release(p)
		return true
	})
}

// restart lets a section that has ceased go on, with its group.
func (j *judges) restart(now simtime.Time, m *Section) {
	m.judged.restart = simtime.Never
	for i := range j.list {
		j.list[i].breaker.Restart(now, m.judged.ssrc, false)
	}
	m.judged.ceased = false
	m.resume(now)
	j.session.event(Event{Kind: BreakerRestarted, At: now, Section: m, SSRC: m.main.ssrc})
	j.session.requestRates(now, nil)
}

// resume lets the next frame be one from now on.
func (m *Section) resume(now simtime.Time) {
	m.config.Send.skip(now)
	m.skipPauses()
}

// reduce divides a limit among sections: audio first, as it can't be reduced, then video
// by levels. What doesn't fit isn't sent at all (RFC 8083 §4.3, §8). It reports false if
// nothing fits.
func (j *judges) reduce(now simtime.Time, sections []*Section, limit units.BitRate) bool {
	order := slices.Clone(sections)
	slices.SortStableFunc(order, func(a, b *Section) int {
		if a.config.Kind != b.config.Kind {
			return cmp.Compare(a.config.Kind, b.config.Kind) // audio is before video
		}
		return cmp.Compare(b.config.Send.Level.weight(), a.config.Send.Level.weight())
	})
	left, weight := float64(limit), 0.0
	kept := order[:0]
	for _, m := range order {
		need := m.least()
		if need > left {
			continue
		}
		left -= need
		if m.config.Kind == Video {
			weight += m.config.Send.Level.weight()
		}
		kept = append(kept, m)
	}
	if len(kept) == 0 {
		return false
	}
	for _, m := range sections {
		was := m.judged.cut
		if m.judged.cut, m.judged.cap = !slices.Contains(kept, m), 0; m.judged.cut {
			continue
		}
		if m.config.Kind == Video {
			m.judged.cap = m.least() + float64(left*m.config.Send.Level.weight())/weight
		}
		if was {
			m.resume(now)
		}
	}
	j.silence(now, sections)
	j.reduced = append(j.reduced, reduction{sections, limit})
	return true
}

// least is the lowest rate on the wire at which the section sends.
func (m *Section) least() float64 {
	model := m.config.Send.Model
	if m.config.Kind == Audio {
		return float64(model.Wire(model.Max))
	}
	return float64(model.Wire(model.Min))
}

// forget ends the reductions that sections are part of.
func (j *judges) forget(sections []*Section) {
	j.reduced = slices.DeleteFunc(j.reduced, func(r reduction) bool { return slices.Contains(r.sections, sections[0]) })
}

// recovered follows the limits of groups that may send more again.
func (j *judges) recovered(now simtime.Time) {
	if len(j.reduced) == 0 || !j.list[0].acts {
		return
	}
	for _, r := range slices.Clone(j.reduced) {
		limit, ok := j.list[0].breaker.Limit(r.sections[0].judged.ssrc)
		switch {
		case ok && limit == r.limit:
			continue
		case ok:
			j.forget(r.sections)
			j.reduce(now, r.sections, limit)
		default:
			j.lift(now, r.sections)
		}
		j.session.requestRates(now, nil)
	}
}

// lift ends a reduction.
func (j *judges) lift(now simtime.Time, sections []*Section) {
	j.forget(sections)
	for _, m := range sections {
		if m.judged.cut {
			m.resume(now)
		}
		m.judged.cut, m.judged.cap = false, 0
		j.session.event(Event{Kind: BreakerLifted, At: now, Section: m, SSRC: m.main.ssrc})
	}
}

// bounded is the rate on the wire that the breaker leaves of another bound.
func (m *judged) bounded(rate float64) float64 {
	if m.cap > 0 {
		return min(rate, m.cap)
	}
	return rate
}

// Halted reports whether a circuit breaker keeps the section from sending.
func (m *Section) Halted() bool { return m.halted() }
