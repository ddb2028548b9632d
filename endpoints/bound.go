package endpoints

import (
	"time"

	"rtpfabric/sim/simtime"
)

// Bound is what bounds the rate of a stream of video: of all limits the lowest
// (RFC 8834 §7.1).
type Bound uint8

// The bounds, in the order in which they are applied.
const (
	BoundByCodec      Bound = iota // what the encoder does at most, or at least
	BoundBySignalling              // b=AS and b=CT
	BoundByTMMBR
	BoundByREMB // of a peer that nobody has asked for it
	BoundByController
	BoundByBreaker
)

// String returns who sets the bound.
func (b Bound) String() string {
	return [...]string{"codec", "signalled bandwidth", "TMMBR", "REMB", "controller", "circuit breaker"}[b]
}

// binding is the bound of a section's rate, as it was told and as it is.
type binding struct {
	told, now Bound
	since     simtime.Time // when the one that was told was last true
	any       bool
}

// settled is how long what was told hasn't been true before what is gets told: a controller
// that is about as high as the codec can go is no news every other frame.
const settled = time.Second

// Bound returns what bounds the rate of the section's video.
func (m *Section) Bound() Bound { return m.binding.told }

// bind notes what bounds a share of the rate.
func (m *Section) bind(now simtime.Time, sh *share) {
	b := &m.binding
	b.now = m.boundOf(now, sh)
	if !b.any || b.now == b.told {
		b.any, b.since = true, now
	}
	if now.Sub(b.since) >= settled {
		b.told, b.since = b.now, now
		m.session.event(Event{Kind: BoundChanged, At: now, Section: m})
	}
}

// boundOf finds the limit that a share of the rate is equal to.
func (m *Section) boundOf(now simtime.Time, sh *share) Bound {
	const about = 1 // bit/s
	model, s := m.config.Send.Model, m.session
	switch {
	case sh.rate >= sh.ceiling-about:
		switch {
		case m.judged.cap > 0 && sh.ceiling >= m.judged.cap-about:
			return BoundByBreaker
		case sh.ceiling >= float64(model.Wire(model.Max))-about:
			return BoundByCodec
		case sh.ceiling >= float64(m.ceiling())-about:
			return BoundByTMMBR
		}
		return BoundBySignalling
	case s.connection.allowance(now, s) < min(float64(s.lastTarget.Media), s.estimated):
		return BoundBySignalling
	case s.estimated < float64(s.lastTarget.Media):
		return BoundByREMB
	case sh.rate <= float64(model.Wire(model.Min)):
		return BoundByCodec
	}
	return BoundByController
}
