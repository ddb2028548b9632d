package parity

import (
	"encoding/binary"
	"errors"
)

// Why a packet isn't added to a [Group].
var (
	ErrSpan    = errors.New("parity: farther from the others of its stream than a mask reaches")
	ErrStreams = errors.New("parity: a stream too many")
)

// Group is packets that are protected together. It has copies of them, in memory
// that it keeps and reuses; there is room for as many as its masks can name.
type Group struct {
	span, streams int

	packets [][]byte
	n       int // of packets, that are in the group
	bases   []base
}

// base is the lowest and the highest number of a stream.
type base struct {
	ssrc    uint32
	low, up uint16
}

// NewGroup returns an empty group whose packets are within span numbers of each
// other, [MaxMask] at most, and of not more than the given number of streams.
func NewGroup(span, streams int) *Group {
	return &Group{span: min(span, MaxMask), streams: streams}
}

// Add takes a copy of a packet, whose number may come in any order. After an error
// the group is as it was: ErrSpan and ErrStreams ask for another group.
func (g *Group) Add(packet []byte) error {
	if len(packet) < HeaderSize || packet[0]>>6 != 2 {
		return ErrMalformed
	}
	seq, ssrc := binary.BigEndian.Uint16(packet[2:]), binary.BigEndian.Uint32(packet[8:])
	if err := g.stretch(ssrc, seq); err != nil {
		return err
	}
	if g.n == len(g.packets) {
		g.packets = append(g.packets, make([]byte, 0, max(1500, len(packet))))
	}
	g.packets[g.n] = append(g.packets[g.n][:0], packet...)
	g.n++
	return nil
}

// stretch makes the range of a stream's numbers include one.
func (g *Group) stretch(ssrc uint32, seq uint16) error {
	for i := range g.bases {
		b := &g.bases[i]
		if b.ssrc != ssrc {
			continue
		}
		low, up := b.low, b.up
		if int16(seq-low) < 0 {
			low = seq
		}
		if int16(seq-up) > 0 {
			up = seq
		}
		if int(up-low) >= g.span {
			return ErrSpan
		}
		b.low, b.up = low, up
		return nil
	}
	if len(g.bases) == g.streams {
		return ErrStreams
	}
	g.bases = append(g.bases, base{ssrc, seq, seq})
	return nil
}

// Len returns how many packets are in the group.
func (g *Group) Len() int { return g.n }

// Clear takes all packets out.
func (g *Group) Clear() {
	g.n = 0
	g.bases = g.bases[:0]
}

// Sum makes s the string of every n-th packet, beginning with the one numbered
// first, and appends the sets of these to dst, one a stream. So the sums 0 to n-1
// protect every packet once, and n of them lost in a row can be recovered.
func (g *Group) Sum(s *String, dst []Set, first, n int) []Set {
	s.Reset()
	start := len(dst)
	for i := first; i < g.n; i += n {
		p := g.packets[i]
		_ = s.Add(p) // it was checked when it came
		dst = include(dst, start, binary.BigEndian.Uint32(p[8:]), binary.BigEndian.Uint16(p[2:]))
	}
	return dst
}

// include adds a packet to one of the sets from start on.
func include(dst []Set, start int, ssrc uint32, seq uint16) []Set {
	for i := start; i < len(dst); i++ {
		s := &dst[i]
		if s.SSRC != ssrc {
			continue
		}
		if back := int(int16(s.Base - seq)); back > 0 {
			s.Mask.shift(back)
			s.Base = seq
		}
		s.Mask.Set(int(seq - s.Base))
		return dst
	}
	s := Set{SSRC: ssrc, Base: seq}
	s.Mask.Set(0)
	return append(dst, s)
}

// shift moves all bits back by n, so that earlier packets can be named.
func (m *Mask) shift(n int) {
	for ; n >= 64; n -= 64 {
		m[0], m[1] = 0, m[0]
	}
	if n > 0 {
		m[1] = m[1]>>n | m[0]<<(64-n)
		m[0] >>= n
	}
}
