package endpoints

import (
	"time"

	"rtpfabric/ccontrol/breaker"
	"rtpfabric/endpoints/ecn"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Reason says what a deadline is for.
type Reason uint8

// The reasons.
const (
	ReasonNone Reason = iota
	ReasonFrame
	ReasonStop
	ReasonPacer
	ReasonRTCP
	ReasonFeedback
	ReasonPlayout
	ReasonRepair
	ReasonLimit
	ReasonController
	ReasonAllocation
	ReasonKeying
	ReasonOther // of a stack that is no endpoint
)

// EventKind says what happened.
type EventKind uint8

// The kinds of events.
const (
	FrameEncoded     EventKind = iota // Size
	FrameRendered                     // Delay, Size
	FrameLate                         // Delay, Size
	FrameLost                         // Size of what came of it
	SessionEntered                    // there are keys, and the session has been joined
	KeyingFailed                      // and no media will flow
	PeerClosed                        // the peer has ended the connection, and this end leaves it
	KeyRenewed                        // this end has another key of its own, as the group has one
	ProfileRefused                    // the peer's RTP profile doesn't go with this end's; no media will flow
	FrameConcealed                    // audio was missing when it was due; Media
	FrameDiscarded                    // audio left out, as too much waits; Delay, Size
	FrameUndecodable                  // complete in time, but not what it is predicted from; Delay, Size
	PictureFrozen                     // Delay is the length of the freeze that ended
	RTCPSent                          // Size on the wire; Section is nil
	ReportSent                        // an SR or RR of Section's SSRC went out
	RTTMeasured                       // Delay
	PacketRestored                    // a lost packet of SSRC was repaired
	RefreshRequested                  // Section asks for a key frame of SSRC
	TargetChanged                     // the controller's Target changed; see Session.Target
	ByeSent
	ByeReceived
	ParticipantTimedOut // SSRC
	StreamHeld          // Section sends no media, as the two ends have agreed
	StreamReleased      // and does so again
	StreamPaused        // Section sends no media, as the peer has asked (RFC 7728)
	StreamUnpaused      // and does so again
	VoiceMuted          // Section sends no audio but telephone events, as this end has chosen
	VoiceUnmuted        // and does so again
	StreamSuspended     // the rate doesn't suffice for Section; see Level
	StreamResumed
	StreamNotDecoded    // SSRC is one more than the end decodes; see SessionConfig.MaxSSRC
	DecoderSwitched     // SSRC is decoded instead of Previous, of which nothing comes; it has waited for Delay
	StreamDeselected    // SSRC gives its place to louder audio; see SessionConfig.DecodeTop
	SSRCChanged         // SSRC takes the place of Previous, after a collision
	ThirdPartyCollision // SSRC is used by two others (RFC 3550 §8.2)
	ThirdPartyLoop      // SSRC's packets come from another address as well
	ReducedSizeGivenUp  // a middlebox seems to drop RTCP that isn't compound
	ParametersIgnored   // parameters of RTCP that would harm (RFC 8834 §13)
	PictureRepaired     // a frame of Section repairs one by less than a key frame; Size
	ProtectionChanged   // Section's packets are repaired otherwise; see Section.Plan
	MarkingDropped      // Section's packets vanish with their DSCP and go without
	ECNChanged          // what is believed of the path's ECN; ECN
	BreakerTripped      // a circuit breaker stops Section, or reduces its rate; Trip
	BreakerWatched      // one that only watches would, or raises an alarm; Trip, Watcher
	BreakerRestarted    // Section goes on after a while
	BreakerLifted       // Section isn't reduced any more
	BreakerLeaves       // the end leaves Session, or would, as media is useless; Trip, an Alarm if it only would
	BoundChanged        // something else bounds the rate of Section; see Section.Bound
	DigitReceived       // the peer has pressed a key; Digit, Media for how long
	LayoutChanged       // what Section sends is put together otherwise; see Section.Layout
	CandidateGathered   // Session's end has another candidate; News
	GatheringFailed     // a server gives none; News
	GatheringComplete   // there won't be any more
	PairSelected        // Session's packets go by another pair from now on; News
)

// Event is something that happened at an endpoint.
type Event struct {
	Kind    EventKind
	At      simtime.Time
	Session *Session
	Section *Section
	SSRC    uint32
	// Previous SSRC of a stream that has a new one.
	Previous uint32
	Delay    time.Duration
	Size     units.Bytes
	Key      bool // a frame that was encoded is a key frame
	// Media is how long a frame of audio is, Codec what it is coded in, and Gap for
	// how long something stood in for audio before it, as it hadn't come.
	Media, Gap time.Duration
	Codec      Codec
	// Digit is a key: 0 to 9, *, # or A to D.
	Digit byte
	// ECN is what is believed of the path from now on, and why.
	ECN ecn.Change
	// Trip of a circuit breaker, and the name of one of several that watch.
	Trip    *breaker.Trip
	Watcher string
	// News is what it is about, in words.
	News string
}

// events is a queue that reuses its memory.
type events struct {
	list []Event
	head int
}

func (q *events) push(e Event) { q.list = append(q.list, e) }

// next returns the next event, which is there until another one happens; nil if there is none.
func (q *events) next() *Event {
	if q.head == len(q.list) {
		q.list, q.head = q.list[:0], 0
		return nil
	}
	e := &q.list[q.head]
	q.head++
	return e
}
