// Package ssrcs finds what belongs to an SSRC. Every packet asks for that several times, and a few
// numbers that stand side by side are searched faster than looked up in a map.
package ssrcs

import "slices"

// Index gives SSRCs places in the order in which they are added, from 0 on: those of what belongs
// to them in slices. The zero value is empty.
//
// A few are in the index itself, which takes a cache line: of thousands of sessions little is in a cache when
// a packet comes.
type Index struct {
	more  *many  // nil if the first ones are all
	near  uint64 // where the SSRC with certain low bits was found last, which chance has drawn: four bits for each
	n     uint32 // of the first ones
	first [11]uint32
}

// Place is where something of an SSRC was found last, in a slice whose elements say which SSRC they are of; at first
// anywhere. Who keeps it needn't have that looked for.
type Place int32

// nibble returns what is to be shifted out of near to have the place of an SSRC.
func nibble(ssrc uint32) uint32 { return ssrc & 15 * 4 }

// Len returns how many SSRCs there are.
func (x *Index) Len() int {
	if x.more != nil {
		return len(x.more.list)
	}
	return int(x.n)
}

// Find returns the place of an SSRC; -1 if it has none.
func (x *Index) Find(ssrc uint32) int {
	if x.more != nil {
		return x.more.find(ssrc)
	}
	if at := uint32(x.near>>nibble(ssrc)) & 15; at < x.n && x.first[at] == ssrc {
		return int(at)
	}
	at := slices.Index(x.first[:x.n], ssrc)
	if at >= 0 {
		x.near = x.near&^(15<<nibble(ssrc)) | uint64(at)<<nibble(ssrc)
	}
	return at
}

// Add gives an SSRC that has none the next place, and returns it.
func (x *Index) Add(ssrc uint32) int {
	if x.more == nil && int(x.n) < len(x.first) {
		x.first[x.n] = ssrc
		x.n++
		return int(x.n) - 1
	}
	if x.more == nil {
		x.more = &many{list: append(make([]uint32, 0, few), x.first[:]...)}
	}
	return x.more.add(ssrc)
}

// Remove takes the place of an SSRC away. Those behind it move up.
func (x *Index) Remove(at int) {
	if x.more != nil {
		x.more.remove(at)
		return
	}
	copy(x.first[at:x.n], x.first[at+1:x.n])
	x.n--
}

// few is how many SSRCs are searched.
const few = 32

// many is an index of more SSRCs.
type many struct {
	list   []uint32
	places map[uint32]int // nil of a few
	near   [few]uint8     // as that of an index
}

func (x *many) find(ssrc uint32) int {
	if at := int(x.near[ssrc%few]); at < len(x.list) && x.list[at] == ssrc {
		return at
	}
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

func (x *many) add(ssrc uint32) int {
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

func (x *many) remove(at int) {
	if x.places != nil {
		delete(x.places, x.list[at])
	}
	x.list = slices.Delete(x.list, at, at+1)
	if x.places != nil {
		x.number(at)
	}
}

// number notes the places from one on.
func (x *many) number(from int) {
	for i, ssrc := range x.list[from:] {
		x.places[ssrc] = from + i
	}
}
