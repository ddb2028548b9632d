package tcp

import (
	"slices"
	"testing"
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// The model finds rate and round trip, and the queue stays short in a buffer of
// a second. With a second flow it never runs empty by itself, and ProbeRTT does
// that every ten seconds.
func TestBBRModel(t *testing.T) {
	n := newNet(t, 1, bottleneck(10*units.Mbps, 20*ms, time.Second), pipe(20*ms))
	p := n.connect(0, 0, Config{Control: ControlBBR}, Config{})
	p.snd.Write(Unlimited)
	b := p.snd.control.(*bbr)
	var modes []bbrMode
	small := 0
	p.src.after = func(simtime.Time) {
		if len(modes) == 0 || modes[len(modes)-1] != b.mode {
			modes = append(modes, b.mode)
		}
		if b.mode == bbrProbeRTT && p.snd.InFlight() <= 4*1448 {
			small++
		}
	}
	other := n.connect(8*time.Second, 0, Config{Control: ControlBBR}, Config{})
	other.snd.Write(Unlimited)
	n.run(5 * time.Second)
	got := p.rcv.Received()
	if len(modes) != 3 {
		t.Errorf("modes %v", modes)
	}
	n.resume(8 * time.Second)
	share := float64(p.rcv.Received()-got) * 8 / 3 / (10e6 * 1448 / 1500)
	t.Logf("%.3f of the capacity, BtlBw %.0f octets/s, RTProp %v, SRTT %v, modes %v", share, b.btlBw.best(), b.rtProp, p.snd.SRTT(), modes)
	if share < 0.95 {
		t.Errorf("%.3f of the capacity", share)
	}
	if r := b.btlBw.best() / (10e6 / 8 * 1448 / 1500); r < 0.98 || r > 1.03 {
		t.Errorf("BtlBw is %.3f of the true one", r)
	}
	if b.rtProp < 41*ms || b.rtProp > 45*ms {
		t.Errorf("RTProp %v", b.rtProp)
	}
	if p.snd.SRTT() > 70*ms {
		t.Errorf("SRTT %v", p.snd.SRTT())
	}
	n.resume(60 * time.Second)
	both := float64(p.rcv.Received()-got+other.rcv.Received()) * 8 / 55 / (10e6 * 1448 / 1500)
	t.Logf("two flows: %.3f of the capacity, modes %v, received %v and %v", both, modes, p.rcv.Received(), other.rcv.Received())
	if both < 0.93 {
		t.Errorf("two flows get %.3f of the capacity", both)
	}
	want := []bbrMode{bbrStartup, bbrDrain, bbrProbeBW, bbrProbeRTT, bbrProbeBW}
	if len(modes) < len(want) || small == 0 {
		t.Fatalf("modes %v, %d times small", modes, small)
	}
	for i, m := range want {
		if modes[i] != m {
			t.Errorf("modes %v", modes)
			break
		}
	}
}

// Random loss of 1 % hardly matters, where NewReno gets less than a third.
func TestBBRLoss(t *testing.T) {
	rate := map[string]float64{}
	for _, control := range []string{ControlBBR, ControlNewReno} {
		fwd := bottleneck(10*units.Mbps, 50*ms, 200*ms)
		fwd.Loss = 0.01
		n := newNet(t, 3, fwd, pipe(50*ms))
		p := n.connect(0, 0, Config{Control: control, MinRTO: 200 * ms}, Config{})
		p.snd.Write(Unlimited)
		n.run(30 * time.Second)
		rate[control] = float64(p.rcv.Received()) * 8 / 30
		t.Logf("%s: %.2f Mbit/s, %+v", control, rate[control]/1e6, p.snd.Stats())
	}
	if rate[ControlBBR] < 8e6 || rate[ControlNewReno] > 3e6 {
		t.Errorf("%v", rate)
	}
}

// Draft §4.3.4.3: the gains follow each other, each for a round trip; the one of
// 1.25 until it fills the pipe or something is lost, the one of 0.75 no longer
// than it takes to empty the queue.
func TestBBRCycle(t *testing.T) {
	w := &window{smss: 1000}
	b := newBBR(packet.Addr{}, packet.Addr{})
	b.btlBw.add(1e6, 1)
	b.rtProp, b.mode, b.pacingRate = 100*ms, bbrProbeBW, 1e6 // 100 segments, and 6 of quanta
	for _, v := range []struct {
		gain     float64
		after    time.Duration
		prior    int64 // segments
		lost     int64
		advances bool
	}{
		{1.25, 101 * ms, 130, 0, false},
		{1.25, 101 * ms, 131, 0, true},
		{1.25, 101 * ms, 0, 1, true},
		{1.25, 99 * ms, 200, 1, false},
		{0.75, 101 * ms, 200, 0, true},
		{0.75, 10 * ms, 106, 0, true},
		{0.75, 10 * ms, 107, 0, false},
		{1, 99 * ms, 0, 0, false},
		{1, 101 * ms, 0, 0, true},
	} {
		b.cycleAt, b.pacingGain, b.cycle = 0, v.gain, 2
		b.checkCyclePhase(w, &acknowledgment{now: simtime.At(v.after), priorPipe: v.prior * 1000, lost: v.lost})
		if got := b.cycle == 3; got != v.advances {
			t.Errorf("%+v: advances %v", v, got)
		}
	}
	var gains []float64
	b.cycle = len(bbrCycle) - 1
	for range bbrCycle {
		b.advanceCycle(&acknowledgment{})
		gains = append(gains, b.pacingGain)
	}
	if !slices.Equal(gains, bbrCycle[:]) {
		t.Errorf("gains %v", gains)
	}
}

// The filter is the maximum of the last ten rounds, within what three estimates
// can tell: never below the present rate, and never from before them.
func TestBandwidthFilter(t *testing.T) {
	r := rng.New(1).Stream("filter")
	var f bandwidthFilter
	var all []float64
	for round := range int64(5000) {
		rate := r.Uniform(1, 100)
		all = append(all, rate)
		f.add(rate, round)
		window := all[max(0, len(all)-bandwidthRounds-1):]
		if f.best() < rate || f.best() > slices.Max(window) {
			t.Fatalf("round %d: %v of %v", round, f.best(), window)
		}
	}
}
