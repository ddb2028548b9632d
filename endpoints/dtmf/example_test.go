package dtmf_test

import (
	"fmt"
	"time"

	"rtpfabric/endpoints/dtmf"
	"rtpfabric/sim/simtime"
)

// A key is held for 50 ms, beside audio in packets of 20 ms at 8 kHz. All packets but one are lost.
func Example() {
	var s dtmf.Sender
	var r dtmf.Receiver
	s.Press(dtmf.Digits{Keys: "*", Press: 50 * time.Millisecond})
	for now := simtime.Time(0); s.Due(now); now = now.Add(20 * time.Millisecond) {
		p := s.Packet(now, now.Add(20*time.Millisecond), 8000)
		fmt.Printf("%v % x\n", now, p.Append(nil))
		if now.Duration() == 60*time.Millisecond {
			r.Receive(now, 0, 8000, p.Event)
		}
	}
	d, _ := r.Poll()
	fmt.Printf("%c for %v\n", d.Key, d.Lasts)
	// Output:
	// 0.000000000s 0a 0a 00 a0
	// 0.020000000s 0a 0a 01 40
	// 0.040000000s 0a 8a 01 90
	// 0.060000000s 0a 8a 01 90
	// 0.080000000s 0a 8a 01 90
	// * for 50ms
}
