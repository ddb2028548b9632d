package dtls

import "encoding/binary"

// cursor reads the fields of a message in turn. After a field that isn't there
// all are empty and ok is false.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) bytes(n int) []byte {
	if c.bad || len(c.b) < n {
		c.bad = true
		return nil
	}
	out := c.b[:n:n]
	c.b = c.b[n:]
	return out
}

// number reads an integer of n octets.
func (c *cursor) number(n int) int {
	v := 0
	for _, b := range c.bytes(n) {
		v = v<<8 | int(b)
	}
	return v
}

// vector reads a vector whose length comes first in n octets (RFC 5246 §4.3).
func (c *cursor) vector(n int) []byte { return c.bytes(c.number(n)) }

// numbers reads a vector of 16-bit integers, of which there is at least one. The
// length comes first in 2 octets.
func (c *cursor) numbers() []uint16 {
	b := c.vector(2)
	if len(b) == 0 || len(b)%2 != 0 {
		c.bad = true
		return nil
	}
	out := make([]uint16, 0, len(b)/2)
	for ; len(b) > 0; b = b[2:] {
		out = append(out, binary.BigEndian.Uint16(b))
	}
	return out
}

// done reports whether all was there and nothing is left.
func (c *cursor) done() bool { return !c.bad && len(c.b) == 0 }

// appendNumber appends an integer of n octets.
func appendNumber(b []byte, v, n int) []byte {
	for n--; n >= 0; n-- {
		b = append(b, byte(v>>(8*n)))
	}
	return b
}

// appendVector appends a vector with its length in n octets.
func appendVector(b, v []byte, n int) []byte { return append(appendNumber(b, len(v), n), v...) }

// appendNumbers appends a vector of 16-bit integers with its length in 2 octets.
func appendNumbers[T ~uint16](b []byte, vs []T) []byte {
	b = appendNumber(b, 2*len(vs), 2)
	for _, v := range vs {
		b = binary.BigEndian.AppendUint16(b, uint16(v))
	}
	return b
}
