package ulpfec

import (
	"encoding/binary"
	"errors"

	"rtpfabric/endpoints/fec/parity"
	"rtpfabric/endpoints/fec/red"
	"rtpfabric/sim/simtime"
)

// ErrMalformed is the error of repair data that can't be read.
var ErrMalformed = errors.New("ulpfec: no repair data")

// Receiver unwraps the media packets of a session's streams and recovers those that
// are lost. Per packet with the redundant payload type: Receive, then Poll until
// there is nothing.
type Receiver struct {
	fecPT   uint8
	decoder *parity.Decoder
	blocks  []red.Block
	sum     parity.String
	sets    [1]parity.Set
	media   []byte // the packet that came
	has     bool
	counts  Counts
}

// Counts tell what became of packets.
type Counts struct {
	parity.Counts
	Media      uint64 // new ones that came
	Duplicates uint64 // media that came or was recovered before
	Other      uint64 // redundant blocks that aren't repair data
	Malformed  uint64
}

// NewReceiver returns a receiver that has seen nothing. Blocks with repair data have
// the payload type fecPT.
func NewReceiver(fecPT uint8, l parity.Limits) *Receiver {
	return &Receiver{fecPT: fecPT & 0x7f, decoder: parity.NewDecoder(l)}
}

// Forget drops a stream, after a BYE or a collision.
func (r *Receiver) Forget(ssrc uint32) { r.decoder.Forget(ssrc) }

// Source takes a media packet that came otherwise, such as one that was
// retransmitted, unwrapped. It reports whether it is new.
func (r *Receiver) Source(now simtime.Time, packet []byte) (fresh bool) {
	r.has = false
	return r.decoder.Source(now, packet)
}

// Receive takes a packet without protection. An error says that it, or repair data
// in it, can't be read; it is counted.
func (r *Receiver) Receive(now simtime.Time, packet []byte) error {
	r.has = false
	var primary red.Block
	var err error
	r.blocks, primary, err = red.Split(r.blocks[:0], packet)
	if err != nil {
		r.counts.Malformed++
		return err
	}
	if primary.PayloadType != r.fecPT {
		r.media = red.AppendPrimary(r.media[:0], packet, primary)
		if r.has = r.decoder.Source(now, r.media); r.has {
			r.counts.Media++
		} else {
			r.counts.Duplicates++
		}
	} else {
		r.blocks = append(r.blocks, primary)
	}
	for i := range r.blocks {
		if r.blocks[i].PayloadType != r.fecPT {
			r.counts.Other++
			continue
		}
		err = errors.Join(err, r.repair(now, packet, i))
	}
	return err
}

// repair takes the i-th block of a packet, which is repair data.
func (r *Receiver) repair(now simtime.Time, packet []byte, i int) error {
	set := &r.sets[0]
	*set = parity.Set{SSRC: binary.BigEndian.Uint32(packet[8:])}
	if !readFEC(r.blocks[i].Data, &r.sum, set) {
		r.counts.Malformed++
		return ErrMalformed
	}
	r.decoder.Expect(set.SSRC)
	id := uint64(set.SSRC)<<32 | uint64(binary.BigEndian.Uint16(packet[2:]))<<8 | uint64(i)
	r.decoder.Repair(now, id, &r.sum, r.sets[:]) // it counts what it can't use
	return nil
}

// Poll appends the next media packet to dst, unwrapped, and says whether it was
// recovered. The one that came is first, unless it isn't new. What isn't polled
// before the next packet comes is lost.
func (r *Receiver) Poll(dst []byte) (out []byte, recovered, ok bool) {
	if r.has {
		r.has = false
		return append(dst, r.media...), false, true
	}
	out, ok = r.decoder.Poll(dst)
	return out, ok, ok
}

// Counts returns what became of packets so far.
func (r *Receiver) Counts() Counts {
	c := r.counts
	c.Counts = r.decoder.Counts()
	return c
}

// Waiting returns how many repair packets wait for more to come.
func (r *Receiver) Waiting() int { return r.decoder.Waiting() }
