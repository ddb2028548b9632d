package middlebox_test

import (
	"fmt"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/middlebox"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
)

// A symmetric NAT gives a host another port for every peer.
func ExampleNewNAT() {
	f := fabric.New(&engine.Loop{}, rng.New(1))
	const inside, external, stun, peer packet.IPv4 = 0x0a000001, 0xc6336401, 0xcb007101, 0xcb007102
	nat, err := middlebox.NewNAT(f, f.AddNode("nat"), middlebox.Symmetric(external), inside)
	if err != nil {
		fmt.Println(err)
		return
	}
	host := packet.Addr{IP: inside, Port: 5000}
	a, _ := nat.Map(0, host, packet.Addr{IP: stun, Port: 3478}, packet.UDP)
	b, _ := nat.Map(0, host, packet.Addr{IP: peer, Port: 6000}, packet.UDP)
	fmt.Println(a)
	fmt.Println(b)
	// Output:
	// 198.51.100.1:5000
	// 198.51.100.1:5002
}
