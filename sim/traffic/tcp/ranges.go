package tcp

import "slices"

// seq is a position in a connection's sequence space, counted from the initial
// sequence number: 0 is the SYN, 1 the first octet of data. It doesn't wrap;
// [wireSeq] and [unwrap] convert from and to the 32 bits of the header.
type seq int64

// wireSeq returns the header's form of s (RFC 9293 §3.4: modulo 2^32).
func wireSeq(initial uint32, s seq) uint32 { return initial + uint32(s) }

// unwrap returns the position nearest to ref that has the given header form.
func unwrap(initial uint32, ref seq, wire uint32) seq {
	return ref + seq(int32(wire-wireSeq(initial, ref)))
}

// span is the positions start ≤ s < end.
type span struct{ start, end seq }

func (r span) len() int64 { return int64(r.end - r.start) }

// ranges is a set of positions: spans in order that neither overlap nor touch.
// It keeps its storage.
type ranges struct{ spans []span }

// search returns the index of the first span that ends at or after s.
func (r *ranges) search(s seq) int {
	lo, hi := 0, len(r.spans)
	for lo < hi {
		mid := (lo + hi) / 2
		if r.spans[mid].end < s {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// add inserts a span and returns how many of its positions are new.
func (r *ranges) add(n span) int64 {
	if n.start >= n.end {
		return 0
	}
	i := r.search(n.start)
	j, known := i, int64(0)
	merged := n
	for ; j < len(r.spans) && r.spans[j].start <= n.end; j++ {
		o := r.spans[j]
		known += max(0, span{max(o.start, n.start), min(o.end, n.end)}.len())
		merged.start, merged.end = min(merged.start, o.start), max(merged.end, o.end)
	}
	if i == j {
		r.spans = slices.Insert(r.spans, i, merged)
		return n.len()
	}
	r.spans[i] = merged
	r.spans = append(r.spans[:i+1], r.spans[j:]...)
	return n.len() - known
}

// trim removes what lies below s and returns how much that was.
func (r *ranges) trim(s seq) int64 {
	n, i := int64(0), 0
	for ; i < len(r.spans) && r.spans[i].end <= s; i++ {
		n += r.spans[i].len()
	}
	if i < len(r.spans) && r.spans[i].start < s {
		n += int64(s - r.spans[i].start)
		r.spans[i].start = s
	}
	if i > 0 {
		r.spans = append(r.spans[:0], r.spans[i:]...)
	}
	return n
}

// below returns how many positions of the set lie below s.
func (r *ranges) below(s seq) int64 {
	n := int64(0)
	for _, o := range r.spans {
		if o.start >= s {
			break
		}
		n += span{o.start, min(o.end, s)}.len()
	}
	return n
}

// find returns the span that contains s.
func (r *ranges) find(s seq) (span, bool) {
	i := r.search(s + 1)
	if i < len(r.spans) && r.spans[i].start <= s {
		return r.spans[i], true
	}
	return span{}, false
}

// gap returns the first run of positions from s on that aren't in the set; it
// ends at the next span or at limit.
func (r *ranges) gap(s, limit seq) span {
	i := r.search(s + 1)
	for ; i < len(r.spans) && r.spans[i].start <= s; i++ {
		s = r.spans[i].end
	}
	if i < len(r.spans) {
		limit = min(limit, r.spans[i].start)
	}
	return span{s, limit}
}

// max returns the end of the last span; 0 for the empty set.
func (r *ranges) max() seq {
	if len(r.spans) == 0 {
		return 0
	}
	return r.spans[len(r.spans)-1].end
}

func (r *ranges) empty() bool { return len(r.spans) == 0 }
