package xr

import "github.com/pion/rtcp"

// Bounds of a chunk (RFC 3611 §4.1.1, §4.1.2).
const (
	maxRun     = 1<<14 - 1
	vectorBits = 15

	ones      = 1 << 14 // run type R
	bitVector = 1 << 15 // chunk type C
)

// Encode appends chunks that describe a trace of events (RFC 3611 §4.1), with a
// terminating null chunk if their number would be odd.
func Encode(dst []rtcp.Chunk, trace []bool) []rtcp.Chunk {
	first := len(dst)
	for len(trace) > 0 {
		run := 1
		for run < min(len(trace), maxRun) && trace[run] == trace[0] {
			run++
		}
		// A shorter run is worth a chunk only where a vector would hold no more.
		if run >= vectorBits || run == len(trace) {
			chunk := rtcp.Chunk(run)
			if trace[0] {
				chunk |= ones
			}
			dst = append(dst, chunk)
			trace = trace[run:]
			continue
		}
		chunk := rtcp.Chunk(bitVector)
		n := min(vectorBits, len(trace))
		for i, event := range trace[:n] {
			if event {
				chunk |= 1 << (vectorBits - 1 - i)
			}
		}
		dst = append(dst, chunk)
		trace = trace[n:]
	}
	if (len(dst)-first)%2 != 0 {
		dst = append(dst, 0)
	}
	return dst
}

// Decode appends the n events that chunks describe. What a bit vector has beyond
// them is ignored; too few or too many chunks, and a null chunk that isn't the
// last of an even number, are an error.
func Decode(dst []bool, chunks []rtcp.Chunk, n int) ([]bool, error) {
	if len(chunks)%2 != 0 {
		return dst, ErrBlock
	}
	if k := len(chunks); k > 0 && chunks[k-1] == 0 {
		chunks = chunks[:k-1]
	}
	for _, c := range chunks {
		length := vectorBits
		if c&bitVector == 0 {
			length = int(c & maxRun)
			if length == 0 || length > n {
				return dst, ErrBlock
			}
		}
		if n == 0 {
			return dst, ErrBlock
		}
		for i := range min(length, n) {
			event := c&ones != 0
			if c&bitVector != 0 {
				event = c>>(vectorBits-1-i)&1 != 0
			}
			dst = append(dst, event)
		}
		n -= min(length, n)
	}
	if n != 0 {
		return dst, ErrBlock
	}
	return dst, nil
}

// maxThinning is the greatest T (§4.1).
const maxThinning = 15

// Reported returns the first sequence number that a block with the given range
// and thinning reports on, and how many there are: those from begin on and before
// end that are multiples of 2^T. ok is false if the range is longer than a block
// may have.
func Reported(begin, end uint16, thinning uint8) (first uint16, n int, ok bool) {
	span := int(end - begin)
	if span >= maxRange || thinning > maxThinning {
		return begin, 0, false
	}
	step := 1 << thinning
	first = begin + uint16(-int(begin)&(step-1))
	if skip := int(first - begin); skip < span {
		n = (span-skip-1)/step + 1
	}
	return first, n, true
}

// maxRange is the first length of a range that a block MUST NOT report upon.
const maxRange = 65534
