package gcc

import "math"

// linkCapacity is the average of the rates that got through when over-use was
// detected, with its deviation: what draft §5.5 calls the average max bitrate
// (libwebrtc goog_cc/link_capacity_estimator.cc). Rates are in kbit/s.
type linkCapacity struct {
	known    bool
	estimate float64
	// variance is normalized with the estimate.
	variance float64
}

const (
	capacitySmoothing = 0.05 // 1 - 0.95, draft §5.5
	// The range of the normalized variance: at 500 kbit/s deviations of 14
	// and 35 kbit/s.
	leastVariance, mostVariance = 0.4, 2.5
)

func (l *linkCapacity) reset() { l.known = false }

func (l *linkCapacity) onOveruse(rate float64) {
	sample := rate / 1000
	if !l.known {
		l.known, l.estimate = true, sample
	} else {
		l.estimate = float64((1-capacitySmoothing)*l.estimate) + float64(capacitySmoothing*sample)
	}
	off := l.estimate - sample
	norm := max(l.estimate, 1)
	l.variance = float64((1-capacitySmoothing)*l.variance) + float64(capacitySmoothing*float64(off*off))/norm
	l.variance = min(max(l.variance, leastVariance), mostVariance)
}

// rate returns the estimate in bit/s.
func (l *linkCapacity) rate() float64 { return 1000 * l.estimate }

// bounds are three standard deviations around the estimate, in bit/s.
func (l *linkCapacity) bounds() (lower, upper float64) {
	if !l.known {
		return 0, math.Inf(1)
	}
	three := float64(3 * math.Sqrt(l.variance*l.estimate))
	return 1000 * max(0, l.estimate-three), 1000 * (l.estimate + three)
}
