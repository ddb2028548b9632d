package theory_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"rtpfabric/sim/aqm"
	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/traffic"
	"rtpfabric/sim/traffic/tcp"
	"rtpfabric/sim/units"
)

// bottleneck is a link with TCP flows from one side to the other.
type bottleneck struct {
	fabric.Observer
	loop  *engine.Loop
	f     *fabric.Fabric
	a, b  *fabric.Node
	since simtime.Time // when observing begins
	ends  []*end
	addr  packet.IPv4
	// l4s are the waits of packets that ask for L4S.
	l4s []time.Duration
}

func newBottleneck(rate units.BitRate, rtt time.Duration, q fabric.Queue) *bottleneck {
	n := &bottleneck{Observer: fabric.Nobody, loop: &engine.Loop{}, addr: 1}
	n.f = fabric.New(n.loop, rng.New(3))
	n.a, n.b = n.f.AddNode("A"), n.f.AddNode("B")
	n.f.AddLink(n.a, n.b, fabric.LinkConfig{Name: "forward", Rate: rate, Delay: rtt / 2, Queue: q})
	n.f.AddLink(n.b, n.a, fabric.LinkConfig{Name: "backward", Rate: fabric.Unlimited, Delay: rtt / 2})
	n.f.Observe(n)
	return n
}

func (n *bottleneck) PacketDequeued(now simtime.Time, _ *fabric.Link, p *packet.Packet, wait time.Duration) {
	if now >= n.since && (p.ECN == packet.ECT1 || p.ECNBefore == packet.ECT1) {
		n.l4s = append(n.l4s, wait)
	}
}

// flow adds a long flow and returns its sink.
func (n *bottleneck) flow(t *testing.T, c tcp.Config, start time.Duration) *traffic.TCPSink {
	t.Helper()
	c.Local, c.Remote = packet.Addr{IP: n.addr, Port: 5001}, packet.Addr{IP: n.addr + 1, Port: 5001}
	c.MinRTO = 200 * time.Millisecond
	n.addr += 2
	source, err := traffic.NewLongTCP(traffic.LongTCPConfig{TCP: c, Start: simtime.At(start)}, n.f.Pool())
	if err != nil {
		t.Fatal(err)
	}
	at := c
	at.Local, at.Remote = c.Remote, packet.Addr{}
	sink, err := traffic.NewTCPSink(at, n.f.Pool())
	if err != nil {
		t.Fatal(err)
	}
	n.ends = append(n.ends, newEnd(n.loop, n.f, n.a, c.Local.IP, source), newEnd(n.loop, n.f, n.b, c.Remote.IP, sink))
	return sink
}

func (n *bottleneck) run(t *testing.T, until time.Duration) {
	t.Helper()
	if n.loop.Now() == 0 {
		n.f.Route()
		for _, e := range n.ends {
			e.drain(0)
		}
	}
	if err := n.loop.Run(context.Background(), simtime.At(until)); err != nil {
		t.Fatal(err)
	}
	if err := n.f.CheckConservation(0); err != nil {
		t.Fatal(err)
	}
}

// RFC 9332 §1 and Appendix A: with a scalable sender and CUBIC behind DualPI2, as
// many of each, L4S packets wait for less than 2 ms in 99 of 100 cases, and both
// kinds get about the same rate. Rates are those over the last 40 of 60 s, the
// ratio that of the means of a kind.
func TestDualPI2WithTCP(t *testing.T) {
	for _, rate := range []units.BitRate{40 * units.Mbps, 120 * units.Mbps} {
		for _, each := range []int{1, 3} {
			t.Run(fmt.Sprintf("%v, %d+%d", rate, each, each), func(t *testing.T) {
				n := newBottleneck(rate, 20*time.Millisecond, aqm.NewDualPI2(aqm.DefaultDualPI2()))
				var l4s, classic []*traffic.TCPSink
				for i := range each {
					start := time.Duration(i) * 500 * time.Millisecond
					l4s = append(l4s, n.flow(t, tcp.Config{Control: "prague"}, start))
					classic = append(classic, n.flow(t, tcp.Config{Control: "cubic", ECN: tcp.ClassicECN}, start+200*time.Millisecond))
				}
				warm, end := 20*time.Second, 60*time.Second
				n.since = simtime.At(warm)
				n.run(t, warm)
				total := func(sinks []*traffic.TCPSink) (sum units.Bytes) {
					for _, s := range sinks {
						sum += s.Received()
					}
					return sum
				}
				l0, c0 := total(l4s), total(classic)
				n.run(t, end)
				l, c := total(l4s)-l0, total(classic)-c0
				ratio := float64(l) / float64(c)
				slices.Sort(n.l4s)
				p99 := n.l4s[len(n.l4s)*99/100]
				used := float64(8*(l+c)) / (end - warm).Seconds() / float64(rate)
				t.Logf("L4S/classic %.2f, L4S wait at 99 %% %v, utilization %.3f", ratio, p99, used)
				if ratio < 0.5 || ratio > 2 {
					t.Errorf("L4S gets %.2f times what CUBIC gets", ratio)
				}
				if p99 >= 2*time.Millisecond {
					t.Errorf("L4S packets wait for %v", p99)
				}
				if used < 0.9 {
					t.Errorf("%.0f %% of the link is used", 100*used)
				}
			})
		}
	}
}
