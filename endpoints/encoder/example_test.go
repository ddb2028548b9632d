package encoder_test

import (
	"fmt"
	"os"
	"strings"
	"time"

	"rtpfabric/endpoints/encoder"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// A trace comes from a file.
func ExampleReadTrace() {
	trace, err := encoder.ReadTrace(strings.NewReader(`rtpfabric-frame-sizes 1
fps 30
skip 1
rates 200kbps 400kbps
sizes 640x360 640x360
frames
4000 8000
800 1600
900 1700
`))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	e := encoder.NewTraceDriven(encoder.VideoConfig{Min: 100 * units.Kbps, Max: units.Mbps, Start: 300 * units.Kbps}, trace, 0)
	for range 4 {
		f := e.Encode(e.NextFrame())
		fmt.Println(f.Captured, f.Size, f.Key)
	}
	// Output:
	// 0.000000000s 6000B true
	// 0.033333333s 1200B false
	// 0.066666666s 1300B false
	// 0.100000000s 1200B false
}

// In the hybrid model a trace, here a synthetic one, is used between changes of rate.
func ExampleNewHybrid() {
	run := rng.New(1)
	trace, err := encoder.Synthesize(encoder.SyntheticTrace{Max: 1 * units.Mbps}, run.Stream("trace"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	e := encoder.NewHybrid(encoder.VideoConfig{
		Min: 150 * units.Kbps, Max: 1500 * units.Kbps, Start: 600 * units.Kbps, Reaction: 200 * time.Millisecond,
		BurstSize: 3.24, BurstFrames: 8, ScaleInterval: 0.15, ScaleSize: 0.15,
	}, trace, 0, run.Stream("encoder"))
	for e.NextFrame() < simtime.At(2*time.Second) {
		f := e.Encode(e.NextFrame())
		if f.Key {
			fmt.Printf("key frame %d: %dx%d\n", f.Number, f.Width, f.Height)
		}
		if f.Number == 30 {
			e.Request(f.Captured, 300*units.Kbps)
		}
	}
	// Output:
	// key frame 0: 960x540
	// key frame 31: 640x360
}
