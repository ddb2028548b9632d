package breaker

import (
	"math"
	"time"

	"rtpfabric/sim/units"
)

// Equation is a model of TCP's throughput (§4.3).
type Equation uint8

// The equations. The simplified one is recommended; the full one is more sensitive.
const (
	Simplified Equation = iota
	Full
)

// String returns the equation's name.
func (e Equation) String() string {
	if e == Full {
		return "full"
	}
	return "simplified"
}

// Bounds of durations in formulas: so that nothing is divided by zero, and no
// product exceeds an int64.
const (
	shortest = time.Millisecond
	longest  = 24 * time.Hour
)

func bounded(d time.Duration) time.Duration { return min(max(d, 0), longest) }

// MediaTimeout is the number of reports without progress that are a media timeout
// (§4.2).
func MediaTimeout(k int, tf, tr, tdr time.Duration) int {
	tdr = max(bounded(tdr), shortest)
	slowest := max(bounded(tf), bounded(tr), tdr)
	return int(ceilDiv(time.Duration(min(max(k, 1), maxK))*slowest, tdr))
}

// CBInterval is the number of reporting intervals over which congestion is averaged
// (§4.3). Under AVPF, tdr is max(T_rr_interval, Tdr).
func CBInterval(g int, tf, tr, tdr, td time.Duration) int {
	tdr, td = max(bounded(tdr), shortest), bounded(td)
	group := time.Duration(min(max(g, 1), maxG))
	frames := 10 * group * min(bounded(tf), longest/group)
	n := ceilDiv(min(max(frames, 10*bounded(tr), 3*tdr), max(3*Tmin, 3*td)), tdr)
	return int(min(n, maxIntervals))
}

func ceilDiv(a, b time.Duration) time.Duration { return (a + b - 1) / b }

// Throughput estimates what TCP would get over the path (§4.3): X, with a packet
// size s and a loss event rate p. Without loss or a round-trip time it is infinite.
func (e Equation) Throughput(s float64, tr time.Duration, p float64) units.BitRate {
	if !(p > 0) || tr <= 0 || !(s > 0) {
		return unlimited
	}
	p = min(p, 1)
	const b = 1 // packets acknowledged by one acknowledgement (§3)
	rtt := tr.Seconds()
	time := float64(rtt * math.Sqrt(2*b*p/3))
	if e == Full {
		const rto = 4 // t_RTO in Tr (§3)
		backoff := float64(3*math.Sqrt(3*b*p/8)) * float64(p*(1+float64(32*float64(p*p))))
		time += float64(float64(rto*rtt) * backoff)
	}
	return rateOf(s, time)
}

// unlimited is more than any stream sends, so that ten times as much is still a
// number.
const unlimited units.BitRate = math.MaxInt64 / 1000

// rateOf is bytes over seconds in bit/s.
func rateOf(bytes, seconds float64) units.BitRate {
	if x := 8 * bytes / seconds; x < float64(unlimited) {
		return units.BitRate(x)
	}
	return unlimited
}
