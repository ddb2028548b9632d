package middlebox

import (
	"encoding/binary"
	"testing"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
)

// sum is what pseudo header and segment of a packet add up to: all ones if its checksum is right (RFC 9293 §3.1).
func sum(p *packet.Packet) uint16 {
	b := binary.BigEndian.AppendUint32(nil, uint32(p.Src.IP))
	b = binary.BigEndian.AppendUint32(b, uint32(p.Dst.IP))
	b = append(b, 0, p.Protocol.Number())
	b = binary.BigEndian.AppendUint16(b, uint16(len(p.Payload)))
	b = append(append(b, p.Payload...), 0)
	total := uint32(0)
	for i := 0; i+1 < len(b); i += 2 {
		total += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for total>>16 != 0 {
		total = total&0xffff + total>>16
	}
	return uint16(total)
}

// RFC 3022 §4.2: ports in the header of a segment are those of the packet on either side of the NAT, and its checksum stays right, or wrong.
func TestRFC3022Segments(t *testing.T) {
	for _, hairpinning := range []Hairpinning{HairpinExternal, HairpinInternal} {
		_, nat := behind(t, NATConfig{External: []packet.IPv4{n1}, Ports: SequentialPort, Hairpinning: hairpinning})
		random := rng.New(3).Stream("segments")
		var external packet.Addr
		for i := range 3000 {
			from, to := at(x1, uint16(50_000+i%999)), at(y, 80)
			switch i % 3 {
			case 1: // back
				from, to = to, external
			case 2:
				from, to = at(x2, 5000), external
			}
			p := &packet.Packet{Protocol: packet.TCP, Src: from, Dst: to, Payload: make([]byte, 20+i%7)}
			_, _ = random.Read(p.Payload)
			binary.BigEndian.PutUint16(p.Payload, from.Port)
			binary.BigEndian.PutUint16(p.Payload[2:], to.Port)
			binary.BigEndian.PutUint16(p.Payload[16:], 0)
			binary.BigEndian.PutUint16(p.Payload[16:], ^sum(p))
			wrong := i%10 == 9
			if wrong {
				p.Payload[19] ^= 0x10
			}
			if !nat.Handle(0, p, nil) || p.Src == from && p.Dst == to {
				t.Fatalf("from %v to %v: it doesn't pass, or as it was: %+v", from, to, p)
			}
			if i%3 == 0 {
				external = p.Src
			}
			if src, dst := binary.BigEndian.Uint16(p.Payload), binary.BigEndian.Uint16(p.Payload[2:]); src != p.Src.Port || dst != p.Dst.Port {
				t.Fatalf("from %v to %v: the header has ports %d and %d", p.Src, p.Dst, src, dst)
			}
			if got := sum(p); (got == 0xffff) == wrong {
				t.Fatalf("from %v to %v, by then from %v to %v: it adds up to %#x", from, to, p.Src, p.Dst, got)
			}
		}
		short := &packet.Packet{Protocol: packet.TCP, Src: at(x1, 1), Dst: at(y, 80), Payload: []byte{1, 2, 3}}
		if !nat.Handle(0, short, nil) || short.Payload[0] != 1 {
			t.Error("what is too short for a header isn't left alone")
		}
		datagram := &packet.Packet{Src: at(x1, 1), Dst: at(y, 80), Payload: make([]byte, 20)}
		if !nat.Handle(0, datagram, nil) || [20]byte(datagram.Payload) != [20]byte{} {
			t.Error("a NAT writes into datagrams")
		}
	}
}
