package wifi

import (
	"time"

	"rtpfabric/sim/units"
)

// StationStats counts what a station did.
type StationStats struct {
	Attempts   uint64 // frames put on the air, RTS or data, an A-MPDU counting once
	Collisions uint64 // of them, those that collided
	// InternalCollisions are between access categories of the station, and not
	// on the air.
	InternalCollisions uint64
	Frames             uint64 // MPDUs in these attempts
	Retries            uint64 // of them, those that had been tried before
	FrameErrors        uint64 // of them, those damaged without a collision
	Abandoned          uint64 // packets given up at the retry limit
	Delivered          uint64 // packets handed on
	Bytes              units.Bytes
	// Airtime is for how long the station's exchanges occupied the channel,
	// from the first bit to the end of the acknowledgement or its time, and to
	// the end of the frame if it collided.
	Airtime time.Duration
}

// CollisionProbability is the share of attempts that collided.
func (s StationStats) CollisionProbability() float64 {
	return float64(s.Collisions) / float64(max(s.Attempts, 1))
}

// ChannelStats counts what happened on the channel.
type ChannelStats struct {
	Exchanges  uint64 // attempts that didn't collide
	Collisions uint64 // times that two or more stations sent at once
	// Busy is for how long somebody sent or was about to be answered; Collided
	// is the part of it that was lost to collisions. Times are counted when
	// they begin.
	Busy, Collided time.Duration
}

// Stats returns the channel's counts so far.
func (ch *Channel) Stats() ChannelStats { return ch.stats }

// StationNames lists the stations in the order in which they got their first
// link.
func (ch *Channel) StationNames() []string {
	names := make([]string, 0, len(ch.stations))
	for _, s := range ch.stations {
		names = append(names, s.node.Name)
	}
	return names
}

// StationStats returns the counts of the station at the node of that name, and
// whether there is one.
func (ch *Channel) StationStats(node string) (StationStats, bool) {
	for _, s := range ch.stations {
		if s.node.Name == node {
			return s.stats, true
		}
	}
	return StationStats{}, false
}

// LinkAirtime returns which part of its station's airtime went to the link with
// the given name, and whether it is on this channel.
func (ch *Channel) LinkAirtime(link string) (time.Duration, bool) {
	for _, f := range ch.flows {
		if f != nil && f.link.Name == link {
			return f.airtime, true
		}
	}
	return 0, false
}

// ModeOf returns how data goes on the link with the given name, and whether it
// is on this channel.
func (ch *Channel) ModeOf(link string) (Mode, bool) {
	for _, f := range ch.flows {
		if f != nil && f.link.Name == link {
			return f.mode, true
		}
	}
	return Mode{}, false
}
