package gcc

import (
	"math"

	"rtpfabric/sim/detmath"
	"rtpfabric/sim/simtime"
)

const (
	// ratesKept is K of draft §5.3, for which it gives no number.
	ratesKept = 5
	// firstVariance is var_v_hat(0), for which the draft gives no number either;
	// libwebrtc's remote_bitrate_estimator/overuse_estimator.h has this one.
	firstVariance = 50
)

// kalman is the arrival-time filter of draft §5.3, with its names. Delays are in
// milliseconds.
type kalman struct {
	q, e0     float64
	logChi    float64 // ln(1-chi)
	groups    int
	mHat, e   float64
	varV      float64
	intervals [ratesKept]float64 // T(j) - T(j-1) of the last groups
}

func newKalman(q, e0, chi float64) *kalman {
	k := &kalman{q: q, e0: e0, logChi: detmath.Log(1 - chi)}
	k.reset()
	return k
}

func (k *kalman) reset() {
	*k = kalman{q: k.q, e0: k.e0, logChi: k.logChi, e: k.e0, varV: firstVariance}
}

// update is one step of the filter.
//
// Deviation (draft §5.4): the draft compares m(i) itself with a threshold of 6 ms
// and more, which a group every few milliseconds never reaches. Its own
// implementation (libwebrtc remote_bitrate_estimator/overuse_detector.cc)
// weights m(i) with the number of groups, up to 60, and so does this.
func (k *kalman) update(_ simtime.Time, d deltas) (trend, scaled float64) {
	k.intervals[k.groups%ratesKept] = ms(d.sent)
	k.groups++
	z := d.variation() - k.mHat
	k.updateVariance(z)
	predicted := k.e + k.q
	gain := predicted / (k.varV + predicted)
	k.mHat += float64(z * gain)
	k.e = float64((1 - gain) * predicted)
	return k.mHat, float64(min(k.groups, maxWeight)) * k.mHat
}

// updateVariance estimates var_v_hat. A residual beyond three standard deviations
// counts as three: the noise isn't white while a queue builds.
func (k *kalman) updateVariance(z float64) {
	z = min(math.Abs(z), 3*math.Sqrt(k.varV))
	alpha := detmath.Exp(k.logChi * 30 / 1000 * k.shortest())
	k.varV = max(float64(alpha*k.varV)+float64((1-alpha)*float64(z*z)), 1)
}

// shortest returns 1/f_max, the least time between two of the last K groups, in
// milliseconds.
func (k *kalman) shortest() float64 {
	least := math.Inf(1)
	for _, v := range k.intervals[:min(k.groups, ratesKept)] {
		least = min(least, v)
	}
	return min(max(least, 0), 1000)
}
