package coupled

import (
	"math"
	"testing"
	"time"

	"rtpfabric/sim/simtime"
)

// table is an FSE whose flows note what they are assigned. Rates are in Mbit/s, as in the
// RFC's examples.
type table struct {
	t     *testing.T
	fse   *FSE
	flows []*Flow
	got   []float64
	now   simtime.Time
}

func newTable(t *testing.T, a Algorithm) *table {
	t.Helper()
	return &table{t: t, fse: New(a)}
}

const mbps = 1e6

// join registers a flow in group 1.
func (b *table) join(p, rate, most float64) {
	i := len(b.flows)
	b.flows = append(b.flows, &Flow{P: p, Max: most * mbps})
	b.got = append(b.got, math.NaN())
	b.register(i, rate)
}

func (b *table) register(i int, rate float64) {
	b.fse.Register(b.flows[i], 1, rate*mbps, func(_ simtime.Time, r float64) { b.got[i] = r / mbps })
}

// update calls UPDATE with CC_R and an RTT of 100 ms.
func (b *table) update(i int, ccR float64) {
	b.fse.Update(b.now, b.flows[i], ccR*mbps, 100*time.Millisecond)
}

func (b *table) wantRates(want ...float64) {
	b.t.Helper()
	for i, w := range want {
		if got := b.flows[i].FSER / mbps; math.Abs(got-w) > 0.005 {
			b.t.Errorf("FSE_R(%d) = %.3f, want %.3f", i+1, got, w)
		}
	}
}

func (b *table) wantSCR(want float64) {
	b.t.Helper()
	for _, f := range b.flows {
		if f.Registered() {
			if got := f.Sum() / mbps; math.Abs(got-want) > 0.005 {
				b.t.Errorf("S_CR = %.3f, want %.3f", got, want)
			}
			return
		}
	}
}

func (b *table) wantAssigned(want ...float64) {
	b.t.Helper()
	for i, w := range want {
		if math.Abs(b.got[i]-w) > 0.005 {
			b.t.Errorf("flow %d was assigned %.3f, want %.3f", i+1, b.got[i], w)
		}
	}
}

// §5.3.1, steps (1) to (3): priorities 1 and 2 have a third and two thirds of S_CR (§5.2).
func TestActive(t *testing.T) {
	b := newTable(t, Active)
	b.join(1, 1, 100)
	b.update(0, 9)
	b.wantSCR(9)
	b.wantRates(9)
	b.join(2, 1, 100)
	b.wantSCR(10)     // (1) it adds its FSE_R
	b.wantRates(9, 1) // and nothing else happens before an UPDATE
	b.update(0, 8)    // (a) S_CR = 10 + 8 - 9
	b.wantSCR(9)
	b.wantRates(3, 6)
	b.wantAssigned(3, 6) // (d)
	b.update(1, 9)       // (a) S_CR = 9 + 9 - 6
	b.wantSCR(12)
	b.wantAssigned(4, 8)
	b.fse.Deregister(b.flows[1]) // (2) the entry goes, S_CR stays
	b.wantSCR(12)
	b.update(0, 4)
	b.wantRates(12)
}

// §5.3.1 step (c): nobody gets more than it desires, and the rest goes to the others by
// priority, also when that shows only after they were looked at.
func TestActiveLeavesToOthersWhatIsNotDesired(t *testing.T) {
	b := newTable(t, Active)
	b.join(1, 4, 100)
	b.join(1, 4, 3)
	b.join(2, 4, 2)
	b.wantSCR(9) // initial rates are bounded
	b.update(0, 5)
	b.wantSCR(10)
	b.wantRates(5, 3, 2)
	b.update(0, 2)
	b.wantSCR(7)
	b.wantRates(2.5, 2.5, 2)
	b.update(0, 0.5)
	b.wantSCR(5)
	b.wantRates(1.5, 1.5, 2)
}

// Deviation: nobody gets less than its least rate, and S_CR covers those.
func TestActiveKeepsLeastRates(t *testing.T) {
	b := newTable(t, Active)
	b.join(8, 4, 100)
	b.join(1, 1, 100)
	b.flows[1].Min = 1 * mbps
	b.update(0, 3)
	b.wantSCR(4)
	b.wantRates(3, 1)
	b.update(0, 0)
	b.wantSCR(1)
	b.wantRates(0, 1)
	b.update(0, 1)
	b.wantRates(1, 1)
}

// §5.3.2 step (a).
func TestConservative(t *testing.T) {
	b := newTable(t, Conservative)
	b.join(1, 4, 100)
	b.join(1, 4, 100)
	b.update(0, 5) // DELTA > 0: as algorithm 1
	b.wantSCR(9)
	b.wantRates(4.5, 4.5)
	b.update(0, 3.6) // DELTA < 0: S_CR is lowered in proportion
	b.wantSCR(7.2)
	b.wantAssigned(3.6, 3.6)
	b.now = simtime.At(199 * time.Millisecond)
	b.update(1, 1) // the timer runs for 2 RTTs: neither less
	b.update(0, 9) // nor more
	b.wantSCR(7.2)
	b.wantRates(3.6, 3.6)
	b.now = simtime.At(200 * time.Millisecond)
	b.update(1, 4)
	b.wantSCR(7.6)
}

// A flow that is alone isn't coupled: it does what its controller says.
func TestConservativeAlone(t *testing.T) {
	b := newTable(t, Conservative)
	b.join(1, 4, 100)
	for _, rate := range []float64{5, 3, 2, 4, 1} {
		b.update(0, rate)
		b.wantRates(rate)
	}
}

// Appendix C.1, figure for figure.
func TestPassiveExample(t *testing.T) {
	b := newTable(t, Passive)
	b.join(1, 1, 1000)
	b.update(0, 10)
	b.wantSCR(10)
	b.join(0.5, 1, 1000)
	b.wantSCR(11)
	b.wantRates(10, 1)
	b.update(0, 8)
	b.wantSCR(9)
	b.wantRates(6, 1)
	b.wantDR(8, 1)
	b.update(1, 2)
	b.wantSCR(10)
	b.wantRates(6, 3.333)
	b.wantDR(8, 3.333)
	b.flows[0].Max = 2 * mbps // new_DR
	b.update(0, 7)
	b.wantSCR(11)
	b.wantRates(2, 3.333)
	b.wantDR(2, 3.333)
	b.wantTLO(5.333)
	b.update(1, 4.333)
	b.wantSCR(12)
	b.wantRates(2, 9.333)
	b.wantTLO(0)
	b.fse.Deregister(b.flows[0])
	b.update(1, 7.333)
	if b.flows[0].group != nil {
		t.Error("flow 1 is still there")
	}
	b.wantSCR(9.333)
	if got := b.flows[1].FSER / mbps; math.Abs(got-9.333) > 0.005 {
		t.Errorf("FSE_R(2) = %.3f", got)
	}
}

func (b *table) wantDR(want ...float64) {
	b.t.Helper()
	for i, w := range want {
		if got := b.flows[i].DR / mbps; math.Abs(got-w) > 0.005 {
			b.t.Errorf("DR(%d) = %.3f, want %.3f", i+1, got, w)
		}
	}
}

func (b *table) wantTLO(want float64) {
	b.t.Helper()
	if got := b.flows[1].group.tlo / mbps; math.Abs(got-want) > 0.005 {
		b.t.Errorf("TLO = %.3f, want %.3f", got, want)
	}
}

// Flows that come and go, in the order of the RFC's step (2) or not at all.
func TestJoinAndLeave(t *testing.T) {
	for _, a := range []Algorithm{Active, Conservative, Passive} {
		b := newTable(t, a)
		b.join(1, 1, 10)
		b.join(1, 1, 10)
		b.register(0, 5) // it is there
		b.wantSCR(2)
		b.fse.Deregister(b.flows[0])
		b.fse.Deregister(b.flows[0])
		b.register(0, 1) // before anybody noticed that it had gone
		b.wantSCR(3)
		b.update(0, 1)
		b.fse.Deregister(b.flows[1])
		b.fse.Deregister(b.flows[0])
		if len(b.fse.groups) != 0 {
			t.Errorf("algorithm %d: %d groups are left", a, len(b.fse.groups))
		}
		b.register(1, 1)
		b.wantSCR(1) // nothing is left of the sum either
		if got := b.fse.Update(b.now, b.flows[0], 7, 0); got != 7 {
			t.Errorf("a flow outside has %v", got)
		}
	}
}

func TestMove(t *testing.T) {
	b := newTable(t, Active)
	b.join(1, 4, 100)
	b.join(1, 4, 100)
	b.join(2, 4, 100)
	b.update(0, 4)
	b.wantRates(3, 3, 6)
	b.fse.Move(b.flows[2], 7)
	b.update(0, 3)
	b.wantSCR(6)
	b.wantRates(3, 3, 6)
	b.update(2, 9)
	b.wantRates(3, 3, 9)
	b.fse.Move(b.flows[2], 1)
	b.wantSCR(15)
	b.update(2, 9)
	b.wantRates(3.75, 3.75, 7.5)
	b.fse.Move(b.flows[2], 1)
	b.wantSCR(15)
}

func TestNothingIsAllocated(t *testing.T) {
	for _, a := range []Algorithm{Active, Conservative, Passive} {
		b := newTable(t, a)
		b.join(1, 1, 10)
		b.join(1, 1, 10)
		rate := 1.0
		if n := testing.AllocsPerRun(100, func() {
			rate++
			b.now = b.now.Add(time.Second)
			b.update(0, rate)
			b.update(1, rate/2)
			b.fse.Move(b.flows[0], 2)
			b.fse.Move(b.flows[0], 1)
		}); n > 0 {
			t.Errorf("algorithm %d allocates %v times", a, n)
		}
	}
}
