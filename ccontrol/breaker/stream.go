package breaker

import (
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// stream is what is known of an SSRC.
type stream struct {
	breaker  *Breaker // what every packet needs stands first; nil if nobody watches
	totals   totals   // sent so far
	lastSent simtime.Time
	// unheard is when the first packet left since the last sign of life, and
	// unjudged the same since the last SR or RR about the stream; Never if none has.
	unheard, unjudged simtime.Time
	signs             uint64 // of life that unheard is about
	frame             uint32 // the present one
	started           bool   // there is one
	active            bool   // lastSent is part of the present stretch of sending
	alarmed           bool
	ceased            bool // as its group has

	ssrc    uint32 // what every report needs comes next
	g       int32
	tr, tdr time.Duration
	seats   []seat
	framing framing

	group *group
	own   group // that it is in if it is by itself
	name  string
	dscp  uint8
}

// totals are how many packets and octets have been sent.
type totals struct{ packets, bytes uint64 }

// seat is that of a reporter in a stream: where in the breaker's list it is.
type seat struct {
	by uint32
	at int32
}

// reporter is one SSRC that reports on a stream: several of one peer may (RFC 8108
// §5), each with intervals of its own.
type reporter struct {
	at       simtime.Time // of the last block
	lastSent simtime.Time // as it was then
	totals   totals       // until then
	progress simtime.Time // last report with progress
	highest  uint32

	silent       int32 // reports without progress in a row
	mediaTimeout int32
	tooMuch      int32 // reports in a row that have shown congestion
	cb           int16 // CB_INTERVAL
	known        bool
	unusable     bool
	history      history

	unusableSince simtime.Time
}

// maxReporters bounds what peers can make a stream remember.
const maxReporters = 32

// sent notes a packet. A sender that was silent for longer than reports may be begins
// anew: nobody had anything to report.
func (s *stream) sent(now simtime.Time, size units.Bytes, frame uint32) {
	if s.signs != s.breaker.signs {
		s.signs, s.unheard = s.breaker.signs, simtime.Never
	}
	if !s.active || s.breaker.quiet(now.Sub(s.lastSent)) {
		s.unheard, s.unjudged = now, now
	}
	s.active, s.lastSent = true, now
	s.unheard, s.unjudged = min(s.unheard, now), min(s.unjudged, now)
	if !s.started || frame != s.frame {
		s.framing.next(now, s.totals, !s.started)
		s.started, s.frame = true, frame
	}
	s.totals.packets++
	s.totals.bytes += uint64(max(size, 0))
}

// stopped forgets what was counted.
func (s *stream) stopped() {
	s.active, s.unheard, s.unjudged = false, simtime.Never, simtime.Never
	s.cancel()
}

// cancel forgets what reporters said about a stretch of sending that is over.
func (s *stream) cancel() {
	for i := range s.seats {
		s.breaker.reporter(s.seats[i].at).cancel()
	}
}

// cancel forgets what a reporter said about a stretch of sending that is over.
func (r *reporter) cancel() {
	r.silent, r.mediaTimeout, r.unusable = 0, 0, false
	r.forgetCongestion()
}

// sending reports whether media is on its way to be reported on: a packet left no
// longer ago than one may take to be sent, to come and to be reported.
func (s *stream) sending(now simtime.Time) bool {
	return s.active && now.Sub(s.lastSent) <= max(s.framing.interval(now), s.tr, s.tdr)
}

// measure takes Tr and Tdr from a report.
func (s *stream) measure(r *Report) {
	s.tdr = max(bounded(r.Tdr), shortest)
	switch rtt := bounded(r.RTT); {
	case rtt <= 0:
	case s.tr == 0:
		s.tr = rtt
	default: // §3
		s.tr = time.Duration(float64(0.8*float64(s.tr)) + float64(0.2*float64(rtt)))
	}
}

// cbInterval is CB_INTERVAL for now.
func (s *stream) cbInterval(now simtime.Time) int16 {
	b := s.breaker
	return int16(CBInterval(int(s.g), s.framing.interval(now), s.tr, max(s.tdr, b.settings.TrrInterval), b.td))
}

// reporter returns the state of a reporter, which takes the place of that heard least
// recently if there are too many.
func (s *stream) reporter(ssrc uint32) *reporter {
	for i := range s.seats {
		if s.seats[i].by == ssrc {
			return s.breaker.reporter(s.seats[i].at)
		}
	}
	if len(s.seats) < maxReporters {
		at := s.breaker.newReporter()
		s.seats = append(s.seats, seat{ssrc, at})
		return s.breaker.reporter(at)
	}
	oldest := 0
	of := func(i int) *reporter { return s.breaker.reporter(s.seats[i].at) }
	for i := range s.seats {
		if of(i).at < of(oldest).at {
			oldest = i
		}
	}
	s.seats[oldest].by = ssrc
	*of(oldest) = reporter{}
	return of(oldest)
}

// begin takes a reporter's first block: from here on intervals count.
func (r *reporter) begin(now simtime.Time, s *stream, b *Report) {
	r.known, r.progress = true, now
	r.mediaTimeout = s.mediaTimeout(now)
	r.note(now, s, b)
}

// note keeps what the next block is compared with.
func (r *reporter) note(now simtime.Time, s *stream, b *Report) {
	r.at, r.totals, r.lastSent, r.highest = now, s.totals, s.lastSent, b.Highest
}
