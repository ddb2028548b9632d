package endpoints

import (
	"encoding/binary"

	"rtpfabric/endpoints/encoder"
	"rtpfabric/endpoints/playout"
)

// Where pictures consist of slices, or are predicted from older ones on request, the
// model of the video says so at the begin of its packets, after the time of capture:
// what a decoder would find in the bit stream. All have a slice's first macroblock and
// how many it has; the first of a frame adds which picture it is predicted from and
// what of it is coded without prediction.
const (
	sliceMark = 4
	frameMark = 6

	markDistant = 0x8000 // the picture that follows is the reference
)

// marksPictures reports whether packets of the section say so.
func (m *Section) marksPictures() bool {
	if m.session.marksNone {
		return false
	}
	r := &m.session.config.Repair
	return m.config.Kind == Video && m.config.Formats[0].Custom == nil && (r.SLI || r.RPSI != RPSINone || r.NACKSteers)
}

// leastMarked is the smallest frame that holds its marks.
const leastMarked = vp8Key + trace + sliceMark + frameMark

// writeMarks writes the marks of the i-th of n packets of a frame into b, and returns
// what follows.
func (m *Section) writeMarks(b []byte, f *encoder.Frame, i, n int) []byte {
	slice := sliceOf(i, n)
	binary.BigEndian.PutUint16(b, uint16(slice.First))
	binary.BigEndian.PutUint16(b[2:], uint16(slice.Number))
	b = b[sliceMark:]
	if i > 0 {
		return b
	}
	reference := uint16(0)
	if f.Distant {
		reference = markDistant | (m.pictureID-uint16(f.Number-f.Reference))&0x7fff
	}
	binary.BigEndian.PutUint16(b, reference)
	binary.BigEndian.PutUint16(b[2:], uint16(m.refreshing.First))
	binary.BigEndian.PutUint16(b[4:], uint16(m.refreshing.Number))
	return b[frameMark:]
}

// sliceOf returns the macroblocks that the i-th of n packets has: a slice each.
func sliceOf(i, n int) playout.Region {
	first, end := playout.Macroblocks*i/n, playout.Macroblocks*(i+1)/n
	return playout.Region{First: first + 1, Number: end - first}
}

// readMarks reads the marks of a packet whose payload format's headers and time of
// capture end at the given place. It reports false if they make no sense.
func (c *media) readMarks(b []byte, at int) bool {
	if len(b) < at+sliceMark {
		return false
	}
	b = b[at:]
	c.slice = playout.Region{First: int(binary.BigEndian.Uint16(b)), Number: int(binary.BigEndian.Uint16(b[2:]))}
	if !within(c.slice) {
		return false
	}
	if !c.first {
		return true
	}
	if b = b[sliceMark:]; len(b) < frameMark {
		return false
	}
	if reference := binary.BigEndian.Uint16(b); reference&markDistant != 0 {
		c.picture.Distant, c.picture.Reference = true, reference&^markDistant
	}
	r := playout.Region{First: int(binary.BigEndian.Uint16(b[2:])), Number: int(binary.BigEndian.Uint16(b[4:]))}
	c.picture.Refreshed = r
	return r == playout.Region{} || within(r)
}

// within reports whether macroblocks lie in the picture.
func within(r playout.Region) bool {
	return r.First >= 1 && r.Number >= 0 && r.First+r.Number <= playout.Macroblocks+1
}
