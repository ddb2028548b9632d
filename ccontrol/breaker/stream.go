package breaker

import (
	"slices"
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// stream is what is known of an SSRC.
type stream struct {
	breaker *Breaker // what every packet needs stands first
	group   *group
	ssrc    uint32
	active  bool // lastSent is part of the present stretch of sending
	alarmed bool

	packets, bytes uint64 // sent so far
	lastSent       simtime.Time
	// unheard is when the first packet left since the last sign of life, and
	// unjudged the same since the last SR or RR about the stream; Never if none has.
	unheard, unjudged simtime.Time
	own               group        // that it is in if it is by itself
	signs             uint64       // of life that unheard is about
	now               simtime.Time // of the last event
	framing           framing

	tr, tdr   time.Duration
	reporters []reporter
	by        []uint32 // SSRCs of these
	config    Stream
}

// reporter is one SSRC that reports on a stream: several of one peer may (RFC 8108
// §5), each with intervals of its own.
type reporter struct {
	known bool

	at             simtime.Time // of the last block
	packets, bytes uint64       // sent until then
	lastSent       simtime.Time // as it was then
	highest        uint32

	cb      int // CB_INTERVAL
	history history
	tooMuch int // reports in a row that have shown congestion

	mediaTimeout int
	silent       int          // reports without progress in a row
	progress     simtime.Time // last report with progress

	unusable      bool
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
	if !s.active || now.Sub(s.lastSent) >= s.breaker.silence() {
		s.unheard, s.unjudged = now, now
	}
	s.active, s.lastSent, s.now = true, now, now
	s.unheard, s.unjudged = min(s.unheard, now), min(s.unjudged, now)
	s.packets++
	s.bytes += uint64(max(size, 0))
	s.framing.sent(now, size, frame)
}

// stopped forgets what was counted.
func (s *stream) stopped() {
	s.active, s.unheard, s.unjudged = false, simtime.Never, simtime.Never
	for i := range s.reporters {
		s.reporters[i].cancel()
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
func (s *stream) cbInterval() int {
	b := s.breaker
	return CBInterval(s.config.G, s.framing.interval(s.now), s.tr, max(s.tdr, b.settings.TrrInterval), b.td)
}

// reporter returns the state of a reporter, which takes the place of that heard least
// recently if there are too many.
func (s *stream) reporter(now simtime.Time, ssrc uint32) *reporter {
	s.now = now
	if i := slices.Index(s.by, ssrc); i >= 0 {
		return &s.reporters[i]
	}
	if len(s.reporters) < maxReporters {
		s.reporters, s.by = append(s.reporters, reporter{}), append(s.by, ssrc)
		return &s.reporters[len(s.reporters)-1]
	}
	oldest := 0
	for i := range s.reporters {
		if s.reporters[i].at < s.reporters[oldest].at {
			oldest = i
		}
	}
	s.reporters[oldest], s.by[oldest] = reporter{}, ssrc
	return &s.reporters[oldest]
}

// begin takes a reporter's first block: from here on intervals count.
func (r *reporter) begin(now simtime.Time, s *stream, b *Report) {
	r.known, r.progress = true, now
	r.mediaTimeout = s.mediaTimeout(now)
	r.note(now, s, b)
}

// note keeps what the next block is compared with.
func (r *reporter) note(now simtime.Time, s *stream, b *Report) {
	r.at, r.packets, r.bytes, r.lastSent, r.highest = now, s.packets, s.bytes, s.lastSent, b.Highest
}
