package tcp

import (
	"encoding/binary"
	"errors"
	"fmt"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/units"
)

// Flags are the control bits of a TCP header (RFC 9293 §3.1, RFC 3168 §6.1),
// with AE at its place beside CWR and ECE (RFC 9768 §3.2).
type Flags uint16

// The control bits.
const (
	FIN Flags = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
	AE
)

// Header is a TCP header with the options that are known here.
type Header struct {
	Seq, Ack uint32
	Flags    Flags
	// Window is the field as it is on the wire, not scaled.
	Window uint16
	// MSS is 0 if the option is absent.
	MSS uint16
	// WindowScale is the shift count, -1 if the option is absent (RFC 7323 §2).
	WindowScale int8
	// SACKPermitted is the option of RFC 2018 §2.
	SACKPermitted bool
	// Timestamps says whether TSVal and TSEcr are present (RFC 7323 §3).
	Timestamps   bool
	TSVal, TSEcr uint32
	// SACK holds the first SACKBlocks blocks, left and right edge (RFC 2018 §3).
	SACK       [4][2]uint32
	SACKBlocks int
}

const (
	headerMin     = 20
	headerMax     = 60
	optionEnd     = 0
	optionNop     = 1
	optionMSS     = 2
	optionScale   = 3
	optionSACKOK  = 4
	optionSACK    = 5
	optionTS      = 8
	maxWindowScal = 14 // RFC 7323 §2.3
)

// Len returns the header's length in octets, options and padding included.
func (h *Header) Len() int {
	n := headerMin
	if h.MSS != 0 {
		n += 4
	}
	if h.WindowScale >= 0 {
		n += 4 // with a NOP
	}
	switch {
	case h.SACKPermitted && h.Timestamps:
		n += 12 // the two share an alignment
	case h.SACKPermitted:
		n += 4
	case h.Timestamps:
		n += 12
	}
	if h.SACKBlocks > 0 {
		n += 4 + 8*h.SACKBlocks
	}
	return n
}

// Put writes the header into b, which is Len octets long. The checksum is left
// zero.
func (h *Header) Put(b []byte, src, dst uint16) {
	be := binary.BigEndian
	be.PutUint16(b[0:], src)
	be.PutUint16(b[2:], dst)
	be.PutUint32(b[4:], h.Seq)
	be.PutUint32(b[8:], h.Ack)
	be.PutUint16(b[12:], uint16(len(b)/4)<<12|uint16(h.Flags))
	be.PutUint16(b[14:], h.Window)
	be.PutUint32(b[16:], 0)
	o := b[headerMin:]
	if h.MSS != 0 {
		o[0], o[1] = optionMSS, 4
		be.PutUint16(o[2:], h.MSS)
		o = o[4:]
	}
	switch {
	case h.SACKPermitted:
		o[0], o[1] = optionSACKOK, 2
		o = o[2:]
		if !h.Timestamps {
			o[0], o[1] = optionNop, optionNop
			o = o[2:]
		}
	case h.Timestamps:
		o[0], o[1] = optionNop, optionNop
		o = o[2:]
	}
	if h.Timestamps {
		o[0], o[1] = optionTS, 10
		be.PutUint32(o[2:], h.TSVal)
		be.PutUint32(o[6:], h.TSEcr)
		o = o[10:]
	}
	if h.WindowScale >= 0 {
		o[0], o[1], o[2], o[3] = optionNop, optionScale, 3, byte(h.WindowScale)
		o = o[4:]
	}
	if h.SACKBlocks > 0 {
		o[0], o[1], o[2], o[3] = optionNop, optionNop, optionSACK, byte(2+8*h.SACKBlocks)
		for i, e := range h.SACK[:h.SACKBlocks] {
			be.PutUint32(o[4+8*i:], e[0])
			be.PutUint32(o[8+8*i:], e[1])
		}
	}
}

var (
	errShort  = errors.New("tcp: segment is shorter than its header")
	errOption = errors.New("tcp: option runs past the end of the header")
)

// dataOffset returns where the data of a segment begin, of at least [headerMin] octets.
func (*Header) dataOffset(b []byte) int { return int(b[12]>>4) * 4 }

// Parse reads a header. Unknown options are skipped, and a known option of a
// wrong length is taken for an unknown one.
func (h *Header) Parse(b []byte) error {
	if len(b) < headerMin {
		return errShort
	}
	be := binary.BigEndian
	word := be.Uint16(b[12:])
	n := h.dataOffset(b)
	if n < headerMin || n > len(b) {
		return fmt.Errorf("tcp: data offset says %d octets, but %d are there: %w", n, len(b), errShort)
	}
	*h = Header{
		Seq: be.Uint32(b[4:]), Ack: be.Uint32(b[8:]),
		Flags: Flags(word & 0x1ff), Window: be.Uint16(b[14:]), WindowScale: -1,
	}
	for o := b[headerMin:n]; len(o) > 0 && o[0] != optionEnd; {
		if o[0] == optionNop {
			o = o[1:]
			continue
		}
		if len(o) < 2 || int(o[1]) < 2 || int(o[1]) > len(o) {
			return errOption
		}
		h.option(o[0], o[2:o[1]])
		o = o[o[1]:]
	}
	return nil
}

func (h *Header) option(kind byte, v []byte) {
	be := binary.BigEndian
	switch {
	case kind == optionMSS && len(v) == 2:
		h.MSS = be.Uint16(v)
	case kind == optionScale && len(v) == 1:
		h.WindowScale = int8(min(v[0], maxWindowScal))
	case kind == optionSACKOK && len(v) == 0:
		h.SACKPermitted = true
	case kind == optionTS && len(v) == 8:
		h.Timestamps, h.TSVal, h.TSEcr = true, be.Uint32(v), be.Uint32(v[4:])
	case kind == optionSACK && len(v)%8 == 0:
		h.SACKBlocks = min(len(v)/8, len(h.SACK))
		for i := range h.SACKBlocks {
			h.SACK[i] = [2]uint32{be.Uint32(v[8*i:]), be.Uint32(v[8*i+4:])}
		}
	}
}

// Checksum returns the value of the checksum field that makes the segment of p
// valid (RFC 9293 §3.1): over the pseudo header, the header and content in p.Payload with
// whatever its checksum field holds taken for zero, and a body of zeros.
func Checksum(p *packet.Packet) uint16 {
	length := units.Bytes(len(p.Payload)) + p.Body
	sum := uint64(p.Src.IP)>>16 + uint64(p.Src.IP)&0xffff + uint64(p.Dst.IP)>>16 + uint64(p.Dst.IP)&0xffff +
		uint64(p.Protocol.Number()) + uint64(length)
	b := p.Payload
	for ; len(b) >= 4; b = b[4:] {
		sum += uint64(binary.BigEndian.Uint32(b))
	}
	for i, octet := range b {
		sum += uint64(octet) << (24 - 8*i)
	}
	sum -= uint64(binary.BigEndian.Uint16(p.Payload[16:])) << 16
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}
