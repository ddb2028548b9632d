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

// roomyDualPI2 has a limit that needs no rate.
func roomyDualPI2() DualPI2Config {
	c := DefaultDualPI2()
	c.Limit = fabric.Limit{Bytes: 1 << 30}
	return c
}

// coupled drives both queues packet by packet at a fixed base probability, and
// returns what became of them. The L queue's own AQM is out of the way.
type coupled struct{ lMarked, lLost, cMarked, cLost float64 }

func couple(c DualPI2Config, base float64, classic packet.ECN, total int) coupled {
	c.MinThreshold = time.Hour
	q := NewDualPI2(c)
	q.p, q.pCL, q.pC = base, min(c.K*base, 1), base*base
	r := &rig{q: q}
	var got coupled
	for range total {
		r.put(0, 1000, packet.ECT1)
		r.put(0, 1000, classic)
		for p := r.take(0); p != nil; p = r.take(0) {
			switch {
			case p.ECN == packet.CE && p.ECNBefore == packet.ECT1:
				got.lMarked++
			case p.ECN == packet.CE:
				got.cMarked++
			}
			r.pool.Release(p)
		}
		for _, p := range r.dropped {
			if p.ECNBefore == packet.ECT1 {
				got.lLost++
			} else {
				got.cLost++
			}
			r.pool.Release(p)
		}
		r.dropped = r.dropped[:0]
	}
	return got
}

func wantShare(t *testing.T, what string, got float64, total int, p float64) {
	t.Helper()
	// Binomial, 4 σ.
	share, sigma := got/float64(total), math.Sqrt(p*(1-p)/float64(total))
	if math.Abs(share-p) > 4*sigma+1/float64(total) {
		t.Errorf("%s: share %.4f, want %.4f ± %.4f", what, share, p, 4*sigma)
	}
}

// Equations (2) and (3): p_C = p'², p_CL = k·p'.
func TestRFC9332Coupling(t *testing.T) {
	const total = 40000
	for _, k := range []float64{1.5, 2, 3} {
		for _, base := range []float64{0.02, 0.1, 0.2, 0.3} {
			c := roomyDualPI2()
			c.K = k
			got := couple(c, base, packet.NotECT, total)
			wantShare(t, "L marks", got.lMarked, total, k*base)
			wantShare(t, "Classic drops", got.cLost, total, base*base)
			got = couple(c, base, packet.ECT0, total)
			wantShare(t, "Classic marks", got.cMarked, total, base*base)
			if got.cLost+got.lLost != 0 {
				t.Errorf("ECN-capable packets dropped: %+v", got)
			}
		}
	}
}

// A.2: from p_C = p_Cmax on both queues drop everything alike, and what is left
// of the L queue is marked.
func TestRFC9332Overload(t *testing.T) {
	const total = 40000
	for _, base := range []float64{0.5, 0.7, 0.9} {
		got := couple(roomyDualPI2(), base, packet.ECT0, total)
		wantShare(t, "L drops", got.lLost, total, base*base)
		wantShare(t, "Classic drops", got.cLost, total, base*base)
		if got.cMarked != 0 || got.lMarked != total-got.lLost {
			t.Errorf("at %v: %+v", base, got)
		}
	}
}

// The same in a running link, against the sum of what p' prescribed for every
// packet that left.
func TestRFC9332CouplingInALink(t *testing.T) {
	c := DefaultDualPI2()
	c.MinThreshold = time.Hour
	q := NewDualPI2(c)
	n := newNet(t, fabric.LinkConfig{Rate: 10 * units.Mbps, Queue: q})
	var wantL, varL, gotL, wantC, varC, gotC, peak float64
	see := func(p *packet.Packet, lost bool) {
		pL, pC := min(2*q.BaseProbability(), 1), q.BaseProbability()*q.BaseProbability()
		peak = max(peak, q.BaseProbability())
		if p.ECNBefore == packet.ECT1 {
			wantL += pL
			varL += pL * (1 - pL)
			if p.ECN == packet.CE {
				gotL++
			}
			return
		}
		wantC += pC
		varC += pC * (1 - pC)
		if lost {
			gotC++
		}
	}
	n.onDequeued = func(_ simtime.Time, p *packet.Packet, _ time.Duration) { see(p, false) }
	n.onLost = func(_ simtime.Time, p *packet.Packet, _ fabric.DropReason) { see(p, true) }
	random := stream("load")
	n.timer(0, func(now simtime.Time) time.Duration { // 3 Mbit/s
		n.send(now, 1000, withECN(packet.ECT1))
		return time.Duration(random.Exponential(float64(2667 * time.Microsecond)))
	})
	n.timer(0, func(now simtime.Time) time.Duration { // 7.3 Mbit/s: 4 % too much
		n.send(now, 1000, nil)
		return time.Duration(random.Exponential(float64(1096 * time.Microsecond)))
	})
	n.run(60 * time.Second)
	t.Logf("L marks %v, Σk·p' %.1f; Classic drops %v, Σp'² %.1f; p' up to %.2f", gotL, wantL, gotC, wantC, peak)
	if math.Abs(gotL-wantL) > 4*math.Sqrt(varL)+2 || math.Abs(gotC-wantC) > 4*math.Sqrt(varC)+2 {
		t.Error("the coupling law isn't met")
	}
	if gotL < 1000 || gotC < 500 || peak >= 0.5 {
		t.Error("the load doesn't test anything")
	}
}

// Figure 5 with Th_len: a ramp, or a step.
func TestRFC9332NativeAQM(t *testing.T) {
	ramp, step := roomyDualPI2(), roomyDualPI2()
	step.MinThreshold, step.Range = ms, 0
	for _, w := range []struct {
		c    DualPI2Config
		wait time.Duration
		want float64
	}{
		{ramp, 800 * time.Microsecond, 0},
		{ramp, 900 * time.Microsecond, 0.25},
		{ramp, 1100 * time.Microsecond, 0.75},
		{ramp, 1200 * time.Microsecond, 1},
		{step, ms - 1, 0},
		{step, ms, 1},
	} {
		const total = 4000
		r := &rig{q: NewDualPI2(w.c)}
		marked := 0.0
		r.put(0, 1000, packet.ECT1)
		for range total {
			r.put(0, 1000, packet.ECT1)
			if r.take(simtime.At(w.wait)).ECN == packet.CE {
				marked++
			}
		}
		wantShare(t, w.wait.String(), marked, total, w.want)
		if p := r.take(simtime.At(w.wait)); p.ECN != packet.ECT1 {
			t.Errorf("%v: a packet alone was marked", w.wait)
		}
	}
}

// Figure 8, with the delays of the packets at the heads.
func TestRFC9332Update(t *testing.T) {
	q := NewDualPI2(roomyDualPI2())
	r := &rig{q: q}
	r.put(simtime.At(10*ms), 1000, packet.NotECT)
	r.put(simtime.At(20*ms), 1000, packet.NotECT)
	r.put(simtime.At(15*ms), 1000, packet.ECT1)
	want := 0.0
	before := 0.0
	step := func(now, curq time.Duration) {
		t.Helper()
		q.Update(simtime.At(now))
		want += 0.16*(curq.Seconds()-0.015) + 3.2*(curq.Seconds()-before)
		want = max(want, 0)
		before = curq.Seconds()
		if math.Abs(q.BaseProbability()-want) > 1e-12 {
			t.Errorf("p' is %v at %v, want %v", q.BaseProbability(), now, want)
		}
	}
	step(50*ms, 40*ms)
	r.take(simtime.At(50 * ms)) // the L packet: 35 ms old
	step(66*ms, 56*ms)
	r.take(simtime.At(66 * ms))
	step(82*ms, 62*ms)
	r.take(simtime.At(82 * ms))
	step(98*ms, 0)
	r.put(simtime.At(99*ms), 1000, packet.ECT1) // A.2: the L queue counts as well
	step(149*ms, 50*ms)
}

// A.1: the credit moves only while both queues have packets, and an idle link
// starts with the L queue.
func TestRFC9332CreditIsForCompetition(t *testing.T) {
	q := NewDualPI2(roomyDualPI2())
	r := &rig{q: q}
	lowFirst := func(when string) {
		t.Helper()
		r.put(0, 1000, packet.NotECT)
		r.put(0, 1000, packet.ECT1)
		if p := r.take(0); p.ECN != packet.ECT1 {
			t.Errorf("%s the Classic queue goes first", when)
		}
		r.take(0)
	}
	for range 100 {
		r.put(0, 1000, packet.ECT1)
		r.take(0)
	}
	lowFirst("after L packets that nobody competed with")
	q.credit = 5
	r.take(0) // nothing there
	lowFirst("after a pause")
}

// MinBacklog spares what is left of a short queue.
func TestRFC9332MinBacklog(t *testing.T) {
	c := roomyDualPI2()
	c.MinBacklog = 2 * MTU
	q := NewDualPI2(c)
	q.p, q.pCL, q.pC = 0.9, 1, 0.81
	r := &rig{q: q}
	for range 1000 {
		r.put(0, 1500, packet.NotECT)
		r.take(0)
	}
	if len(r.dropped) != 0 {
		t.Errorf("%d packets of an otherwise empty queue dropped", len(r.dropped))
	}
	for range 1000 {
		r.put(0, 1500, packet.NotECT)
	}
	r.take(0)
	for r.take(0) != nil {
	}
	wantShare(t, "drops of a long queue", float64(len(r.dropped)), 1000, 0.81)
}

// A.2 and §4.2.2: unresponsive L traffic leaves the Classic queue its weight.
func TestRFC9332WeightedScheduler(t *testing.T) {
	c := roomyDualPI2()
	r := &rig{q: NewDualPI2(c)}
	for range 20000 {
		r.put(0, 1500, packet.ECT1)
		r.put(0, 500, packet.NotECT)
	}
	var low, classic units.Bytes
	for range 10000 {
		if p := r.take(0); p.ECN == packet.NotECT {
			classic += p.Size
		} else {
			low += p.Size
		}
	}
	if share := float64(classic) / float64(low+classic); math.Abs(share-1.0/16) > 0.001 {
		t.Errorf("the Classic queue got %.4f of the bytes, want 1/16", share)
	}
}

// The purpose of it all: flows of both kinds get about equal rates, L4S packets
// hardly wait, and the Classic queue keeps its target.
func TestRFC9332Coexistence(t *testing.T) {
	for _, ecn := range []packet.ECN{packet.NotECT, packet.ECT0} {
		e := newEnsemble(t, NewDualPI2(DefaultDualPI2()), 40*units.Mbps, 20*ms)
		for range 2 {
			e.add(ecn, false)
			e.add(packet.ECT1, true)
		}
		m := e.measure(10*time.Second, 50*time.Second)
		ratio := float64(e.octets[1]+e.octets[3]) / float64(e.octets[0]+e.octets[2])
		t.Logf("L4S to Classic rate %.2f; L delay %.2f ms (99 %%: %.2f), Classic %.1f ms; utilization %.3f",
			ratio, m.meanMS[1], m.p99MS[1], m.meanMS[0], m.utilization)
		if ratio < 0.5 || ratio > 2 {
			t.Errorf("L4S flows get %.2f times the rate of Classic ones", ratio)
		}
		if m.meanMS[1] > 1 || m.p99MS[1] > 2 {
			t.Errorf("L4S packets wait %.2f ms, 99 %% of them up to %.2f", m.meanMS[1], m.p99MS[1])
		}
		if m.meanMS[0] < 10 || m.meanMS[0] > 20 || m.utilization < 0.9 {
			t.Errorf("Classic packets wait %.1f ms, want 15; utilization %.3f", m.meanMS[0], m.utilization)
		}
	}
}

// §2.5.1.1: packets that another classifier put beside their queue.
func TestRFC9332OtherClassifiers(t *testing.T) {
	const total, base = 40000, 0.2
	for _, w := range []struct {
		ecn          packet.ECN
		low          bool
		marked, lost float64
	}{
		{packet.ECT0, true, base * base, 0},
		{packet.NotECT, true, 0, base * base},
		{packet.ECT1, false, 2 * base, 0},
	} {
		c := roomyDualPI2()
		c.Low = func(*packet.Packet) bool { return w.low }
		q := NewDualPI2(c)
		q.p, q.pCL, q.pC = base, 2*base, base*base
		r := &rig{q: q}
		marked := 0.0
		for range total {
			r.put(0, 1000, w.ecn)
			if p := r.take(0); p != nil && p.ECN == packet.CE {
				marked++
			}
		}
		wantShare(t, "marks", marked, total, w.marked)
		wantShare(t, "drops", float64(len(r.dropped)), total, w.lost)
	}
}
