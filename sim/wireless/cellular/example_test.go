package cellular_test

import (
	"context"
	"fmt"
	"time"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/wireless/cellular"
)

type sink struct{ f *fabric.Fabric }

func (s sink) Receive(_ simtime.Time, p *packet.Packet) { s.f.Pool().Release(p) }

// Two users on a downlink, one of whom is handed over after half a second and
// has no service for 200 ms.
func Example() {
	loop, random := &engine.Loop{}, rng.New(1)
	f := fabric.New(loop, random)
	cell, err := cellular.NewCell(loop, random, cellular.Defaults())
	if err != nil {
		fmt.Println(err)
		return
	}
	users := map[string]cellular.UserConfig{
		"still": {Distance: 60},
		"moving": {Distance: 100, Speed: 30, Handovers: []cellular.Handover{
			{At: 500 * time.Millisecond, Gap: 200 * time.Millisecond},
		}},
	}
	bs := f.AddNode("bs")
	for i, name := range []string{"still", "moving"} {
		if err := cell.SetUser(name, users[name]); err != nil {
			fmt.Println(err)
			return
		}
		ue := f.AddNode(name)
		f.AddLink(bs, ue, fabric.LinkConfig{Name: name + "/forward", Medium: cell})
		f.Attach(ue, packet.IPv4(10+i), sink{f})
		port := f.Attach(bs, packet.IPv4(1+i), sink{f})
		var tick *engine.Timer
		tick = loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
			p := f.Pool().New()
			p.SetPayload(972)
			p.Dst = packet.Addr{IP: packet.IPv4(10 + i)}
			port.Send(now, p)
			tick.Set(now.Add(5 * time.Millisecond))
		}))
		tick.Set(0)
	}
	f.Route()
	for _, until := range []time.Duration{500 * time.Millisecond, 700 * time.Millisecond, 800 * time.Millisecond} {
		if err := loop.Run(context.Background(), simtime.At(until-1)); err != nil {
			fmt.Println(err)
			return
		}
		still, _ := cell.UserStats("still/forward")
		moving, _ := cell.UserStats("moving/forward")
		fmt.Printf("%v: %d packets to the one, %d to the other\n", until, still.Delivered, moving.Delivered)
	}
	// Output:
	// 500ms: 100 packets to the one, 100 to the other
	// 700ms: 140 packets to the one, 100 to the other
	// 800ms: 160 packets to the one, 160 to the other
}
