package tmmbr_test

import (
	"fmt"
	"time"

	"rtpfabric/endpoints/tmmbr"
	"rtpfabric/endpoints/wire"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// A receiver limits a sender to 500 kbit/s and later to 800 kbit/s.
func Example() {
	sender := tmmbr.NewSender(0x1111, 0)
	receiver := tmmbr.NewReceiver(tmmbr.ReceiverConfig{SSRC: 0x2222, Media: 0x1111, Overhead: 40})
	exchange := func(now simtime.Time) {
		if receiver.State() == tmmbr.Asking {
			sender.OnRequest(&wire.TMMBR{SenderSSRC: 0x2222, Limits: []wire.Limit{receiver.Request()}})
		}
		if sender.Pending() {
			answer := sender.Notify(now, 100*time.Millisecond, 0)
			receiver.OnNotification(&answer)
		}
	}

	receiver.SetLimit(500 * units.Kbps)
	exchange(0)
	fmt.Println(receiver.State())
	limit, _ := sender.NetLimit(50) // packets/s
	fmt.Println("of payloads:", limit)

	receiver.SetLimit(800 * units.Kbps)
	exchange(simtime.At(time.Second))
	limit, _ = sender.NetLimit(50)
	fmt.Println("not yet:", limit, "until", sender.NextTimeout())
	sender.HandleTimeout(sender.NextTimeout())
	limit, _ = sender.NetLimit(50)
	fmt.Println("now:", limit)
	// Output:
	// owner
	// of payloads: 484kbps
	// not yet: 484kbps until 1.200000000s
	// now: 784kbps
}
