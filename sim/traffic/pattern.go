package traffic

import (
	"fmt"
	"math/bits"
	"slices"
	"time"

	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Pattern says when a UDP source sends and how much.
type Pattern interface {
	// next returns when the next packet leaves and its size, IP header
	// included; simtime.Never if there is none. after is when the one before
	// it left, or for the first one the source's start.
	next(after simtime.Time, first bool) (simtime.Time, units.Bytes)
	check() error
}

// DefaultPacketSize is RFC 8868 §5.3's, the IP packet.
const DefaultPacketSize units.Bytes = 1500

// MinPacketSize is the smallest packet of a UDP source: headers and the
// payload's fields.
const MinPacketSize = units.Bytes(udpFields) + 28

// RateStep is a rate from a time on.
type RateStep struct {
	At   simtime.Time
	Rate units.BitRate
}

// pacedPackets sends a packet of one size whenever a rate that changes in steps
// has earned it: the gap is exactly size / rate, without drift.
type pacedPackets struct {
	size units.Bytes
	// step returns the following step; false if there is none.
	step func() (RateStep, bool)

	now    simtime.Time
	rate   units.BitRate
	coming RateStep
	more   bool
	// owed is what is left until the next packet, in bits·10⁹.
	owed int64
}

const bitNS = 8 * int64(time.Second) // bits·10⁹ of an octet

func (p *pacedPackets) next(after simtime.Time, first bool) (simtime.Time, units.Bytes) {
	if first {
		p.now = after
		p.coming, p.more = p.step()
		p.catchUp()
		p.owed = 0
	} else {
		p.owed += int64(p.size) * bitNS
	}
	for {
		if p.rate > 0 {
			need := max(0, (p.owed+int64(p.rate)-1)/int64(p.rate))
			at := p.now.Add(time.Duration(need))
			if !p.more || at <= p.coming.At {
				p.now = at
				p.owed -= need * int64(p.rate) // ≤ 0: earned already
				return at, p.size
			}
		} else if !p.more {
			return simtime.Never, 0
		}
		p.advance()
	}
}

// advance goes to the next step with what the present rate earns until then.
func (p *pacedPackets) advance() {
	hi, earned := bits.Mul64(uint64(p.coming.At.Sub(p.now)), uint64(p.rate))
	if hi == 0 && earned < uint64(max(p.owed, 0)) {
		p.owed -= int64(earned)
	} else {
		p.owed = min(p.owed, 0)
	}
	p.now, p.rate = p.coming.At, p.coming.Rate
	p.coming, p.more = p.step()
	p.catchUp()
}

// catchUp takes the steps that lie at or before now.
func (p *pacedPackets) catchUp() {
	for p.more && p.coming.At <= p.now {
		p.rate = p.coming.Rate
		p.coming, p.more = p.step()
	}
}

func (p *pacedPackets) check() error {
	if p.size < MinPacketSize || p.size > 65535 {
		return fmt.Errorf("traffic: packets of %d: they must be %d to 65535", p.size, MinPacketSize)
	}
	return nil
}

func orDefault(size units.Bytes) units.Bytes {
	if size == 0 {
		return DefaultPacketSize
	}
	return size
}

// ConstantRate is RFC 8868 §5.3's background UDP: packets of one size, 0 for
// 1500 octets with headers, at gaps of size / rate. The first one leaves at the
// start.
func ConstantRate(rate units.BitRate, size units.Bytes) Pattern {
	return SteppedRate([]RateStep{{0, rate}}, size)
}

// SteppedRate changes the rate at given times, in any order; before the first
// one and at rate 0 nothing is sent. A packet that is being earned when the
// rate changes goes on at the new rate.
func SteppedRate(steps []RateStep, size units.Bytes) Pattern {
	steps = slices.Clone(steps)
	slices.SortStableFunc(steps, func(a, b RateStep) int { return int(a.At.Sub(b.At)) })
	return &pacedPackets{size: orDefault(size), step: func() (RateStep, bool) {
		if len(steps) == 0 {
			return RateStep{}, false
		}
		s := steps[0]
		steps = steps[1:]
		return s, true
	}}
}

// OnOff sends at a constant rate in periods of on, with periods of off between
// them. Random makes both exponential with these means, nil fixed.
type OnOff struct {
	Rate    units.BitRate
	Size    units.Bytes // 0 is 1500
	On, Off time.Duration
	Random  *rng.Stream

	paced   *pacedPackets
	at      simtime.Time
	sending bool
}

func (o *OnOff) next(after simtime.Time, first bool) (simtime.Time, units.Bytes) {
	if first {
		o.at = after
		o.paced = &pacedPackets{size: orDefault(o.Size), step: o.step}
	}
	return o.paced.next(after, first)
}

func (o *OnOff) step() (RateStep, bool) {
	s := RateStep{At: o.at}
	mean := o.Off
	o.sending = !o.sending
	if o.sending {
		s.Rate, mean = o.Rate, o.On
	}
	d := mean
	if o.Random != nil {
		d = time.Duration(o.Random.Exponential(float64(mean)))
	}
	o.at = o.at.Add(max(d, time.Nanosecond))
	return s, true
}

func (o *OnOff) check() error {
	if o.On <= 0 || o.Off <= 0 || o.Rate <= 0 {
		return fmt.Errorf("traffic: on for %v, off for %v at %v: all must be positive", o.On, o.Off, o.Rate)
	}
	return (&pacedPackets{size: orDefault(o.Size)}).check()
}

// Poisson sends with exponential gaps, as M/M/1 and M/D/1 have it.
type Poisson struct {
	// Rate is the mean, headers included.
	Rate units.BitRate
	// Size is the packet's, or with ExponentialSizes the mean, 0 for 1500.
	// Exponential sizes are rounded to octets and cut off at MinPacketSize and
	// 65535, which adds exp(−a)+a−1 of the mean, where a = 48/mean: 0.1 % at
	// 1000 octets.
	Size             units.Bytes
	ExponentialSizes bool
	Random           *rng.Stream
}

func (p *Poisson) next(after simtime.Time, _ bool) (simtime.Time, units.Bytes) {
	mean := orDefault(p.Size)
	gap := float64(8*mean) / float64(p.Rate) * float64(time.Second)
	at := after.Add(max(time.Duration(p.Random.Exponential(gap)), time.Nanosecond))
	if !p.ExponentialSizes {
		return at, mean
	}
	size := units.Bytes(p.Random.Exponential(float64(mean)) + 0.5)
	return at, min(max(size, MinPacketSize), 65535)
}

func (p *Poisson) check() error {
	if p.Rate <= 0 || p.Random == nil {
		return fmt.Errorf("traffic: Poisson arrivals need a positive rate and a random stream")
	}
	return (&pacedPackets{size: orDefault(p.Size)}).check()
}
