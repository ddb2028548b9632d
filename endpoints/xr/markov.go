package xr

import "time"

// Markov measures bursts and gaps by the algorithm of RFC 3611 §A.2, which counts
// transitions between states and infers the rest "to an accuracy of 1". It is
// told of packets as [Bursts] is. Where the two differ that one is right; this one
// is what other implementations report.
//
// Packets after the last bad one don't count, and the first bad one counts as the
// end of a burst.
type Markov struct {
	gmin   uint64
	packet time.Duration

	pkt, lost                    uint64
	lossCount, discardCount      uint64
	c11, c13, c14, c22, c23, c33 uint64
}

// NewMarkov returns a measurement with a threshold, normally Gmin, and a packet's
// duration.
func NewMarkov(gmin uint8, packet time.Duration) *Markov {
	return &Markov{gmin: uint64(max(gmin, 1)), packet: packet}
}

// Add tells the fate of the next packet.
func (m *Markov) Add(f Fate) {
	switch f {
	case Played:
		m.pkt++
		return
	case Lost:
		m.lossCount++
	case Discarded:
		m.discardCount++
	}
	if m.pkt >= m.gmin {
		if m.lost == 1 {
			m.c14++
		} else {
			m.c13++
		}
		m.lost = 1
		m.c11 += m.pkt
	} else {
		m.lost++
		if m.pkt == 0 {
			m.c33++
		} else {
			m.c23++
			m.c22 += m.pkt - 1
		}
	}
	m.pkt = 0
}

// Metrics returns what was measured so far. Where the algorithm would divide by
// zero there was nothing of the kind, and the metric is zero.
func (m *Markov) Metrics() BurstMetrics {
	c31, c32 := m.c13, m.c23
	total := m.c11 + m.c14 + m.c13 + m.c22 + m.c23 + c31 + c32 + m.c33
	out := BurstMetrics{
		LossRate: part(m.lossCount, total), DiscardRate: part(m.discardCount, total),
		GapDensity: part(m.c14, m.c11+m.c14), Gmin: uint8(m.gmin),
	}
	if d := c31 + c32 + m.c33; d > 0 {
		p32, p23 := float64(c32)/float64(d), 1.0
		if m.c22+m.c23 >= 1 {
			p23 = 1 - float64(m.c22)/float64(m.c22+m.c23)
		}
		if sum := p23 + p32; sum > 0 {
			out.BurstDensity = uint8(min(256*p23/sum, 255))
		}
	}
	if m.c13 > 0 {
		gap := time.Duration(m.c11+m.c14+m.c13) * m.packet / time.Duration(m.c13)
		out.GapDuration = milliseconds(gap)
		out.BurstDuration = milliseconds(time.Duration(total)*m.packet/time.Duration(m.c13) - gap)
	}
	return out
}
