package audio_test

import (
	"bytes"
	"math"
	"testing"

	"rtpfabric/endpoints/audio"
)

// RFC 3551 §4.5.1: the header is the state before the packet, the first sample is in
// the upper half of its octet. The codes are worked out by hand from IMA's tables:
// 7 + 3 + 1 = 11; index 8, step 16: 16 + 8 + 4 + 2 = 30; index 16, step 34:
// 34 + 17 + 8 + 4 = 63, which makes 104; index 24, step 73: -73/8.
func TestDVI4ByHand(t *testing.T) {
	var d audio.DVI4
	b := make([]byte, 8)
	n := d.Encode(b, []int16{100, 100, 100, 100})
	if want := []byte{0, 0, 0, 0, 0x77, 0x78}; !bytes.Equal(b[:n], want) {
		t.Errorf("coded as %x, want %x", b[:n], want)
	}
	got, ok := audio.DecodeDVI4(nil, b[:n])
	if want := []int16{11, 41, 104, 95}; !ok || len(got) != 4 || [4]int16(got) != [4]int16(want) {
		t.Errorf("decoded as %v, want %v", got, want)
	}
	n = d.Encode(b, []int16{95, 95})
	if want := []byte{0, 95, 23, 0}; !bytes.Equal(b[:4], want) || n != 5 {
		t.Errorf("second packet %x", b[:n])
	}
}

// A packet is decoded by itself: whether the one before is there makes no difference.
func TestDVI4Stream(t *testing.T) {
	var d audio.DVI4
	b := make([]byte, 84)
	signal, noise := 0.0, 0.0
	samples := make([]int16, 160)
	for i := range 50 {
		for j := range samples {
			x := float64(160*i + j)
			samples[j] = int16(8000*math.Sin(x*0.3) + 3000*math.Sin(x*0.05))
		}
		if n := d.Encode(b, samples); n != 84 {
			t.Fatalf("%d octets", n)
		}
		out, ok := audio.DecodeDVI4(nil, b)
		if !ok || len(out) != 160 {
			t.Fatalf("packet %d isn't decoded", i)
		}
		for j := range out {
			e := float64(out[j]) - float64(samples[j])
			signal, noise = signal+float64(samples[j])*float64(samples[j]), noise+e*e
		}
	}
	if snr := 10 * math.Log10(signal/noise); snr < 20 {
		t.Errorf("signal-to-noise ratio %.1f dB", snr)
	}
	for _, bad := range [][]byte{nil, {0, 0, 0}, {0, 0, 89, 0, 1}} {
		if _, ok := audio.DecodeDVI4(nil, bad); ok {
			t.Errorf("%x was taken", bad)
		}
	}
	if out, ok := audio.DecodeDVI4(nil, []byte{0x7f, 0xff, 88, 1, 0x77}); !ok || out[0] != 32767 || out[1] != 32767 {
		t.Errorf("the value isn't limited: %v", out)
	}
}

func FuzzDecodeDVI4(f *testing.F) {
	f.Add([]byte{0, 95, 23, 0, 0x77})
	f.Fuzz(func(t *testing.T, b []byte) {
		out, ok := audio.DecodeDVI4(nil, b)
		if ok && len(out) != 2*(len(b)-4) {
			t.Errorf("%d samples of %d octets", len(out), len(b))
		}
	})
}
