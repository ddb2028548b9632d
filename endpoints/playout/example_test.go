package playout_test

import (
	"fmt"
	"time"

	"rtpfabric/endpoints/playout"
	"rtpfabric/sim/simtime"
)

// Frames of 20 ms come with more jitter than the buffer expected; one is lost.
func ExampleAdaptive() {
	buffer := playout.NewAdaptive(playout.AdaptiveConfig{Clock: 8000})
	drain := func() {
		for r, ok := buffer.Poll(); ok; r, ok = buffer.Poll() {
			if r.Outcome == playout.AudioConcealed {
				fmt.Printf("%v: packet %d is missing\n", r.At, r.Seq)
			}
		}
	}
	for i := range 500 {
		if i == 250 {
			continue
		}
		now := simtime.At(time.Duration(i)*20*time.Millisecond + time.Duration(i%4)*15*time.Millisecond)
		for buffer.NextTimeout() < now {
			buffer.HandleTimeout(buffer.NextTimeout())
		}
		buffer.Insert(now, playout.AudioPacket{Seq: uint64(1000 + i), Timestamp: uint32(160 * i), Samples: 160, Voice: true})
		drain()
	}
	s := buffer.Stats()
	fmt.Println("target", buffer.Target(), "delay", buffer.Delay())
	fmt.Println("late", s.Late, "lost", s.Lost(), "expanded by", s.Expanded)
	// Output:
	// 5.050000000s: packet 1250 is missing
	// target 50ms delay 50ms
	// late 0 lost 1 expanded by 10ms
}
