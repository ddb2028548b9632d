package wire_test

import (
	"testing"

	"rtpfabric/endpoints/wire"
	"rtpfabric/sim/units"
)

// draft-alvestrand-rmcat-remb-03 §2.2: 6 bits of exponent and 18 of mantissa, rounded
// down.
func TestREMB(t *testing.T) {
	for _, c := range []struct {
		rate, want units.BitRate
		octets     string
	}{
		{0, 0, "8fce0005 01020304 00000000 52454d42 01000000 11121314"},
		{1, 1, "8fce0005 01020304 00000000 52454d42 01000001 11121314"},
		{1<<18 - 1, 1<<18 - 1, "8fce0005 01020304 00000000 52454d42 0103ffff 11121314"},
		{1 << 18, 1 << 18, "8fce0005 01020304 00000000 52454d42 01060000 11121314"},
		{1<<18 + 1, 1 << 18, "8fce0005 01020304 00000000 52454d42 01060000 11121314"},
		{1_000_000, 1_000_000, "8fce0005 01020304 00000000 52454d42 010bd090 11121314"},
		{1_234_567, 1_234_560, "8fce0005 01020304 00000000 52454d42 010e5ad0 11121314"},
	} {
		m, said := wire.NewREMB(0x01020304, c.rate, []uint32{0x11121314})
		b, err := m.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if want := bytes(t, c.octets); string(b) != string(want) {
			t.Errorf("%v: %x, want %x", c.rate, b, want)
		}
		got, err := wire.REMBRate(b)
		if err != nil || got != c.want || said != c.want {
			t.Errorf("%v: says %v, read as %v (%v), want %v", c.rate, said, got, err, c.want)
		}
	}
}

// What a peer may claim is bounded, and the shift doesn't overflow.
func TestREMBBounds(t *testing.T) {
	for octets, want := range map[string]units.BitRate{
		"8fce0004 01020304 00000000 52454d42 00ffffff": 1 << 40,
		"8fce0004 01020304 00000000 52454d42 00fc0001": 1 << 40,
		"8fce0004 01020304 00000000 52454d42 00fc0000": 0,
		"8fce0004 01020304 00000000 52454d42 00a00001": 1 << 40,
		"8fce0004 01020304 00000000 52454d42 009c0001": 1 << 39,
	} {
		if got, err := wire.REMBRate(bytes(t, octets)); err != nil || got != want {
			t.Errorf("%s: %v (%v), want %v", octets, got, err, want)
		}
	}
	for _, octets := range []string{"8fce0003 01020304 00000000 52454d42", "8fce0004 01020304 00000000 deadbeef 00000001"} {
		if _, err := wire.REMBRate(bytes(t, octets)); err == nil {
			t.Errorf("%s is read", octets)
		}
	}
}
