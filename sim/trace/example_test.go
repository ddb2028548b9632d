package trace_test

import (
	"fmt"
	"os"
	"strings"
	"time"

	"rtpfabric/sim/rng"
	"rtpfabric/sim/trace"
	"rtpfabric/sim/units"
)

// A trace of mahimahi becomes rates, and those a trace of OpenNetLab.
func ExampleReadMahimahi() {
	o, err := trace.ReadMahimahi(strings.NewReader("10\n20\n40\n60\n80\n100\n120\n140\n160\n180\n200\n"), "a.trace")
	if err != nil {
		fmt.Println(err)
		return
	}
	t, err := o.Rates(100 * time.Millisecond)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := trace.WriteOpenNetLab(os.Stdout, &trace.OpenNetLab{Type: "video", Uplink: &t}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {
	//   "type": "video",
	//   "uplink": {"trace_pattern": [
	//     {"duration": 100, "capacity": 721.92},
	//     {"duration": 100, "capacity": 601.6}
	//   ]},
	//   "downlink": {}
	// }
}

// A square of 0.5 and 1 times 4 Mbit/s.
func ExamplePattern() {
	t, err := trace.Pattern{Shape: trace.Square, Period: 20 * time.Second, Low: 0.5, High: 1}.Trace(4 * units.Mbps)
	if err != nil {
		fmt.Println(err)
		return
	}
	for it, i := t.Iterate(), 0; i < 4; i++ {
		s, _ := it.Next()
		fmt.Println(s.At, *s.Rate)
	}
	// Output:
	// 0s 2Mbps
	// 10s 4Mbps
	// 20s 2Mbps
	// 30s 4Mbps
}

// Five minutes like a car's on LTE.
func ExampleRadio_Generate() {
	t, err := trace.LTE().Generate(5*time.Minute, rng.New(1).Stream("lte"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(t.Steps), "steps in", t.Length)
	// Output: 3000 steps in 5m0s
}
