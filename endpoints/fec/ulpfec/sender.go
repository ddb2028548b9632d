package ulpfec

import (
	"encoding/binary"

	"rtpfabric/endpoints/fec/parity"
	"rtpfabric/endpoints/fec/red"
)

// Sender wraps the media packets of one stream and protects groups of them. Per
// media packet: Append; at the end of a frame or of several: Protect, and then Poll
// until there is nothing, each time with the stream's next sequence number.
type Sender struct {
	redPT, fecPT uint8
	group        *parity.Group
	virtual      []byte
	sum          parity.String
	sets         []parity.Set
	ssrc         uint32

	next, of int // of the repair packets to poll
}

// NewSender returns the sender of a stream whose packets have the payload type
// redPT, and of which the blocks with repair data have fecPT.
func NewSender(redPT, fecPT uint8) *Sender {
	return &Sender{redPT: redPT & 0x7f, fecPT: fecPT & 0x7f, group: parity.NewGroup(longSpan, 1)}
}

// Append appends the packet that carries a media packet to dst, and adds it to those
// that the next call of Protect is about, if protect says so. The media packet is as
// it is sent, with all header extensions; its padding is left out. After an error
// nothing was made: ErrSpan of package parity asks for a call of Protect or Drop
// before, since the packet is 48 numbers or more after the first one, and ErrStreams
// does since its SSRC is another. Repair packets that weren't polled yet are given up.
func (s *Sender) Append(dst, packet []byte, protect bool) ([]byte, error) {
	at := len(dst)
	out, err := red.Wrap(dst, packet, s.redPT)
	if err != nil || !protect {
		return out, err
	}
	if err := s.Add(out[at:]); err != nil {
		return dst, err
	}
	return out, nil
}

// Add adds a packet that is wrapped already, as it is sent, to those that the next call
// of Protect is about. Its errors are those of Append.
func (s *Sender) Add(packet []byte) error {
	block, err := primary(packet)
	if err != nil {
		return err
	}
	s.virtual = red.AppendPrimary(s.virtual[:0], packet, block)
	if s.of > 0 {
		s.Drop()
	}
	if err := s.group.Add(s.virtual); err != nil {
		return err
	}
	s.ssrc = binary.BigEndian.Uint32(s.virtual[8:])
	return nil
}

// Len returns how many packets were added since the last call of Protect or Drop.
func (s *Sender) Len() int {
	if s.of > 0 {
		return 0
	}
	return s.group.Len()
}

// Protect closes the group: it has the given number of repair packets, or one each
// packet if that is less. Each protects every n-th packet, so that n lost in a row
// can be recovered.
func (s *Sender) Protect(repairs int) {
	s.next, s.of = 0, min(repairs, s.Len())
	if s.of <= 0 {
		s.Drop()
	}
}

// Drop leaves the packets that were added without protection.
func (s *Sender) Drop() {
	s.group.Clear()
	s.next, s.of = 0, 0
}

// Poll appends the next repair packet to dst. It has the number seq, and timestamp
// is the media's at the time of sending (§7.2); extension is the header extension,
// with its header of four octets and in whole words, or nil. If there is none, seq
// wasn't used.
func (s *Sender) Poll(dst []byte, seq uint16, timestamp uint32, extension []byte) ([]byte, bool) {
	if s.next >= s.of {
		return dst, false
	}
	s.sets = s.group.Sum(&s.sum, s.sets[:0], s.next, s.of)
	first := byte(0x80)
	if extension != nil {
		first |= 0x10
	}
	dst = append(dst, first, s.redPT) // without marker (§7.2)
	dst = binary.BigEndian.AppendUint16(dst, seq)
	dst = binary.BigEndian.AppendUint32(dst, timestamp)
	dst = binary.BigEndian.AppendUint32(dst, s.ssrc)
	dst = append(dst, extension...)
	dst = append(dst, s.fecPT)
	dst = appendFEC(dst, &s.sum, &s.sets[0])
	if s.next++; s.next == s.of {
		s.Drop()
	}
	return dst, true
}
