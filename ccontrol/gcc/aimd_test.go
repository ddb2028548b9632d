package gcc

import (
	"math"
	"testing"
	"time"
)

// The table of draft §5.5.
func TestRateStates(t *testing.T) {
	for _, c := range []struct {
		signal usage
		want   [3]rateState // from hold, increase, decrease
	}{
		{overuse, [3]rateState{decrease, decrease, decrease}},
		{normal, [3]rateState{increase, increase, hold}},
		{underuse, [3]rateState{hold, hold, hold}},
	} {
		for from, want := range c.want {
			if got := rateState(from).next(c.signal); got != want {
				t.Errorf("%v with %d: %v, want %v", rateState(from), c.signal, got, want)
			}
		}
	}
}

func newControl(draft bool) *aimd {
	a := newAIMD(draft, 0.85, 5000, 1e6)
	a.rtt = 100 * msec
	a.state = increase
	a.touch(0)
	return &a
}

// 8 % per second, and no more for a longer time.
func TestMultiplicativeIncrease(t *testing.T) {
	for _, draft := range []bool{false, true} {
		for _, c := range []struct {
			after time.Duration
			want  float64
		}{
			{time.Second, 1.08e6},
			{500 * msec, 1e6 * math.Sqrt(1.08)},
			{time.Minute, 1.08e6},
		} {
			a := newControl(draft)
			a.update(at(c.after), normal, 1e6)
			wantNear(t, "rate", a.rate, c.want)
		}
	}
}

// libwebrtc grows by at least 1 kbit/s per update.
func TestLeastIncrease(t *testing.T) {
	a := newControl(false)
	a.update(at(msec), normal, 1e6)
	wantNear(t, "rate", a.rate, 1_001_000)
}

// At 1 Mbit/s a frame has 33,333 bits in 4 packets of 8,333; the response time is
// 200 ms. In 100 ms that is a quarter of a packet.
func TestAdditiveIncrease(t *testing.T) {
	for _, draft := range []bool{false, true} {
		a := newControl(draft)
		a.capacity.onOveruse(1e6)
		a.update(at(100*msec), normal, 1e6)
		wantNear(t, "rate", a.rate, 1e6+0.25*1e6/30/4)
	}
	// The least slopes: 4 kbit/s² in libwebrtc, 1 kbit/s per update in the draft.
	for draft, want := range map[bool]float64{false: 10_400, true: 11_000} {
		a := newControl(draft)
		a.rate = 10_000
		a.capacity.onOveruse(1e4)
		a.update(at(100*msec), normal, 1e4)
		wantNear(t, "rate", a.rate, want)
	}
}

// A_hat < 1.5·R_hat; libwebrtc leaves another 10 kbit/s.
func TestIncreaseIsLimited(t *testing.T) {
	for draft, want := range map[bool]float64{false: 1_060_000, true: 1_050_000} {
		a := newControl(draft)
		a.update(at(time.Second), normal, 700_000)
		wantNear(t, "rate", a.rate, want)
		// One that is above already stays: the application may pause.
		a = newControl(draft)
		a.update(at(time.Second), normal, 100_000)
		wantNear(t, "rate", a.rate, 1e6)
	}
}

func TestDecrease(t *testing.T) {
	for draft, want := range map[bool]float64{false: 675_000, true: 680_000} {
		a := newControl(draft)
		a.update(at(time.Second), overuse, 800_000)
		wantNear(t, "rate", a.rate, want)
		wantNear(t, "link capacity", a.capacity.rate(), 800_000)
		// libwebrtc holds at once, the draft with the next normal.
		if wantState := map[bool]rateState{false: hold, true: decrease}[draft]; a.state != wantState {
			t.Errorf("state %v, want %v", a.state, wantState)
		}
	}
}

// More gets through than was thought to be the rate: over-use doesn't raise it.
func TestDecreaseNeverRaises(t *testing.T) {
	a := newControl(false)
	a.update(at(time.Second), overuse, 3e6)
	if a.rate > 1e6 {
		t.Errorf("over-use raised the rate to %v", a.rate)
	}
	a = newControl(false)
	a.capacity.onOveruse(900_000)
	a.update(at(time.Second), overuse, 3e6)
	wantNear(t, "rate by the link capacity", a.rate, 0.85*900_000)
}

func TestMayReduce(t *testing.T) {
	a := newControl(false)
	for _, c := range []struct {
		after      time.Duration
		throughput float64
		want       bool
	}{
		{99 * msec, 900_000, false},
		{100 * msec, 900_000, true},
		{msec, 499_999, true},
	} {
		if got := a.mayReduce(at(c.after), c.throughput); got != c.want {
			t.Errorf("after %v with %v: %v", c.after, c.throughput, got)
		}
	}
	a.rtt = time.Hour // at most 200 ms
	if !a.mayReduce(at(200*msec), 1e6) {
		t.Error("no further decrease after 200 ms")
	}
}

// The deviation is at least 0.4 times the estimate in kbit/s: at 1 Mbit/s
// 20 kbit/s, three times that is 60.
func TestLinkCapacity(t *testing.T) {
	var l linkCapacity
	if lower, upper := l.bounds(); lower != 0 || !math.IsInf(upper, 1) {
		t.Errorf("bounds %v and %v of nothing", lower, upper)
	}
	l.onOveruse(1e6)
	lower, upper := l.bounds()
	wantNear(t, "lower", lower, 940_000)
	wantNear(t, "upper", upper, 1_060_000)
	l.onOveruse(900_000)
	wantNear(t, "estimate", l.rate(), 995_000)
	// (995-900)²/995·0.05 + 0.95·0.4
	wantNear(t, "variance", l.variance, 95*95/995.0*0.05+0.38)
}

// What gets through leaves the bounds: the average is forgotten.
func TestLinkCapacityIsForgotten(t *testing.T) {
	a := newControl(false)
	a.capacity.onOveruse(1e6)
	a.update(at(100*msec), normal, 1_100_000)
	if a.capacity.known {
		t.Error("kept although more gets through")
	}
	a.capacity.onOveruse(1e6)
	a.update(at(200*msec), overuse, 500_000)
	wantNear(t, "link capacity", a.capacity.rate(), 500_000)
}
