package turn_test

import (
	"fmt"

	"rtpfabric/endpoints/ice/turn"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// A client gets a relayed address, and sends to a peer by way of it.
func Example() {
	pool, random := &packet.Pool{}, rng.New(1)
	local := packet.Addr{IP: 10<<24 + 7, Port: 5000}
	peer := packet.Addr{IP: 10<<24 + 9, Port: 6000}
	server := turn.NewServer(turn.ServerConfig{
		Name: "relay", Addr: packet.Addr{IP: 10<<24 + 1, Port: turn.Port}, Realm: "example.org", Users: map[string]string{"alice": "secret"},
		FirstPort: 50000, LastPort: 50000, Random: random.Stream("server"), Pool: pool,
	})
	client := turn.NewClient(turn.ClientConfig{
		Local: local, Server: packet.Addr{IP: 10<<24 + 1, Port: turn.Port}, Username: "alice", Password: "secret", Random: random.Stream("client"),
	})
	now := simtime.At(0)
	client.Allocate(now)
	client.Send(now, peer, []byte("hello"))
	for b := client.Poll(); b != nil; b = client.Poll() {
		p := pool.New()
		copy(p.SetPayload(len(b)), b)
		p.Src, p.Dst = local, packet.Addr{IP: 10<<24 + 1, Port: turn.Port}
		server.HandlePacket(now, p)
		for p = server.PollPacket(now); p != nil; p = server.PollPacket(now) {
			if p.Dst == local {
				client.HandlePayload(now, p.Payload)
			} else {
				fmt.Printf("%v got %q from %v\n", p.Dst, p.Payload, p.Src)
			}
			pool.Release(p)
		}
	}
	mapped, _ := client.Mapped()
	fmt.Println(client.State(), "as", mapped)
	// Output:
	// 10.0.0.9:6000 got "hello" from 10.0.0.1:50000
	// allocated as 10.0.0.7:5000
}
