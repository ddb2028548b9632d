// Package ccontrol is the seam between endpoints and rate controllers.
// Controllers are pure: they know no network, no RTP and no engine. Feedback
// reaches them in one normal form, whichever RTCP message carried it.
package ccontrol

import (
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Controller decides how fast a connection may send. Its host calls OnSent for
// every media packet that leaves, OnFeedback for every feedback message, and
// OnTimeout when NextTimeout is reached; after the latter two it reads Target.
//
// All sizes and rates are those on the wire: they count RTP, SRTP, UDP and IP
// headers.
type Controller interface {
	OnSent(now simtime.Time, s Sent)
	// OnFeedback takes one feedback message. r and what it holds belong to
	// the caller and are reused after the call.
	OnFeedback(now simtime.Time, r *Report)
	OnTimeout(now simtime.Time)
	// NextTimeout returns when OnTimeout is due, or simtime.Never.
	NextTimeout() simtime.Time
	Target() Target
}

// Sent is a packet that left the sender.
type Sent struct {
	// Seq numbers a connection's packets from 0 in the order they leave.
	Seq  uint64
	Size units.Bytes
	// Backlog is what the pacer still holds after this packet.
	Backlog units.Bytes
}

// Report is the content of one feedback message.
type Report struct {
	// Packets in send order. A packet appears when the receiver first reports
	// on it; one that was reported lost appears again if it arrives after all.
	Packets []PacketResult
	// Built is when the receiver made the report, by the receiver's clock,
	// which is the clock of arrival times; 0 if the message doesn't say.
	Built simtime.Time
	// RTT is the round-trip time that this message shows; 0 if it shows none.
	// The time that the receiver held the news isn't part of it if the message
	// says when it was built (RFC 8888), and is otherwise (transport-wide CC).
	RTT time.Duration
	// Backlog is what the sender's pacer holds now.
	Backlog units.Bytes
}

// PacketResult is what became of one packet.
type PacketResult struct {
	Seq  uint64
	Size units.Bytes
	// Sent is when it left, by the sender's clock.
	Sent     simtime.Time
	Received bool
	// Arrival is by the receiver's clock, whose offset is unknown. Only valid
	// if Received.
	Arrival simtime.Time
	ECN     packet.ECN
}

// Target is what a controller allows.
type Target struct {
	// Media is the rate that all encoders together should aim at.
	Media units.BitRate
	// Pacing is the rate at which the pacer lets packets go.
	Pacing units.BitRate
}

// Limits are the boundary conditions that come from the media: between Min and
// Max the encoders can follow, Start is where they begin.
type Limits struct {
	Min, Max, Start units.BitRate
	// Weight is the sender's share against others' in a common bottleneck
	// (RFC 8867 §6.1); 0 means 1.
	Weight float64
}

// NoTimeout serves controllers that need no timer and nothing at sending.
type NoTimeout struct{}

// OnSent does nothing.
func (NoTimeout) OnSent(simtime.Time, Sent) {}

// OnTimeout does nothing.
func (NoTimeout) OnTimeout(simtime.Time) {}

// NextTimeout returns simtime.Never.
func (NoTimeout) NextTimeout() simtime.Time { return simtime.Never }
