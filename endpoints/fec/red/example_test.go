package red_test

import (
	"fmt"

	"rtpfabric/endpoints/fec/red"
)

// Each packet repeats the frame before it. The second of three is lost.
func Example() {
	sender, receiver := red.NewSender(63, 1, 1200), red.NewReceiver()
	for seq := range uint16(3) {
		packet, err := sender.Append(nil, audio(seq, 960*uint32(seq), fmt.Sprint("frame ", seq)))
		if err != nil {
			fmt.Println(err)
		}
		if seq == 1 {
			continue
		}
		_ = receiver.Receive(packet)
		for {
			p, recovered, ok := receiver.Poll(nil)
			if !ok {
				break
			}
			fmt.Printf("%s, recovered: %v\n", p[12:], recovered)
		}
	}
	// Output:
	// frame 0, recovered: false
	// frame 1, recovered: true
	// frame 2, recovered: false
}
