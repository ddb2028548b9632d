// Package ssrcs finds what belongs to an SSRC. Every packet asks for that several times, and a few
// numbers that stand side by side are searched faster than looked up in a map.
package ssrcs

import "slices"

// few is how many SSRCs are searched.
const few = 32

// Index gives SSRCs places in the order in which they are added, from 0 on: those of what belongs
// to them in slices. The zero value is empty.
type Index struct {
	list   []uint32
	places map[uint32]int // nil of a few
	// near is where the SSRC with certain low bits was found last, which chance has drawn.
	near [few]uint8
}

// Len returns how many SSRCs there are.
func (x *Index) Len() int { return len(x.list) }

// Find returns the place of an SSRC; -1 if it has none.
func (x *Index) Find(ssrc uint32) int {
	if at := int(x.near[ssrc%few]); at < len(x.list) && x.list[at] == ssrc {
		return at
	}
	return x.search(ssrc)
}

func (x *Index) search(ssrc uint32) int {
	at := -1
	if x.places == nil {
		at = slices.Index(x.list, ssrc)
	} else if i, ok := x.places[ssrc]; ok {
		at = i
	}
	if at >= 0 {
		x.near[ssrc%few] = uint8(at) // of one that is further behind it is another's
	}
	return at
}

// Add gives an SSRC that has none the next place, and returns it.
func (x *Index) Add(ssrc uint32) int {
	at := len(x.list)
	x.list = append(x.list, ssrc)
	if x.places == nil && at == few {
		x.places = make(map[uint32]int, 2*few)
		x.number(0)
	} else if x.places != nil {
		x.places[ssrc] = at
	}
	return at
}

// Remove takes the place of an SSRC away. Those behind it move up.
func (x *Index) Remove(at int) {
	if x.places != nil {
		delete(x.places, x.list[at])
	}
	x.list = slices.Delete(x.list, at, at+1)
	if x.places != nil {
		x.number(at)
	}
}

// number notes the places from one on.
func (x *Index) number(from int) {
	for i, ssrc := range x.list[from:] {
		x.places[ssrc] = from + i
	}
}
