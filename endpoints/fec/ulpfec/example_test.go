package ulpfec_test

import (
	"fmt"

	"rtpfabric/endpoints/fec/parity"
	"rtpfabric/endpoints/fec/ulpfec"
)

// A group of three packets has a repair packet, which has the stream's next number.
// The second packet is lost.
func Example() {
	sender := ulpfec.NewSender(100, 127)
	receiver := ulpfec.NewReceiver(127, parity.DefaultLimits())
	get := func(packet []byte) {
		if err := receiver.Receive(0, packet); err != nil {
			fmt.Println(err)
		}
		for {
			p, recovered, ok := receiver.Poll(nil)
			if !ok {
				return
			}
			fmt.Printf("%d %s, recovered: %v\n", p[3], p[12:], recovered)
		}
	}
	seq := byte(1)
	for _, payload := range []string{"a", "bb", "ccc"} {
		packet, err := sender.Append(nil, append([]byte{0x80, 96, 0, seq, 0, 0, 0, 0, 0, 0, 0, 2}, payload...), true)
		if err != nil {
			fmt.Println(err)
		}
		if seq != 2 {
			get(packet)
		}
		seq++
	}
	sender.Protect(1)
	if packet, ok := sender.Poll(nil, uint16(seq), 0, nil); ok {
		get(packet)
	}
	// Output:
	// 1 a, recovered: false
	// 3 ccc, recovered: false
	// 2 bb, recovered: true
}
