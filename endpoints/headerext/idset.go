package headerext

import (
	"math/bits"
	"strconv"
	"strings"
)

// IDSet is a set of local identifiers, 1 to 255. The zero value is empty.
type IDSet [4]uint64

// IDs returns the set of the given ids.
func IDs(ids ...uint8) IDSet {
	var s IDSet
	for _, id := range ids {
		s.Add(id)
	}
	return s
}

// Add adds an id. 0 is padding and never in the set.
func (s *IDSet) Add(id uint8) {
	if id != 0 {
		s[id>>6] |= 1 << (id & 63)
	}
}

// Has reports whether the id is in the set.
func (s IDSet) Has(id uint8) bool { return s[id>>6]>>(id&63)&1 != 0 }

// Empty reports whether the set has no id.
func (s IDSet) Empty() bool { return s == IDSet{} }

// String lists the ids in rising order.
func (s IDSet) String() string {
	var ids []string
	for i, w := range s {
		for ; w != 0; w &= w - 1 {
			ids = append(ids, strconv.Itoa(64*i+bits.TrailingZeros64(w)))
		}
	}
	return strings.Join(ids, " ")
}
