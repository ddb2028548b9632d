package tcp

import "time"

// rttEstimator is RFC 6298: SRTT, RTTVAR and RTO.
type rttEstimator struct {
	srtt, rttvar time.Duration
	rto          time.Duration // backed off
	minimum      time.Duration
	backoffs     int // since the last measurement
}

// Constants of RFC 6298.
const (
	initialRTO   = time.Second      // §2.1
	maxRTO       = 60 * time.Second // §2.5
	granularity  = time.Millisecond // G of §4
	rtoAfterSYN  = 3 * time.Second  // §5.7
	inverseAlpha = 8
	inverseBeta  = 4
)

func newRTTEstimator(minimum time.Duration) rttEstimator {
	return rttEstimator{rto: max(initialRTO, minimum), minimum: minimum}
}

// sample takes a measurement (§2.2, §2.3). perRTT is how many measurements a
// round trip brings; the gains are divided by it (RFC 7323 §4.2).
func (e *rttEstimator) sample(r time.Duration, perRTT int) {
	if e.srtt == 0 {
		e.srtt, e.rttvar = r, r/2
	} else {
		n := time.Duration(max(perRTT, 1))
		d := e.srtt - r
		e.rttvar += (max(d, -d) - e.rttvar) / (inverseBeta * n)
		e.srtt -= d / (inverseAlpha * n)
	}
	e.backoffs = 0
	e.rto = min(max(e.srtt+max(granularity, 4*e.rttvar), e.minimum), maxRTO)
}

// backOff doubles the RTO (§5.5).
func (e *rttEstimator) backOff() {
	e.backoffs++
	e.rto = min(2*e.rto, maxRTO)
}
