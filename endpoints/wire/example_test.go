package wire_test

import (
	"fmt"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints/wire"
	"rtpfabric/sim/units"
)

// A compound packet with a report, a request to limit the bit rate, and something
// unknown.
func Example() {
	b, _ := rtcp.Marshal([]rtcp.Packet{
		&rtcp.ReceiverReport{SSRC: 1},
		&rtcp.RawPacket{0x80, 211, 0, 1, 0, 0, 0, 9},
		&wire.TMMBR{SenderSSRC: 1, Limits: []wire.Limit{{SSRC: 2, MxTBR: 500 * units.Kbps, Overhead: 40}}},
	})
	packets, malformed, err := wire.Compound(nil, b)
	for _, p := range packets {
		switch p := p.(type) {
		case *wire.TMMBR:
			fmt.Println("limit:", p.Limits[0].MxTBR, p.Limits[0].Overhead)
		case *rtcp.RawPacket:
			fmt.Println("unknown: type", uint8(p.Header().Type))
		default:
			fmt.Printf("%T\n", p)
		}
	}
	fmt.Println(malformed, err)
	// Output:
	// *rtcp.ReceiverReport
	// unknown: type 211
	// limit: 500kbps 40B
	// 0 <nil>
}
