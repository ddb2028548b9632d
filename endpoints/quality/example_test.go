package quality_test

import (
	"fmt"
	"time"

	"rtpfabric/endpoints/quality"
)

// A call over a path with 80 ms of delay and 2 % of loss, in bursts.
func Example() {
	call := quality.Call{
		Codec:      quality.G711PLC,
		Delay:      quality.MouthToEar(20*time.Millisecond, 0, 80*time.Millisecond, 60*time.Millisecond),
		Loss:       0.02,
		BurstRatio: quality.BurstRatio(200, 10_000, 120),
		EchoLoss:   100, // an echo canceller
	}
	r := call.Rating()
	fmt.Printf("R = %.1f, MOS = %.2f, %v\n", r, quality.MOS(r), quality.SatisfactionOf(r))
	// Output: R = 84.9, MOS = 4.19, satisfied
}
