package rtx

import (
	"encoding/binary"
	"errors"
)

// Receiver restores the original packets of a session's retransmission streams.
// Which stream belongs to which is said by signalling or found out, see
// [Associations].
type Receiver struct {
	Associations

	types  *PayloadTypes
	counts Counts
}

// Counts tell what became of retransmission packets.
type Counts struct {
	Restored     uint64
	PaddingOnly  uint64 // they probe the path and carry nothing
	Malformed    uint64 // not RTP, or no original sequence number
	PayloadType  uint64 // not associated with an original one
	Unassociated uint64 // of a stream that can't be told yet
}

// NewReceiver returns a receiver that knows no streams. types stays the caller's,
// who may add to it.
func NewReceiver(types *PayloadTypes) *Receiver { return &Receiver{types: types} }

// Restore appends the original packet to dst, as if it had been received, but for
// padding, and for elements of the header extension that are the
// retransmission's own. An error says why there is none; it is counted.
func (r *Receiver) Restore(dst, packet []byte) ([]byte, error) {
	out, err := r.restore(dst, packet)
	switch {
	case err == nil:
		r.counts.Restored++
	case errors.Is(err, ErrPaddingOnly):
		r.counts.PaddingOnly++
	case errors.Is(err, ErrPayloadType):
		r.counts.PayloadType++
	case errors.Is(err, ErrUnassociated):
		r.counts.Unassociated++
	default:
		r.counts.Malformed++
	}
	return out, err
}

func (r *Receiver) restore(dst, packet []byte) ([]byte, error) {
	l, err := parse(packet)
	if err != nil {
		return dst, err
	}
	pt, ok := r.types.Original(payloadType(packet))
	switch {
	case !ok:
		return dst, ErrPayloadType
	case l.payload == l.end:
		return dst, ErrPaddingOnly
	case l.end-l.payload < osnSize:
		return dst, ErrTooShort
	}
	osn := binary.BigEndian.Uint16(packet[l.payload:])
	media, ok := r.resolve(ssrcOf(packet), pt, osn)
	if !ok {
		return dst, ErrUnassociated
	}
	start := len(dst)
	dst = append(dst, packet[:l.payload]...)
	dst = append(dst, packet[l.payload+osnSize:l.end]...)
	b := dst[start:]
	b[0] &^= 0x20
	setPayloadType(b, pt)
	setSequenceNumber(b, osn)
	setSSRC(b, media)
	return dst, nil
}

// Counts returns what became of packets so far.
func (r *Receiver) Counts() Counts { return r.counts }
