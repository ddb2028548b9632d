package aqm

import (
	"fmt"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// ShaperConfig are the parameters of [Shaper].
type ShaperConfig struct {
	// Rate at which tokens come in.
	Rate units.BitRate
	// Burst is how much may leave at once, at least the largest packet: a link
	// abandons one that is larger.
	Burst units.Bytes
	// PeakRate is the rate of the line behind the shaper, at which a packet
	// leaves once it conforms; 0 for a line that takes no time. Not below Rate.
	PeakRate units.BitRate
}

// Validate reports the first parameter that is out of range.
func (c ShaperConfig) Validate() error {
	if c.PeakRate != 0 && c.PeakRate < c.Rate {
		return fmt.Errorf("peak_rate is %v, rate %v: write a peak that is no less, or 0 for none", c.PeakRate, c.Rate)
	}
	return validBucket(c.Rate, c.Burst)
}

// Timer is the deadline that a shaper waits for: an engine.Timer. Setting it
// to [simtime.Never] stops it.
type Timer interface{ Set(at simtime.Time) }

// Shaper delays the packets of one link until they conform to a token bucket,
// which starts full. It is a [fabric.Medium]; the link's queue stays in front.
//
// A packet whose turn it is waits for its tokens in the queue if that can tell
// which one it is ([fabric.Peeker]), so that it counts against the queue's limit, as with
// Linux's tbf. Other disciplines decide which packet is next, and what becomes of it, when
// they hand it out: then it waits in the shaper.
type Shaper struct {
	c      ShaperConfig
	bucket bucket
	timer  Timer
	link   *fabric.Link
	queue  fabric.Peeker // the link's, if it is one
	held   *packet.Packet
	onLine bool // held has its tokens
}

// NewShaper returns a shaper for one link. newTimer makes a timer of the run's
// loop that calls fire when it is due.
func NewShaper(c ShaperConfig, newTimer func(fire func(now simtime.Time)) Timer) *Shaper {
	must(c.Validate())
	s := &Shaper{c: c, bucket: newBucket(c.Rate, c.Burst)}
	s.timer = newTimer(s.fire)
	return s
}

// Attach is called by the link that the shaper is made for.
func (s *Shaper) Attach(l *fabric.Link) {
	if s.link != nil {
		panic("aqm: a shaper serves one link, not " + s.link.Name + " and " + l.Name)
	}
	s.link = l
	s.queue, _ = l.Queue.(fabric.Peeker)
}

// Backlogged lets the queue's next packet go if it may.
func (s *Shaper) Backlogged(now simtime.Time, _ *fabric.Link) {
	if s.held == nil {
		s.work(now)
	}
}

// Held returns 1 while a packet waits outside of the queue, or is on the line.
func (s *Shaper) Held(*fabric.Link) int {
	if s.held == nil {
		return 0
	}
	return 1
}

// SetRate changes the rate at which tokens come in from now on; 0 is an outage.
func (s *Shaper) SetRate(now simtime.Time, r units.BitRate) {
	s.bucket.fill(now)
	s.bucket.rate = int64(r)
	if !s.onLine {
		s.work(now)
	}
}

func (s *Shaper) fire(now simtime.Time) {
	if s.onLine {
		p := s.held
		s.held, s.onLine = nil, false
		s.link.Transmit(now, p, s.serial(p))
	}
	s.work(now)
}

// work lets packets go until one has to wait or the queue is empty.
func (s *Shaper) work(now simtime.Time) {
	s.bucket.fill(now)
	for {
		p := s.next(now)
		if p == nil {
			return
		}
		if !s.bucket.take(p.Size) {
			s.waitForTokens(p.Size)
			return
		}
		if s.held == nil { // it waited in the queue
			p = s.link.Take(now)
		}
		if s.c.PeakRate > 0 {
			s.held, s.onLine = p, true
			s.timer.Set(now.Add(s.serial(p)))
			return
		}
		s.held = nil
		s.link.Transmit(now, p, 0)
	}
}

// next returns the packet whose turn it is, of those that fit into the bucket:
// the one held, or the queue's first. It is nil if there is none.
func (s *Shaper) next(now simtime.Time) *packet.Packet {
	for s.held == nil {
		var p *packet.Packet
		if s.queue != nil {
			p = s.queue.Peek()
		} else {
			p = s.link.Take(now)
			s.held = p
		}
		switch {
		case p == nil || cost(p.Size) <= s.bucket.full:
			return p
		case s.held == nil:
			p = s.link.Take(now)
		}
		s.held = nil
		s.link.Abandon(now, p)
	}
	return s.held
}

func (s *Shaper) waitForTokens(n units.Bytes) {
	if s.bucket.rate == 0 {
		s.timer.Set(simtime.Never)
		return
	}
	s.timer.Set(s.bucket.at.Add(s.bucket.wait(n)))
}

func (s *Shaper) serial(p *packet.Packet) time.Duration {
	if s.c.PeakRate == 0 {
		return 0
	}
	return s.c.PeakRate.TimeToSend(p.Size)
}
