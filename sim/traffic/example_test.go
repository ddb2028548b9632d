package traffic_test

import (
	"fmt"
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/traffic"
	"rtpfabric/sim/units"
)

// A source of 2 Mbit/s for 60 ms and what a sink sees of it over 5 ms.
func ExampleUDPSource() {
	pool := &packet.Pool{}
	source, err := traffic.NewUDPSource(traffic.UDPConfig{
		Local:   packet.Addr{IP: 0x0a000001, Port: 1},
		Remote:  packet.Addr{IP: 0x0a000002, Port: 2},
		Pattern: traffic.ConstantRate(2*units.Mbps, 0),
		Stop:    simtime.At(60 * time.Millisecond),
	}, pool)
	if err != nil {
		fmt.Println(err)
		return
	}
	sink := traffic.NewUDPSink(pool)
	for now := source.NextTimeout(); now != simtime.Never; now = source.NextTimeout() {
		source.HandleTimeout(now)
		for p := source.PollPacket(now); p != nil; p = source.PollPacket(now) {
			sink.HandlePacket(now.Add(5*time.Millisecond), p)
		}
	}
	f := sink.Flows()[0]
	fmt.Println(f.Received, f.Lost(), f.Bytes, f.MeanDelay())
	// Output: 10 0 15000B 5ms
}
