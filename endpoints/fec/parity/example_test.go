package parity_test

import (
	"fmt"

	"rtpfabric/endpoints/fec/parity"
)

// The sum of three packets gives back the one that is missing.
func Example() {
	group := parity.NewGroup(parity.MaxMask, 1)
	decoder := parity.NewDecoder(parity.DefaultLimits())
	for seq, payload := range []string{"one", "two", "three"} {
		p := packet(uint16(seq), []byte(payload)...)
		if err := group.Add(p); err != nil {
			fmt.Println(err)
		}
		if seq != 1 {
			decoder.Source(0, p)
		}
	}
	var sum parity.String
	sets := group.Sum(&sum, nil, 0, 1)
	decoder.Repair(0, 1, &sum, sets)
	if p, ok := decoder.Poll(nil); ok {
		fmt.Printf("%s\n", p[parity.HeaderSize:])
	}
	// Output: two
}
