package tcp

import (
	"time"

	"rtpfabric/sim/simtime"
)

// rateState is what a segment remembers of the connection when it was sent
// (draft-cheng-iccrg-delivery-rate-estimation §3.1).
type rateState struct {
	octets         int64
	priorDelivered int64
	deliveredAt    simtime.Time
	firstSentAt    simtime.Time
	applicationLtd bool
}

// rateSample is the delivery rate that one acknowledgment shows.
type rateSample struct {
	// octets were delivered in interval; 0 is no sample.
	octets   int64
	interval time.Duration
	// priorDelivered is what had been delivered when the newest segment that
	// is acknowledged was sent.
	priorDelivered int64
	delivered      int64 // in all
	applicationLtd bool
}

// rateEstimator computes the rate at which the network delivers, the smaller
// one of the rates of sending and of acknowledging over one flight.
type rateEstimator struct {
	on              bool
	delivered       int64
	deliveredAt     simtime.Time
	firstSentAt     simtime.Time
	applicationUpTo int64 // delivered at which the application's pause is over

	// The sample being made.
	have   bool
	newest sent
}

// stamp returns the state for a segment that is being sent. idle says that
// nothing was outstanding before it.
func (r *rateEstimator) stamp(now simtime.Time, idle bool) rateState {
	if idle {
		r.firstSentAt, r.deliveredAt = now, now
	}
	return rateState{
		priorDelivered: r.delivered, deliveredAt: r.deliveredAt, firstSentAt: r.firstSentAt,
		applicationLtd: r.applicationUpTo > 0,
	}
}

// applicationLimited notes that there is nothing to send (§3.4).
func (r *rateEstimator) applicationLimited(inPipe int64) {
	r.applicationUpTo = max(r.delivered+inPipe, 1)
}

// acked takes the segments that end at or before ack; call it before they leave
// the log.
func (r *rateEstimator) acked(now simtime.Time, l *sentLog, ack seq) {
	for i := 0; i < l.n && l.at(i).end <= ack; i++ {
		r.segment(now, l.at(i))
	}
}

// sacked takes the segments of a block.
func (r *rateEstimator) sacked(now simtime.Time, l *sentLog, s span) {
	for i := l.search(s.start); i < l.n && l.at(i).end <= s.end; i++ {
		r.segment(now, l.at(i))
	}
}

func (r *rateEstimator) segment(now simtime.Time, s *sent) {
	if s.delivered {
		return
	}
	s.delivered = true
	r.delivered += s.octets
	r.deliveredAt = now
	if !r.have || s.priorDelivered > r.newest.priorDelivered ||
		s.priorDelivered == r.newest.priorDelivered && s.at > r.newest.at {
		r.have, r.newest = true, *s
		r.firstSentAt = s.at
	}
}

// sample ends the acknowledgment.
func (r *rateEstimator) sample(now simtime.Time) rateSample {
	if r.applicationUpTo > 0 && r.delivered > r.applicationUpTo {
		r.applicationUpTo = 0
	}
	if !r.have {
		return rateSample{delivered: r.delivered}
	}
	r.have = false
	s := &r.newest
	sending, acking := s.at.Sub(s.firstSentAt), now.Sub(s.deliveredAt)
	return rateSample{
		octets: r.delivered - s.priorDelivered, interval: max(sending, acking),
		priorDelivered: s.priorDelivered, delivered: r.delivered, applicationLtd: s.applicationLtd,
	}
}
