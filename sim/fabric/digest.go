package fabric

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// Digest is a 128-bit hash over every packet event of a run, in order: what
// happened, when, where, to which packet, of which size and marking. When a
// packet enters the network its addresses and the first eight octets of its
// payload are hashed too; SRTP and SRTCP leave those in the clear, so runs
// with and without encryption have equal digests exactly if they have equal
// packets at equal times. It guards against accidents, not against forgery.
type Digest struct{ a, b uint64 }

type eventKind uint32

const (
	evSent eventKind = iota
	evArrived
	evDequeued
	evTransmitted
	evDelivered
	evDropped // plus the DropReason
)

// evDuplicated lies beyond all reasons of drops.
const evDuplicated = evDropped + 1000

// mix folds the 128-bit product of two words: the step of wyhash (Wang Yi).
func mix(x, y uint64) uint64 {
	hi, lo := bits.Mul64(x, y)
	return hi ^ lo
}

const (
	secret0 = 0x2d358dccaa6c78a5
	secret1 = 0x8bb84b93962eacc9
	secret2 = 0x4b33a62ed433d4a3
)

func (d *Digest) add(x, y, z uint64) {
	a := mix(d.a^x^secret0, y^secret1)
	d.b = mix(d.b^z^secret2, a^x|1)
	d.a = a
}

func (d *Digest) event(now simtime.Time, kind eventKind, place uint32, p *packet.Packet) {
	d.add(uint64(now), uint64(kind)<<32|uint64(place), p.ID<<16^uint64(p.Size)<<2^uint64(p.ECN))
}

func (d *Digest) sent(now simtime.Time, p *packet.Packet) {
	d.event(now, evSent, uint32(p.Src.Port)<<16|uint32(p.Dst.Port), p)
	var head uint64
	if len(p.Payload) >= 8 {
		head = binary.BigEndian.Uint64(p.Payload)
	}
	if p.Drawn {
		head &= kept(p.Payload)
	}
	d.add(uint64(p.Src.IP)<<32|uint64(p.Dst.IP), head, uint64(p.Protocol)<<8|uint64(p.DSCP))
}

// kept masks of the first eight octets those that aren't drawn: of RTP flags and payload type, of RTCP type
// and length, of RTP in a channel of TURN's those behind the channel's number; STUN and DTLS begin with none that are.
func kept(b []byte) uint64 {
	switch {
	case packet.IsRTCP(b):
		return 0xffffffff << 32
	case len(b) > 6 && b[0]>>4 == 4 && b[4]>>6 == 2: // RFC 8656 §12
		return ^uint64(0xffff)
	case len(b) < 2 || b[0]>>6 != 2:
		return ^uint64(0)
	}
	return 0xffff << 48
}

// String prints 32 hexadecimal digits, each of which depends on everything: sizes
// go into one of the two words alone.
func (d *Digest) String() string {
	return fmt.Sprintf("%016x%016x", mix(d.a^secret0, d.b^secret1), mix(d.b^secret2, d.a|1))
}
