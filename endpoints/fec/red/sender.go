package red

import "encoding/binary"

// Sender puts the frames of earlier packets of a stream into later ones.
type Sender struct {
	pt      uint8
	level   int
	maxSize int

	earlier []frame // a ring
	newest  int     // its place in the ring
	n       int     // of them that are kept
	blocks  []Block
	counts  SenderCounts
}

// frame is the payload of an earlier packet.
type frame struct {
	ssrc      uint32
	seq       uint16
	pt        uint8
	timestamp uint32
	data      []byte
}

// SenderCounts tell what became of frames.
type SenderCounts struct {
	Packets, Redundant uint64 // made, and frames that they have besides their own
	// Frames that were wanted, but don't fit: too long or too old for the format,
	// or the packet would be too large. With one, older ones stay out as well.
	TooLong, TooOld, TooLarge uint64
}

// NewSender returns the sender of a stream whose packets have the payload type pt
// and level earlier frames each, 0 to MaxBlocks. A packet isn't made larger than
// maxSize octets by earlier frames.
func NewSender(pt uint8, level, maxSize int) *Sender {
	s := &Sender{pt: pt, maxSize: maxSize, earlier: make([]frame, MaxBlocks)}
	s.SetLevel(level)
	return s
}

// SetLevel changes how many earlier frames a packet has. They are kept whatever the
// level is, so that a higher one has an effect at once.
func (s *Sender) SetLevel(level int) { s.level = max(0, min(level, MaxBlocks)) }

// SetPayloadType changes the payload type of packets, which has to be another one if
// the clock of the stream's timestamps is (RFC 2198 §5).
func (s *Sender) SetPayloadType(pt uint8) { s.pt = pt & 0x7f }

// Append appends the packet that carries the given one's payload, and earlier
// frames, to dst. Header extension, contributing sources and marker are the given
// packet's; those of earlier ones are lost (RFC 2198 §4). After an error nothing was
// made.
//
// Frames without gaps are put in, so that a receiver can tell by their order which
// packets they come from.
func (s *Sender) Append(dst, packet []byte) ([]byte, error) {
	start, end, ok := layout(packet)
	if !ok {
		return dst, ErrMalformed
	}
	f := frame{
		ssrc: binary.BigEndian.Uint32(packet[8:]), seq: binary.BigEndian.Uint16(packet[2:]),
		pt: packet[1] & 0x7f, timestamp: binary.BigEndian.Uint32(packet[4:]),
	}
	s.choose(&f, end+primaryHeader)
	dst, err := wrap(dst, packet, s.pt, s.blocks)
	if err != nil {
		return dst, err
	}
	s.counts.Packets++
	s.counts.Redundant += uint64(len(s.blocks))
	s.keep(f, packet[start:end])
	return dst, nil
}

// choose puts the earlier frames that go with one into blocks, oldest first. size
// is the packet's without them.
func (s *Sender) choose(f *frame, size int) {
	s.blocks = s.blocks[:0]
	for i := range min(s.level, s.n) {
		e := &s.earlier[(s.newest-i+len(s.earlier))%len(s.earlier)]
		offset := f.timestamp - e.timestamp
		switch size += redundantHeader + len(e.data); {
		case e.ssrc != f.ssrc || e.seq != f.seq-uint16(i)-1:
			// Something was sent otherwise, or the stream began anew.
		case offset > MaxOffset:
			s.counts.TooOld++
		case len(e.data) > MaxLength:
			s.counts.TooLong++
		case size > s.maxSize:
			s.counts.TooLarge++
		default:
			s.blocks = append(s.blocks, Block{PayloadType: e.pt, Offset: uint16(offset), Data: e.data})
			continue
		}
		break
	}
	for i, j := 0, len(s.blocks)-1; i < j; i, j = i+1, j-1 {
		s.blocks[i], s.blocks[j] = s.blocks[j], s.blocks[i]
	}
}

// keep remembers a frame for later packets.
func (s *Sender) keep(f frame, data []byte) {
	s.newest = (s.newest + 1) % len(s.earlier)
	e := &s.earlier[s.newest]
	f.data = append(e.data[:0], data...)
	*e = f
	s.n = min(s.n+1, len(s.earlier))
}

// Counts returns what became of frames so far.
func (s *Sender) Counts() SenderCounts { return s.counts }
