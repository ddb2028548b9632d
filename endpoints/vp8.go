package endpoints

import (
	"encoding/binary"

	"rtpfabric/endpoints/encoder"
	"rtpfabric/endpoints/nack"
	"rtpfabric/endpoints/playout"
	"rtpfabric/sim/simtime"
)

// Sizes of VP8's payload descriptor with a 15-bit picture ID, and with what
// temporal layers need besides (RFC 7741 §4.2).
const (
	vp8Descriptor        = 4
	vp8LayeredDescriptor = 6
)

// Bits of the descriptor's first two octets, and of the octet with the layer.
const (
	vp8Extended     = 0x80 // X
	vp8NonReference = 0x20 // N
	vp8Start        = 0x10 // S
	vp8Partition    = 0x07 // PID

	vp8HasPicture = 0x80 // I
	vp8HasBase    = 0x40 // L
	vp8HasLayer   = 0x20 // T
	vp8HasKey     = 0x10 // K

	vp8LongPicture = 0x80 // M
	pictureNumbers = 0x7fff
	vp8LayerSync   = 0x20 // Y
)

// writeVP8 writes the descriptor of a packet into b, which has its size, and
// returns what follows it.
func (m *Section) writeVP8(b []byte, f encoder.Frame, first bool) []byte {
	b[0], b[1] = vp8Extended, vp8HasPicture
	if first {
		b[0] |= vp8Start
	}
	if f.Discardable {
		b[0] |= vp8NonReference
	}
	binary.BigEndian.PutUint16(b[2:], vp8LongPicture<<8|m.pictureID)
	if !m.layered() {
		return b[vp8Descriptor:]
	}
	b[1] |= vp8HasBase | vp8HasLayer
	b[4] = uint8(f.Base)
	b[5] = f.Layer << 6
	if f.Sync {
		b[5] |= vp8LayerSync
	}
	return b[vp8LayeredDescriptor:]
}

// setVP8Picture gives a packet's picture another number, if it has one of 15 bits.
func setVP8Picture(b []byte, number uint16) {
	if len(b) >= vp8Descriptor && b[0]&vp8Extended != 0 && b[1]&vp8HasPicture != 0 && b[2]&vp8LongPicture != 0 {
		binary.BigEndian.PutUint16(b[2:], vp8LongPicture<<8|number&pictureNumbers)
	}
}

// layered reports whether the section's stream has temporal layers.
func (m *Section) layered() bool { return m.config.Send != nil && m.config.Send.Layers > 1 }

// vp8 is what a descriptor says.
type vp8 struct {
	picture      playout.Picture
	start        bool // of the frame
	nonReference bool
	size         int
}

// parseVP8 reads a descriptor; false if it is malformed.
func parseVP8(b []byte) (d vp8, ok bool) {
	if len(b) == 0 {
		return d, false
	}
	d.start = b[0]&vp8Start != 0 && b[0]&vp8Partition == 0
	d.nonReference = b[0]&vp8NonReference != 0
	if b[0]&vp8Extended == 0 {
		d.size = 1
		return d, true
	}
	if len(b) < 2 {
		return d, false
	}
	has := b[1]
	at := 2
	next := func() (x uint8) {
		if at < len(b) {
			x = b[at]
		}
		at++
		return x
	}
	if has&vp8HasPicture != 0 {
		d.picture.Number = uint16(next())
		if d.picture.Number&vp8LongPicture != 0 {
			d.picture.Number = d.picture.Number&^vp8LongPicture<<8 | uint16(next())
		}
	}
	if has&vp8HasBase != 0 {
		d.picture.Base = next()
	}
	if has&(vp8HasLayer|vp8HasKey) != 0 {
		if x := next(); has&vp8HasLayer != 0 {
			d.picture.Layered = has&vp8HasBase != 0
			d.picture.Layer, d.picture.Sync = x>>6, x&vp8LayerSync != 0
		}
	}
	d.size = at
	return d, at <= len(b)
}

// A VP8 frame begins with 3 octets, or 10 if it is a key frame (RFC 6386 §9.1).
const vp8Delta, vp8Key = 3, 10

// writeVP8Frame writes the uncompressed data chunk of a VP8 frame and returns its
// length.
func writeVP8Frame(b []byte, f encoder.Frame) int {
	tag := uint32(f.Size)&0x7ffff<<5 | 1<<4 // first partition's size, show_frame
	if !f.Key {
		tag |= 1
	}
	b[0], b[1], b[2] = byte(tag), byte(tag>>8), byte(tag>>16)
	if !f.Key {
		return vp8Delta
	}
	copy(b[3:], []byte{0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02}) // start code, 1280×720
	return vp8Key
}

// parseVP8Media reads a payload; false if it is malformed.
func parseVP8Media(b []byte) (m media, ok bool) {
	d, ok := parseVP8(b)
	if !ok {
		return m, false
	}
	m = media{first: d.start, head: d.size, picture: d.picture, discardable: d.nonReference}
	if !d.start {
		return m, true
	}
	b = b[d.size:]
	n := vp8Delta
	if len(b) > 0 && b[0]&1 == 0 {
		m.picture.Key, n = true, vp8Key
	}
	if len(b) < n+trace {
		return m, false
	}
	m.captured = simtime.Time(binary.BigEndian.Uint64(b[n:]))
	return m, true
}

// marksAt is where in a payload what follows the headers and the time begins.
func (m *media) marksAt() int {
	switch {
	case !m.first:
		return m.head
	case m.picture.Key:
		return m.head + vp8Key + trace
	}
	return m.head + vp8Delta + trace
}

// importance says what the loss of a part of the frame means.
func (m *media) importance() nack.Importance {
	switch {
	case m.picture.Key:
		return nack.Key
	case m.discardable:
		return nack.Discardable
	}
	return nack.Base
}

// importanceOf is the same at the sender.
func importanceOf(f encoder.Frame) nack.Importance {
	switch {
	case f.Key:
		return nack.Key
	case f.Discardable:
		return nack.Discardable
	}
	return nack.Base
}
