package wifi_test

import (
	"context"
	"fmt"
	"time"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/wireless/wifi"
)

type sink struct{ f *fabric.Fabric }

func (s sink) Receive(_ simtime.Time, p *packet.Packet) { s.f.Pool().Release(p) }

// Two clients of an access point, one of them far away, send 100 packets each.
func Example() {
	loop, random := &engine.Loop{}, rng.New(1)
	f := fabric.New(loop, random)
	channel, err := wifi.NewChannel(loop, random.Stream("wifi"), wifi.Defaults(wifi.N))
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := channel.SetStation("far", wifi.StationConfig{Distance: 50}); err != nil {
		fmt.Println(err)
		return
	}
	ap := f.AddNode("ap")
	f.Attach(ap, 1, sink{f})
	for i, name := range []string{"near", "far"} {
		node := f.AddNode(name)
		f.AddLink(node, ap, fabric.LinkConfig{Name: name + "/forward", Medium: channel})
		port := f.Attach(node, packet.IPv4(2+i), sink{f})
		loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
			for range 100 {
				p := f.Pool().New()
				p.SetPayload(1172)
				p.Dst = packet.Addr{IP: 1}
				port.Send(now, p)
			}
		})).Set(0)
	}
	f.Route()
	if err := loop.Run(context.Background(), simtime.At(time.Second)); err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range channel.StationNames() {
		s, _ := channel.StationStats(name)
		m, _ := channel.ModeOf(name + "/forward")
		fmt.Println(name, m.Name, s.Delivered, s.Airtime > 100*time.Millisecond)
	}
	// Output:
	// near MCS11 100 false
	// far MCS8 100 false
}
