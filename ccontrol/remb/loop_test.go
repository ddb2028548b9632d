package remb

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// bottleneck is a path with a queue between the two halves: 20 ms, a rate and at most
// 300 ms of packets. REMB comes back after 20 ms, once a second or when the estimate
// has fallen by 3 %, and reception reports once a second.
type bottleneck struct {
	c    *sender
	e    *estimator
	rate float64 // bit/s
	loss int     // every so many packets; 0 is none

	now      simtime.Time
	seq      int
	credit   float64 // bits the sender may send
	free     simtime.Time
	onTheWay []ccontrol.Arrival
	back     []message
	told     units.BitRate
	remb, rr simtime.Time
	lost     ccontrol.Reception

	delivered float64 // bits since it was last asked
	worst     time.Duration
}

// message is what comes back to the sender.
type message struct {
	at simtime.Time
	r  ccontrol.Report
}

const (
	oneWay    = 20 * msec
	packetLen = units.Bytes(1000)
)

func newBottleneck(t testing.TB, rate float64) *bottleneck {
	return &bottleneck{c: newTestSender(t), e: newTestEstimator(t), rate: rate}
}

func (b *bottleneck) run(d time.Duration) {
	for end := b.now.Add(d); b.now < end; b.now = b.now.Add(msec) {
		for b.credit += float64(b.c.Target().Media) / 1000; b.credit >= float64(8*packetLen); b.credit -= float64(8 * packetLen) {
			b.packet()
		}
		b.receive()
		for len(b.back) > 0 && b.back[0].at <= b.now {
			b.c.OnFeedback(b.now, &b.back[0].r)
			b.back = b.back[1:]
		}
		if b.c.NextTimeout() <= b.now {
			b.c.OnTimeout(b.now)
		}
	}
}

func (b *bottleneck) packet() {
	b.seq++
	b.lost.Expected++
	b.free = max(b.free, b.now)
	wait := b.free.Sub(b.now)
	b.worst = max(b.worst, wait)
	b.c.OnSent(b.now, ccontrol.Sent{Size: packetLen})
	if wait >= 300*msec || b.loss > 0 && b.seq%b.loss == 0 {
		b.lost.Lost++
		return
	}
	b.free = b.free.Add(time.Duration(float64(8*packetLen) / b.rate * float64(time.Second)))
	b.onTheWay = append(b.onTheWay, ccontrol.Arrival{
		At: b.free.Add(oneWay), Size: packetLen, SendTime: sendTime(b.now), Stamped: true,
	})
}

func (b *bottleneck) receive() {
	for len(b.onTheWay) > 0 && b.onTheWay[0].At <= b.now {
		b.e.OnArrival(b.now, b.onTheWay[0])
		b.delivered += float64(8 * b.onTheWay[0].Size)
		b.onTheWay = b.onTheWay[1:]
	}
	if rate := b.e.Estimate(); rate > 0 && (b.now >= b.remb || float64(rate) < 0.97*float64(b.told)) {
		b.told, b.remb = rate, b.now.Add(time.Second)
		b.back = append(b.back, message{b.now.Add(oneWay), ccontrol.Report{Estimate: rate}})
	}
	if b.now >= b.rr {
		b.rr = b.now.Add(time.Second)
		b.back = append(b.back, message{b.now.Add(oneWay), ccontrol.Report{Reception: []ccontrol.Reception{b.lost}}})
		b.lost = ccontrol.Reception{RTT: b.free.Sub(b.now) + 2*oneWay}
	}
}

func (b *bottleneck) ask(d time.Duration) (utilization float64, worst time.Duration) {
	utilization, worst = b.delivered/(b.rate*d.Seconds()), b.worst
	b.delivered, b.worst = 0, 0
	return utilization, worst
}

// The rate fills a steady link to 80 % and more, and the queue stays far from full,
// after the capacity has halved or doubled likewise.
func TestConvergence(t *testing.T) {
	b := newBottleneck(t, 1.5e6)
	for _, rate := range []float64{1.5e6, 0.75e6, 1.5e6} {
		b.rate = rate
		b.run(40 * time.Second)
		b.ask(40 * time.Second)
		b.run(20 * time.Second)
		used, worst := b.ask(20 * time.Second)
		t.Logf("%v: %.3f, queue of at most %v", rate, used, worst)
		if used < 0.8 || worst > 150*msec {
			t.Errorf("%v: %.0f %% used, queue of %v", rate, 100*used, worst)
		}
	}
}

// 1 % of random loss is not congestion; 20 % is, whatever the receiver says.
func TestLoss(t *testing.T) {
	b := newBottleneck(t, 1.5e6)
	b.loss = 100
	b.run(60 * time.Second)
	b.ask(60 * time.Second)
	b.run(20 * time.Second)
	if used, _ := b.ask(20 * time.Second); used < 0.75 {
		t.Errorf("%.0f %% used with 1 %% loss", 100*used)
	}
	b.loss = 5
	b.run(60 * time.Second)
	if got := b.c.Target().Media; got != testLimits.Min {
		t.Errorf("%v with 20 %% loss, want the minimum", got)
	}
}

// The same bits on every machine and from one release of Go to the next: CI runs
// this for arm64, too, whose compiler fuses products and sums.
func TestPinned(t *testing.T) {
	h := uint64(0)
	b := newBottleneck(t, 1.5e6)
	b.loss = 40
	for i := range 120 {
		b.rate = 1e6 + 0.3e6*float64(i/10%4)
		b.run(500 * msec)
		for _, x := range b.c.Signals(b.e.Signals(nil)) {
			if !math.IsNaN(x) {
				h = h*0x9e3779b97f4a7c15 ^ math.Float64bits(x)
			}
		}
	}
	const want uint64 = 0xd6ef111f8b47d638
	if h != want {
		t.Errorf("hash of the signals = %#x, want %#x", h, want)
	}
}

// script reads numbers from a fuzzer's bytes.
type script []byte

func (s *script) byte() byte {
	if len(*s) == 0 {
		return 0
	}
	b := (*s)[0]
	*s = (*s)[1:]
	return b
}

func (s *script) word() uint64 {
	var all [8]byte
	for i := range all {
		all[i] = s.byte()
	}
	return binary.LittleEndian.Uint64(all[:])
}

// clock is mostly near a base, and sometimes anything at all.
func (s *script) clock(base simtime.Time) simtime.Time {
	switch s.byte() % 8 {
	case 0:
		return simtime.Time(s.word())
	case 1:
		return base.Add(time.Duration(int8(s.byte())) * time.Minute)
	}
	return base.Add(time.Duration(int8(s.byte())) * msec)
}

// FuzzREMB feeds both halves what nobody would send: the target stays within its bounds,
// the estimate positive, and everything finite.
func FuzzREMB(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("packets come in no order at all, and by clocks that jump"))
	f.Add([]byte{1, 0, 0, 255, 255, 255, 255, 255, 255, 255, 127, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 1, 2, 2, 2})
	f.Fuzz(func(t *testing.T, bytes []byte) {
		c, e := newTestSender(t), newTestEstimator(t)
		s := script(bytes)
		now := simtime.Time(0)
		for len(s) > 0 {
			now = now.Add(time.Duration(s.byte()) * msec)
			switch s.byte() % 8 {
			case 0:
				c.OnSent(now, ccontrol.Sent{Size: units.Bytes(int8(s.byte())) * 50})
			case 1:
				c.OnTimeout(now)
				e.OnTimeout(now)
			case 2:
				e.OnRTT(time.Duration(int64(s.word())))
			case 3:
				c.OnFeedback(now, &ccontrol.Report{Estimate: units.BitRate(s.word())})
			case 4:
				c.OnFeedback(now, &ccontrol.Report{Estimate: e.Estimate(), Reception: []ccontrol.Reception{{
					Expected: int(int8(s.byte())), Lost: int(int8(s.byte())), RTT: time.Duration(int8(s.byte())) * msec,
				}}})
			default:
				a := ccontrol.Arrival{
					At: s.clock(now), SSRC: uint32(s.byte()), Size: units.Bytes(int8(s.byte())) * 100,
					SendTime: sendTime(s.clock(now)), Stamped: s.byte()%8 != 0,
				}
				if s.byte() == 0 {
					a.Size = math.MaxInt64
				}
				e.OnArrival(now, a)
			}
			checkBounds(t, c, e)
		}
	})
}

func checkBounds(t *testing.T, c *sender, e *estimator) {
	t.Helper()
	got := c.Target()
	if got.Media < testLimits.Min || got.Media > testLimits.Max || got.Pacing < got.Media {
		t.Fatalf("target %v", got)
	}
	if e.Estimate() < 0 || e.known && e.Estimate() < leastRate || e.Estimate() > 1e15 {
		t.Fatalf("estimate %v", e.Estimate())
	}
	for _, v := range c.Signals(e.Signals(nil)) {
		if math.IsInf(v, 0) {
			t.Fatalf("signals %v, %v", c.Signals(nil), e.Signals(nil))
		}
	}
	for _, v := range []float64{c.target, c.rate(), e.delay.Rate(), e.rate} {
		if math.IsNaN(v) || v < 0 {
			t.Fatalf("rates %v, %v, %v, %v", c.target, c.rate(), e.delay.Rate(), e.rate)
		}
	}
	if len(e.streams) > maxStreams {
		t.Fatalf("%d streams", len(e.streams))
	}
}
