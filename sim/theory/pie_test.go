package theory_test

import (
	"testing"
	"time"

	"rtpfabric/sim/aqm"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/traffic/tcp"
	"rtpfabric/sim/units"
)

// waits adds up how long packets wait.
type waits struct {
	fabric.Observer
	since simtime.Time
	sum   time.Duration
	n     int
}

func (w *waits) PacketDequeued(now simtime.Time, l *fabric.Link, _ *packet.Packet, wait time.Duration) {
	if now >= w.since && l.Name == "forward" {
		w.sum += wait
		w.n++
	}
}

// RFC 8033 §4: whatever the number of flows and their control, the mean delay
// comes to the target of 15 ms, where tail drop would have the whole queue.
func TestPIEHoldsItsTargetWithTCP(t *testing.T) {
	for _, control := range []string{"newreno", "cubic"} {
		for _, flows := range []int{5, 20} {
			n := newBottleneck(20*units.Mbps, 60*time.Millisecond, aqm.NewPIE(aqm.DefaultPIE(), rng.New(1).Stream("pie")))
			w := &waits{Observer: fabric.Nobody, since: simtime.At(20 * time.Second)}
			n.f.Observe(w)
			for i := range flows {
				n.flow(t, tcp.Config{Control: control}, time.Duration(i)*100*time.Millisecond)
			}
			n.run(t, 80*time.Second)
			mean := w.sum / time.Duration(w.n)
			t.Logf("%d flows of %s: %v", flows, control, mean)
			if mean < 11*time.Millisecond || mean > 19*time.Millisecond {
				t.Errorf("%d flows of %s wait for %v on average", flows, control, mean)
			}
		}
	}
}
