package breaker

import (
	"fmt"
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Condition is what makes a breaker trip.
type Condition uint8

// The conditions.
const (
	ReportTimeout Condition = iota // §4.1: RTCP timeout
	MediaSilence                   // §4.2: media timeout
	Congestion                     // §4.3
	Unusable                       // §4.4: media usability
	// Blind isn't one of the RFC's: RTCP comes, but none of it says what congestion
	// is judged by.
	Blind
)

// String returns the condition's name.
func (c Condition) String() string {
	return [...]string{"rtcp-timeout", "media-timeout", "congestion", "usability", "blind"}[c]
}

// Action is what a sender should do.
type Action uint8

// The actions.
const (
	Alarm  Action = iota // nothing, but somebody should know
	Reduce               // send at Trip.Limit at most
	Cease                // send nothing
)

// Trip says that a breaker has tripped.
type Trip struct {
	At        simtime.Time
	Condition Condition
	Action    Action
	// SSRC is the stream that made it trip, Streams are all that are to act: its group.
	// It belongs to the breaker and doesn't change.
	SSRC    uint32
	Streams []uint32
	// Interval is how long the condition lasted until it triggered, and for how long
	// the reaction lasts at least (§4.5).
	Interval time.Duration
	// Reports is how many of them it took: MEDIA_TIMEOUT or CB_INTERVAL.
	Reports int

	// Loss is p, Throughput X, Rate what was sent, RTT Tr, and Size s in octets.
	Loss             float64
	Throughput, Rate units.BitRate
	RTT              time.Duration
	Size             float64
	Equation         Equation

	// Limit is what a group that is to reduce may send, in bit/s of RTP packets.
	Limit units.BitRate
}

// Reason says in a line why it tripped.
func (t *Trip) Reason() string {
	ms := func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
	switch t.Condition {
	case ReportTimeout:
		return fmt.Sprintf("no report for %v", ms(t.Interval))
	case MediaSilence:
		return fmt.Sprintf("%d reports in %v say that no media comes", t.Reports, ms(t.Interval))
	case Congestion:
		return fmt.Sprintf("%v are more than ten times the %v that TCP would send by the %v equation, with a loss of %.1f %% in %d intervals (%v) and a round trip of %v",
			kilo(t.Rate), kilo(t.Throughput), t.Equation, 100*t.Loss, t.Reports, ms(t.Interval), ms(t.RTT))
	case Unusable:
		reason := fmt.Sprintf("unusable for %v: a loss of %.1f %%", ms(t.Interval), 100*t.Loss)
		if t.RTT > 0 {
			reason += fmt.Sprintf(", a round trip of %v", ms(t.RTT))
		}
		return reason
	case Blind:
		return fmt.Sprintf("no report for %v, though the receiver sends RTCP: congestion can't be judged", ms(t.Interval))
	}
	return ""
}

// kilo rounds a rate for readers.
func kilo(r units.BitRate) units.BitRate {
	if r < 10*units.Kbps {
		return r
	}
	return (r + 500) / 1000 * 1000
}

// trip carries out a trip in the books.
func (b *Breaker) trip(s *stream, t Trip) {
	t.SSRC = s.ssrc
	for _, o := range s.group.streams {
		t.Streams = append(t.Streams, o.ssrc)
	}
	s.group.tripped(&t, &b.settings)
	b.trips = append(b.trips, t)
}
