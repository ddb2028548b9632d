package tmmbr_test

import (
	"encoding/binary"
	"math/big"
	"slices"
	"testing"

	"rtpfabric/endpoints/tmmbr"
	"rtpfabric/endpoints/wire"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/units"
)

// height is the net media bit rate that tuples allow at a packet rate, as an
// exact number; below the axis nothing is left.
func height(tuples []tmmbr.Tuple, packetRate *big.Rat) *big.Rat {
	var least *big.Rat
	for _, t := range tuples {
		y := new(big.Rat).Mul(packetRate, big.NewRat(int64(-8*t.Overhead), 1))
		y.Add(y, big.NewRat(int64(t.MxTBR), 1))
		if least == nil || y.Cmp(least) < 0 {
			least = y
		}
	}
	if least.Sign() < 0 {
		least.SetInt64(0)
	}
	return least
}

// packetRates returns where two polygons made of these lines could differ: all
// corners, and a point between any two neighbouring ones. None is above the
// limit, if there is one.
func packetRates(tuples []tmmbr.Tuple, limit int) []*big.Rat {
	out := []*big.Rat{new(big.Rat)}
	add := func(rate units.BitRate, overhead units.Bytes) {
		if overhead == 0 {
			return
		}
		if x := big.NewRat(int64(rate), int64(8*overhead)); x.Sign() > 0 {
			out = append(out, x)
		}
	}
	for i, t := range tuples {
		add(t.MxTBR, t.Overhead)
		for _, u := range tuples[:i] {
			add(t.MxTBR-u.MxTBR, t.Overhead-u.Overhead)
		}
	}
	if limit > 0 {
		out = slices.DeleteFunc(out, func(x *big.Rat) bool { return x.Cmp(big.NewRat(int64(limit), 1)) >= 0 })
		out = append(out, big.NewRat(int64(limit), 1))
	}
	slices.SortFunc(out, (*big.Rat).Cmp)
	for i := range len(out) - 1 {
		middle := new(big.Rat).Add(out[i], out[i+1])
		out = append(out, middle.Mul(middle, big.NewRat(1, 2)))
	}
	if limit == 0 {
		out = append(out, new(big.Rat).Add(out[len(out)-1], big.NewRat(1, 1)))
	}
	return out
}

// sameRegion reports whether two sets bound the same feasible region.
func sameRegion(a, b []tmmbr.Tuple, limit int) bool {
	for _, x := range packetRates(append(slices.Clone(a), b...), limit) {
		if height(a, x).Cmp(height(b, x)) != 0 {
			return false
		}
	}
	return true
}

// checkBounds compares the bounding set with its definition: it describes the
// region that all tuples together leave (RFC 5104 §2.2), and no member can be
// spared.
func checkBounds(t *testing.T, tuples []tmmbr.Tuple, limit int) {
	t.Helper()
	set := tmmbr.BoundingSet(slices.Clone(tuples), limit)
	if len(tuples) == 0 {
		if len(set) != 0 {
			t.Fatalf("%v out of nothing", set)
		}
		return
	}
	if !sameRegion(tuples, set, limit) {
		t.Fatalf("%v\nat most %d packets/s: the region of\n%v\nis another one", tuples, limit, set)
	}
	for i, u := range set {
		if !slices.Contains(tuples, u) {
			t.Fatalf("%v isn't one of %v", u, tuples)
		}
		if i > 0 && (u.Overhead <= set[i-1].Overhead || u.MxTBR <= set[i-1].MxTBR) {
			t.Fatalf("%v: the lines don't grow steeper", set)
		}
		rest := slices.Delete(slices.Clone(set), i, i+1)
		if len(rest) > 0 && sameRegion(tuples, rest, limit) {
			t.Fatalf("%v\nat most %d packets/s: %v doesn't belong to\n%v", tuples, limit, u, set)
		}
	}
}

// Random sets of tuples against exact arithmetic. Small numbers make many
// parallels, common corners and equal tuples.
func TestBoundingSetIsTheRegion(t *testing.T) {
	r := rng.New(5).Stream("tuples")
	between := func(lo, hi int) int { return lo + int(r.Uint32()%uint32(hi-lo+1)) }
	for _, c := range []struct{ tuples, rate, unit, overhead, limit int }{
		{5, 12, 80, 4, 12}, {8, 40, 80, 9, 0}, {9, 4000, 1, 200, 2}, {9, 131071, 1000, 511, 100}, {6, 3, 8, 3, 3},
	} {
		for range 1500 {
			tuples := make([]tmmbr.Tuple, between(1, c.tuples))
			for i := range tuples {
				tuples[i] = tmmbr.Tuple{
					SSRC: uint32(i), MxTBR: units.BitRate(c.unit * between(0, c.rate)),
					Overhead: units.Bytes(between(0, c.overhead)),
				}
			}
			checkBounds(t, tuples, between(0, c.limit))
		}
	}
}

func FuzzBoundingSet(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 1, 0x11, 0x70, 0x28, 0, 0, 0, 2, 1, 0x38, 0x80, 0x3c}, uint16(0))
	f.Add([]byte{0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 2, 0, 0, 0, 0}, uint16(50))
	f.Fuzz(func(t *testing.T, b []byte, limit uint16) {
		var m wire.TMMBN
		b = b[:min(len(b)/8, 12)*8]
		form := append([]byte{0x84, 0xcd, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}, b...)
		binary.BigEndian.PutUint16(form[2:], uint16(len(form)/4-1))
		if err := m.Unmarshal(form); err != nil {
			t.Fatal(err)
		}
		checkBounds(t, m.Limits, int(limit))
	})
}

// Of many tuples the set is found without allocating.
func BenchmarkBoundingSet(b *testing.B) {
	r := rng.New(5).Stream("tuples")
	tuples := make([]tmmbr.Tuple, 100)
	for i := range tuples {
		tuples[i] = tmmbr.Tuple{SSRC: uint32(i), MxTBR: units.BitRate(r.Uint32() % 2e6), Overhead: units.Bytes(r.Uint32() % 100)}
	}
	memory := make([]tmmbr.Tuple, len(tuples))
	b.ReportAllocs()
	for b.Loop() {
		copy(memory, tuples)
		tmmbr.BoundingSet(memory, 0)
	}
}
