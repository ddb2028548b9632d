// Package breaker is the RTP circuit breaker of RFC 8083: conditions under which
// a sender stops sending, whatever its rate controller thinks. It is a judge
// beside the controller, and as pure: it knows no network, no RTP packets and no
// engine. Its host tells it what is sent and what reports say, and asks it for
// trips.
//
// There is one [Breaker] for each RTP session (§8). Several may watch the same
// session with different settings; what comes of their trips is the host's affair.
//
// The names are the RFC's: Td, Tdr, Tr, Tf, G, k, s, p and X (§3).
package breaker

import (
	"slices"
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Breaker watches the streams of an RTP session. After OnSent and OnReport its host
// calls PollTrip until there is no trip any more.
type Breaker struct {
	signs    uint64 // of life, so far; all that every packet needs, and first
	td       time.Duration
	trips    []Trip
	settings Settings
	found    *stream // that was asked for last; nil if there is none
	streams  []*stream
	ssrcs    []uint32 // of these
	// reporters are those of all streams, as their first blocks have come: one behind the other those of
	// a report. They stay where they are.
	reporters [][]reporter
	spare     []int32 // of these
}

// New returns a breaker without streams.
func New(s Settings) *Breaker {
	b := &Breaker{}
	b.Begin(s)
	return b
}

// Begin is New in a place, where the breaker stays.
func (b *Breaker) Begin(s Settings) {
	*b = Breaker{settings: s.withDefaults(), td: Tmin}
}

// Stream describes a stream to watch.
type Stream struct {
	// Group names streams that trip together (§8); an empty one is a stream by itself.
	// Streams with different DSCPs are never one group, whatever it is called.
	Group string
	DSCP  uint8
	// Tf is the interval between frames if it is constant; 0 measures it (§3).
	Tf time.Duration
	// G is how many frames are coded together with one rate; 0 stands for 1.
	G int
}

// maxG bounds what a stream remembers of its frames.
const maxG = 10_000

// Add begins to watch a stream.
func (b *Breaker) Add(ssrc uint32, c Stream) { b.AddIn(nil, ssrc, c) }

// Memory is what a breaker keeps of a stream, for whoever wants it to lie beside what else it has.
type Memory struct{ stream stream }

// AddIn is Add with the stream in a place that nothing else needs; nil leaves it to the breaker.
func (b *Breaker) AddIn(m *Memory, ssrc uint32, c Stream) {
	c.G = min(max(c.G, 1), maxG)
	if m == nil {
		m = &Memory{}
	}
	s := &m.stream
	*s = stream{breaker: b, ssrc: ssrc, g: int32(c.G), name: c.Group, dscp: c.DSCP}
	s.framing.begin(&c)
	for _, o := range b.streams {
		if c.Group != "" && o.name == c.Group && o.dscp == c.DSCP {
			s.group = o.group
		}
	}
	if s.group == nil {
		s.group = &s.own
	}
	s.group.streams = append(s.group.streams, s)
	s.ceased = s.group.state == ceased
	b.streams, b.ssrcs = append(b.streams, s), append(b.ssrcs, ssrc)
}

// Rename says that a stream goes on with another SSRC, about which there are no
// reports yet: the first block of each reporter is one to compare others with.
func (b *Breaker) Rename(from, to uint32) {
	if s := b.stream(from); s != nil {
		s.ssrc, b.ssrcs[slices.Index(b.ssrcs, from)] = to, to
		s.stopped()
		b.dismiss(s)
	}
}

// Remove ends the watch of a stream.
func (b *Breaker) Remove(ssrc uint32) {
	for i, s := range b.streams {
		if s.ssrc == ssrc {
			b.streams, b.ssrcs = append(b.streams[:i], b.streams[i+1:]...), append(b.ssrcs[:i], b.ssrcs[i+1:]...)
			b.found = nil
			s.group.remove(s)
			b.dismiss(s)
			s.breaker = nil
			return
		}
	}
}

// SetTd sets the sender's own deterministic reporting interval (RFC 3550 §6.3.1).
// Tmin, 5 s, is its least (§4.1).
func (b *Breaker) SetTd(td time.Duration) { b.td = min(max(td, Tmin), longest) }

// OnSent takes a packet of a stream that leaves: the size of the RTP packet, and
// something that tells its frame from the last one's, such as the timestamp.
func (b *Breaker) OnSent(now simtime.Time, ssrc uint32, size units.Bytes, frame uint32) {
	if s := b.stream(ssrc); s != nil {
		s.onSent(now, size, frame)
	}
}

// OnSent is [Breaker.OnSent] of the stream that is here, if there is one. It reports whether the packet has made the
// breaker trip.
func (m *Memory) OnSent(now simtime.Time, size units.Bytes, frame uint32) bool {
	return m.stream.breaker != nil && m.stream.onSent(now, size, frame)
}

func (s *stream) onSent(now simtime.Time, size units.Bytes, frame uint32) (tripped bool) {
	if s.ceased {
		return false
	}
	s.sent(now, size, frame)
	return s.checkReports(now)
}

// Stop says that a stream isn't sent any more, or not for a while, which cancels
// what counts for it (§4.2).
func (b *Breaker) Stop(ssrc uint32) {
	if s := b.stream(ssrc); s != nil {
		s.stopped()
	}
}

// OnReducedSize takes note of an RTCP packet without SR and RR: a sign of life of
// the receiver and the way back, and nothing else (§5).
func (b *Breaker) OnReducedSize() { b.alive() }

// Report is what one report block of an SR or RR says of a stream, and what came
// in the same RTCP packet.
type Report struct {
	// SSRC of the stream, and By of the reporter.
	SSRC, By uint32
	// FractionLost and Highest are those of the block (RFC 3550 §6.4.1).
	FractionLost uint8
	Highest      uint32
	// RTT is by LSR and DLSR; 0 if the block has none.
	RTT time.Duration
	// CE is how many packets of the stream ECN feedback in the same packet says were
	// marked (§5). Feedback that came without an SR or RR isn't told.
	CE int
	// Tdr is the estimate of the reporter's Td, see §3.
	Tdr time.Duration
}

// OnReport takes a report block. One about any stream of the session shows that the
// way back works (§4.1).
func (b *Breaker) OnReport(now simtime.Time, r *Report) {
	s := b.stream(r.SSRC)
	if s == nil {
		return
	}
	b.alive()
	s.unjudged = simtime.Never
	if s.ceased {
		return
	}
	s.measure(r)
	by := s.reporter(r.By)
	switch {
	case !by.known:
		by.begin(now, s, r)
	case now <= by.at: // a second block in one packet says nothing new
		return
	default:
		b.judge(now, s, by, r)
	}
	by.cb = s.cbInterval(now)
	s.group.recover(now, &b.settings)
}

// judge evaluates a block that isn't a reporter's first.
func (b *Breaker) judge(now simtime.Time, s *stream, by *reporter, r *Report) {
	sending := s.sending(now)
	b.checkMedia(now, s, by, r, sending)
	b.checkCongestion(now, s, by, r)
	b.checkUsability(now, s, by, r, sending)
	by.note(now, s, r)
}

// Tripped reports whether PollTrip has something to say.
func (b *Breaker) Tripped() bool { return len(b.trips) > 0 }

// PollTrip returns the next trip.
func (b *Breaker) PollTrip() (Trip, bool) {
	if len(b.trips) == 0 {
		return Trip{}, false
	}
	t := b.trips[0]
	b.trips = b.trips[:copy(b.trips, b.trips[1:])]
	return t, true
}

// Limit returns the rate of RTP packets that a stream's group may have after a
// reduction; false if there is none.
func (b *Breaker) Limit(ssrc uint32) (units.BitRate, bool) {
	s := b.stream(ssrc)
	if s == nil || s.group.state != reduced {
		return 0, false
	}
	return s.group.limit, true
}

// together is how many reporters lie in one piece.
const together = 16

// reporter returns the one in a place of the list.
func (b *Breaker) reporter(at int32) *reporter {
	return &b.reporters[uint32(at)/together][uint32(at)%together]
}

// newReporter returns the place of another one.
func (b *Breaker) newReporter() int32 {
	if n := len(b.spare); n > 0 {
		at := b.spare[n-1]
		b.spare = b.spare[:n-1]
		*b.reporter(at) = reporter{}
		return at
	}
	last := len(b.reporters) - 1
	if last < 0 || len(b.reporters[last]) == together {
		b.reporters = append(b.reporters, make([]reporter, 0, together))
		last++
	}
	b.reporters[last] = append(b.reporters[last], reporter{})
	return int32(last*together + len(b.reporters[last]) - 1)
}

// dismiss forgets the reporters of a stream.
func (b *Breaker) dismiss(s *stream) {
	for i := range s.seats {
		b.spare = append(b.spare, s.seats[i].at)
	}
	s.seats = s.seats[:0]
}

// stream returns the stream with an SSRC, or nil.
func (b *Breaker) stream(ssrc uint32) *stream {
	if s := b.found; s != nil && s.ssrc == ssrc { // packets of one leave together
		return s
	}
	i := slices.Index(b.ssrcs, ssrc)
	if i < 0 {
		return nil
	}
	b.found = b.streams[i]
	return b.found
}
