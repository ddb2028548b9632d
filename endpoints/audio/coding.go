package audio

import (
	"encoding/binary"

	"rtpfabric/sim/simtime"
)

// Coding is how samples at 8 kHz are coded.
type Coding uint8

// The codings.
const (
	MuLaw Coding = iota // PCMU (RFC 3551 §4.5.14)
	ALaw                // PCMA
	ADPCM               // DVI4 (RFC 3551 §4.5.1)
	codings
)

// Size returns how many octets a packet of samples has.
func (c Coding) Size(samples int) int {
	if c == ADPCM {
		return DVI4Header + samples/2
	}
	return samples
}

// Coder codes the samples of a stream, packet by packet.
type Coder struct {
	Coding Coding
	adpcm  DVI4
}

// Encode codes samples, of DVI4 an even number, into a payload, which must have
// [Coding.Size] octets. It returns how many that are.
func (c *Coder) Encode(into []byte, samples []int16) int {
	switch c.Coding {
	case ADPCM:
		return c.adpcm.Encode(into, samples)
	case ALaw:
		for i, s := range samples {
			into[i] = EncodeALaw(s)
		}
	default:
		for i, s := range samples {
			into[i] = EncodeMuLaw(s)
		}
	}
	return len(samples)
}

// Decode appends the samples of a payload to into. It reports false if the payload is
// malformed.
func (c Coding) Decode(into []int16, payload []byte) ([]int16, bool) {
	switch c {
	case ADPCM:
		return DecodeDVI4(into, payload)
	case ALaw:
		for _, b := range payload {
			into = append(into, DecodeALaw(b))
		}
	default:
		for _, b := range payload {
			into = append(into, DecodeMuLaw(b))
		}
	}
	return into, true
}

// timeBits is how large a time is that a payload hides.
const timeBits = 64

// HideTime writes a time into the payload of a packet, in place of the lowest bits of its
// samples, as telephone networks rob them for signalling: of the first 64 samples the lowest
// one, of packets with fewer samples more. What is heard stays nearly the same. It reports
// false if there are fewer than 8 samples of G.711, or 16 of DVI4.
func (c Coding) HideTime(payload []byte, at simtime.Time) bool {
	n, each := c.hiding(payload)
	if n == 0 {
		return false
	}
	if c == ADPCM {
		hideInDVI4(payload, n, each, uint64(at))
		return true
	}
	for i := range n {
		payload[i] = payload[i]&^(1<<each-1) | hidden(uint64(at), i, n, each)
	}
	return true
}

// HiddenTime returns the time that a payload hides, false if it has no room for one.
func (c Coding) HiddenTime(payload []byte) (at simtime.Time, ok bool) {
	n, each := c.hiding(payload)
	if n == 0 {
		return 0, false
	}
	var t uint64
	for i := range n {
		b := c.codeOf(payload, i)
		for k := range each {
			t |= uint64(b>>k&1) << (i + k*n)
		}
	}
	return simtime.Time(t), true
}

// hiding returns in how many samples of a payload a time hides, and in how many bits of each.
func (c Coding) hiding(payload []byte) (samples, each int) {
	n, most := len(payload), 8
	if c == ADPCM {
		n, most = 2*(len(payload)-DVI4Header), 4
	}
	for each = 1; each <= most; each *= 2 {
		if samples = timeBits / each; samples <= n {
			return samples, each
		}
	}
	return 0, 0
}

// hidden returns the bits of a time that the i-th of n samples hides.
func hidden(t uint64, i, n, each int) (b byte) {
	for k := range each {
		b |= byte(t>>(i+k*n)&1) << k
	}
	return b
}

// codeOf returns the code of a sample.
func (c Coding) codeOf(payload []byte, i int) byte {
	switch {
	case c != ADPCM:
		return payload[i]
	case i%2 == 0:
		return payload[DVI4Header+i/2] >> 4
	}
	return payload[DVI4Header+i/2] & 0x0f
}

// hideInDVI4 codes the samples of a packet again, with the lowest bits of the first codes
// given: the coder makes up for them with the next. The packet after it has a state of its own.
func hideInDVI4(payload []byte, n, each int, t uint64) {
	d := DVI4{predicted: int(int16(binary.BigEndian.Uint16(payload))), index: int(payload[2])}
	e := d
	mask := byte(1<<each - 1)
	for i := range 2 * (len(payload) - DVI4Header) {
		d.step(ADPCM.codeOf(payload, i))
		code := e.quantise(d.predicted)
		if i < n {
			code = code&^mask | hidden(t, i, n, each)
		}
		e.step(code)
		at := &payload[DVI4Header+i/2]
		if i%2 == 0 {
			*at = *at&0x0f | code<<4
		} else {
			*at = *at&0xf0 | code
		}
	}
}
