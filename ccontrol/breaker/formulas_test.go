package breaker_test

import (
	"math"
	"testing"
	"time"

	"rtpfabric/ccontrol/breaker"
	"rtpfabric/sim/units"
)

func milliseconds(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// RFC 8083 §4.2 and §4.3, with Td = 5 s and k = 5.
//
// conformance: CC-7.1-4, CC-7.1-5
func TestIntervals(t *testing.T) {
	const td = 5 * time.Second
	for _, c := range []struct {
		name                 string
		g                    int
		tf, tr, tdr          float64 // ms
		mediaTimeout, cb     int
		mediaTime, cbSeconds float64 // s
	}{
		{"AVP audio", 1, 20, 100, 5000, 5, 3, 25, 15},
		{"AVP video of 30 fps", 1, 33, 100, 5000, 5, 3, 25, 15},
		{"reduced minimum, 512 kbit/s", 1, 33, 100, 703, 5, 3, 3.5, 2.1},
		{"AVPF, 62.5 ms", 1, 33, 100, 62.5, 8, 16, 0.5, 1},
		{"AVPF, 62.5 ms, long path", 1, 33, 300, 62.5, 24, 48, 1.5, 3},
		{"AVPF, GOP of 30", 30, 33, 100, 500, 5, 20, 2.5, 10},
		{"AVPF, GOP of 250 at 25 fps", 250, 40, 100, 500, 5, 30, 2.5, 15},
		{"AVPF, trr-int 4 s", 1, 33, 100, 4000, 5, 3, 20, 12},
		{"AVPF, 0.5 s, satellite", 1, 33, 600, 500, 6, 12, 3, 6},
		{"text, a frame in 30 s", 1, 30_000, 100, 5000, 30, 3, 150, 15},
	} {
		tf, tr, tdr := milliseconds(c.tf), milliseconds(c.tr), milliseconds(c.tdr)
		if n := breaker.MediaTimeout(5, tf, tr, tdr); n != c.mediaTimeout || math.Abs(float64(n)*tdr.Seconds()-c.mediaTime) > 0.05 {
			t.Errorf("%s: MEDIA_TIMEOUT is %d, want %d", c.name, n, c.mediaTimeout)
		}
		if n := breaker.CBInterval(c.g, tf, tr, tdr, td); n != c.cb || math.Abs(float64(n)*tdr.Seconds()-c.cbSeconds) > 0.05 {
			t.Errorf("%s: CB_INTERVAL is %d, want %d", c.name, n, c.cb)
		}
	}
	if n := breaker.CBInterval(1, 33*time.Millisecond, 100*time.Millisecond, 8*time.Second, 8*time.Second); n != 3 {
		t.Errorf("with Td = 8 s CB_INTERVAL is %d", n) // max(15, 3·Td) counts
	}
}

// Ten times X in kbit/s for packets of 1200 octets, both equations of §4.3.
//
// conformance: CC-7.1-5
func TestThresholds(t *testing.T) {
	rtts := []float64{20, 50, 100, 200, 400, 600}
	for _, row := range []struct {
		loss float64
		want [6][2]units.BitRate // simplified, full
	}{
		{0.01, [6][2]units.BitRate{{58788, 53919}, {23515, 21568}, {11758, 10784}, {5879, 5392}, {2939, 2696}, {1960, 1797}}},
		{0.05, [6][2]units.BitRate{{26291, 17692}, {10516, 7077}, {5258, 3538}, {2629, 1769}, {1315, 885}, {876, 590}}},
		{0.10, [6][2]units.BitRate{{18590, 8496}, {7436, 3399}, {3718, 1699}, {1859, 850}, {930, 425}, {620, 283}}},
		{0.20, [6][2]units.BitRate{{13145, 2575}, {5258, 1030}, {2629, 515}, {1315, 258}, {657, 129}, {438, 86}}},
		{0.30, [6][2]units.BitRate{{10733, 935}, {4293, 374}, {2147, 187}, {1073, 94}, {537, 47}, {358, 31}}},
		{0.50, [6][2]units.BitRate{{8314, 200}, {3326, 80}, {1663, 40}, {831, 20}, {416, 10}, {277, 7}}},
		{1.00, [6][2]units.BitRate{{5879, 20}, {2352, 8}, {1176, 4}, {588, 2}, {294, 1}, {196, 1}}},
	} {
		for i, rtt := range rtts {
			for k, e := range []breaker.Equation{breaker.Simplified, breaker.Full} {
				got := 10 * e.Throughput(1200, milliseconds(rtt), row.loss)
				if want := row.want[i][k]; (got+500)/1000 != want {
					t.Errorf("%v, p = %v, Tr = %v ms: %v, want %d kbit/s", e, row.loss, rtt, got, want)
				}
			}
		}
	}
}

// leastLoss is the smallest loss, in percent, with which ten times X is below a rate; 0 if
// there is none.
func leastLoss(e breaker.Equation, rate units.BitRate, rtt time.Duration) float64 {
	low, high := 0.0, 1.0
	if 10*e.Throughput(1200, rtt, high) >= rate {
		return 0
	}
	for range 50 {
		if mid := (low + high) / 2; 10*e.Throughput(1200, rtt, mid) < rate {
			high = mid
		} else {
			low = mid
		}
	}
	return 100 * high
}

// conformance: CC-7.1-5
func TestSmallestLossThatTrips(t *testing.T) {
	for _, c := range []struct {
		rate             units.BitRate
		rtt              float64
		simplified, full float64 // percent; 0 never
	}{
		{150 * units.Kbps, 100, 0, 32.5},
		{512 * units.Kbps, 100, 0, 20.1},
		{512 * units.Kbps, 400, 33, 8.7},
		{1 * units.Mbps, 400, 8.7, 4.4},
		{1500 * units.Kbps, 100, 61.5, 11},
		{2500 * units.Kbps, 100, 22.2, 7.2},
		{2500 * units.Kbps, 400, 1.4, 1.2},
		{1 * units.Mbps, 100, 0, 0},       // never with the simplified one,
		{1177 * units.Kbps, 100, 99.9, 0}, // whatever the loss, below 1.18 Mbit/s
	} {
		if got := leastLoss(breaker.Simplified, c.rate, milliseconds(c.rtt)); math.Abs(got-c.simplified) > 0.15 {
			t.Errorf("%v, %v ms: the simplified equation trips at %.2f %%, want %v %%", c.rate, c.rtt, got, c.simplified)
		}
		if got := leastLoss(breaker.Full, c.rate, milliseconds(c.rtt)); c.full > 0 && math.Abs(got-c.full) > 0.1 {
			t.Errorf("%v, %v ms: the full equation trips at %.2f %%, want %v %%", c.rate, c.rtt, got, c.full)
		}
	}
}

func TestFormulasTakeAnything(t *testing.T) {
	for _, d := range []time.Duration{math.MinInt64, -1, 0, 1, time.Hour, math.MaxInt64} {
		for _, tdr := range []time.Duration{math.MinInt64, 0, 1, math.MaxInt64} {
			for _, n := range []int{math.MinInt, 0, 1, math.MaxInt} {
				if k := breaker.MediaTimeout(n, d, d, tdr); k < 1 {
					t.Errorf("MediaTimeout(%d, %v, %v, %v) is %d", n, d, d, tdr, k)
				}
				if k := breaker.CBInterval(n, d, d, tdr, tdr); k < 3 || k > 1<<14 {
					t.Errorf("CBInterval(%d, %v, %v, %v) is %d", n, d, d, tdr, k)
				}
			}
		}
		for _, x := range []float64{math.NaN(), math.Inf(-1), -1, 0, 1e-300, 1, math.Inf(1)} {
			for _, e := range []breaker.Equation{breaker.Simplified, breaker.Full} {
				if r := e.Throughput(x, d, x); r < 0 || 10*r < 0 {
					t.Errorf("Throughput(%v, %v, %v) is %v", x, d, x, r)
				}
			}
		}
	}
}
