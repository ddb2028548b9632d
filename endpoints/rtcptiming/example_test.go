package rtcptiming_test

import (
	"fmt"
	"time"

	"rtpfabric/endpoints/rtcptiming"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// A participant that is alone with its peer, who sends. RTCP may take 5 % of
// 512 kbit/s, reports have 100 bytes.
func Example() {
	s := rtcptiming.New(rtcptiming.Config{
		AVPF: true, Bandwidth: 512 * units.Kbps / 20, FirstSize: 100, Random: rng.New(1).Stream("rtcp"),
	})
	s.Join(0, 0x1111)
	s.HeardRTP(0, 0x2222, nil)

	reports := 0
	now := simtime.Time(0)
	for ; now < simtime.At(100*time.Second); now = s.NextTimeout() {
		s.HeardRTP(now, 0x2222, nil)
		for d := s.Due(now, false); d.Kind != rtcptiming.None; d = s.Due(now, false) {
			// Here the packet would be sent.
			s.CountPacket(100, 1)
			s.SentRegular(now, []*rtcptiming.Local{d.Local})
			reports++
		}
	}
	fmt.Println("about 1600 reports in 100 s:", reports > 1570 && reports < 1630)

	// Between reports feedback may go at once.
	s.WantFeedback(now)
	fmt.Println("feedback may go now:", s.NextTimeout() == now)
	// Output:
	// about 1600 reports in 100 s: true
	// feedback may go now: true
}

// The least interval without AVPF for a session of 512 kbit/s.
func ExampleReducedMinimum() {
	fmt.Println(rtcptiming.ReducedMinimum(512 * units.Kbps))
	fmt.Println(rtcptiming.ReducedMinimum(64 * units.Kbps))
	// Output:
	// 703.125ms
	// 5s
}
