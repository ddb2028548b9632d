package flexfec

import (
	"encoding/binary"

	"rtpfabric/endpoints/fec/parity"
)

// BlockSender protects the rows, the columns or both of blocks of one stream's
// packets (§4.2.2.2). Per source packet: Add, then Poll until there is nothing.
// The repair packet of a row follows its last packet; those of the columns follow
// the block.
type BlockSender struct {
	stream *Stream
	shape  Shape // of the block that has begun
	wanted Shape

	ssrc    uint32
	first   uint16 // number of the first packet of the block
	n       int    // packets in the block
	closing bool   // the block ends when all is polled
	row     parity.String
	columns []parity.String
	sets    [1]parity.Set

	// What is to be polled: a row of so many packets, and columns from one on.
	rowLen, column, columnsEnd int
}

// NewBlockSender returns the sender of a repair stream that protects blocks.
func NewBlockSender(s *Stream, shape Shape) (*BlockSender, error) {
	b := &BlockSender{stream: s}
	if err := b.SetShape(shape); err != nil {
		return nil, err
	}
	return b, nil
}

// SetShape changes the shape, from the next block on.
func (b *BlockSender) SetShape(shape Shape) error {
	if err := shape.Check(); err != nil {
		return err
	}
	b.wanted = shape
	return nil
}

// Add takes a source packet as it is sent, before protection. If its number isn't
// the next one or its SSRC is another, it begins a block; what was begun stays
// without protection, unless Flush was called. Repair packets that weren't polled
// yet are given up.
func (b *BlockSender) Add(packet []byte) error {
	if len(packet) < parity.HeaderSize || packet[0]>>6 != 2 {
		return parity.ErrMalformed
	}
	seq, ssrc := binary.BigEndian.Uint16(packet[2:]), binary.BigEndian.Uint32(packet[8:])
	b.rowLen, b.column, b.columnsEnd = 0, 0, 0
	if b.closing || ssrc != b.ssrc || seq != b.first+uint16(b.n) {
		b.n = 0
	}
	if b.n == 0 {
		b.begin(ssrc, seq)
	}
	at := b.n % b.shape.L
	if b.shape.Kind != Columns {
		if at == 0 {
			b.row.Reset()
		}
		_ = b.row.Add(packet) // it was checked
	}
	if b.shape.Kind != Rows {
		if b.n < b.shape.L {
			b.columns[at].Reset()
		}
		_ = b.columns[at].Add(packet)
	}
	b.n++
	b.finish(at + 1)
	return nil
}

func (b *BlockSender) begin(ssrc uint32, seq uint16) {
	b.shape, b.ssrc, b.first, b.closing = b.wanted, ssrc, seq, false
	for len(b.columns) < b.shape.L && b.shape.Kind != Rows {
		b.columns = append(b.columns, parity.String{})
	}
}

// finish makes repair packets ready when a row, with so many packets by now, or
// the block is complete.
func (b *BlockSender) finish(inRow int) {
	if inRow == b.shape.L && b.shape.Kind != Columns {
		b.rowLen = inRow
	}
	b.closing = b.n == b.shape.Packets()
	if b.closing && b.shape.Kind != Rows {
		b.columnsEnd = b.shape.L
	}
}

// Flush closes the block early, such as when the source pauses: the row that was
// begun is protected as a shorter one, and columns that have two packets at least
// as shorter ones. Poll afterwards.
func (b *BlockSender) Flush() {
	if b.closing || b.n == 0 {
		return
	}
	b.closing = true
	if b.shape.Kind != Columns {
		b.rowLen = b.n % b.shape.L
	}
	if b.shape.Kind != Rows {
		// Of columns with one packet alone a retransmission would be left.
		b.columnsEnd = max(0, min(b.n-b.shape.L, b.shape.L))
	}
}

// Poll appends the next repair packet to dst. timestamp is the repair stream's at
// the time of sending (§4.2.1); extension is the header extension, with its header
// of four octets and in whole words, or nil.
func (b *BlockSender) Poll(dst []byte, timestamp uint32, extension []byte) ([]byte, bool) {
	sum := &b.row
	var base uint16
	var l, d int
	switch {
	case b.rowLen > 0:
		base, l = b.first+uint16(b.n-b.rowLen), b.rowLen
		if b.shape.Kind == Both {
			d = 1 // columns follow
		}
		b.rowLen = 0
	case b.column < b.columnsEnd:
		sum, base, l = &b.columns[b.column], b.first+uint16(b.column), b.shape.L
		d = (b.n - b.column + l - 1) / l
		b.column++
	default:
		return dst, false
	}
	b.sets[0] = parity.Set{SSRC: b.ssrc}
	dst = b.stream.appendHeader(dst, timestamp, extension, b.sets[:])
	dst = appendCommon(dst, bitFixed, sum)
	dst = binary.BigEndian.AppendUint16(dst, base)
	dst = append(dst, byte(l), byte(d))
	return append(dst, sum.Payload...), true
}
