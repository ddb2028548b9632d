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
// every packet of media, repair or padding that leaves, OnFeedback for every
// message that says how such packets fared, and OnTimeout when NextTimeout is
// reached; after the latter two it reads Target and asks a [Prober] for probes.
//
// The host paces, keeps the window and sends probes, as it has the packets; what
// they should be is the controller's to say.
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
	// InFlight is what was sent, with this packet, since the newest packet that
	// a receiver has reported on, received or not. Packets that aren't reported on
	// one by one (see [Needs]) stay in flight for ever.
	InFlight units.Bytes
	// Probe is the [Probe] that the packet is part of; 0 if it is of none.
	Probe uint32
}

// Report is the content of one feedback message: results of packets (RFC 8888,
// transport-wide CC), reception report blocks (SR and RR, with or without ECN summaries,
// and ECN feedback), or a receiver's estimate (REMB). What a message doesn't have is empty.
type Report struct {
	// Packets in send order. A packet appears when the receiver first reports
	// on it; one that was reported lost appears again if it arrives after all.
	Packets []PacketResult
	// Reception are the blocks about this sender's streams in an SR or RR
	// (RFC 3550 §6.4.1) or in ECN feedback (RFC 6679 §5), each as it differs from the
	// last by the same reporter.
	Reception []Reception
	// Estimate is the rate that a receiver asks not to exceed (REMB,
	// draft-alvestrand-rmcat-remb-03); 0 if the message has none.
	Estimate units.BitRate
	// Built is when the receiver made the report, by the receiver's clock,
	// which is the clock of arrival times; 0 if the message doesn't say.
	Built simtime.Time
	// RTT is the round-trip time that this message shows; 0 if it shows none.
	// The time that the receiver held the news isn't part of it if the message
	// says when it was built (RFC 8888), and is otherwise (transport-wide CC).
	RTT time.Duration
	// Backlog is what the sender's pacer holds now.
	Backlog units.Bytes
	// InFlight is as in [Sent], after this message.
	InFlight units.Bytes
}

// AboutPackets reports whether the message tells of packets one by one, even if
// it has no news.
func (r *Report) AboutPackets() bool { return len(r.Reception) == 0 && r.Estimate == 0 }

// Reception is what a reception report block says about one of the sender's
// streams (RFC 3550 §6.4.1), or an ECN feedback report (RFC 6679 §5.1), which has neither
// jitter nor a round-trip time.
type Reception struct {
	// Stream and By are the SSRCs of the stream and of the reporter.
	Stream, By uint32
	// Since is the time since this reporter's last block about the stream; 0 for
	// the first.
	Since time.Duration
	// Expected and Lost are packets of that time, from the differences of the
	// extended highest sequence numbers and of the cumulative losses. Lost is
	// negative if duplicates outnumber losses.
	Expected, Lost int
	// Marked are packets of that time that came with a CE mark, if the session has ECN
	// feedback (RFC 6679). They are to be responded to as losses are (§7.3.3).
	Marked int
	// Early says that no report block was due: the receiver tells of marks or losses as
	// soon as it may.
	Early bool
	// FractionLost is the block's own figure, in 256ths as on the wire.
	FractionLost uint8
	// Jitter is the interarrival jitter.
	Jitter time.Duration
	// RTT is by LSR and DLSR; 0 if the reporter had no SR yet.
	RTT time.Duration
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
	// Probe is as in [Sent].
	Probe uint32
}

// Unpaced is a pacing rate at which everything leaves at once.
const Unpaced = 1000 * units.Gbps

// Target is what a controller allows.
type Target struct {
	// Media is the rate that all encoders together should aim at.
	Media units.BitRate
	// Pacing is the rate at which the pacer lets packets go.
	Pacing units.BitRate
	// Window is how much may be in flight, as [Sent] counts it: packets wait in the
	// pacer while one more would exceed it. Urgent ones (audio) count but don't
	// wait. 0 is no window.
	Window units.Bytes
}

// Probe is a burst that shows whether the path carries more than the media take.
type Probe struct {
	// ID tells a controller's probes apart and isn't 0.
	ID uint32
	// Rate at which the burst leaves.
	Rate units.BitRate
	// Packets and Bytes are what it has at least.
	Packets int
	Bytes   units.Bytes
}

// Prober is a [Controller] that asks for probes. Packets that wait are sent at the
// probe's rate, and then padding (RFC 3550 §5.1) until the probe is complete.
type Prober interface {
	// PollProbe returns a probe that should begin now. A host that still sends one
	// asks again when that is complete.
	PollProbe(now simtime.Time) (Probe, bool)
}

// Observable is a [Controller] that shows what goes on inside it.
type Observable interface {
	// Signals appends the present values of what [Spec.Signals] names, in its order;
	// NaN where there is none yet.
	Signals(values []float64) []float64
}

// Adjustable is a [Controller] whose rate others may set: those that share a bottleneck
// with it (RFC 8699).
type Adjustable interface {
	Controller
	// Rate returns the rate that the controller has calculated, or was set to since.
	Rate() units.BitRate
	// SetRate puts a rate in the place of the calculated one, from which the
	// controller goes on.
	SetRate(now simtime.Time, rate units.BitRate)
}

// Coupled is a [Controller] whose target changes with what others hear.
type Coupled interface {
	// Moved reports whether the target may have changed since the last call, but for
	// what this controller was told itself.
	Moved() bool
}

// Multicast is a [Controller] of a sender with several receivers, which tells apart what they
// say. OnFeedback is for what nobody in particular has said.
type Multicast interface {
	Controller
	// OnFeedbackFrom takes one feedback message of a receiver, known by its CNAME.
	OnFeedbackFrom(now simtime.Time, receiver string, r *Report)
	// Left forgets a receiver.
	Left(now simtime.Time, receiver string)
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
