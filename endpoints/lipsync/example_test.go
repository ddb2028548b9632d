package lipsync_test

import (
	"fmt"
	"time"

	"rtpfabric/endpoints/lipsync"
	"rtpfabric/sim/simtime"
)

// Audio comes sooner than video. After the first sender report it waits for it, a
// little longer with each frame.
func ExampleSync() {
	s := lipsync.New(lipsync.DefaultConfig())
	at := func(now simtime.Time, rate int) uint32 { return uint32(now.Seconds() * float64(rate)) }
	rates := map[uint32]int{audio: 48000, video: 90000}
	latency := map[uint32]time.Duration{audio: 80 * time.Millisecond, video: 200 * time.Millisecond}
	for i := range 60 {
		now := ms(100 * i)
		for _, ssrc := range []uint32{audio, video} {
			if i == 0 {
				s.Add(now, ssrc, rates[ssrc])
				s.OnCNAME(now, ssrc, "alice")
			}
			if i == 10 { // the sender's clock is an hour ahead
				s.OnReport(now, ssrc, simtime.ToNTP(now.Add(time.Hour)), at(now, rates[ssrc]))
			}
			s.OnPlayout(now, ssrc, at(now, rates[ssrc]), now.Add(latency[ssrc]))
		}
		if i%20 == 19 {
			fmt.Println("audio waits", s.Delay(now, audio).Round(time.Millisecond))
		}
	}
	// Output:
	// audio waits 27ms
	// audio waits 87ms
	// audio waits 120ms
}
