// Package fec decides how a stream is protected against loss ([Decide], [Adaptive])
// and counts what repair achieves ([Losses]). The formats are packages of their own:
// flexfec for video (RFC 8627), red for audio (RFC 2198), and ulpfec (RFC 5109) for
// video with stacks from before; parity is what they have in common.
//
// Redundancy costs rate whether it is used or not, retransmission costs a round trip
// where it is used. So RFC 8854 §8 prefers the latter as long as there is time, and
// otherwise as much redundancy as the loss that is seen makes necessary; in words:
//
//	loss            round trip                      plan
//	under 0.1 %     any                             no FEC; what is lost is asked for
//	any             retransmissions in time bring   no FEC, retransmission
//	                loss under 0.5 %
//	more            one in time, or more            both; FEC only for the rest
//	more            longer than play-out waits      FEC
//	more            the same, and no room for FEC   refresh points (PLI)
//	any             packets nobody predicts from    nothing
//	any             asking for more than what a     a refresh point
//	                refresh point costs
//
// Where play-out waits for less than two packets of the stream, FEC, too, comes too
// late. The share of the rate that FEC may have is never exceeded, and while loss
// comes from congestion it doesn't rise (RFC 8627 §8, RFC 5109 §12). Audio has no FEC
// stream (RFC 8854 §4.1): redundancy within the payload format where losses are single
// ones, or packets that repeat as many frames as are lost in a row.
package fec

import (
	"time"

	"rtpfabric/endpoints/nack"
	"rtpfabric/sim/units"
)

// Situation is what is known of a stream and its path.
type Situation struct {
	Audio bool
	// Loss is the part of packets that is lost before repair, 0 to 1, as receiver
	// reports tell; Burst how many are lost in a row on average, at least 1 (0 counts as
	// 1).
	Loss  units.Ratio
	Burst float64
	// RTT is the round-trip time, Playout how long after its arrival a packet is played.
	RTT, Playout time.Duration
	// Packets is how many source packets there are in a second.
	Packets float64
	// Share is how much FEC may cost at most, as part of the media's rate. With 1, it
	// costs as much as the media.
	Share units.Ratio
	// Congested says that loss comes from congestion. FEC then stays at what it costs
	// now, Current, or below.
	Congested bool
	Current   units.Ratio
	// NACK, FEC and InBand say what was negotiated: retransmission; FlexFEC, ULPFEC or,
	// for audio, packets with redundant data; redundancy within the payload format.
	NACK, FEC, InBand bool

	// Importance is that of the packets that this is about: those of a frame, or of a
	// layer.
	Importance nack.Importance
	// Missing is how many packets of that frame are to be asked for, PacketSize how
	// large they are, and KeyFrame how large a refresh point is; 0 if that isn't known.
	Missing              int
	PacketSize, KeyFrame units.Bytes
}

// Reason says why a plan is what it is.
type Reason uint8

// The reasons.
const (
	Clean       Reason = iota // next to nothing is lost
	Unimportant               // nobody predicts from the packets
	InTime                    // retransmission does it
	Protected                 // FEC does it, or does the rest
	Limited                   // FEC does what it may cost, which is less than wanted
	TooCostly                 // FEC would do it, but may not cost so much
	TooLate                   // nothing comes in time
	Unavailable               // FEC would do it, but wasn't negotiated
)

func (r Reason) String() string {
	return [...]string{"clean", "unimportant", "in time", "protected", "limited", "too costly", "too late", "unavailable"}[r]
}

// Plan says how packets are repaired.
type Plan struct {
	Reason Reason
	// RTX: what is missing is asked for, and sent again.
	RTX bool
	// Refresh: what is missing is answered by a refresh point (PLI).
	Refresh bool
	// Repairs is how many repair packets there are for a group of so many packets:
	// what Protect of a sender is called with. For audio, Level is how many earlier
	// frames a packet repeats; with InBand the payload format does so itself.
	Repairs, Group int
	Level          int
	InBand         bool
	// Overhead is what FEC costs, as part of the media's rate.
	Overhead units.Ratio
	// Residual is how much loss there will be after repair, if it goes on like this.
	Residual units.Ratio
}

const (
	// noLoss is so little that FEC isn't worth anything.
	noLoss = 0.001
	// goal is how much may be left after repair.
	goal = 0.005
	// reaction is what a receiver needs to ask for a packet, besides the time that
	// shows that it is missing.
	reaction = 10 * time.Millisecond
	// maxGroup is how many packets the shorter of the masks, that of ULPFEC, spans.
	maxGroup = 48
	// maxTries bounds the retransmissions that count.
	maxTries = 10
	// inBandOverhead is RFC 8854 §3.3's for Opus, and single the burst length up to
	// which it does.
	inBandOverhead = 0.25
	single         = 1.2
)

// interval is the time between packets.
func (s *Situation) interval() time.Duration {
	if s.Packets <= 0 {
		return 0
	}
	return time.Duration(float64(time.Second) / s.Packets)
}

// tries returns how many retransmissions of a packet come in time, one after another.
func (s *Situation) tries() int {
	if !s.NACK || s.RTT <= 0 {
		return 0
	}
	left := s.Playout - reaction - s.interval()
	return max(0, min(int(left/s.RTT), maxTries))
}

// costly reports whether asking for what is missing costs more than a refresh point.
func (s *Situation) costly() bool {
	return s.KeyFrame > 0 && units.Bytes(s.Missing)*s.PacketSize > s.KeyFrame
}

// frames returns how many packets are sent in the time that play-out waits.
func (s *Situation) frames() int { return int(s.Packets * s.Playout.Seconds()) }

// share is what FEC may cost.
func (s *Situation) share() float64 {
	if s.Congested {
		return min(float64(s.Share), float64(s.Current))
	}
	return float64(s.Share)
}
