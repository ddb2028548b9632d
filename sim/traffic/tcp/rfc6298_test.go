package tcp

import (
	"testing"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/simtime"
)

// §2: the estimator's variables after each measurement, computed by hand.
func TestEstimator(t *testing.T) {
	e := newRTTEstimator(time.Second)
	if e.rto != time.Second { // §2.1
		t.Errorf("initial RTO %v", e.rto)
	}
	for i, w := range []struct{ r, srtt, rttvar, rto time.Duration }{
		{800 * ms, 800 * ms, 400 * ms, 2400 * ms}, // §2.2
		{400 * ms, 750 * ms, 400 * ms, 2350 * ms}, // §2.3: rttvar before srtt
		{750 * ms, 750 * ms, 300 * ms, 1950 * ms},
		{1550 * ms, 850 * ms, 425 * ms, 2550 * ms},
		{850 * ms, 850 * ms, 318750 * time.Microsecond, 2125 * ms},
	} {
		e.sample(w.r, 1)
		if e.srtt != w.srtt || e.rttvar != w.rttvar || e.rto != w.rto {
			t.Errorf("after %d: SRTT %v, RTTVAR %v, RTO %v, want %+v", i+1, e.srtt, e.rttvar, e.rto, w)
		}
	}
	for range 200 {
		e.sample(100*ms, 1)
	}
	if e.rto != time.Second { // §2.4
		t.Errorf("RTO %v below its minimum", e.rto)
	}
	e.minimum = 0
	e.sample(100*ms, 1)
	if d := e.rto - e.srtt; d < granularity || d > 2*ms { // §4: G when the variance vanishes
		t.Errorf("RTO − SRTT = %v", d)
	}
	for range 20 {
		e.backOff()
	}
	if e.rto != maxRTO { // §2.5
		t.Errorf("RTO %v", e.rto)
	}
}

// §5.4 to §5.6: the earliest segment is repeated, at doubled intervals, up to
// 60 s; §5.3 with Karn's algorithm: a new measurement takes the back-off away.
func TestBackOff(t *testing.T) {
	for _, noTS := range []bool{false, true} {
		n, fwd, _ := newTapped(t, 50*ms)
		cut := simtime.At(time.Second)
		fwd.fate = func(s tapped) fabric.Fate {
			if s.at >= cut && s.at < simtime.At(200*time.Second) {
				return fabric.Lose
			}
			return fabric.Pass
		}
		p := n.connect(0, 0, Config{NoTimestamps: noTS}, Config{})
		p.snd.Write(10_000)
		n.do(2*time.Second, p, func() { p.snd.Write(1_000_000) })
		n.run(300 * time.Second)
		var at []time.Duration
		first := uint32(0)
		for _, s := range fwd.seen {
			if s.at < cut || s.body == 0 {
				continue
			}
			if first == 0 {
				first = s.Seq
			}
			if s.Seq == first {
				at = append(at, (s.at - simtime.At(2*time.Second)).Duration())
			}
		}
		want := []time.Duration{0, 1, 3, 7, 15, 31, 63, 123, 183, 243}
		if len(at) != len(want) {
			t.Fatalf("sent at %v", at)
		}
		for i := range at {
			if at[i] != want[i]*time.Second {
				t.Errorf("repetition %d after %v, want %d s", i, at[i], want[i])
			}
		}
		if p.snd.RTO() != time.Second || p.rcv.Received() != 1_010_000 {
			t.Errorf("RTO %v, received %d", p.snd.RTO(), p.rcv.Received())
		}
		if s := p.snd.Stats(); s.Timeouts != 9 || s.TimeoutSequences != 1 {
			t.Errorf("%d timeouts in %d rows", s.Timeouts, s.TimeoutSequences)
		}
	}
}

// §3: a segment that was sent twice gives no measurement without timestamps.
func TestKarn(t *testing.T) {
	n, fwd, _ := newTapped(t, 50*ms)
	fwd.fate = func(s tapped) fabric.Fate {
		if s.nth == 0 {
			return fabric.Lose
		}
		return fabric.Pass
	}
	p := n.connect(0, 0, Config{NoTimestamps: true, MinRTO: 200 * ms}, Config{})
	p.snd.Write(1000)
	n.run(10 * time.Second)
	if p.snd.SRTT() != 100*ms || p.snd.Stats().Timeouts != 1 {
		t.Errorf("SRTT %v after %d timeouts", p.snd.SRTT(), p.snd.Stats().Timeouts)
	}
	if p.snd.RTO() < 400*ms { // 300 ms of the handshake, doubled
		t.Errorf("RTO %v: the back-off is gone without a measurement", p.snd.RTO())
	}
}
