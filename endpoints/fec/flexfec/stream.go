package flexfec

import (
	"encoding/binary"

	"rtpfabric/endpoints/fec/parity"
)

// maxStreams is how many contributing sources an RTP header can name.
const maxStreams = 15

// Stream is a repair stream at its sender. Both kinds of sender and
// retransmissions may share it.
type Stream struct {
	ssrc uint32
	pt   uint8
	seq  uint16
}

// NewStream returns the repair stream with the given SSRC and payload type (0 to
// 127). Its sequence numbers begin with seq, which is random (RFC 8627 §4.2.1).
// Its CNAME is that of the streams that it protects.
func NewStream(ssrc uint32, pt uint8, seq uint16) *Stream {
	return &Stream{ssrc: ssrc, pt: pt & 0x7f, seq: seq}
}

// SSRC returns the SSRC of the stream.
func (s *Stream) SSRC() uint32 { return s.ssrc }

// SetSSRC changes it after a collision.
func (s *Stream) SetSSRC(ssrc uint32) { s.ssrc = ssrc }

// Next returns the sequence number of the next packet.
func (s *Stream) Next() uint16 { return s.seq }

// appendHeader appends an RTP header (§4.2.1). The protected streams are its
// contributing sources. extension has its header of four octets; nil stands for
// none.
func (s *Stream) appendHeader(dst []byte, timestamp uint32, extension []byte, protected []parity.Set) []byte {
	first := 0x80 | byte(len(protected))
	if extension != nil {
		first |= 0x10
	}
	dst = append(dst, first, s.pt)
	dst = binary.BigEndian.AppendUint16(dst, s.seq)
	dst = binary.BigEndian.AppendUint32(dst, timestamp)
	dst = binary.BigEndian.AppendUint32(dst, s.ssrc)
	for i := range protected {
		dst = binary.BigEndian.AppendUint32(dst, protected[i].SSRC)
	}
	s.seq++
	return append(dst, extension...)
}

// appendCommon appends the part of the FEC header that masks and blocks have in
// common.
func appendCommon(dst []byte, rf byte, sum *parity.String) []byte {
	dst = append(dst, rf|byte(sum.First>>8)&0x3f, byte(sum.First))
	dst = binary.BigEndian.AppendUint16(dst, sum.Length)
	return binary.BigEndian.AppendUint32(dst, sum.Timestamp)
}

// AppendRetransmission appends a packet that carries a source packet again
// (§4.2.2.3). timestamp is the repair stream's at the time of sending; extension is
// the header extension of the new packet, with its header of four octets, or nil.
// After an error nothing was made.
//
// RFC 4588 (package rtx) isn't used together with it (§1.1.7).
func (s *Stream) AppendRetransmission(dst, source []byte, timestamp uint32, extension []byte) ([]byte, error) {
	if len(source) < parity.HeaderSize || source[0]>>6 != 2 {
		return dst, parity.ErrMalformed
	}
	// The version of the source packet happens to be R=1, F=0.
	return append(s.appendHeader(dst, timestamp, extension, nil), source...), nil
}
