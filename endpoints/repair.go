package endpoints

import (
	"rtpfabric/endpoints/nack"
	"rtpfabric/endpoints/rtx"
	"rtpfabric/sim/units"
)

// Refresh is the message with which a receiver asks for a decoder refresh point.
type Refresh string

// The messages. A receiver that lost something says PLI; FIR is for those who
// never had the stream (RFC 5104 §4.3.1.2).
const (
	RefreshNone Refresh = ""
	RefreshPLI  Refresh = "pli"
	RefreshFIR  Refresh = "fir"
)

// RepairConfig says what is done about lost packets, the same at both ends.
type RepairConfig struct {
	// NACK lets receivers of video ask for packets (RFC 4585 §6.2.1). Senders
	// answer by retransmission where the format has a payload type for that,
	// unless IgnoreNACK is set, as they may (RFC 8834 §6.1).
	NACK, IgnoreNACK bool
	// IgnoreOthers lets receivers in a group ask for what others have asked for,
	// against RFC 4585 §3.5.2, to show what that rule is for.
	IgnoreOthers bool
	// NACKSteers lets NACKs steer the encoder rather than be answered: the next frame is
	// predicted from the picture before what is lost. It needs what RPSI needs.
	NACKSteers bool
	// FEC is how many repair packets protect a packet of video, where the format has a
	// payload type for them; 0.2 makes one for five.
	FEC float64
	// Adaptive lets senders protect as much as the loss that is reported makes
	// necessary, FEC and Repeats of the section at most, and receivers choose between
	// requests, FEC and refresh points by what can be in time (RFC 8854 §8).
	Adaptive bool
	// SLI lets pictures consist of slices, one a packet; receivers of video tell which
	// are lost, and senders refresh these (RFC 4585 §6.3.2). RPSI is what receivers tell
	// about reference pictures (RFC 4585 §6.3.3). Both need Decoder, encoders that are
	// a Repairer, and pictures without temporal layers.
	SLI  bool
	RPSI RPSI
	// Refresh is how receivers of video ask for a refresh point.
	Refresh Refresh
	// Decoder makes frames useless whose references are missing.
	Decoder bool
	// Requests, History and Budget are the parameters of both sides.
	Requests nack.Config
	History  nack.Limits
	Budget   rtx.BudgetConfig
}

// DefaultRepair is what a WebRTC endpoint does.
func DefaultRepair() RepairConfig {
	return RepairConfig{
		NACK: true, Refresh: RefreshPLI, Decoder: true,
		Requests: nack.DefaultConfig(), Budget: rtx.DefaultBudget(),
		History: nack.Limits{Packets: 4096, Bytes: 4 << 20},
	}
}

// RepairCounts are totals of what was done about losses.
type RepairCounts struct {
	NACKsSent, NACKsReceived        uint64 // messages
	Requested                       uint64 // packets asked for, repeats included
	Retransmitted                   uint64 // packets sent again
	RetransmittedBytes              units.Bytes
	Refused                         uint64 // packets not sent again: budget, age, repetition
	TooLate                         uint64 // of these, because they would come too late
	Restored, Needless              uint64 // packets that filled a gap, or none
	FECSent, FECRecovered           uint64 // repair packets, and packets that came of them
	FECBytes                        units.Bytes
	RefreshesSent, RefreshesHeard   uint64 // PLI and FIR
	RefreshesObeyed                 uint64 // of these heard, those that made a key frame
	SlicesSent, SlicesHeard         uint64 // SLI
	ReferencesSent, ReferencesHeard uint64 // RPSI
	PicturesRepaired                uint64 // by less than a key frame
	LimitsReceived, LimitsNotified  uint64 // TMMBR and TMMBN

	expectant uint64 // requests to which there should be an answer
}

// Add adds up the totals of two sessions.
func (c *RepairCounts) Add(o RepairCounts) {
	c.NACKsSent += o.NACKsSent
	c.NACKsReceived += o.NACKsReceived
	c.Requested += o.Requested
	c.Retransmitted += o.Retransmitted
	c.RetransmittedBytes += o.RetransmittedBytes
	c.Refused += o.Refused
	c.TooLate += o.TooLate
	c.Restored += o.Restored
	c.Needless += o.Needless
	c.FECSent += o.FECSent
	c.FECRecovered += o.FECRecovered
	c.FECBytes += o.FECBytes
	c.RefreshesSent += o.RefreshesSent
	c.RefreshesHeard += o.RefreshesHeard
	c.RefreshesObeyed += o.RefreshesObeyed
	c.SlicesSent += o.SlicesSent
	c.SlicesHeard += o.SlicesHeard
	c.ReferencesSent += o.ReferencesSent
	c.ReferencesHeard += o.ReferencesHeard
	c.PicturesRepaired += o.PicturesRepaired
	c.LimitsReceived += o.LimitsReceived
	c.LimitsNotified += o.LimitsNotified
}

// RepairCounts returns the totals so far.
func (s *Session) RepairCounts() RepairCounts { return s.repairs }
