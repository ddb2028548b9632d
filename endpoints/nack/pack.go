package nack

import "github.com/pion/rtcp"

// Pack appends the PID and BLP pairs (RFC 4585 §6.2.1) that name the given
// extended sequence numbers, as few as possible. The numbers rise.
func Pack(dst []rtcp.NackPair, missing []uint64) []rtcp.NackPair {
	for i := 0; i < len(missing); {
		first := missing[i]
		pair := rtcp.NackPair{PacketID: uint16(first)}
		// Bit 1, the least significant, is the packet after the first one.
		for i++; i < len(missing) && missing[i]-first <= 16; i++ {
			pair.LostPackets |= 1 << (missing[i] - first - 1)
		}
		dst = append(dst, pair)
	}
	return dst
}

// Unpack appends the sequence numbers that a generic NACK names, in its order. A
// bit that isn't set says nothing of that packet.
func Unpack(dst []uint16, pairs []rtcp.NackPair) []uint16 {
	for _, p := range pairs {
		dst = append(dst, p.PacketID)
		for i := range uint16(16) {
			if p.LostPackets>>i&1 != 0 {
				dst = append(dst, p.PacketID+i+1)
			}
		}
	}
	return dst
}
