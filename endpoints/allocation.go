package endpoints

import (
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Level is an application's priority of a stream (RFC 8835 §4.1, RFC 8837 §5).
type Level uint8

// The levels.
const (
	LowLevel Level = iota // unless somebody says otherwise
	VeryLowLevel
	MediumLevel
	HighLevel
)

// weight returns the stream's part of the rate: twice that of the level below.
func (l Level) weight() float64 {
	return [...]float64{LowLevel: 2, VeryLowLevel: 1, MediumLevel: 4, HighLevel: 8}[l]
}

// What a stream must wait for before it may send again: room for the minimum
// rates of all that send and this much more, and some time.
const (
	resumeRoom = 1.2
	resumeWait = 2 * time.Second
)

// suspendedStep is how long a suspended encoder sleeps at a time.
const suspendedStep = 100 * time.Millisecond

// share is a video stream's part of the rate.
type share struct {
	section *Section
	floor   float64 // bit/s on the wire at the encoder's minimum
	ceiling float64 // and at its maximum
	weight  float64
	rate    float64
}

func (s *share) precedes(o *share) bool { return precedes(s.weight, o.weight, s.floor, o.floor) }

// allocate divides the controller's target, or if that is less the peer's signalled
// bandwidth or its estimate, among the video streams: what audio leaves, which is all of it while
// nobody talks, by weight, within what the encoders can do and the peer wants of each. If that
// isn't enough for the minimum of every stream, those of the lowest level, and of these the ones that need
// most, send nothing, but for one stream. Then, and if something better could be sent, padding
// fills what is left of the target, as far as it is needed for that.
func (s *Session) allocate(now simtime.Time) []share {
	total := min(float64(s.lastTarget.Media), s.connection.allowance(now, s), s.estimated)
	left := total
	s.shares = s.shares[:0]
	repairs := 0.0
	for _, m := range s.sections {
		repairs += m.repairRate(now)
	}
	for _, m := range s.sections {
		if !m.active(now) {
			continue
		}
		model := m.config.Send.Model
		if m.config.Kind == Audio {
			if !m.silent(now) {
				left -= float64(model.Wire(model.Max))
			}
			continue
		}
		ceiling := float64(m.ceiling())
		if m.bandwidth.rate > 0 {
			ceiling = min(ceiling, max(m.bandwidth.allowed(now)-m.repairRate(now), 0))
		}
		ceiling = m.judged.bounded(ceiling)
		s.shares = append(s.shares, share{
			section: m, floor: min(float64(model.Wire(model.Min)), ceiling), ceiling: ceiling, weight: m.config.Send.Level.weight(),
		})
	}
	// Repairs count (RFC 8834 §6), but are over too soon to suspend a stream for.
	all := left
	left -= repairs
	if len(s.shares) == 1 {
		s.fill(s.betters(), all, total)
		s.shares[0].rate = min(max(left, 0), s.shares[0].ceiling)
		s.shares[0].section.suspend(now, false)
		return s.shares
	}
	wants := s.selectSenders(now, all)
	if wants == 0 {
		wants = s.betters()
	}
	divide(s.shares, left)
	if s.exhausts(left) {
		wants = 0
	}
	s.fill(wants, all, total)
	return s.shares
}

// selectSenders suspends and resumes streams so that the minimum rates of all
// that send fit. What it leaves in s.shares sends. It returns what is needed for one more; 0 if
// all send.
func (s *Session) selectSenders(now simtime.Time, left float64) (wants float64) {
	need := 0.0
	for _, sh := range s.shares {
		if !sh.section.suspended {
			need += sh.floor
		}
	}
	for sh := s.firstSuspended(); sh != nil; sh = s.firstSuspended() {
		if now.Sub(sh.section.suspendedAt) < resumeWait || float64(resumeRoom*(need+sh.floor)) > left {
			break
		}
		need += sh.floor
		sh.section.suspend(now, false)
	}
	if len(s.shares) > 0 && s.sending() == 0 { // whoever sent has stopped
		best := 0
		for i, sh := range s.shares {
			if sh.precedes(&s.shares[best]) {
				best = i
			}
		}
		need += s.shares[best].floor
		s.shares[best].section.suspend(now, false)
	}
	for sending := s.sending(); need > left && sending > 1; sending-- {
		worst := -1
		for i, sh := range s.shares {
			if !sh.section.suspended && (worst < 0 || !sh.precedes(&s.shares[worst])) {
				worst = i
			}
		}
		need -= s.shares[worst].floor
		s.shares[worst].section.suspend(now, true)
	}
	if sh := s.firstSuspended(); sh != nil {
		wants = float64(resumeRoom * (need + sh.floor))
	}
	kept := s.shares[:0]
	for _, sh := range s.shares {
		if !sh.section.suspended {
			kept = append(kept, sh)
		}
	}
	s.shares = kept
	return wants
}

// exhausts reports whether encoders may use all of a rate: then what is sent is no reason not to
// have more.
func (s *Session) exhausts(rate float64) bool {
	sum := 0.0
	for _, sh := range s.shares {
		if sh.section.Passage() != nil {
			return false // sources may have other limits
		}
		sum += sh.rate
	}
	return sum >= 0.99*rate
}

// fill lets padding keep up what is wanted of video, which has so much of a total.
func (s *Session) fill(wants, video, total float64) {
	if wants > 0 {
		wants += total - video
	}
	s.filling.fill(min(wants, total))
}

// betters returns what is needed for one stream to be better than it is, and the least of all
// others; 0 if none could be.
func (s *Session) betters() float64 {
	most, all := 0.0, 0.0
	for _, sh := range s.shares {
		all += sh.floor
		if p := sh.section.Passage(); p != nil && p.Better > 0 {
			most = max(most, float64(sh.section.config.Send.Model.Wire(p.Better))-sh.floor)
		}
	}
	if most == 0 {
		return 0
	}
	return all + most
}

// firstSuspended returns the most valued of the suspended streams, nil if there is none.
func (s *Session) firstSuspended() *share {
	var best *share
	for i := range s.shares {
		if sh := &s.shares[i]; sh.section.suspended && (best == nil || sh.precedes(best)) {
			best = sh
		}
	}
	return best
}

func (s *Session) sending() int {
	n := 0
	for _, sh := range s.shares {
		if !sh.section.suspended {
			n++
		}
	}
	return n
}

// divide sets the rates to level·weight, within each stream's bounds, with the
// level at which they add up to the total.
func divide(shares []share, total float64) {
	low, high := 0.0, max(total, 1)
	const steps = 50 // halvings: far below a bit/s
	for range steps {
		level := (low + high) / 2
		sum := 0.0
		for i := range shares {
			s := &shares[i]
			s.rate = min(max(float64(level*s.weight), s.floor), s.ceiling)
			sum += s.rate
		}
		if sum > total {
			high = level
		} else {
			low = level
		}
	}
}

// suspend stops a stream's frames or lets them go on.
func (m *Section) suspend(now simtime.Time, stop bool) {
	if m.suspended == stop {
		return
	}
	m.suspended = stop
	kind := StreamResumed
	if stop {
		kind = StreamSuspended
		m.suspendedAt = now
	}
	m.session.event(Event{Kind: kind, At: now, Section: m})
}

// requestRates gives the encoder of one video stream its share of the target, or
// for nil those of all.
func (s *Session) requestRates(now simtime.Time, only *Section) {
	if s.config.Controller == nil || only != nil && only.config.Kind != Video {
		return
	}
	for _, sh := range s.allocate(now) {
		if only == nil || sh.section == only {
			sh.section.bind(now, &sh)
			send := sh.section.config.Send
			send.Encoder.Request(send.Clock.At(now), send.Model.Encoded(units.BitRate(sh.rate)))
		}
	}
}
