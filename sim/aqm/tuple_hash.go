package aqm

import (
	"math/bits"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
)

// tupleHash spreads 5-tuples over buckets, differently in every run.
//
// Deviation (RFC 8290 §4.1): products of 128 bits folded to 64 mix the tuple
// and the salt, instead of Jenkins's function and the salt added to it.
type tupleHash struct{ salt0, salt1 uint64 }

func newTupleHash(random *rng.Stream) tupleHash {
	return tupleHash{random.Uint64(), random.Uint64()}
}

// of returns a number from 0 to n-1.
func (h tupleHash) of(p *packet.Packet, n int) int {
	hi, _ := bits.Mul64(h.sum(p, 0), uint64(n))
	return int(hi)
}

// sum hashes the 5-tuple and a further word.
func (h tupleHash) sum(p *packet.Packet, extra uint32) uint64 {
	x := fold(h.salt0^(uint64(p.Src.IP)<<32|uint64(p.Dst.IP)), h.salt1^uint64(extra))
	x = fold(x^(uint64(p.Src.Port)<<32|uint64(p.Dst.Port)<<16|uint64(p.Protocol)), h.salt1|1)
	return fold(x, h.salt0|1) // neighboring ports need another round
}

func fold(x, y uint64) uint64 {
	hi, lo := bits.Mul64(x, y)
	return hi ^ lo
}
