// Package lipsync plays the streams of one source together. It maps the RTP
// timestamps of each stream to the sender's clock ([Clock]), by the pairs in sender
// reports (RFC 3550 §6.4.1) and in header extensions (RFC 6051 §3.3), and says by how
// much each has to be delayed so that what was captured together is played together
// ([Sync]).
//
// Streams belong together that have the same CNAME (RFC 3550 §6.5.1); those of
// different ones have no common clock, and none is ever delayed for another
// (RFC 8834 §4.1, §11). A stream of which the CNAME or the mapping isn't known yet is
// played as it comes.
//
// Leap seconds (RFC 7164): pairs from around the end of a month are ignored, as a
// leap second may be there that has the same name as the second before. Where the
// sender's clock turns out to have had one, its time is counted on without, so that
// nothing moves, see [Sync.SetLeap].
package lipsync

import (
	"slices"
	"time"

	"rtpfabric/sim/simtime"
)

// Config says how streams are brought together.
type Config struct {
	// Slew is by how much the delay of a stream changes in a second at most.
	Slew time.Duration
	// MaxDelay is how much a stream is delayed for others at most; where more were
	// needed, it isn't delayed at all: the sender's clock can't be right.
	MaxDelay time.Duration
	// Idle is after what time without play-out others don't wait for a stream.
	Idle time.Duration
}

// DefaultConfig is slow enough not to be heard (3 %), and moves half a second in
// 17 s.
func DefaultConfig() Config {
	return Config{Slew: 30 * time.Millisecond, MaxDelay: 2 * time.Second, Idle: 5 * time.Second}
}

// maxStreams bounds what peers can make a receiver remember.
const maxStreams = 256

// Sync is what a receiver knows of all streams. Add each stream when its first packet
// comes; OnCNAME, OnReport and OnStamp as RTCP and extensions come; per frame
// OnPlayout, and then Delay.
type Sync struct {
	config  Config
	streams []*stream
	groups  []*group
}

// stream is one SSRC.
type stream struct {
	ssrc  uint32
	group *group // nil while its CNAME isn't known
	clock *Clock
	since int // pairs since the group's last step

	// The stream's own play-out: local minus sender's time.
	offset time.Duration
	plays  bool
	heard  simtime.Time // last play-out

	target, applied time.Duration
	moved           simtime.Time
	stats           Stats
}

// New returns a receiver that knows no streams.
func New(c Config) *Sync { return &Sync{config: c} }

// Add tells that the first packet of a stream came, whose RTP clock has rate Hz. With
// another rate than before the mapping begins anew (RFC 7160). It reports false if
// there are too many streams.
func (s *Sync) Add(now simtime.Time, ssrc uint32, rate int) bool {
	if st := s.find(ssrc); st != nil {
		if st.clock.rate != rate {
			st.clock = NewClock(rate)
			st.plays = false
		}
		return true
	}
	if len(s.streams) >= maxStreams || rate <= 0 {
		return false
	}
	s.streams = append(s.streams, &stream{ssrc: ssrc, clock: NewClock(rate), moved: now, stats: Stats{Added: now, Synced: simtime.Never}})
	return true
}

// Remove forgets a stream, after a BYE or a change of SSRC.
func (s *Sync) Remove(ssrc uint32) {
	s.streams = slices.DeleteFunc(s.streams, func(st *stream) bool { return st.ssrc == ssrc })
	s.groups = slices.DeleteFunc(s.groups, func(g *group) bool {
		return !slices.ContainsFunc(s.streams, func(st *stream) bool { return st.group == g })
	})
}

// OnCNAME tells the CNAME of a stream. With another one than before the mapping begins
// anew: it is another clock.
func (s *Sync) OnCNAME(now simtime.Time, ssrc uint32, cname string) {
	st := s.find(ssrc)
	if st == nil || st.group != nil && st.group.cname == cname {
		return
	}
	if st.group != nil {
		st.clock = NewClock(st.clock.rate)
		st.plays = false
	}
	st.group = s.groupOf(cname)
	for _, l := range st.group.leaps {
		st.clock.shift(st.group.without(l), l.by)
	}
	st.note(now)
}

// OnReport takes the pair of timestamps of a sender report (RFC 3550 §6.4.1). Those
// of a sender without wall clock, whose NTP timestamp is 0, are ignored.
func (s *Sync) OnReport(now simtime.Time, ssrc uint32, ntp simtime.NTP, rtp uint32) {
	st := s.find(ssrc)
	if st == nil {
		return
	}
	if ntp == 0 {
		st.stats.Ignored++
		return
	}
	t := ntp.Time()
	if nearLeap(t) {
		st.stats.NearLeap++
		return
	}
	if st.group != nil {
		t = s.continuous(st, t, rtp)
	}
	switch st.clock.Add(t, rtp) {
	case Used:
		st.stats.Pairs++
		st.since++
	case Ignored:
		st.stats.Ignored++
	case Stepped:
		st.stats.Pairs++
		st.stats.Steps++
		s.stepped(now, st)
	}
	st.note(now)
}

// OnStamp takes the time in a packet's header extension (RFC 6051 §3.3), and the
// packet's timestamp. A 56-bit one was completed (headerext.ExtendNTP56).
func (s *Sync) OnStamp(now simtime.Time, ssrc uint32, ntp simtime.NTP, rtp uint32) {
	s.OnReport(now, ssrc, ntp, rtp)
}

// OnPlayout tells when a stream would play a timestamp by itself: without the delay
// that Delay returns.
func (s *Sync) OnPlayout(now simtime.Time, ssrc, rtp uint32, at simtime.Time) {
	st := s.find(ssrc)
	if st == nil {
		return
	}
	t, ok := st.clock.Time(rtp)
	if !ok || st.group == nil {
		st.stats.Unsynced++
		return
	}
	st.slew(now, s.config.Slew)
	begins := st.stats.Unsynced+st.stats.Measured == 0
	st.offset, st.plays, st.heard = at.Sub(t), true, now
	s.retarget(now, st.group)
	if begins {
		st.applied = st.target // nothing of it was played yet: that is no jump
	}
	st.measure(s, now)
}

// Delay returns by how much the stream's play-out is to be delayed for others of its
// CNAME; 0 if it isn't synchronised.
func (s *Sync) Delay(now simtime.Time, ssrc uint32) time.Duration {
	st := s.find(ssrc)
	if st == nil {
		return 0
	}
	st.slew(now, s.config.Slew)
	return st.applied
}

func (s *Sync) find(ssrc uint32) *stream {
	for _, st := range s.streams {
		if st.ssrc == ssrc {
			return st
		}
	}
	return nil
}
