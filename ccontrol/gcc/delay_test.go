package gcc

import (
	"math"
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
)

const msec = time.Millisecond

func wantNear(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-9*math.Max(1, math.Abs(want))) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

func at(d time.Duration) simtime.Time { return simtime.At(d) }

// packetAt is a packet that left and arrived at these times, in milliseconds.
func packetAt(sent, arrival float64) *ccontrol.PacketResult {
	d := func(v float64) time.Duration { return time.Duration(v * float64(msec)) }
	return &ccontrol.PacketResult{Size: 1200, Sent: at(d(sent)), Received: true, Arrival: at(d(arrival))}
}

// Draft §5.2: packets within 5 ms of the first one are a group, and so are those
// that catch up with it.
func TestGroups(t *testing.T) {
	type step struct {
		sent, arrival float64
		want          *deltas
	}
	for name, steps := range map[string][]step{
		"bursts": {
			{0, 50, nil}, {4, 54, nil}, // T(1) = 4, t(1) = 54
			{20, 75, nil}, // begins the second group; there is nothing to compare yet
			{40, 91, &deltas{16 * msec, 21 * msec}},
		},
		"a burst at the receiver": {
			{0, 50, nil}, {20, 100, nil}, {40, 101, nil}, {60, 103, nil}, // 20, 40 and 60 belong together
			{80, 140, &deltas{60 * msec, 53 * msec}},
		},
		"out of order": {
			{0, 50, nil}, {20, 70, nil}, {10, 75, nil}, {40, 91, &deltas{20 * msec, 20 * msec}},
		},
		"the receiver's clock is set forward": {
			{0, 50, nil},
			{20, 5070, nil},
			{40, 5090, nil},
			{60, 5110, nil},
			{80, 5130, nil},
			{100, 5150, &deltas{20 * msec, 20 * msec}},
		},
	} {
		g := grouper{burst: 5 * msec}
		for i, s := range steps {
			p := packetAt(s.sent, s.arrival)
			got, ok := g.add(p.Sent.Add(100*msec), p)
			if ok != (s.want != nil) || ok && got != *s.want {
				t.Errorf("%s, packet %d: %v %v, want %v", name, i, got, ok, s.want)
			}
		}
	}
}

// Three groups in a row that arrive before their predecessors mean that the
// reference is wrong.
func TestGroupsStartAnewAfterReordering(t *testing.T) {
	g := grouper{burst: 5 * msec}
	g.add(0, packetAt(0, 900))
	g.add(0, packetAt(20, 1000))
	for i := range 3 {
		g.add(0, packetAt(40+20*float64(i), 500+20*float64(i)))
	}
	g.add(0, packetAt(120, 600))
	g.add(0, packetAt(140, 620))
	g.add(0, packetAt(160, 640))
	if d, ok := g.add(0, packetAt(180, 660)); !ok || d != (deltas{20 * msec, 20 * msec}) {
		t.Errorf("after the reset %v %v", d, ok)
	}
}

// Each group is 5 ms late, 15 ms apart. Accumulated 5, 10, 15; smoothed with 0.9:
// 0.5, 1.45, 2.805. The line through (0, 0.5), (15, 1.45), (30, 2.805) has the slope
// (15·2.805 - 15·0.5) / (2·15²).
func TestTrendline(t *testing.T) {
	f := newTrendline(3, 0.9, 4)
	d := deltas{sent: 10 * msec, arrival: 15 * msec}
	for i := range 2 {
		if trend, scaled := f.update(at(time.Duration(i)*15*msec), d); trend != 0 || scaled != 0 {
			t.Errorf("a trend of %v before the window is full", trend)
		}
	}
	trend, scaled := f.update(at(30*msec), d)
	wantNear(t, "slope", trend, 34.575/450)
	wantNear(t, "modified trend", scaled, 3*4*34.575/450)
}

// A queue that grows by a tenth of the time has the slope 0.1, whatever the
// spacing, once the smoothing has settled.
func TestTrendlineIsRelativeExcess(t *testing.T) {
	f := newTrendline(20, 0.9, 4)
	var trend float64
	for i := range 200 {
		trend, _ = f.update(at(time.Duration(i)*11*msec), deltas{sent: 9900 * time.Microsecond, arrival: 11 * msec})
	}
	wantNear(t, "slope", trend, 0.1)
}

func TestTrendlineAtOneMoment(t *testing.T) {
	f := newTrendline(2, 0.9, 4)
	for range 10 {
		if trend, _ := f.update(at(time.Second), deltas{arrival: msec}); trend != 0 {
			t.Fatalf("slope %v of groups that arrive at once", trend)
		}
	}
}

// Draft §5.3 with d(1) = 10 ms and groups 10 ms apart: alpha = 0.99^0.3,
// var_v_hat = alpha·50 + (1-alpha)·100, k = 0.101/(var_v_hat+0.101).
func TestKalmanStep(t *testing.T) {
	k := newKalman(0.001, 0.1, 0.01)
	trend, scaled := k.update(0, deltas{sent: 10 * msec, arrival: 20 * msec})
	alpha := math.Pow(0.99, 0.3)
	variance := alpha*50 + (1-alpha)*100
	gain := 0.101 / (variance + 0.101)
	wantNear(t, "var_v_hat", k.varV, variance)
	wantNear(t, "m_hat", trend, 10*gain)
	wantNear(t, "weighted m_hat", scaled, 10*gain)
	wantNear(t, "e", k.e, (1-gain)*0.101)

	// The second: z = d - m_hat, and twice the weight.
	before := k.mHat
	trend, scaled = k.update(0, deltas{sent: 10 * msec, arrival: 8 * msec})
	z := -2 - before
	variance = alpha*variance + (1-alpha)*z*z
	predicted := (1-gain)*0.101 + 0.001
	wantNear(t, "m_hat", trend, before+z*predicted/(variance+predicted))
	wantNear(t, "weighted m_hat", scaled, 2*trend)
}

// A residual of more than three standard deviations counts as three, and the
// variance is at least 1.
func TestKalmanVariance(t *testing.T) {
	k := newKalman(0.001, 0.1, 0.01)
	k.update(0, deltas{sent: 10 * msec, arrival: time.Second})
	alpha := math.Pow(0.99, 0.3)
	wantNear(t, "var_v_hat after an outlier", k.varV, alpha*50+(1-alpha)*450)
	for range 10000 {
		k.update(0, deltas{sent: 10 * msec, arrival: 10 * msec})
	}
	wantNear(t, "var_v_hat on a calm path", k.varV, 1)
}

// f_max is the highest rate among the last five groups.
func TestKalmanFastestRate(t *testing.T) {
	k := newKalman(0.001, 0.1, 0.01)
	for _, gap := range []time.Duration{5, 40, 30, 20, 50} {
		k.update(0, deltas{sent: gap * msec, arrival: gap * msec})
	}
	wantNear(t, "1/f_max", k.shortest(), 5)
	k.update(0, deltas{sent: 60 * msec, arrival: 60 * msec})
	wantNear(t, "1/f_max", k.shortest(), 20)
}

func newDetector() *detector {
	d := &detector{kUp: 0.0087, kDown: 0.039, firstThreshold: 12.5, patience: 10}
	d.reset()
	d.update(0, 0, 0, 10)
	return d
}

// del_var_th(i) = del_var_th(i-1) + (t(i)-t(i-1))·K(i)·(|m(i)|-del_var_th(i-1)).
func TestThreshold(t *testing.T) {
	for _, c := range []struct {
		what   string
		after  time.Duration
		scaled float64
		want   float64
	}{
		{"above", 10 * msec, 20, 12.5 + 0.0087*7.5*10},
		{"below zero counts alike", 10 * msec, -20, 12.5 + 0.0087*7.5*10},
		{"under", 10 * msec, 2.5, 12.5 - 0.039*10*10},
		{"not below 6", 100 * msec, 0, 6},
		{"a long time counts as 100 ms", time.Hour, 20, 12.5 + 0.0087*7.5*100},
		{"15 ms beyond is still followed", 10 * msec, 27.5, 12.5 + 0.0087*15*10},
		{"a spike isn't", 10 * msec, 27.6, 12.5},
		{"time that runs backwards", -10 * msec, 20, 12.5},
	} {
		d := newDetector()
		d.update(at(c.after), 0, c.scaled, 10)
		wantNear(t, c.what, d.threshold, c.want)
	}
}

func TestThresholdIsBounded(t *testing.T) {
	d := newDetector()
	for i := range 10000 {
		d.update(at(time.Duration(i)*100*msec), 1, d.threshold+15, 10)
	}
	wantNear(t, "threshold", d.threshold, 600)
}

// Over-use is signalled after more than 10 ms in more than one group, if the trend
// doesn't fall (draft §5.4).
func TestDetector(t *testing.T) {
	type step struct {
		trend, scaled, sent float64
		want                usage
	}
	for name, steps := range map[string][]step{
		"lasting over-use": {{1, 20, 8, normal}, {1, 20, 8, overuse}},
		"one long group":   {{1, 20, 100, normal}},
		"too short":        {{1, 20, 2, normal}, {1, 20, 2, normal}, {1, 20, 2, normal}},
		"a falling trend":  {{2, 25, 8, normal}, {1.9, 24, 8, normal}, {1.8, 23, 8, normal}, {1.8, 23, 8, overuse}},
		"interrupted":      {{1, 20, 8, normal}, {0, 0, 8, normal}, {1, 20, 8, normal}},
		"under-use":        {{-1, -20, 8, underuse}, {0, 0, 8, normal}},
		"it stays":         {{1, 20, 8, normal}, {1, 20, 8, overuse}, {1, 20, 8, overuse}, {0, 0, 8, normal}},
	} {
		d := newDetector()
		for i, s := range steps {
			if d.update(at(msec), s.trend, s.scaled, s.sent); d.state != s.want {
				t.Errorf("%s, group %d: %v, want %v", name, i, d.state, s.want)
			}
		}
	}
}
