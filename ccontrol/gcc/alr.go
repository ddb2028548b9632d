package gcc

import (
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Constants of libwebrtc's goog_cc/alr_detector.h and pacing/interval_budget.cc.
const (
	alrUsage  = 0.65 // of the target
	alrStart  = 0.80 // of the budget, unused
	alrStop   = 0.50
	alrWindow = 500 * time.Millisecond
)

// alr detects application-limited regions: times in which the media don't use
// what they are allowed, so that the network isn't what limits the rate. It keeps
// a budget of bytes that fills at a part of the target and that packets take
// from.
type alr struct {
	rate    float64 // at which the budget fills, bytes/s
	budget  float64 // bytes
	last    simtime.Time
	sending bool
	active  bool
	since   simtime.Time
}

// setTarget takes the target in bit/s.
func (a *alr) setTarget(target float64) {
	a.rate = alrUsage * target / 8
	a.budget = min(max(a.budget, -a.most()), a.most())
}

// most is what the budget holds at most, or lacks.
func (a *alr) most() float64 { return float64(a.rate * alrWindow.Seconds()) }

func (a *alr) onSent(now simtime.Time, size units.Bytes) {
	if !a.sending {
		a.sending, a.last = true, now
		return
	}
	passed := now.Sub(a.last).Seconds()
	a.last = now
	most := a.most()
	a.budget = max(a.budget-float64(size), -most)
	a.budget = min(a.budget+float64(a.rate*passed), most)
	switch {
	case !a.active && a.budget > float64(alrStart*most):
		a.active, a.since = true, now
	case a.active && a.budget < float64(alrStop*most):
		a.active = false
	}
}
