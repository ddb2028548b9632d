package lipsync

import (
	"time"

	"rtpfabric/sim/simtime"
)

// Stats tell how a stream is synchronised.
type Stats struct {
	Added simtime.Time // first packet
	// Synced is when CNAME and mapping were known first; Never before that.
	Synced   simtime.Time
	Unsynced uint64 // play-outs before that

	Pairs    uint64 // taken, of reports and extensions
	Ignored  uint64 // out of order, far from all others, or without a wall clock
	NearLeap uint64 // ignored because of where a leap second may be
	Steps    uint64 // of the sender's clock or the timestamps
	Leaps    uint64 // leap seconds that this stream told of
	TooFar   uint64 // times that MaxDelay would have been exceeded

	// Early is by how much the stream was played before the latest one of its CNAME
	// when it was last told of, Worst the most since it was synchronised, and InSync
	// how often it was within the limits that people notice.
	Early, Worst time.Duration
	Measured     uint64 // play-outs since then
	InSync       uint64
}

// noticeable is the skew of audio and video that people begin to notice, the lesser of
// the two of ITU-R BT.1359-1.
const noticeable = 45 * time.Millisecond

// TimeToSync returns how long after its first packet the stream could be
// synchronised.
func (s Stats) TimeToSync() (time.Duration, bool) {
	return s.Synced.Sub(s.Added), s.Synced != simtime.Never
}

// note says when a stream can be synchronised first.
func (st *stream) note(now simtime.Time) {
	if st.stats.Synced == simtime.Never && st.group != nil && st.clock.n > 0 {
		st.stats.Synced = now
	}
}

// measure takes the skew to the latest stream of the group, as it is played.
func (st *stream) measure(s *Sync, now simtime.Time) {
	st.stats.Measured++
	if st.group.held {
		return // mappings of different clocks tell nothing
	}
	early := time.Duration(0)
	for _, other := range s.streams {
		if other.group == st.group && other.active(now, s.config.Idle) {
			early = max(early, other.played()-st.played())
		}
	}
	st.stats.Early = early
	st.stats.Worst = max(st.stats.Worst, early)
	if early <= noticeable {
		st.stats.InSync++
	}
}

// played is local minus sender's time as the stream is played.
func (st *stream) played() time.Duration { return st.offset + st.applied }

// Skew returns by how much stream a is played before stream b of the same CNAME,
// relative to how they were captured; negative if it is after. With raw, it is what
// the skew would be if neither were delayed. It reports false unless both are
// synchronised and of the same CNAME.
func (s *Sync) Skew(now simtime.Time, a, b uint32, raw bool) (time.Duration, bool) {
	x, y := s.find(a), s.find(b)
	if x == nil || y == nil || x.group == nil || x.group != y.group || !x.plays || !y.plays {
		return 0, false
	}
	if raw {
		return y.offset - x.offset, true
	}
	x.slew(now, s.config.Slew)
	y.slew(now, s.config.Slew)
	return y.played() - x.played(), true
}

// Stats returns how a stream is synchronised; false if it isn't known.
func (s *Sync) Stats(ssrc uint32) (Stats, bool) {
	if st := s.find(ssrc); st != nil {
		return st.stats, true
	}
	return Stats{}, false
}

// Time returns the sender's time of a stream's timestamp, without leap seconds; false
// if its mapping isn't known.
func (s *Sync) Time(ssrc, rtp uint32) (simtime.Time, bool) {
	if st := s.find(ssrc); st != nil {
		return st.clock.Time(rtp)
	}
	return 0, false
}
