package gcc

import (
	"math"
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// bottleneck is a path with a queue: 20 ms, a rate and at most 300 ms of packets,
// and feedback every 50 ms that takes 20 ms.
type bottleneck struct {
	c    *controller
	rate float64 // bit/s
	loss int     // every so many packets; 0 is none

	now      simtime.Time
	seq      uint64
	credit   float64 // bits the sender may send
	probe    ccontrol.Probe
	probed   units.Bytes
	free     simtime.Time // when the queue is empty
	results  []ccontrol.PacketResult
	feedback simtime.Time

	sent, delivered float64 // bits since it was last asked
	worst           time.Duration
}

const (
	oneWay    = 20 * msec
	packetLen = units.Bytes(1000)
)

func (b *bottleneck) run(d time.Duration) {
	for end := b.now.Add(d); b.now < end; b.now = b.now.Add(msec) {
		b.send()
		if b.now >= b.feedback {
			b.report()
			b.feedback = b.now.Add(50 * msec)
		}
		if b.c.NextTimeout() <= b.now {
			b.c.OnTimeout(b.now)
		}
	}
}

// send paces the target, and the probe if there is one, with padding.
func (b *bottleneck) send() {
	rate := float64(b.c.Target().Media)
	if b.probe.ID == 0 {
		if p, ok := b.c.PollProbe(b.now); ok {
			b.probe, b.probed = p, 0
		}
	}
	if b.probe.ID != 0 {
		rate = float64(b.probe.Rate)
	}
	for b.credit += rate / 1000; b.credit >= float64(8*packetLen); b.credit -= float64(8 * packetLen) {
		b.packet()
	}
}

func (b *bottleneck) packet() {
	p := ccontrol.PacketResult{Seq: b.seq, Size: packetLen, Sent: b.now, Probe: b.probe.ID}
	b.seq++
	b.free = max(b.free, b.now)
	wait := b.free.Sub(b.now)
	b.worst = max(b.worst, wait)
	if wait < 300*msec && (b.loss == 0 || b.seq%uint64(b.loss) != 0) {
		b.free = b.free.Add(time.Duration(float64(8*packetLen) / b.rate * float64(time.Second)))
		p.Received, p.Arrival = true, b.free.Add(oneWay)
	}
	b.results = append(b.results, p)
	b.sent += float64(8 * packetLen)
	b.c.OnSent(b.now, ccontrol.Sent{Seq: p.Seq, Size: p.Size, Probe: p.Probe})
	b.probed += packetLen
	if b.probe.ID != 0 && b.probed >= max(b.probe.Bytes, units.Bytes(b.probe.Packets)*packetLen) {
		b.probe = ccontrol.Probe{}
	}
}

// report tells of what arrived until one way ago, and of what was lost before it.
func (b *bottleneck) report() {
	n := 0
	for i, p := range b.results {
		if p.Received && p.Arrival <= b.now.Add(-oneWay) {
			n = i + 1
		}
	}
	if n == 0 {
		return
	}
	for _, p := range b.results[:n] {
		if p.Received {
			b.delivered += float64(8 * p.Size)
		}
	}
	last := b.results[n-1]
	b.c.OnFeedback(b.now, &ccontrol.Report{Packets: b.results[:n:n], RTT: b.now.Sub(last.Sent)})
	b.results = append(b.results[:0:0], b.results[n:]...)
}

// utilization since it was last asked, and the longest wait.
func (b *bottleneck) ask(d time.Duration) (utilization float64, worst time.Duration) {
	utilization, worst = b.delivered/(b.rate*d.Seconds()), b.worst
	b.delivered, b.worst = 0, 0
	return utilization, worst
}

// The rate fills a steady link to 80 % and more, and the queue stays far from
// full; after the capacity has halved or doubled likewise.
func TestConvergence(t *testing.T) {
	for _, v := range variants {
		b := &bottleneck{c: newTest(t, v), rate: 1.5e6}
		for _, rate := range []float64{1.5e6, 0.75e6, 1.5e6} {
			b.rate = rate
			b.run(40 * time.Second)
			b.ask(40 * time.Second)
			b.run(20 * time.Second)
			used, worst := b.ask(20 * time.Second)
			t.Logf("%v at %v: %.3f, queue of at most %v", v, rate, used, worst)
			if used < 0.8 || worst > 150*msec {
				t.Errorf("%v at %v: %.0f %% used, queue of %v", v, rate, 100*used, worst)
			}
		}
	}
}

// Probes find 80 % of the capacity in two seconds; 8 % per second wouldn't.
func TestProbesRampUp(t *testing.T) {
	b := &bottleneck{c: newTest(t, nil), rate: 2e6}
	b.run(2 * time.Second)
	if got := b.c.Target().Media; got < 1600*units.Kbps || got > 2100*units.Kbps {
		t.Errorf("%v after 2 s of a link of 2 Mbit/s", got)
	}
	b = &bottleneck{c: newTest(t, map[string]string{"probing": "off"}), rate: 2e6}
	b.run(2 * time.Second)
	if got := b.c.Target().Media; got > 600*units.Kbps {
		t.Errorf("%v after 2 s without probes", got)
	}
}

// The link has more than the media can use.
func TestMaximum(t *testing.T) {
	b := &bottleneck{c: newTest(t, nil), rate: 20e6}
	b.run(10 * time.Second)
	if got := b.c.Target().Media; got != testLimits.Max {
		t.Errorf("%v on a link of 20 Mbit/s, want the maximum", got)
	}
}

// 2 % of random loss is not congestion.
func TestRandomLoss(t *testing.T) {
	for _, v := range variants {
		b := &bottleneck{c: newTest(t, v), rate: 1.5e6, loss: 50}
		b.run(40 * time.Second)
		b.ask(40 * time.Second)
		b.run(20 * time.Second)
		if used, worst := b.ask(20 * time.Second); used < 0.75 || worst > 150*msec {
			t.Errorf("%v: %.0f %% used, queue of %v", v, 100*used, worst)
		}
	}
}

// The same bits on every machine and from one release of Go to the next: CI runs
// this for arm64, too, whose compiler fuses products and sums.
func TestPinned(t *testing.T) {
	h := uint64(0)
	for _, v := range variants {
		b := &bottleneck{c: newTest(t, v), rate: 1.5e6, loss: 40}
		for i := range 60 {
			b.rate = 1e6 + 0.3e6*float64(i%4)
			b.run(500 * msec)
			for _, x := range append(b.c.Signals(nil), b.c.bandwidth.target) {
				h = h*0x9e3779b97f4a7c15 ^ math.Float64bits(x)
			}
		}
	}
	const want uint64 = 0xaca33ece48d3764f
	if h != want {
		t.Errorf("hash of the signals = %#x, want %#x", h, want)
	}
}
