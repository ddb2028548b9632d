package tmmbr

import (
	"cmp"
	"math/bits"
	"slices"
)

// BoundingSet selects the tuples that bound the feasible region of packet rate
// and net media bit rate, in the order of their overheads (RFC 5104 §3.5.4.2,
// initial algorithm). maxPacketRate is SMAXPR in packets/s; 0 if none was
// negotiated. It reorders tuples and returns a part of them. Of equal tuples
// the first one counts.
//
// Intersections are computed when they are needed, and compared as fractions.
func BoundingSet(tuples []Tuple, maxPacketRate int) []Tuple {
	if len(tuples) == 0 {
		return tuples[:0]
	}
	slices.SortStableFunc(tuples, func(a, b Tuple) int { // step 1; the rate is for step 2
		return cmp.Or(cmp.Compare(a.Overhead, b.Overhead), cmp.Compare(a.MxTBR, b.MxTBR))
	})
	tuples = slices.CompactFunc(tuples, func(a, b Tuple) bool { return a.Overhead == b.Overhead })

	first := 0 // step 3
	for i, t := range tuples {
		if t.MxTBR <= tuples[first].MxTBR {
			first = i
		}
	}
	tuples = tuples[first:] // step 4

	n := 1 // of those selected, which stand in front
	for _, candidate := range tuples[1:] {
		// Steps 6 and 7. The first of all stays: the candidate has a higher rate.
		for n > 1 && !intersection(tuples[n-2], tuples[n-1]).less(intersection(tuples[n-1], candidate)) {
			n--
		}
		// Step 8.
		if intersection(tuples[n-1], candidate).less(maxRate(tuples[n-1], maxPacketRate)) {
			tuples[n] = candidate
			n++
		}
	}
	return tuples[:n]
}

// fraction is a packet rate in packets/s: num/den, infinite if den is 0. Nothing
// is less than 0/0.
type fraction struct{ num, den uint64 }

func (f fraction) less(g fraction) bool {
	hi1, lo1 := bits.Mul64(f.num, g.den)
	hi2, lo2 := bits.Mul64(g.num, f.den)
	return hi1 < hi2 || hi1 == hi2 && lo1 < lo2
}

// intersection returns where b, which has the greater overhead, becomes the
// stricter one (equation 3). If it is so from the start that is 0.
func intersection(a, b Tuple) fraction {
	if b.MxTBR <= a.MxTBR {
		return fraction{0, 1}
	}
	return fraction{uint64(b.MxTBR - a.MxTBR), uint64(8 * (b.Overhead - a.Overhead))}
}

// maxRate returns the packet rate at which nothing is left for media
// (equation 4), or SMAXPR if that is less.
func maxRate(t Tuple, maxPacketRate int) fraction {
	rate := fraction{uint64(t.MxTBR), uint64(8 * t.Overhead)}
	if limit := (fraction{uint64(maxPacketRate), 1}); maxPacketRate > 0 && limit.less(rate) {
		return limit
	}
	return rate
}

// binds reports whether t would be in the bounding set of these tuples and
// itself: the incremental algorithm. scratch is memory for it.
func binds(scratch *[]Tuple, tuples []Tuple, t Tuple, maxPacketRate int) bool {
	*scratch = append(append((*scratch)[:0], tuples...), t)
	return slices.Contains(BoundingSet(*scratch, maxPacketRate), t) && !slices.ContainsFunc(tuples, func(u Tuple) bool {
		return u.MxTBR == t.MxTBR && u.Overhead == t.Overhead
	})
}
