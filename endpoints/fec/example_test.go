package fec_test

import (
	"fmt"
	"time"

	"rtpfabric/endpoints/fec"
	"rtpfabric/endpoints/nack"
)

// The same loss, from near and from far.
func ExampleDecide() {
	for _, rtt := range []time.Duration{40 * time.Millisecond, 400 * time.Millisecond} {
		plan := fec.Decide(fec.Situation{
			Loss: 0.03, RTT: rtt, Playout: 200 * time.Millisecond, Packets: 200, Share: 0.5,
			NACK: true, FEC: true, Importance: nack.Base,
		})
		fmt.Printf("%v: %v, RTX %v, FEC %v\n", rtt, plan.Reason, plan.RTX, plan.Overhead)
	}
	// Output:
	// 40ms: in time, RTX true, FEC 0%
	// 400ms: protected, RTX false, FEC 20%
}
