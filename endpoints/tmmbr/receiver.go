package tmmbr

import (
	"slices"

	"rtpfabric/endpoints/wire"
	"rtpfabric/sim/units"
)

// State is what a media receiver has to do about its limit.
type State uint8

// The states.
const (
	Unlimited  State = iota // it has no limit to tell of
	Asking                  // it has a request to send, early if it likes (RFC 5104 §4.2.1.3)
	Repeating               // it has a request to repeat, with regular RTCP (§4.2.1.3)
	Owner                   // its limit is in the bounding set
	Suppressed              // others' limits are stricter
	Unanswered              // it has given up asking
)

func (s State) String() string {
	return [...]string{"unlimited", "asking", "repeating", "owner", "suppressed", "unanswered"}[s]
}

// overheadSlack is by how many octets the measured overhead may drift before an
// owner asks anew. It MAY ask at any change (§4.2.1.2), but a CSRC more in some
// of the packets doesn't deserve a message each time.
const overheadSlack = 4

// ReceiverConfig holds what a [Receiver] is made of.
type ReceiverConfig struct {
	// SSRC is that of the media receiver, Media that of the media sender.
	SSRC, Media uint32
	// MaxRate is the negotiated maximum at the receiver's own reference layer,
	// above which it MUST NOT ask (RFC 5104 §4.2.1.2); 0 if there is none.
	MaxRate units.BitRate
	// MaxPacketRate is SMAXPR in packets/s, 0 if none was negotiated (§7.1).
	MaxPacketRate int
	// Overhead is an estimate that holds until a packet was observed.
	Overhead units.Bytes
	// Requests is how often the same value is asked for without an answer before
	// the receiver gives up; 0 for ever.
	Requests int
}

// Receiver is the media receiver's side towards one media sender. Observe takes
// every packet's overhead, SetLimit and Lift the wish, OnNotification the
// answers; when RTCP is sent and State is Asking or Repeating, Request goes with
// it.
//
// A limit belongs to the SSRC that asked for it: after a change of SSRC the old
// one lifts it, or leaves with a BYE, and a new Receiver asks.
type Receiver struct {
	config ReceiverConfig

	// average is avg_OH in 1/65536 octets.
	average  int64
	observed bool

	rate    units.BitRate // as it can be written
	limited bool          // there is a limit, not lifted
	set     []Tuple       // of the latest TMMBN, which SHALL be saved (§4.2.1.2); empty before
	asked   int           // requests with the value of sent that no TMMBN settled
	sent    Tuple         // in the last request
	trial   []Tuple
}

// NewReceiver returns a media receiver's side without a limit.
func NewReceiver(c ReceiverConfig) *Receiver {
	if c.MaxRate <= 0 {
		c.MaxRate = wire.MaxMxTBR
	}
	c.MaxRate = wire.RoundMxTBR(c.MaxRate)
	return &Receiver{config: c, rate: c.MaxRate, average: int64(max(c.Overhead, 0)) << 16}
}

// Observe takes the overhead of a packet at the reference layer:
// avg_OH (new) = 15/16*avg_OH (old) + 1/16*pckt_OH (§4.2.1.2).
func (r *Receiver) Observe(overhead units.Bytes) {
	if !r.observed {
		r.observed = true
		r.average = int64(overhead) << 16
		return
	}
	r.average = (15*r.average + int64(overhead)<<16) / 16
}

// Overhead returns avg_OH in whole octets, rounded up.
func (r *Receiver) Overhead() units.Bytes {
	return min(units.Bytes((r.average+1<<16-1)>>16), wire.MaxOverhead)
}

// SetLimit sets the maximum total media bit rate.
func (r *Receiver) SetLimit(rate units.BitRate) {
	r.rate, r.limited = wire.RoundMxTBR(min(rate, r.config.MaxRate)), true
}

// Lift takes the limit back: if the media sender knows of it, it is raised to
// what was negotiated, as there is no message that withdraws one.
func (r *Receiver) Lift() { r.rate, r.limited = r.config.MaxRate, false }

// OnNotification takes a notification of the media sender; those of others are
// ignored.
func (r *Receiver) OnNotification(m *wire.TMMBN) {
	if m.SenderSSRC != r.config.Media {
		return
	}
	r.set = append(r.set[:0], m.Limits...)
	if r.asked > 0 && r.settled() {
		r.asked = 0
	}
}

// settled reports whether the media sender needn't be told again what it was
// told last. A TMMBN that crossed the request doesn't settle it.
func (r *Receiver) settled() bool {
	if t, ok := r.owned(); ok {
		return t.MxTBR == r.sent.MxTBR
	}
	// It would be in the set if the media sender knew of it.
	return !r.limited || !binds(&r.trial, r.set, r.sent, r.config.MaxPacketRate)
}

// owned returns the tuple that the media sender has of this receiver.
func (r *Receiver) owned() (Tuple, bool) {
	i := slices.IndexFunc(r.set, func(t Tuple) bool { return t.SSRC == r.config.SSRC })
	if i < 0 {
		return Tuple{}, false
	}
	return r.set[i], true
}

// OnGone forgets the media sender's view, as it has left.
func (r *Receiver) OnGone() {
	r.set = r.set[:0]
	r.asked = 0
}

// State decides by what the media sender said last, if anything (§4.2.1.2).
func (r *Receiver) State() State {
	mine := r.tuple()
	owned, isOwner := r.owned()
	switch {
	case r.asked > 0 && mine.MxTBR != r.sent.MxTBR: // the value may change (§4.2.1.2)
		return Asking
	case r.asked > 0 && r.config.Requests > 0 && r.asked >= r.config.Requests:
		return Unanswered
	case r.asked > 0: // the request was lost, or the answer
		return Repeating
	case isOwner && r.differs(owned):
		return Asking
	case !r.limited:
		return Unlimited
	case isOwner:
		return Owner
	case binds(&r.trial, r.set, mine, r.config.MaxPacketRate):
		return Asking
	}
	return Suppressed
}

// differs reports whether the media sender has another value than it should. Of
// a limit that was lifted the overhead doesn't matter.
func (r *Receiver) differs(t Tuple) bool {
	d := r.Overhead() - t.Overhead
	return t.MxTBR != r.rate || r.limited && (d > overheadSlack || d < -overheadSlack)
}

func (r *Receiver) tuple() Tuple {
	return Tuple{SSRC: r.config.SSRC, MxTBR: r.rate, Overhead: r.Overhead()}
}

// Request returns the entry for the TMMBR that is sent now, with the current
// overhead (§4.2.1.2). The message comes from the receiver's SSRC.
func (r *Receiver) Request() wire.Limit {
	t := r.tuple()
	if r.asked > 0 && t.MxTBR == r.sent.MxTBR {
		r.asked++
	} else {
		r.asked = 1
	}
	r.sent = t
	return wire.Limit{SSRC: r.config.Media, MxTBR: t.MxTBR, Overhead: t.Overhead}
}

// Bounds returns the media sender's bounding set, as it was told last. It is
// valid until the next notification.
func (r *Receiver) Bounds() []Tuple { return r.set }
