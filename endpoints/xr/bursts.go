package xr

import (
	"time"
)

// Gmin is the recommended gap threshold (RFC 3611 §4.7.2): so many packets that
// came one after the other end a burst.
const Gmin = 16

// BurstMetrics are those of RFC 3611 §4.7.1 and §4.7.2: rates and densities in
// 1/256, durations in milliseconds.
type BurstMetrics struct {
	LossRate, DiscardRate      uint8
	BurstDensity, GapDensity   uint8
	BurstDuration, GapDuration uint16
	Gmin                       uint8
}

// Fate is what became of a packet that was expected.
type Fate uint8

// The fates.
const (
	Played    Fate = iota
	Lost           // it hasn't come, also not by repair
	Discarded      // it came too early or too late for the play-out buffer
)

// Bursts measures bursts and gaps by their definition (RFC 3611 §4.7.2). It is
// told the fate of every packet once, in the order of their numbers; duplicates
// don't count.
//
// Between bursts, and before the first and after the last one, are gaps. A loss
// with at least Gmin packets on either side is part of a gap; outside of what was
// received all packets are assumed to have come.
type Bursts struct {
	gmin   uint64
	packet time.Duration // of media in a packet

	expected, lost, discarded uint64
	first, last               uint64 // bad packets of the last group, from 1
	bad                       uint64 // in that group
	past                      bursts // groups before it
}

// bursts are those that are over.
type bursts struct {
	count, packets, bad uint64
	gaps                uint64 // before each that didn't begin at the first packet
}

// NewBursts returns a measurement with a threshold, normally Gmin, and a packet's
// duration.
func NewBursts(gmin uint8, packet time.Duration) *Bursts {
	return &Bursts{gmin: uint64(max(gmin, 1)), packet: packet}
}

// Add tells the fate of the next packet.
func (b *Bursts) Add(f Fate) {
	b.expected++
	switch f {
	case Played:
		return
	case Lost:
		b.lost++
	case Discarded:
		b.discarded++
	}
	if b.bad > 0 && b.expected-b.last-1 < b.gmin {
		b.bad++
		b.last = b.expected
		return
	}
	b.past = b.closed()
	b.first, b.last, b.bad = b.expected, b.expected, 1
}

// closed returns all bursts, if no bad packet follows.
func (b *Bursts) closed() bursts {
	p := b.past
	if b.bad < 2 {
		return p
	}
	p.count++
	p.packets += b.last - b.first + 1
	p.bad += b.bad
	if b.first > 1 {
		p.gaps++
	}
	return p
}

// Metrics returns what was measured so far.
//
// Deviation (RFC 3611 §4.7.2, example): the text's gap duration of 520 ms is the
// sum of both gaps; the definition of the field asks for the mean.
func (b *Bursts) Metrics() BurstMetrics {
	p := b.closed()
	gaps := p.gaps
	if b.bad < 2 || b.last < b.expected {
		gaps++ // after the last burst, or all of it
	}
	gapPackets, bad := b.expected-p.packets, b.lost+b.discarded
	return BurstMetrics{
		LossRate: part(b.lost, b.expected), DiscardRate: part(b.discarded, b.expected),
		BurstDensity: part(p.bad, p.packets), GapDensity: part(bad-p.bad, gapPackets),
		BurstDuration: milliseconds(b.mean(p.packets, p.count)), GapDuration: milliseconds(b.mean(gapPackets, gaps)),
		Gmin: uint8(b.gmin),
	}
}

func (b *Bursts) mean(packets, periods uint64) time.Duration {
	if periods == 0 {
		return 0
	}
	return b.packet * time.Duration(packets) / time.Duration(periods)
}

// part is a fraction in 1/256, its integer part, at most 255.
func part(n, of uint64) uint8 {
	if of == 0 {
		return 0
	}
	return uint8(min(256*n/of, 255))
}

// milliseconds fits a duration into a field.
func milliseconds(d time.Duration) uint16 {
	return uint16(min(max(d/time.Millisecond, 0), 65535))
}
