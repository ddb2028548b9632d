package encoder

import (
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Shared is one encoder whose frames go to several peers (RFC 8834 §11): it makes each
// once, at the lowest rate that any of those who get it asks for, and a key frame for all
// if one needs it.
type Shared struct {
	encoder Encoder
	taps    []*Tap

	frame Frame // the last one
	at    simtime.Time
	made  uint64
}

// NewShared shares an encoder. Nobody else may use it.
func NewShared(e Encoder) *Shared { return &Shared{encoder: e} }

// Made returns how many frames have been encoded.
func (s *Shared) Made() uint64 { return s.made }

// Tap returns the encoder as one of the streams sees it. All taps go by the same clock.
func (s *Shared) Tap() *Tap {
	t := &Tap{shared: s}
	s.taps = append(s.taps, t)
	return t
}

// Tap is an [Encoder] for one of the streams that share another. It has frames at the
// same times as all others, but for those that it skips.
type Tap struct {
	shared *Shared
	taken  uint64 // frames made until the last one that it took
	resume simtime.Time
	wants  units.BitRate
	asked  bool
}

// pending reports whether the last frame was made for another stream, and is for this one,
// too.
func (t *Tap) pending() bool { return t.taken != t.shared.made && t.shared.at >= t.resume }

// Request implements [Encoder]. Who skips frames has no say.
func (t *Tap) Request(now simtime.Time, r units.BitRate) {
	t.wants, t.asked = r, true
	if least, ok := t.shared.least(now); ok {
		r = min(r, least)
	}
	t.shared.encoder.Request(now, r)
}

// Withdraw implements [Wisher].
func (t *Tap) Withdraw(now simtime.Time) {
	t.asked = false
	if least, ok := t.shared.least(now); ok {
		t.shared.encoder.Request(now, least)
	}
}

// least returns the lowest rate that any of the streams wants; false if none does.
func (s *Shared) least(now simtime.Time) (r units.BitRate, ok bool) {
	for _, t := range s.taps {
		if t.asked && t.resume <= now && (!ok || t.wants < r) {
			r, ok = t.wants, true
		}
	}
	return r, ok
}

// Goal implements [Encoder].
func (t *Tap) Goal() units.BitRate { return t.shared.encoder.Goal() }

// NextFrame implements [Encoder].
func (t *Tap) NextFrame() simtime.Time {
	if t.pending() {
		return t.shared.at
	}
	return max(t.shared.encoder.NextFrame(), t.resume)
}

// Encode implements [Encoder]: whoever comes first lets the frame be made.
func (t *Tap) Encode(now simtime.Time) Frame {
	s := t.shared
	if !t.pending() {
		if s.encoder.NextFrame() < t.resume { // nobody wanted those
			s.encoder.Skip(t.resume)
		}
		s.frame, s.at = s.encoder.Encode(now), now
		s.made++
	}
	t.taken = s.made
	return s.frame
}

// Skip implements [Encoder], for this stream alone.
func (t *Tap) Skip(until simtime.Time) { t.resume, t.taken = until, t.shared.made }

// Refresh implements [Encoder], for all streams.
func (t *Tap) Refresh() { t.shared.encoder.Refresh() }
