package audio_test

import (
	"testing"
	"time"

	"rtpfabric/endpoints/audio"
)

const ms = time.Millisecond

// RFC 6716 §3.2: how long a packet lasts follows from its first two octets.
func TestPacketDuration(t *testing.T) {
	for _, c := range []struct {
		payload []byte
		want    time.Duration
		ok      bool
	}{
		{[]byte{0xf8}, 20 * ms, true},                    // code 0, CELT of 20 ms
		{[]byte{0xe0, 0}, 2500 * time.Microsecond, true}, // CELT of 2.5 ms
		{[]byte{0x59, 0}, 120 * ms, true},                // code 1: two frames of SILK wideband, 60 ms
		{[]byte{0xfb, 5}, 100 * ms, true},                // code 3 with five frames
		{[]byte{0xfb, 0x46, 0}, 120 * ms, true},          // and padding
		{[]byte{0xfb, 7}, 140 * ms, false},               // too long (R5)
		{[]byte{0xfb, 0}, 0, false},                      // no frame at all
		{[]byte{0xfb}, 0, false},
		{nil, 0, false},
	} {
		if got, ok := audio.PacketDuration(c.payload); ok != c.ok || ok && got != c.want {
			t.Errorf("% x: %v, %v; want %v, %v", c.payload, got, ok, c.want, c.ok)
		}
	}
}

// What is written is read again, and code 3 has frames of equal size (RFC 6716 §3.2.5).
func TestPutHeader(t *testing.T) {
	for _, d := range []time.Duration{2500 * time.Microsecond, 5 * ms, 10 * ms, 20 * ms, 40 * ms, 60 * ms, 80 * ms, 100 * ms, 120 * ms} {
		for size := 11; size < 60; size++ {
			b := make([]byte, size)
			for i := range b {
				b[i] = 0xff
			}
			if !audio.PutHeader(b, d) || !audio.HasPackets(d) {
				t.Fatalf("%v: no header", d)
			}
			if got, ok := audio.PacketDuration(b); !ok || got != d {
				t.Fatalf("%v in %d octets: %v, %v", d, size, got, ok)
			}
			if b[0]&3 != 3 {
				continue
			}
			n, padding := int(b[1]&0x3f), int(b[2])
			if b[1]&0xc0 != 0x40 || (size-audio.PacketHeader(b)-padding)%n != 0 || size-audio.PacketHeader(b)-padding < 0 {
				t.Fatalf("%v in %d octets: % x", d, size, b[:3])
			}
			for _, x := range b[size-padding:] {
				if x != 0 {
					t.Fatalf("%v in %d octets: padding of % x", d, size, b[size-padding:])
				}
			}
		}
	}
	for _, d := range []time.Duration{0, ms, 25 * ms, 50 * ms, 140 * ms, time.Second} {
		if b := []byte{9, 9, 9, 9}; audio.PutHeader(b, d) || b[0] != 9 || audio.HasPackets(d) {
			t.Errorf("%v: % x", d, b)
		}
	}
}
