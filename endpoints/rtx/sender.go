package rtx

import "encoding/binary"

// Sender makes the packets of one retransmission stream.
type Sender struct {
	ssrc  uint32
	seq   uint16
	types *PayloadTypes
}

// NewSender returns the sender of the stream with the given SSRC. Its sequence
// numbers begin with seq, which is random (RFC 3550 §5.1); types stays the
// caller's, who may add to it.
func NewSender(ssrc uint32, seq uint16, types *PayloadTypes) *Sender {
	return &Sender{ssrc: ssrc, seq: seq, types: types}
}

// SSRC returns the SSRC of the stream.
func (s *Sender) SSRC() uint32 { return s.ssrc }

// SetSSRC changes it after a collision, which leaves the original stream's SSRC
// alone (RFC 4588 §4).
func (s *Sender) SetSSRC(ssrc uint32) { s.ssrc = ssrc }

// Extension returns the header extension of an RTP packet, header of four octets
// included; nil if it has none. It is part of the packet's memory.
func Extension(packet []byte) ([]byte, error) {
	l, err := parse(packet)
	if err != nil || l.payload == l.csrcs {
		return nil, err
	}
	return packet[l.csrcs:l.payload], nil
}

// Append appends the retransmission of an original packet, without protection,
// to dst. The timestamp, the marker, the CSRCs and the header extension are those
// of the original; padding isn't copied (§4). After an error nothing was made,
// and no sequence number was used.
func (s *Sender) Append(dst, original []byte) ([]byte, error) {
	extension, err := Extension(original)
	if err != nil {
		return dst, err
	}
	return s.AppendWith(dst, original, extension)
}

// AppendWith is Append with a header extension in the place of the original one's:
// an element may have to say something else in a retransmission, such as
// RepairedRtpStreamId (RFC 8852 §3.2) or a transport-wide sequence number. It has
// its header of four octets and is whole words long; nil stands for none.
func (s *Sender) AppendWith(dst, original, extension []byte) ([]byte, error) {
	l, err := parse(original)
	if err != nil {
		return dst, err
	}
	pt, ok := s.types.RTX(payloadType(original))
	if !ok {
		return dst, ErrPayloadType
	}
	start := len(dst)
	dst = append(dst, original[:l.csrcs]...)
	dst = append(dst, extension...)
	dst = binary.BigEndian.AppendUint16(dst, sequenceNumber(original))
	dst = append(dst, original[l.payload:l.end]...)

	b := dst[start:]
	b[0] &^= 0x30 // P and X
	if extension != nil {
		b[0] |= 0x10
	}
	setPayloadType(b, pt)
	setSequenceNumber(b, s.seq)
	setSSRC(b, s.ssrc)
	s.seq++
	return dst, nil
}
