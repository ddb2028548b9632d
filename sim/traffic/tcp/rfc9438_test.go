package tcp

import (
	"math"
	"testing"
	"time"

	"rtpfabric/sim/simtime"
)

// §4.2: after a loss at W_max the window follows W_cubic(t) = C(t−K)³ + W_max,
// through the concave and the convex region.
func TestCubicGrowth(t *testing.T) {
	n, fwd, _ := newTapped(t, 50*ms)
	fwd.fate = drop(1500)
	p := n.connect(0, 0, Config{Control: ControlCubic, NoHyStart: true, SlowStartLimit: 2}, Config{})
	p.snd.Write(Unlimited)
	var start simtime.Time
	worst, samples := 0.0, 0
	k := p.snd.control.(*cubic)
	p.src.after = func(now simtime.Time) {
		if !k.inStage {
			return
		}
		if start == 0 {
			start = now
			if want := float64(p.snd.Ssthresh()) / 1448; math.Abs(k.cwnd-want) > 2 || math.Abs(want/k.wMax-cubicBeta) > 0.02 {
				t.Errorf("the stage begins at %.1f, ssthresh %.1f, W_max %.1f", k.cwnd, want, k.wMax)
			}
			if want := math.Cbrt((k.wMax - k.cwnd) / cubicC); math.Abs(k.k-want) > 0.01 {
				t.Errorf("K is %v, want %v", k.k, want)
			}
		}
		d := now.Sub(start).Seconds() - k.k
		w := cubicC*d*d*d + k.wMax
		got := float64(p.snd.Cwnd()) / 1448
		worst = max(worst, math.Abs(got-w)/w)
		samples++
	}
	n.run(22 * time.Second)
	if samples < 10000 || worst > 0.02 {
		t.Errorf("off W_cubic by up to %.3f over %d samples", worst, samples)
	}
	if p.snd.Stats().Recoveries != 1 || k.cwnd < 1.2*k.wMax {
		t.Errorf("%d recoveries; window %.1f at the end, W_max %.1f", p.snd.Stats().Recoveries, k.cwnd, k.wMax)
	}
}

// §4.3: on a short path the window grows as AIMD(α, 0.7) does, by α = 0.53
// segments a round trip up to cwnd_prior and by one beyond.
func TestCubicRenoFriendly(t *testing.T) {
	n, fwd, _ := newTapped(t, 5*ms)
	fwd.fate = drop(300)
	p := n.connect(0, 0, Config{Control: ControlCubic, NoHyStart: true}, Config{DelayedAck: -1})
	p.snd.Write(Unlimited)
	k := p.snd.control.(*cubic)
	type point struct{ s, w float64 }
	var below, above []point
	p.src.after = func(now simtime.Time) {
		if q := (point{now.Seconds(), k.cwnd}); k.inStage && k.cwnd < k.cwndPrior {
			below = append(below, q)
		} else if k.inStage {
			above = append(above, q)
		}
	}
	n.run(2 * time.Second)
	slope := func(p []point) float64 {
		a, b := p[0], p[len(p)-1]
		return (b.w - a.w) / (b.s - a.s) * 0.010
	}
	if s := slope(below); math.Abs(s-cubicAlpha) > 0.03 {
		t.Errorf("%.3f segments a round trip, want %.3f", s, cubicAlpha)
	}
	if s := slope(above[:len(above)/2]); math.Abs(s-1) > 0.05 {
		t.Errorf("%.3f segments a round trip above cwnd_prior, want 1", s)
	}
}

// §4.6 and §4.7: fast convergence lowers W_max when the window was below the
// last one; §4.8: after a timeout K is 0.
func TestCubicReduction(t *testing.T) {
	cfg, _ := Config{Control: ControlCubic}.withDefaults()
	k := newCubic(&cfg)
	w := &window{cwnd: 100_000, ssthresh: unbounded, smss: 1000, initial: 10_000}
	k.lost(w, 0, 100_000, false)
	if w.cwnd != 70_000 || w.ssthresh != 70_000 || k.wMax != 100 {
		t.Errorf("window %d, ssthresh %d, W_max %v", w.cwnd, w.ssthresh, k.wMax)
	}
	w.cwnd = 80_000
	k.lost(w, 0, 80_000, false)
	if w.cwnd != 56_000 || k.wMax != 80*0.85 {
		t.Errorf("window %d, W_max %v", w.cwnd, k.wMax)
	}
	k.timedOut(w, 0, 56_000, false)
	if w.cwnd != 1000 || w.ssthresh != 39_200 {
		t.Errorf("window %d, ssthresh %d", w.cwnd, w.ssthresh)
	}
	w.cwnd = 40_000
	k.acked(w, &acknowledgment{now: 1e9, acked: 1000, delivered: 1000, limited: true, srtt: 100 * ms})
	if k.k != 0 || k.wMax != 40 {
		t.Errorf("after a timeout K is %v, W_max %v", k.k, k.wMax)
	}
}

// RFC 9406: with a growing round trip slow start slows down before the queue
// overflows, so that a tenth is lost of what it is without.
func TestHyStart(t *testing.T) {
	lost := map[bool]uint64{}
	for _, off := range []bool{false, true} {
		n := newNet(t, 1, bottleneck(20e6, 25*ms, 400*ms), pipe(25*ms))
		p := n.connect(0, 0, Config{Control: ControlCubic, NoHyStart: off}, Config{})
		p.snd.Write(Unlimited)
		n.run(3 * time.Second)
		lost[off] = p.snd.Stats().Retransmitted
		if got := p.rcv.Received() * 8; got < 17e6*2 {
			t.Errorf("HyStart++ %v: %d bits in 3 s", !off, got)
		}
	}
	if lost[false] > lost[true]/10 || lost[true] < 100 {
		t.Errorf("segments lost with and without HyStart++: %v", lost)
	}
}

func TestCubeRoot(t *testing.T) {
	for x := 1e-9; x < 1e12; x *= 3.7 {
		if got, want := cubeRoot(x), math.Cbrt(x); math.Abs(got-want) > 1e-14*want {
			t.Errorf("∛%v = %v, want %v", x, got, want)
		}
	}
	if cubeRoot(0) != 0 || cubeRoot(-1) != 0 {
		t.Error("∛0")
	}
}
