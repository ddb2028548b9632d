package aqm_test

import (
	"context"
	"fmt"
	"time"

	"rtpfabric/sim/aqm"
	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

type sink struct{ pool *packet.Pool }

func (s sink) Receive(_ simtime.Time, p *packet.Packet) { s.pool.Release(p) }

// Audio before everything else, which shares an FQ-CoDel, on 2 Mbit/s.
func Example() {
	loop, random := &engine.Loop{}, rng.New(1)
	classifier, err := aqm.NewDSCPClassifier([][]uint8{{aqm.EF}, {aqm.DF}}, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	bands := aqm.BandsConfig{
		Bands: []aqm.Band{
			{Name: "audio", Queue: fabric.NewDropTail(fabric.Limit{Time: 50 * time.Millisecond})},
			{Name: "others", Queue: aqm.NewFQCoDel(aqm.DefaultFQCoDel(), random.Stream("A-B/hash"))},
		},
		Classifier: classifier,
	}
	if err := bands.Validate(); err != nil {
		fmt.Println(err)
		return
	}

	f := fabric.New(loop, random)
	a, b := f.AddNode("A"), f.AddNode("B")
	link := f.AddLink(a, b, fabric.LinkConfig{Name: "A-B", Rate: 2 * units.Mbps, Queue: aqm.NewBands(bands)})
	from := f.Attach(a, 1, sink{f.Pool()})
	f.Attach(b, 2, sink{f.Pool()})
	f.Route()

	for i := range 100 {
		p := f.Pool().New()
		p.SetPayload(1172)
		p.Dst.IP = 2
		if i%10 == 9 {
			p.DSCP = aqm.EF
		}
		from.Send(loop.Now(), p)
	}
	_ = loop.Run(context.Background(), simtime.At(40*time.Millisecond))
	fmt.Println("delivered:", link.Stats().Delivered, "audio waiting:", bands.Bands[0].Queue.Len())
	// Output: delivered: 8 audio waiting: 2
}
