package nada

import (
	"math"
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

func newTest(t testing.TB, settings map[string]string) *controller {
	t.Helper()
	spec, _ := ccontrol.Lookup("nada")
	c, err := spec.Build(ccontrol.Limits{Min: 150 * units.Kbps, Max: 1500 * units.Kbps, Start: 150 * units.Kbps}, settings)
	if err != nil {
		t.Fatal(err)
	}
	return c.(*controller)
}

func wantNear(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9*math.Max(1, math.Abs(want)) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

// Equations (3) and (4): gamma = 50/(100+100+120) = 0.15625.
func TestAcceleratedRampUp(t *testing.T) {
	s := &newTest(t, nil).sender
	s.onFeedback(simtime.At(100*time.Millisecond), 100*time.Millisecond, feedback{rmode: rampUp, rRecv: 400_000})
	wantNear(t, "r_ref", s.rRef, 400_000*1.15625)
	// It never lowers the rate.
	s.onFeedback(simtime.At(200*time.Millisecond), 0, feedback{rmode: rampUp, rRecv: 100_000})
	wantNear(t, "r_ref", s.rRef, 462_500)
}

func TestGammaIsBounded(t *testing.T) {
	s := &newTest(t, map[string]string{"qbound": "500ms"}).sender
	s.onFeedback(1, time.Millisecond, feedback{rmode: rampUp, rRecv: 400_000})
	wantNear(t, "r_ref", s.rRef, 600_000)
}

// Equations (5) to (7), worked by hand: r_ref = 1 Mbit/s, RMAX = 1.5,
// delta = 100 ms, x_curr = 40, x_prev = 30:
// x_offset = 40 - 10·1.5 = 25; x_diff = 10;
// r = 1e6·(1 - 0.5·(100/500)·(25/500) - 0.5·2·10/500) = 1e6·(1 - 0.005 - 0.02).
func TestGradualUpdate(t *testing.T) {
	s := &newTest(t, nil).sender
	s.rRef, s.xPrev = 1e6, 30
	s.onFeedback(simtime.At(100*time.Millisecond), 0, feedback{rmode: gradual, xCurr: 40})
	wantNear(t, "r_ref", s.rRef, 975_000)
}

// Equations (8) and (9).
func TestClipping(t *testing.T) {
	s := &newTest(t, nil).sender
	s.onFeedback(simtime.At(100*time.Millisecond), 0, feedback{rmode: gradual, xCurr: 500})
	wantNear(t, "r_ref", s.rRef, 150_000)
	s.onFeedback(simtime.At(200*time.Millisecond), 0, feedback{rmode: rampUp, rRecv: 1e7})
	wantNear(t, "r_ref", s.rRef, 1_500_000)
}

// At equilibrium x_curr = PRIO·XREF·RMAX/r_ref (§4.3), the rate stays.
func TestEquilibrium(t *testing.T) {
	for _, prio := range []string{"1", "2"} {
		s := &newTest(t, map[string]string{"prio": prio}).sender
		s.rRef = 800_000
		x := s.p.prio * 10 * 1.5e6 / 0.8e6
		s.xPrev = x
		s.onFeedback(simtime.At(100*time.Millisecond), 0, feedback{rmode: gradual, xCurr: x})
		wantNear(t, "r_ref with priority "+prio, s.rRef, 800_000)
	}
}

// The RFC's example in §5.2.2: 2000 bytes in the rate-shaping buffer lead to an
// adjustment of 48 kbit/s, unless that is more than 5 % of r_ref.
func TestRateShapingBuffer(t *testing.T) {
	c := newTest(t, nil)
	c.sender.rRef = 1_000_000
	c.sender.bufferLen = 2000
	got := c.Target()
	if got.Media != 952_000 || got.Pacing != 1_048_000 {
		t.Errorf("media %v, pacing %v; want 952 and 1048 kbit/s", got.Media, got.Pacing)
	}
	c.sender.bufferLen = 200_000
	if got := c.Target(); got.Media != 950_000 {
		t.Errorf("media %v, want 950 kbit/s: the bound of 5 %%", got.Media)
	}
}

// network feeds a receiver with packets of a constant gap and a delay that the
// test sets.
type network struct {
	c    *controller
	seq  uint64
	now  simtime.Time
	size units.Bytes
}

func (n *network) send(count int, delay time.Duration, lost bool) {
	for range count {
		n.now = n.now.Add(10 * time.Millisecond)
		n.c.receiver.onPacket(ccontrol.PacketResult{
			Seq: n.seq, Size: n.size, Sent: n.now, Received: !lost, Arrival: n.now.Add(delay), ECN: packet.NotECT,
		})
		n.seq++
	}
}

func (n *network) report(delay time.Duration) feedback { return n.c.receiver.report(n.now.Add(delay)) }

func TestQueuingDelayIsFilteredMinimum(t *testing.T) {
	n := &network{c: newTest(t, nil), size: 1250}
	n.send(50, 50*time.Millisecond, false)
	n.send(1, 90*time.Millisecond, false) // a spike
	f := n.report(50 * time.Millisecond)
	if f.xCurr != 0 || f.rmode != rampUp {
		t.Errorf("one spike gives x_curr %v and mode %v", f.xCurr, f.rmode)
	}
	n.send(15, 80*time.Millisecond, false) // a queue: all 15 samples
	f = n.report(80 * time.Millisecond)
	wantNear(t, "x_curr", f.xCurr, 30)
	if f.rmode != gradual {
		t.Error("a queue of 30 ms leaves the ramp-up on")
	}
	// The mode goes back once LOGWIN is clean.
	n.send(70, 50*time.Millisecond, false)
	if f = n.report(50 * time.Millisecond); f.rmode != rampUp || f.xCurr != 0 {
		t.Errorf("after the queue has gone: x_curr %v, mode %v", f.xCurr, f.rmode)
	}
}

func TestReceivingRate(t *testing.T) {
	n := &network{c: newTest(t, nil), size: 1250}
	n.send(200, 50*time.Millisecond, false) // 1250 B every 10 ms: 1 Mbit/s
	if f := n.report(50 * time.Millisecond); math.Abs(f.rRecv-1e6) > 25e3 {
		t.Errorf("r_recv = %v, want 1 Mbit/s", f.rRecv)
	}
}

// Equations (2) and (10): after one report with 10 % loss, p_loss = 0.01 and
// the penalty is DLOSS·1.
func TestLossPenalty(t *testing.T) {
	n := &network{c: newTest(t, nil), size: 1250}
	n.send(45, 50*time.Millisecond, false)
	n.send(5, 0, true)
	f := n.report(50 * time.Millisecond)
	wantNear(t, "p_loss", n.c.receiver.pLoss, 0.1*5.0/50)
	wantNear(t, "x_curr", f.xCurr, 10)
	if f.rmode != gradual {
		t.Error("loss leaves the ramp-up on")
	}
}

// Reordering is loss (§5.1.2): what was counted stays counted.
func TestLateArrivalStaysLost(t *testing.T) {
	r := &newTest(t, nil).receiver
	r.onPacket(ccontrol.PacketResult{Seq: 0, Received: true, Size: 100, Arrival: 1000})
	r.onPacket(ccontrol.PacketResult{Seq: 1})
	r.onPacket(ccontrol.PacketResult{Seq: 2, Received: true, Size: 100, Arrival: 2000})
	before := len(r.window)
	r.onPacket(ccontrol.PacketResult{Seq: 1, Received: true, Size: 100, Arrival: 3000})
	if len(r.window) != before {
		t.Error("a straggler was counted again")
	}
}

// Equation (1): at d_queue = 100 ms the warped delay is 50·e^-0.5, while losses
// are recent; then it returns to d_queue.
func TestWarpingExpires(t *testing.T) {
	n := &network{c: newTest(t, nil), size: 1250}
	r := &n.c.receiver
	n.send(100, 50*time.Millisecond, false)
	if r.dQueue = 100; r.warp() != 100 {
		t.Error("warped although there was no loss")
	}
	for range 9 { // a loss every 20 packets
		n.send(19, 50*time.Millisecond, false)
		n.send(1, 0, true)
	}
	r.dQueue = 100
	wantNear(t, "d_tilde", r.warp(), 50*math.Exp(-0.5))
	if r.dQueue = 40; r.warp() != 40 {
		t.Error("warped below QTH")
	}
	n.send(7*20+10, 50*time.Millisecond, false) // half way through the transition
	r.dQueue = 100
	wantNear(t, "d_tilde in transition", r.warp(), 0.5*100+0.5*50*math.Exp(-0.5))
	n.send(10, 50*time.Millisecond, false)
	if r.dQueue = 100; r.warp() != 100 {
		t.Error("the loss didn't expire after 8 loss intervals")
	}
}

func TestMarkPenalty(t *testing.T) {
	r := &newTest(t, nil).receiver
	for i := range 50 {
		at := simtime.At(time.Duration(i) * 10 * time.Millisecond)
		ecn := packet.ECT0
		if i%2 == 0 {
			ecn = packet.CE
		}
		r.onPacket(ccontrol.PacketResult{Seq: uint64(i), Received: true, Size: 100, Sent: at, Arrival: at, ECN: ecn})
	}
	f := r.report(simtime.At(490 * time.Millisecond))
	wantNear(t, "x_curr", f.xCurr, 2*25) // p_mark = 0.1·0.5 = 5·PMRREF
}

func TestSignalIsBounded(t *testing.T) {
	n := &network{c: newTest(t, nil), size: 1250}
	n.send(10, 50*time.Millisecond, false)
	for range 20 {
		n.send(40, 0, true)
		n.send(1, 50*time.Millisecond, false)
		n.report(50 * time.Millisecond)
	}
	if f := n.report(50 * time.Millisecond); f.xCurr != 500 {
		t.Errorf("x_curr = %v, want XMAX", f.xCurr)
	}
}

func TestBaseDelayExpires(t *testing.T) {
	b := baseDelay{horizon: 10 * time.Second}
	b.update(0, 50)
	for s := 1; s <= 9; s++ {
		if got := b.update(simtime.At(time.Duration(s)*time.Second), 80); got != 50 {
			t.Fatalf("base is %v after %d s", got, s)
		}
	}
	if got := b.update(simtime.At(11*time.Second), 80); got != 80 {
		t.Errorf("base is %v after the horizon, want 80", got)
	}
}

func TestParametersOfTable2(t *testing.T) {
	p := newTest(t, nil).sender.p
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"PRIO", p.prio, 1},
		{"XREF", p.xref, 10},
		{"KAPPA", p.kappa, 0.5},
		{"ETA", p.eta, 2},
		{"TAU", p.tau, 500},
		{"DELTA", p.delta, 100},
		{"QEPS", p.qeps, 10},
		{"DFILT", p.dfilt, 120},
		{"GAMMA_MAX", p.gammaMax, 0.5},
		{"QBOUND", p.qbound, 50},
		{"MULTILOSS", p.multiloss, 7},
		{"QTH", p.qth, 50},
		{"LAMBDA", p.lambda, 0.5},
		{"PLRREF", p.plrref, 0.01},
		{"PMRREF", p.pmrref, 0.01},
		{"DLOSS", p.dloss, 10},
		{"DMARK", p.dmark, 2},
		{"FPS", p.fps, 30},
		{"BETA_S", p.betaS, 0.1},
		{"BETA_V", p.betaV, 0.1},
		{"ALPHA", p.alpha, 0.1},
		{"LOGWIN", ms(p.logwin), 500},
		{"RMIN", p.rmin, 150_000},
		{"RMAX", p.rmax, 1_500_000},
	} {
		if c.got != c.want {
			t.Errorf("%s = %v, want %v", c.name, c.got, c.want)
		}
	}
}
