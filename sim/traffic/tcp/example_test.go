package tcp_test

import (
	"fmt"
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/traffic/tcp"
)

// Two ends with 10 ms between them, driven by hand.
func Example() {
	pool := &packet.Pool{}
	a := packet.Addr{IP: 0x0a000001, Port: 40000}
	b := packet.Addr{IP: 0x0a000002, Port: 80}
	client, err := tcp.Dial(tcp.Config{Local: a, Remote: b, Control: tcp.ControlCubic}, pool, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	server, err := tcp.Listen(tcp.Config{Local: b}, pool)
	if err != nil {
		fmt.Println(err)
		return
	}
	client.Write(100_000)
	client.Close()

	var now simtime.Time
	from, to := client, server
	for range 20 { // half a round trip each
		var flight packet.FIFO
		for p := from.PollPacket(now); p != nil; p = from.PollPacket(now) {
			flight.Push(p)
		}
		now = now.Add(10 * time.Millisecond)
		for p := flight.Pop(); p != nil; p = flight.Pop() {
			to.HandlePacket(now, p)
		}
		from.HandleTimeout(now)
		to.HandleTimeout(now)
		from, to = to, from
	}
	fmt.Println(server.Received(), client.State(), server.State(), client.SRTT())
	// Output: 100000B TIME-WAIT CLOSED 20ms
}
