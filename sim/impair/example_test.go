package impair_test

import (
	"fmt"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/impair"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/units"
)

// A link that loses packets in bursts of three on average, four in a hundred.
func Example() {
	bursts := &impair.GilbertElliott{GoodToBad: 0.0125, BadToGood: 0.3, LossBad: 1, Random: rng.New(1).Stream("radio/loss")}
	_ = fabric.LinkConfig{Name: "radio", Rate: units.Mbps, Impairments: []fabric.Impairment{bursts}}
	fmt.Printf("%.0f %% are lost\n", 100*bursts.MeanLoss())
	// Output: 4 % are lost
}
