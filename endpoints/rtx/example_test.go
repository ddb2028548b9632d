package rtx_test

import (
	"fmt"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/nack"
	"rtpfabric/endpoints/rtx"
	"rtpfabric/sim/units"
)

// A packet that was asked for is sent again in the retransmission stream, and
// restored. The stream wasn't signalled: the answer tells.
func Example() {
	var types rtx.PayloadTypes
	types.Associate(96, 97)
	sender := rtx.NewSender(0x2222, 1, &types)
	budget := rtx.NewBudget(0, rtx.DefaultBudget(), 500*units.Kbps)
	receiver := rtx.NewReceiver(&types)
	receiver.OnMedia(0x1111, 96)

	fmt.Println("may be asked for:", receiver.MayRequest(0, 0x1111, 7, 1e9))
	original, _ := (&rtp.Packet{
		Header:  rtp.Header{Version: 2, PayloadType: 96, SequenceNumber: 7, SSRC: 0x1111},
		Payload: []byte("media"),
	}).Marshal()
	if budget.Spend(0, units.Bytes(len(original)+2), nack.Base, 0) {
		again, _ := sender.Append(nil, original)
		fmt.Printf("payload type %d: %q\n", again[1], again[12:])
		restored, err := receiver.Restore(nil, again)
		fmt.Printf("%q, the original: %v, %v\n", restored[12:], string(restored) == string(original), err)
	}
	// Output:
	// may be asked for: true
	// payload type 97: "\x00\amedia"
	// "media", the original: true, <nil>
}
