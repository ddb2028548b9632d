package endpoints

import (
	"slices"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/sim/simtime"
)

// What an end knows of its streams and of those that it receives, by RTCP and by what
// came: what applications are shown (RFC 8834 §8). An end tells of its own sessions
// only.

// Reported is what a peer says of a stream of this end, by its last report
// (RFC 3550 §6.4.1).
type Reported struct {
	// CNAME of the peer, and the SSRC that reported; several SSRCs of one peer tell of
	// the same path (RFC 8861 §2), so that the last of them counts. Before its CNAME
	// is known, each SSRC counts for itself.
	CNAME string
	By    uint32
	At    simtime.Time
	// FractionLost is the share of the packets of the last interval, 0 to 1; Lost is
	// how many of all.
	FractionLost float64
	Lost         int32
	Jitter       time.Duration
	// RTT is the round-trip time to the peer; 0 while it isn't known.
	RTT time.Duration
}

// maxReported bounds what peers can make a stream remember.
const maxReported = 256

// Reports returns what peers say of the stream, in the order in which they began to.
// The caller doesn't change it.
func (st *Stream) Reports() []Reported { return st.reports }

// Sent returns how many packets and octets of payload the stream has sent, as its
// sender reports say.
func (st *Stream) Sent() (packets, octets uint32) { return st.packets, st.octets }

// note keeps a report block.
func (st *Stream) note(now simtime.Time, by uint32, b *rtcp.ReceptionReport, rtt time.Duration) {
	s := st.section.session
	r := Reported{
		CNAME: s.table.CNAME(by), By: by, At: now,
		FractionLost: float64(b.FractionLost) / 256, Lost: int32(b.TotalLost<<8) >> 8,
		Jitter: ticksToDuration(float64(b.Jitter), int64(st.clock)), RTT: rtt,
	}
	i := slices.IndexFunc(st.reports, func(o Reported) bool { return o.By == by || o.CNAME == r.CNAME && o.CNAME != "" })
	switch {
	case i >= 0:
		if r.RTT == 0 {
			r.RTT = st.reports[i].RTT
		}
		st.reports[i] = r
	case len(st.reports) < maxReported:
		st.reports = append(st.reports, r)
	}
}

// Received is what an end knows of a stream that it receives.
type Received struct {
	SSRC    uint32
	CNAME   string   // "" while it isn't known
	Section *Section // nil while it isn't known
	Packets uint64
	// Lost is how many of those that were expected didn't come; negative if
	// duplicates outnumber them (RFC 3550 §6.4.1).
	Lost   int64
	Jitter time.Duration
	Ended  bool // it said BYE
}

// Received appends what is known of every stream that the session receives, those that
// repair others included.
func (s *Session) Received(list []Received) []Received {
	for _, src := range s.sources {
		list = append(list, s.known(src))
	}
	return list
}

// known returns what is known of a source.
func (s *Session) known(src *source) Received {
	return Received{
		SSRC: src.ssrc, CNAME: s.table.CNAME(src.ssrc), Section: src.section, Packets: src.received,
		Lost: int64(src.expected()) - int64(src.received), Jitter: ticksToDuration(src.jitter, src.clock), Ended: src.ended,
	}
}

// Streams returns the streams of this end, those that have ended included. The caller
// doesn't change it.
func (s *Session) Streams() []*Stream { return s.streams }

func ticksToDuration(ticks float64, clock int64) time.Duration {
	return time.Duration(ticks / float64(clock) * float64(time.Second))
}

// path is how far away a peer is.
type path struct {
	cname string
	rtt   time.Duration
}

// middle returns the middle 32 bits of the NTP timestamp of a moment.
func (s *Session) middle(now simtime.Time) uint32 {
	return simtime.ToNTP(s.endpoint.wallClock(now)).Middle()
}

// roundTripBy returns the round-trip time by LSR and DLSR of a report block that has come at such a
// moment (RFC 3550 §6.4.1); false before there is an SR to go by.
func roundTripBy(clock, lsr, dlsr uint32) (time.Duration, bool) {
	if lsr == 0 {
		return 0, false
	}
	return max(simtime.MiddleToTime(int32(clock-dlsr-lsr)).Duration(), time.Microsecond), true
}

// measured notes the round-trip time to whoever has an SSRC.
func (s *Session) measured(now simtime.Time, ssrc uint32, rtt time.Duration) {
	s.rtt = max(rtt, time.Microsecond)
	s.event(Event{Kind: RTTMeasured, At: now, Delay: s.rtt})
	if s.estimate.Estimator != nil {
		s.estimate.OnRTT(s.rtt)
	}
	cname := s.table.CNAME(ssrc)
	if cname == "" {
		return
	}
	for i := range s.paths {
		if s.paths[i].cname == cname {
			s.paths[i].rtt = s.rtt
			return
		}
	}
	if len(s.paths) < maxReported {
		s.paths = append(s.paths, path{cname, s.rtt})
	}
}

// rttTo returns the round-trip time to whoever has an SSRC or, if it isn't known, to
// whoever answered last; 0 if nobody has.
func (s *Session) rttTo(ssrc uint32) time.Duration {
	if len(s.paths) > 1 {
		cname := s.table.CNAME(ssrc)
		for i := range s.paths {
			if s.paths[i].cname == cname {
				return s.paths[i].rtt
			}
		}
	}
	return s.rtt
}
