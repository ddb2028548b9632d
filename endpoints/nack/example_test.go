package nack_test

import (
	"fmt"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints/nack"
	"rtpfabric/sim/simtime"
)

// A receiver misses a packet and asks for it; the sender has it.
func Example() {
	history := nack.NewHistory(nack.Limits{Packets: 512, Age: time.Second})
	generator := nack.NewGenerator(nack.DefaultConfig())
	for seq := uint16(65534); seq != 2; seq++ {
		history.Add(0, seq, []byte("an RTP packet"), nack.Base)
	}

	now := simtime.At(20 * time.Millisecond)
	for _, ext := range []uint64{65534, 65535, 65537} {
		generator.Arrived(now, nack.Arrival{Seq: ext, Needed: simtime.At(time.Second), Lost: nack.Base})
	}
	fmt.Println("to be asked for at once:", generator.Pending())
	missing := generator.Append(now, nil, 100)
	message := rtcp.TransportLayerNack{Nacks: nack.Pack(nil, missing)}

	for _, seq := range nack.Unpack(nil, message.Nacks) {
		if sent, verdict := history.Lookup(now, seq); verdict == nack.Available {
			fmt.Printf("packet %d: %s\n", seq, sent.Packet)
			sent.Resent(now)
		}
	}
	fmt.Println("asked for again at", generator.NextTimeout())
	// Output:
	// to be asked for at once: true
	// packet 0: an RTP packet
	// asked for again at 0.132500000s
}
