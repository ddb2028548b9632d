package gcc

import (
	"math"
	"time"

	"rtpfabric/sim/simtime"
)

// usage is what the over-use detector signals (draft §5.4).
type usage int8

const (
	underuse usage = -1
	normal   usage = 0
	overuse  usage = 1
)

const (
	// The range of del_var_th (draft §5.4).
	leastThreshold, mostThreshold = 6, 600 // ms
	// A trend so far beyond the threshold is a spike that the threshold doesn't
	// follow (draft §5.4).
	maxAdaptOffset = 15 // ms
	// A longer time between two groups counts as this
	// (libwebrtc goog_cc/trendline_estimator.cc).
	maxAdaptTime = 100 * time.Millisecond
)

// detector is the over-use detector with its adaptive threshold (draft §5.4).
type detector struct {
	kUp, kDown     float64 // K_u and K_d, per millisecond
	firstThreshold float64 // del_var_th(0)
	patience       float64 // overuse_time_th, ms

	groups    int
	threshold float64 // del_var_th
	trend     float64 // the last one
	over      float64 // how long the trend has been above the threshold, ms
	above     int     // groups above it since the last signal
	state     usage
	adapted   simtime.Time
}

func (d *detector) reset() {
	*d = detector{
		kUp: d.kUp, kDown: d.kDown, firstThreshold: d.firstThreshold, patience: d.patience,
		threshold: d.firstThreshold, over: -1,
	}
}

// update takes the trend of a filter, unscaled and scaled, and how long after its
// predecessor the group left, in milliseconds.
func (d *detector) update(arrival simtime.Time, trend, scaled, sent float64) {
	if d.groups == 0 {
		// One difference is no trend, nor is there a time to adapt over.
		d.groups, d.adapted = 1, arrival
		return
	}
	switch {
	case scaled > d.threshold:
		d.overusing(trend, sent)
	case scaled < -d.threshold:
		d.over, d.above, d.state = -1, 0, underuse
	default:
		d.over, d.above, d.state = -1, 0, normal
	}
	d.trend = trend
	d.adapt(arrival, math.Abs(scaled))
}

// overusing signals over-use once it has lasted for overuse_time_th, in more
// than one group, and doesn't abate.
func (d *detector) overusing(trend, sent float64) {
	if d.over < 0 {
		d.over = max(sent, 0) / 2 // it began some time since the last group
	} else {
		d.over += max(sent, 0)
	}
	d.above++
	if d.over > d.patience && d.above > 1 && trend >= d.trend {
		d.over, d.above, d.state = 0, 0, overuse
	}
}

// adapt moves the threshold towards the trend (draft §5.4).
func (d *detector) adapt(arrival simtime.Time, size float64) {
	passed := min(max(arrival.Sub(d.adapted), 0), maxAdaptTime)
	d.adapted = arrival
	if size > d.threshold+maxAdaptOffset {
		return
	}
	k := d.kUp
	if size < d.threshold {
		k = d.kDown
	}
	d.threshold += float64(k * (size - d.threshold) * ms(passed))
	d.threshold = min(max(d.threshold, leastThreshold), mostThreshold)
}
