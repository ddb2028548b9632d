package flexfec_test

import (
	"fmt"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/fec/flexfec"
	"rtpfabric/endpoints/fec/parity"
)

// A frame of four packets has one repair packet. The third is lost and comes back.
func Example() {
	fec := flexfec.NewMaskSender(flexfec.NewStream(0x2222, 120, 1), 1)
	receiver := flexfec.NewReceiver(parity.DefaultLimits())
	for seq := range uint16(4) {
		packet, _ := (&rtp.Packet{
			Header:  rtp.Header{Version: 2, PayloadType: 96, SequenceNumber: seq, SSRC: 0x1111, Marker: seq == 3},
			Payload: fmt.Appendf(nil, "part %d", seq),
		}).Marshal()
		if err := fec.Add(packet); err != nil {
			fmt.Println(err)
		}
		if seq != 2 {
			receiver.Source(0, packet)
		}
	}
	fec.Protect(1)
	for {
		repair, ok := fec.Poll(nil, 3000, nil)
		if !ok {
			break
		}
		fmt.Println("a repair packet of", len(repair), "octets")
		fmt.Println("error:", receiver.Repair(0, repair))
	}
	for {
		packet, ok := receiver.Poll(nil)
		if !ok {
			break
		}
		fmt.Printf("%q came back, number %d\n", packet[12:], packet[3])
	}
	// Output:
	// a repair packet of 34 octets
	// error: <nil>
	// "part 2" came back, number 2
}
