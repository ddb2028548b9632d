package flexfec

import (
	"encoding/binary"
	"errors"

	"rtpfabric/endpoints/fec/parity"
	"rtpfabric/sim/simtime"
)

// Receiver recovers source packets of a session with the repair packets of all of
// its repair streams. Per source packet: Source; per repair packet: Repair; after
// either: Poll until there is nothing.
type Receiver struct {
	decoder *parity.Decoder
	sum     parity.String
	sets    []parity.Set
	again   []byte // a retransmission that wasn't polled
	has     bool
	counts  Counts
}

// Counts tell what became of repair packets.
type Counts struct {
	parity.Counts
	Malformed uint64
	Reserved  uint64 // R=F=1, or L=0

	Retransmissions uint64 // well-formed ones
	Needed          uint64 // of these, the packets that hadn't come yet
}

// NewReceiver returns a receiver that has seen nothing. Limits.Window is the
// repair window that was agreed on (§5.1, "repair-window").
func NewReceiver(l parity.Limits) *Receiver { return &Receiver{decoder: parity.NewDecoder(l)} }

// Expect tells of a source stream before its first packet comes, so that this can
// be recovered, too. It reports false if there are too many.
func (r *Receiver) Expect(ssrc uint32) bool { return r.decoder.Expect(ssrc) }

// Forget drops a source stream, after a BYE or a collision.
func (r *Receiver) Forget(ssrc uint32) { r.decoder.Forget(ssrc) }

// Source takes a source packet without protection, whether it came or was
// retransmitted. It reports whether it is new: neither came nor was recovered.
func (r *Receiver) Source(now simtime.Time, packet []byte) (fresh bool) {
	r.has = false
	return r.decoder.Source(now, packet)
}

// Repair takes a packet of a repair stream, without protection. An error says why
// it can't be used; it is counted.
func (r *Receiver) Repair(now simtime.Time, packet []byte) error {
	r.has = false
	err := r.repair(now, packet)
	switch {
	case errors.Is(err, ErrMalformed):
		r.counts.Malformed++
	case errors.Is(err, ErrReserved):
		r.counts.Reserved++
	}
	return err
}

func (r *Receiver) repair(now simtime.Time, b []byte) error {
	csrcs, body, ok := split(b)
	if !ok || len(body) < commonHeader {
		return ErrMalformed
	}
	switch body[0] & (bitRetransmit | bitFixed) {
	case bitRetransmit:
		return r.retransmission(now, body)
	case bitRetransmit | bitFixed:
		return ErrReserved
	case bitFixed:
		return r.parity(now, b, csrcs, body, readBlock)
	default:
		return r.parity(now, b, csrcs, body, readMask)
	}
}

// parity takes a packet that names what it protects in the manner that read
// understands.
func (r *Receiver) parity(now simtime.Time, b, csrcs, body []byte, read func([]byte, *parity.Set) int) error {
	if len(csrcs) == 0 {
		return ErrMalformed // it protects no stream
	}
	r.sets = r.sets[:0]
	rest := body[commonHeader:]
	for ; len(csrcs) > 0; csrcs = csrcs[csrcSize:] {
		r.sets = append(r.sets, parity.Set{SSRC: binary.BigEndian.Uint32(csrcs)})
		n := read(rest, &r.sets[len(r.sets)-1])
		if n == 0 {
			if body[0]&bitFixed != 0 && len(rest) >= blockHeader {
				return ErrReserved
			}
			return ErrMalformed
		}
		rest = rest[n:]
	}
	r.sum = parity.String{
		First:     binary.BigEndian.Uint16(body) & 0x3fff,
		Length:    binary.BigEndian.Uint16(body[2:]),
		Timestamp: binary.BigEndian.Uint32(body[4:]),
		Payload:   rest,
	}
	id := uint64(binary.BigEndian.Uint32(b[8:]))<<16 | uint64(binary.BigEndian.Uint16(b[2:]))
	if !r.decoder.Repair(now, id, &r.sum, r.sets) {
		return ErrUnusable
	}
	return nil
}

// retransmission takes a source packet in a repair packet.
func (r *Receiver) retransmission(now simtime.Time, source []byte) error {
	if _, _, ok := split(source); !ok {
		return ErrMalformed
	}
	r.counts.Retransmissions++
	if r.decoder.Source(now, source) {
		r.counts.Needed++
		r.again = append(r.again[:0], source...)
		r.has = true
	}
	return nil
}

// Poll appends the next packet that was recovered or retransmitted to dst, octet
// for octet as it was sent, so with the values of the header extension that it had
// then. What isn't polled before the next packet comes is lost.
func (r *Receiver) Poll(dst []byte) ([]byte, bool) {
	if r.has {
		r.has = false
		return append(dst, r.again...), true
	}
	return r.decoder.Poll(dst)
}

// Counts returns what became of packets so far.
func (r *Receiver) Counts() Counts {
	c := r.counts
	c.Counts = r.decoder.Counts()
	return c
}

// Waiting returns how many repair packets wait for more to come.
func (r *Receiver) Waiting() int { return r.decoder.Waiting() }

// split returns the contributing sources of an RTP packet and what is between
// header and padding.
func split(b []byte) (csrcs, body []byte, ok bool) {
	if len(b) < parity.HeaderSize || b[0]>>6 != 2 {
		return nil, nil, false
	}
	at := parity.HeaderSize + csrcSize*int(b[0]&0x0f)
	end := len(b)
	start := at
	if b[0]&0x10 != 0 {
		if end < at+4 {
			return nil, nil, false
		}
		start += 4 + 4*int(binary.BigEndian.Uint16(b[at+2:]))
	}
	if b[0]&0x20 != 0 {
		if b[end-1] == 0 {
			return nil, nil, false
		}
		end -= int(b[end-1])
	}
	if start > end {
		return nil, nil, false
	}
	return b[parity.HeaderSize:at], b[start:end], true
}
