package replay_test

import (
	"fmt"
	"strings"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/trace"
	"rtpfabric/sim/trace/replay"
)

// A link that serves a mahimahi trace.
func ExampleNewMedium() {
	o, err := trace.ReadMahimahi(strings.NewReader("3\n7\n7\n10\n"), "a.trace")
	if err != nil {
		fmt.Println(err)
		return
	}
	loop := &engine.Loop{}
	f := fabric.New(loop, rng.New(1))
	l := f.AddLink(f.AddNode("A"), f.AddNode("B"), fabric.LinkConfig{
		Name: "A-B", Rate: o.MeanRate(),
		Queue:  fabric.NewDropTail(fabric.Limit{Packets: 100}),
		Medium: replay.NewMedium(loop, o, true),
	})
	fmt.Println(l.Rate)
	// Output: 4.8128Mbps
}
