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

// allocate divides the controller's target among the video streams: what audio
// leaves, by weight, within what the encoders can do. If that isn't enough for
// the minimum of every stream, those of the lowest level, and of these the last,
// send nothing, but for one stream.
func (c *Connection) allocate(now simtime.Time) []share {
	left := float64(c.lastTarget.Media)
	c.shares = c.shares[:0]
	for _, s := range c.sections {
		if !s.active(now) {
			continue
		}
		m := s.config.Send.Model
		if s.config.Kind == Audio {
			left -= float64(m.Wire(m.Max))
			continue
		}
		c.shares = append(c.shares, share{
			section: s, floor: float64(m.Wire(m.Min)), ceiling: float64(m.Wire(m.Max)), weight: s.config.Send.Level.weight(),
		})
	}
	if len(c.shares) == 1 {
		c.shares[0].rate = max(left, 0)
		c.shares[0].section.suspend(now, false)
		return c.shares
	}
	c.selectSenders(now, left)
	divide(c.shares, left)
	return c.shares
}

// selectSenders suspends and resumes streams so that the minimum rates of all
// that send fit. What it leaves in c.shares sends.
func (c *Connection) selectSenders(now simtime.Time, left float64) {
	need := 0.0
	for _, s := range c.shares {
		if !s.section.suspended {
			need += s.floor
		}
	}
	for range c.shares { // the most valued first
		best := -1
		for i, s := range c.shares {
			if s.section.suspended && (best < 0 || s.weight > c.shares[best].weight) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		s := c.shares[best]
		if now.Sub(s.section.suspendedAt) < resumeWait || float64(resumeRoom*(need+s.floor)) > left {
			break
		}
		need += s.floor
		s.section.suspend(now, false)
	}
	if len(c.shares) > 0 && c.sending() == 0 { // whoever sent has stopped
		best := 0
		for i, s := range c.shares {
			if s.weight > c.shares[best].weight {
				best = i
			}
		}
		need += c.shares[best].floor
		c.shares[best].section.suspend(now, false)
	}
	for sending := c.sending(); need > left && sending > 1; sending-- {
		worst := -1
		for i, s := range c.shares {
			if !s.section.suspended && (worst < 0 || s.weight <= c.shares[worst].weight) {
				worst = i
			}
		}
		need -= c.shares[worst].floor
		c.shares[worst].section.suspend(now, true)
	}
	kept := c.shares[:0]
	for _, s := range c.shares {
		if !s.section.suspended {
			kept = append(kept, s)
		}
	}
	c.shares = kept
}

func (c *Connection) sending() int {
	n := 0
	for _, s := range c.shares {
		if !s.section.suspended {
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
func (s *Section) suspend(now simtime.Time, stop bool) {
	if s.suspended == stop {
		return
	}
	s.suspended = stop
	kind := StreamResumed
	if stop {
		kind = StreamSuspended
		s.suspendedAt = now
	}
	s.connection.event(Event{Kind: kind, At: now, Section: s})
}

// requestRates gives the encoder of one video stream its share of the target, or
// for nil those of all.
func (c *Connection) requestRates(now simtime.Time, only *Section) {
	if c.config.Controller == nil || only != nil && only.config.Kind != Video {
		return
	}
	for _, s := range c.allocate(now) {
		if only == nil || s.section == only {
			send := s.section.config.Send
			send.Encoder.Request(now, send.Model.Encoded(units.BitRate(s.rate)))
		}
	}
}
