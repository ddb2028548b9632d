package aqm

import (
	"math"
	"testing"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// frozenRED keeps its average.
func frozenRED(gentle, ecn bool, avg float64) *rig {
	c := DefaultRED()
	c.Weight, c.Gentle, c.ECN = 1e-15, gentle, ecn
	c.Limit = fabric.Limit{Packets: 10}
	q := NewRED(c, stream("red"))
	q.avg = avg
	r := &rig{q: q}
	q.fifo.Push(r.pool.New()) // so that it isn't idle
	q.count = -1
	return r
}

// The paper's §7: between two signals lie 1, 2, … 1/p_b - 1 packets with equal
// probability, so that the mean is 1/(2·p_b) and p_b can be measured.
func TestREDProbabilityIsPiecewiseLinear(t *testing.T) {
	for _, c := range []struct{ avg, pb float64 }{
		{4.9, 0},
		{6, 0.01},
		{7, 0.02},
		{10, 0.05},
		{13, 0.08},
		{14.9, 0.099},
		{15, 0.1},
		{18, 0.28},
		{22.5, 0.55},
		{29, 0.94},
	} {
		r := frozenRED(true, false, c.avg)
		q := r.q.(*RED)
		if got := q.probability(); math.Abs(got-c.pb) > 1e-9 {
			t.Errorf("p_b at %v is %v, want %v", c.avg, got, c.pb)
		}
		if c.pb == 0 {
			continue
		}
		const signals = 4000
		n, gap, mean, sq := 0, 0, 0.0, 0.0
		for n <= signals {
			gap++
			if q.decide() == redSignal {
				if n > 0 { // the first gap starts from a count of -1
					mean += float64(gap)
					sq += float64(gap * gap)
				}
				n++
				gap = 0
			}
		}
		mean /= signals
		// With 1/p_b = N: the gap g < N has probability p_b/(1-p_b); what is
		// left falls on the last.
		want, left := 0.0, 1.0
		for g := 1; left > 1e-12; g++ {
			p := min(c.pb/(1-c.pb), left)
			want += float64(g) * p
			left -= p
		}
		sigma := math.Sqrt(max(sq/signals-mean*mean, 1e-9) / signals)
		if math.Abs(mean-want) > 4*sigma+1e-9 {
			t.Errorf("mean gap at %v is %.3f, want %.3f ± %.3f (4 σ)", c.avg, mean, want, 4*sigma)
		}
	}
}

// Uniform, not geometric: χ² over 19 equal gaps at p_b = 0.05.
func TestREDGapsAreUniform(t *testing.T) {
	q := frozenRED(true, false, 10).q.(*RED)
	const signals = 19000
	var hist [21]int
	gap, n := 0, -1
	for n < signals {
		gap++
		if q.decide() == redSignal {
			if n++; n > 0 {
				hist[min(gap, 20)]++
			}
			gap = 0
		}
	}
	chi := 0.0
	for g := 1; g <= 19; g++ {
		d := float64(hist[g]) - signals/19.0
		chi += d * d / (signals / 19.0)
	}
	// 18 degrees of freedom: 42.3 is exceeded with probability 0.001. A gap of
	// 20 only comes of rounding.
	if chi > 42.3 || hist[20] > 5 {
		t.Errorf("χ² is %.1f, gaps %v", chi, hist[1:])
	}
}

func TestREDDropsAllAboveItsThreshold(t *testing.T) {
	for _, c := range []struct {
		gentle bool
		avg    float64
	}{{false, 15.001}, {true, 30.001}} {
		r := frozenRED(c.gentle, true, c.avg)
		for range 100 {
			if r.put(0, 1000, packet.ECT0) != fabric.Dropped {
				t.Fatalf("gentle %v: a packet got in at an average of %v", c.gentle, c.avg)
			}
		}
	}
}

func TestREDMarksInsteadOfDropping(t *testing.T) {
	r := frozenRED(true, true, 12)
	var marked, lost int
	for range 20000 {
		if r.put(0, 1000, packet.ECT0) == fabric.Dropped {
			lost++
		}
		if p := r.take(0); p != nil {
			if p.ECN == packet.CE {
				marked++
			}
			r.pool.Release(p)
		}
	}
	if lost != 0 || marked < 2000 {
		t.Errorf("%d marked, %d lost", marked, lost)
	}
}

// avg ← (1-w)·avg + w·q at every arrival, and (1-w)^m·avg after idle time that
// m packets of mean size would have taken.
func TestREDAverage(t *testing.T) {
	c := DefaultRED()
	c.Weight, c.MinThreshold, c.MaxThreshold = 0.1, 100, 200
	q := NewRED(c, stream("red"))
	q.SetRate(4 * units.Mbps) // 500 B take 1 ms
	r := &rig{q: q}
	want := 0.0
	for i := range 50 {
		r.put(0, 1000, packet.NotECT)
		want += 0.1 * (float64(i) - want)
	}
	if math.Abs(q.Average()-want) > 1e-9 {
		t.Errorf("average %v, want %v", q.Average(), want)
	}
	for range 50 {
		r.pool.Release(r.take(simtime.At(10 * ms)))
	}
	r.put(simtime.At(17*ms), 1000, packet.NotECT)
	if want *= math.Pow(0.9, 7); math.Abs(q.Average()-want) > 1e-9 {
		t.Errorf("average after 7 ms without packets is %v, want %v", q.Average(), want)
	}
}

// A packet that is refused while the queue is empty ends the idle time too.
func TestREDAverageOfARefusedPacket(t *testing.T) {
	c := DefaultRED()
	c.Weight = 0.01
	q := NewRED(c, stream("red"))
	q.SetRate(4 * units.Mbps)
	q.avg = 1e6
	r := &rig{q: q}
	for _, at := range []simtime.Time{simtime.At(5 * ms), simtime.At(12 * ms)} {
		if r.put(at, 1000, packet.NotECT) == fabric.Queued {
			t.Fatal("a packet got in")
		}
	}
	if want := 1e6 * math.Pow(0.99, 12); math.Abs(q.Average()-want) > 1e-3 {
		t.Errorf("average %v, want %v", q.Average(), want)
	}
}

// Below the lower threshold the count of packets starts anew.
func TestREDCountRestarts(t *testing.T) {
	q := frozenRED(true, false, 4).q.(*RED)
	q.count = 7
	if q.decide() != redPass || q.count != -1 {
		t.Errorf("the count is %d", q.count)
	}
}
