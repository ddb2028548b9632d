package gcc

import (
	"math"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
)

// Constants of libwebrtc's goog_cc/bitrate_estimator.cc.
const (
	firstRateWindow   = 500 * time.Millisecond
	rateWindow        = 150 * time.Millisecond
	uncertaintyScale  = 10
	firstRateVariance = 50
	varianceGrowth    = 5
	fastRateChange    = 200
)

// bayesian is libwebrtc's older estimator: the rate of every 150 ms is weighed
// against the estimate so far, the less the further it is away
// (goog_cc/acknowledged_bitrate_estimator.cc, goog_cc/bitrate_estimator.cc).
// Rates are in kbit/s.
type bayesian struct {
	known    bool
	estimate float64
	variance float64

	bytes   int64
	window  time.Duration // that the bytes arrived in
	last    simtime.Time
	started bool

	ended    simtime.Time // when the application stopped being the limit
	hasEnded bool
}

func newBayesian() *bayesian { return &bayesian{variance: firstRateVariance} }

func (b *bayesian) alrEnded(at simtime.Time) { b.ended, b.hasEnded = at, true }

func (b *bayesian) rate() float64 {
	if !b.known {
		return 0
	}
	return 1000 * b.estimate
}

func (b *bayesian) add(packets []ccontrol.PacketResult) {
	for i := range packets {
		p := &packets[i]
		if b.hasEnded && p.Sent > b.ended {
			b.variance += fastRateChange
			b.hasEnded = false
		}
		b.update(p.Arrival, int64(p.Size))
	}
}

func (b *bayesian) update(at simtime.Time, bytes int64) {
	length := rateWindow
	if !b.known {
		length = firstRateWindow
	}
	sample, ok := b.sample(at, bytes, length)
	switch {
	case !ok:
		return
	case !b.known:
		b.known, b.estimate = true, sample
		return
	}
	var off float64
	if b.estimate > 0 {
		off = uncertaintyScale * math.Abs(b.estimate-sample) / b.estimate
	}
	noise := float64(off * off)
	predicted := b.variance + varianceGrowth
	b.estimate = (float64(noise*b.estimate) + float64(predicted*sample)) / (noise + predicted)
	b.variance = float64(noise*predicted) / (noise + predicted)
}

// sample counts what arrives; it returns a rate whenever a window is full.
func (b *bayesian) sample(at simtime.Time, bytes int64, length time.Duration) (float64, bool) {
	if b.started && at < b.last {
		b.started, b.bytes, b.window = false, 0, 0
	}
	if b.started {
		passed := at.Sub(b.last)
		b.window += passed
		if passed > length {
			b.bytes = 0
			b.window %= length
		}
	}
	b.started, b.last = true, at
	var rate float64
	full := b.window >= length
	if full {
		rate = float64(8*b.bytes) / ms(length)
		b.window -= length
		b.bytes = 0
	}
	b.bytes += bytes
	return rate, full
}
