package aqm

import (
	"math"
	"testing"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// PIE holds 15 ms under an AIMD ensemble, drops or marks, derandomized or not.
func TestRFC8033HoldsTarget(t *testing.T) {
	for _, c := range []struct {
		name        string
		flows       int
		ecn         packet.ECN
		derandomize bool
	}{
		{"10 flows", 10, packet.NotECT, false},
		{"10 flows, derandomized", 10, packet.NotECT, true},
		{"20 flows with ECN", 20, packet.ECT0, false},
		{"3 flows", 3, packet.NotECT, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			conf := DefaultPIE()
			conf.ECN, conf.Derandomize, conf.CapIncrease = true, c.derandomize, true
			e := newEnsemble(t, NewPIE(conf, stream("pie")), 20*units.Mbps, 40*ms)
			for range c.flows {
				e.add(c.ecn, false)
			}
			r := e.measure(10*time.Second, 60*time.Second)
			t.Logf("mean delay %.2f ms, 99th percentile %.1f ms, utilization %.3f, marked %d, dropped %d",
				r.meanMS[0], r.p99MS[0], r.utilization, e.net.marked, e.net.link.Stats().Dropped())
			// The integral part makes the mean of the samples the target; that
			// of packets lies a little beside it.
			if r.meanMS[0] < 12 || r.meanMS[0] > 18 {
				t.Errorf("mean delay %.2f ms, want 15 ± 3", r.meanMS[0])
			}
			if r.utilization < 0.9 {
				t.Errorf("utilization %.3f", r.utilization)
			}
			if c.ecn != packet.NotECT && e.net.marked == 0 {
				t.Error("nothing was marked")
			}
		})
	}
}

// §4.2 step by step: p = α(d - target) + β(d - d_old), scaled by the level.
func TestRFC8033Controller(t *testing.T) {
	for _, c := range []struct {
		prob      float64
		d, before time.Duration
		divisor   float64
	}{
		{0, 20 * ms, 10 * ms, 2048},
		{0.000005, 20 * ms, 10 * ms, 512},
		{0.00005, 20 * ms, 10 * ms, 128},
		{0.0005, 20 * ms, 10 * ms, 32},
		{0.005, 20 * ms, 10 * ms, 8},
		{0.05, 20 * ms, 10 * ms, 2},
		{0.5, 20 * ms, 10 * ms, 1},
		{0.5, 10 * ms, 20 * ms, 1},
		{0.999, 400 * ms, 0, 1},
		{0.001, 0, 400 * ms, 8},
	} {
		q := NewPIE(DefaultPIE(), stream("pie"))
		r := &rig{q: q}
		r.put(0, 1000, packet.NotECT)
		q.dropProb, q.qdelay, q.qdelayOld = c.prob, c.d, c.before
		q.Update(0)
		want := c.prob + (0.125*(c.d.Seconds()-0.015)+1.25*(c.d-c.before).Seconds())/c.divisor
		want = min(max(want, 0), 1)
		if math.Abs(q.DropProbability()-want) > 1e-12 {
			t.Errorf("%+v: probability %v, want %v", c, q.DropProbability(), want)
		}
		if q.qdelayOld != c.d {
			t.Errorf("%+v: the old delay is %v", c, q.qdelayOld)
		}
	}
	q := NewPIE(DefaultPIE(), stream("pie"))
	q.dropProb = 0.5
	q.Update(0) // empty
	if want := (0.5 - 0.125*0.015) * 0.98; math.Abs(q.DropProbability()-want) > 1e-12 {
		t.Errorf("without congestion the probability decays to %v, want %v", q.DropProbability(), want)
	}
}

// The share of packets dropped is drop_prob; derandomized drops lie at least
// 0.85/p and at most 8.5/p packets apart (§5.4).
func TestRFC8033DropShare(t *testing.T) {
	for _, derandomize := range []bool{false, true} {
		c := DefaultPIE()
		c.Derandomize = derandomize
		q := NewPIE(c, stream("pie"))
		r := &rig{q: q}
		for range 4 {
			q.fifo.Push(r.pool.New())
			r.put(0, 1500, packet.NotECT)
		}
		const p, total = 0.05, 100000
		q.dropProb, q.qdelay, q.qdelayOld, q.burst = p, 20*ms, 20*ms, 0
		drops, gap, least, most := 0, 0, total, 0
		for range total {
			gap++
			if q.dropEarly() {
				q.accuProb = 0
				if drops > 0 {
					least, most = min(least, gap), max(most, gap)
				}
				drops++
				gap = 0
			}
		}
		if !derandomize {
			// Binomial: 4 σ are 0.0028.
			if share := float64(drops) / total; math.Abs(share-p) > 0.0028 {
				t.Errorf("share of drops %.4f, want %v", share, p)
			}
			continue
		}
		// 8.5/p, and one more where the sum of the probabilities is rounded down.
		if least < 17 || most > 171 || most < 60 {
			t.Errorf("derandomized drops lie %d to %d packets apart, want 17 to 171", least, most)
		}
	}
}

// §4.4: a burst after a time without congestion passes whole for 150 ms.
func TestRFC8033BurstAllowance(t *testing.T) {
	q := NewPIE(DefaultPIE(), stream("pie"))
	n := newNet(t, fabric.LinkConfig{Rate: 10 * units.Mbps, Queue: q})
	var first simtime.Time
	n.onLost = func(now simtime.Time, _ *packet.Packet, _ fabric.DropReason) {
		if first == 0 {
			first = now
		}
	}
	n.every(time.Second, 6*time.Second, 400*time.Microsecond, 1250, nil)
	n.run(8 * time.Second)
	if first < simtime.At(time.Second+150*ms) || first > simtime.At(2*time.Second) {
		t.Errorf("first drop at %v, want more than 150 ms after 1 s", first)
	}
	if q.DropProbability() > 0.45 {
		t.Errorf("the probability is %v two seconds after the overload", q.DropProbability())
	}
}

// §4.4: the allowance runs down and comes back without congestion. §4.1: a
// queue of two packets is spared. §5.5: a step is at most 0.02 from 0.1 on.
func TestRFC8033Safeguards(t *testing.T) {
	q := NewPIE(DefaultPIE(), stream("pie"))
	r := &rig{q: q}
	for range 11 {
		q.Update(0)
	}
	if q.burst != 0 {
		t.Fatalf("after 165 ms %v of the allowance is left", q.burst)
	}
	r.put(0, 1500, packet.NotECT)
	if q.burst != 150*ms {
		t.Errorf("without congestion the allowance is %v", q.burst)
	}
	q.dropProb, q.qdelay, q.qdelayOld = 1, 20*ms, 20*ms
	r.put(0, 1500, packet.NotECT)
	if q.Len() != 2 {
		t.Error("a burst was dropped")
	}
	q.burst = 0
	if r.put(0, 1500, packet.NotECT) == fabric.Dropped {
		t.Error("a queue of two packets was not spared")
	}
	if r.put(0, 1500, packet.NotECT) == fabric.Queued {
		t.Error("a queue of three packets was spared")
	}
	q.c.CapIncrease, q.dropProb, q.qdelay = true, 0.5, 400*ms
	if q.Update(0); math.Abs(q.DropProbability()-0.52) > 1e-12 {
		t.Errorf("the probability went from 0.5 to %v", q.DropProbability())
	}
}

// §5.1: marks below mark_ecnth, drops from there on.
func TestRFC8033ECNThreshold(t *testing.T) {
	for _, c := range []struct {
		prob  float64
		marks bool
	}{{0.09, true}, {0.11, false}} {
		conf := DefaultPIE()
		conf.ECN = true
		q := NewPIE(conf, stream("pie"))
		r := &rig{q: q}
		for range 4 {
			r.put(0, 1500, packet.NotECT)
		}
		q.dropProb, q.qdelay, q.qdelayOld, q.burst = c.prob, 20*ms, 20*ms, 0
		refused, marked := 0, 0
		for range 1000 {
			if r.put(0, 1500, packet.ECT0) == fabric.Dropped {
				refused++
			} else if p := r.take(0); p.ECN == packet.CE {
				marked++
			}
			q.qdelay = 20 * ms
		}
		if c.marks != (marked > 50 && refused == 0) || c.marks == (marked == 0 && refused > 50) {
			t.Errorf("at %v %d packets were marked and %d refused", c.prob, marked, refused)
		}
	}
}
