package endpoints

import (
	"time"

	"rtpfabric/sim/simtime"
)

// reducedSize watches whether packets of reduced size arrive: a middlebox that
// knows RTCP only as compound packets may drop them (RFC 5506 §3.4.1). Requests have
// answers that show it: a retransmission, a key frame. If several have none, all further feedback goes in compound packets (§4.2.1).
type reducedSize struct {
	broken     bool
	confirmed  bool // an answer came
	unanswered int
	last       simtime.Time // when the last request was counted
	// When the last requests left, by themselves and in compound packets.
	alone, compound simtime.Time
}

// What is taken for proof that they don't arrive: as many requests without an
// answer, which had time for one.
const (
	maxUnanswered  = 4
	answerPatience = 250 * time.Millisecond
)

// asked notes that a packet of reduced size with a request leaves.
func (r *reducedSize) asked(now simtime.Time, rtt time.Duration) {
	r.alone = now
	if r.confirmed || r.unanswered > 0 && now.Sub(r.last) < max(answerPatience, 2*rtt) {
		return
	}
	r.last = now
	if r.unanswered++; r.unanswered > maxUnanswered {
		r.broken = true
	}
}

// answered notes what only a request can have brought about. It proves something
// if that left by itself, and none in a compound packet at about that time.
func (r *reducedSize) answered(now simtime.Time, rtt time.Duration) {
	most := 2*rtt + answerSlack
	if rtt == 0 { // nobody has told
		most += answerPatience
	}
	about := func(at simtime.Time) bool {
		age := now.Sub(at)
		return at > 0 && age >= rtt*3/4 && age <= most
	}
	if about(r.alone) && !about(r.compound) {
		r.confirmed, r.unanswered = true, 0
	}
}

// answerSlack is what an answer may wait for at its sender.
const answerSlack = 50 * time.Millisecond

// reduces reports whether feedback may go without reports.
func (s *Session) reduces() bool { return s.config.RTCP.ReducedSize && !s.reduced.broken }
