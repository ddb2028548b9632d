package tcp

import (
	"testing"
	"time"

	"rtpfabric/sim/units"
)

// jain is Jain's fairness index.
func jain(x ...float64) float64 {
	sum, squares := 0.0, 0.0
	for _, v := range x {
		sum += v
		squares += v * v
	}
	return sum * sum / (float64(len(x)) * squares)
}

// Two flows of one kind and round trip share a drop-tail bottleneck evenly in
// the long run, whenever they start: each of the seeds starts the second flow at
// another time. Nothing else is random.
func TestFairness(t *testing.T) {
	for _, control := range []string{ControlNewReno, ControlCubic} {
		for seed := range uint64(4) {
			n := newNet(t, seed, bottleneck(10*units.Mbps, 20*ms, 50*ms), pipe(20*ms))
			a := n.connect(0, 0, Config{Control: control}, Config{})
			b := n.connect(time.Duration(1000+seed*777)*ms, 0, Config{Control: control}, Config{})
			a.snd.Write(Unlimited)
			b.snd.Write(Unlimited)
			n.run(20 * time.Second)
			x, y := a.rcv.Received(), b.rcv.Received()
			n.resume(220 * time.Second)
			p, q := float64(a.rcv.Received()-x), float64(b.rcv.Received()-y)
			share := (p + q) * 8 / 200 / 10e6
			t.Logf("%s seed %d: %.2f and %.2f Mbit/s, Jain %.4f", control, seed, p*8/200/1e6, q*8/200/1e6, jain(p, q))
			if jain(p, q) < 0.98 || share < 0.9 {
				t.Errorf("%s seed %d: Jain %.4f at %.3f of the capacity", control, seed, jain(p, q), share)
			}
		}
	}
}

// NewReno favours the short round trip: the ratio of rates is about that of the
// round trips if losses are independent, and goes up to its square if they are
// common (Lakshman and Madhow, 1997). The smoothed round trip at the end of a
// run stands for its mean, which it misses by up to 20 %.
func TestRTTUnfairness(t *testing.T) {
	sum := [2]float64{}
	rtt := [2]float64{}
	for seed := range uint64(3) {
		fwd := bottleneck(10*units.Mbps, 20*ms, 20*ms)
		fwd.Loss = 0.0001
		n := newNet(t, seed, fwd, pipe(20*ms))
		a := n.connect(0, 0, Config{}, Config{})
		b := n.connect(500*ms, 80*ms, Config{}, Config{})
		a.snd.Write(Unlimited)
		b.snd.Write(Unlimited)
		n.run(300 * time.Second)
		sum[0] += float64(a.rcv.Received())
		sum[1] += float64(b.rcv.Received())
		rtt[0] += a.snd.SRTT().Seconds()
		rtt[1] += b.snd.SRTT().Seconds()
	}
	ratio, r := sum[0]/sum[1], rtt[1]/rtt[0]
	t.Logf("round trips 1 to %.2f, rates %.2f to 1", r, ratio)
	if ratio < 0.8*r || ratio > r*r {
		t.Errorf("rates of %.2f to 1 with round trips of 1 to %.2f", ratio, r)
	}
}
