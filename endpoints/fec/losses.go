package fec

import "rtpfabric/sim/units"

// Means is how a packet came.
type Means uint8

// The means.
const (
	Original Means = iota
	ByFEC
	ByRTX
)

// lossWindow is how many numbers a packet may come late and still be counted.
const lossWindow = 1024

// Losses counts the packets of one stream that are lost before repair, and after it
// (RFC 8868 §3.1, RFC 7509). Per packet, by whatever means: Arrived. The zero value has
// counted nothing.
type Losses struct {
	started        bool
	first, highest uint64
	ring           [lossWindow]mark
	originals      uint64
	fec, rtx       uint64
}

// mark is what is known of a packet: how it came first, and whether the original did.
type mark struct {
	seq      uint64
	came     bool
	by       Means
	original bool
}

// Arrived takes a packet with its extended sequence number. It may come several times,
// by several means. If the original is among them it wasn't lost; otherwise the first
// one counts.
func (l *Losses) Arrived(seq uint64, by Means) {
	switch {
	case !l.started:
		l.started = true
		l.first, l.highest = seq, seq
	case seq < l.first || seq+lossWindow <= l.highest:
		return
	}
	l.highest = max(l.highest, seq)
	m := &l.ring[seq%lossWindow]
	if m.seq != seq || !m.came {
		*m = mark{seq: seq, came: true, by: by, original: by == Original}
		*l.count(by)++
		return
	}
	if by == Original && !m.original {
		m.original = true // it was only late
		*l.count(m.by)--
		l.originals++
	}
}

func (l *Losses) count(by Means) *uint64 {
	switch by {
	case ByFEC:
		return &l.fec
	case ByRTX:
		return &l.rtx
	default:
		return &l.originals
	}
}

// LossCounts are numbers of packets.
type LossCounts struct {
	Expected  uint64 // from the first to the highest number
	Lost      uint64 // before repair
	ByFEC     uint64 // of these, brought back
	ByRTX     uint64
	Remaining uint64 // after repair
}

// Counts returns what was counted so far.
func (l *Losses) Counts() LossCounts {
	if !l.started {
		return LossCounts{}
	}
	c := LossCounts{Expected: l.highest - l.first + 1, ByFEC: l.fec, ByRTX: l.rtx}
	c.Lost = c.Expected - l.originals
	c.Remaining = c.Lost - c.ByFEC - c.ByRTX
	return c
}

// Since returns what was counted since earlier counts, for time series. A packet that
// was missing then and came since makes Lost or Remaining smaller: they are 0 then.
func (c LossCounts) Since(earlier LossCounts) LossCounts {
	less := func(a, b uint64) uint64 { return a - min(a, b) }
	return LossCounts{
		Expected: less(c.Expected, earlier.Expected), Lost: less(c.Lost, earlier.Lost), ByFEC: less(c.ByFEC, earlier.ByFEC),
		ByRTX: less(c.ByRTX, earlier.ByRTX), Remaining: less(c.Remaining, earlier.Remaining),
	}
}

// PreRepair returns the part of packets that is lost before repair.
func (c LossCounts) PreRepair() units.Ratio { return ratio(c.Lost, c.Expected) }

// PostRepair returns the part of packets that is lost in spite of repair.
func (c LossCounts) PostRepair() units.Ratio { return ratio(c.Remaining, c.Expected) }

func ratio(n, of uint64) units.Ratio {
	if of == 0 {
		return 0
	}
	return units.Ratio(float64(n) / float64(of))
}
