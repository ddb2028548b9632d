package sip

import (
	"fmt"
	"time"

	"rtpfabric/endpoints/signalling"
	"rtpfabric/endpoints/signalling/glare"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// Config describes a user agent in a dialog (RFC 3261 §12).
type Config struct {
	Name string
	// CallID and the two addresses with their tags name the dialog.
	CallID, Local, Remote string
	// Owner says that this end made the Call-ID, which gives it the longer timer (§14.1).
	Owner bool
	// TieBreaker says that the user agent's offers carry values, and that it compares them (002, "Cullen's proposal").
	TieBreaker     bool
	TieBreakerBits int // as for [glare.Draw]
	// HeedsRetryAfter lets a 491 say when to offer again. RFC 3261 leaves that to the timers of §14.1.
	HeedsRetryAfter bool
	Random          *rng.Stream
	// InviteTimeout is timer B (§17.1.1.2); 0 is its 32 s.
	InviteTimeout time.Duration
	// Describe makes descriptions; nil leaves them out.
	Describe signalling.Describer
}

// TimerB is how long an INVITE waits for any response: 64 times T1 (§17.1.1.2). TimerC is how long it waits for a final one
// behind each provisional one: more than three minutes, as proxies have it (§16.6).
const (
	TimerB = 32 * time.Second
	TimerC = 181 * time.Second
)

// UserAgent changes a session by INVITEs in its dialog (§14). It has one leg, 0.
type UserAgent struct {
	signalling.Outbox
	config   Config
	wishes   int
	cseq     uint32
	branches uint32
	heard    uint32 // the highest CSeq of the other end's INVITEs
	own      *Message
	fate     fate // of own, by values
	retry    simtime.Time
	expires  simtime.Time
	closed   bool
}

// fate is what comparing values says about an INVITE that isn't answered yet.
type fate uint8

const (
	open fate = iota
	lost
	void // as the values are equal
)

// NewUserAgent returns a user agent in a dialog in which nobody has an INVITE outstanding.
func NewUserAgent(c Config) *UserAgent {
	if c.InviteTimeout == 0 {
		c.InviteTimeout = TimerB
	}
	return &UserAgent{config: c, retry: simtime.Never, expires: simtime.Never}
}

// Name returns the user agent's name.
func (u *UserAgent) Name() string { return u.config.Name }

// Wishes returns how many changes aren't agreed on.
func (u *UserAgent) Wishes() int { return u.wishes }

// Idle reports whether no INVITE of this end is outstanding.
func (u *UserAgent) Idle() bool { return u.own == nil }

// Change offers a change of the session: at once, or as soon as no INVITE of this end is outstanding (§14.1).
func (u *UserAgent) Change(now simtime.Time) {
	if u.closed {
		return
	}
	u.wishes++
	u.invite(now)
}

// Shutdown ends the session with a BYE (§15).
func (u *UserAgent) Shutdown(now simtime.Time) {
	if u.closed {
		return
	}
	u.cseq++
	u.Send(0, u.request(Bye, u.cseq))
	u.end(now, "shut down")
}

func (u *UserAgent) end(now simtime.Time, reason string) {
	if u.wishes > 0 {
		u.note(now, signalling.Failed, signalling.OfferID{}, reason)
	}
	u.closed, u.wishes, u.own = true, 0, nil
	u.retry, u.expires = simtime.Never, simtime.Never
}

func (u *UserAgent) invite(now simtime.Time) {
	if u.own != nil || u.wishes == 0 || u.retry != simtime.Never {
		return
	}
	m := u.request(Invite, u.cseq+1)
	u.cseq++
	if u.config.TieBreaker {
		m.Glare = glare.Draw(u.config.Random, u.config.TieBreakerBits)
	}
	if u.config.Describe != nil {
		m.Body = u.config.Describe.Offer(now)
	}
	u.own, u.fate, u.expires = m, open, now.Add(u.config.InviteTimeout)
	u.Send(0, m)
	u.note(now, signalling.OfferSent, m.Offer(), "")
}

// request returns a request with a branch of its own.
func (u *UserAgent) request(method string, cseq uint32) *Message {
	m := NewRequest(method, u.config.CallID, u.config.Local, u.config.Remote, cseq)
	u.branches++
	m.Branches = []string{fmt.Sprintf("%s;%d", u.config.Name, u.branches)}
	return m
}

// HandleMessage takes a request or a response.
func (u *UserAgent) HandleMessage(now simtime.Time, _ int, m signalling.Message) {
	d, ok := m.(*Message)
	switch {
	case !ok || d.CallID != u.config.CallID:
		u.note(now, signalling.Ignored, signalling.OfferID{}, "not a message of this dialog")
	case d.Method == Bye:
		if d.Request() {
			u.Send(0, d.Respond(OK))
			u.end(now, "the other end has shut down")
		}
	case u.closed:
		u.note(now, signalling.Ignored, signalling.OfferID{}, "not in this state")
	case !d.Request():
		u.handleResponse(now, d)
	case d.Method == Invite:
		u.handleInvite(now, d)
	}
}

func (u *UserAgent) handleInvite(now simtime.Time, d *Message) {
	if d.CSeq <= u.heard { // §12.2.2
		u.Send(0, d.Respond(ServerError))
		u.note(now, signalling.Ignored, d.Offer(), "an INVITE out of order")
		return
	}
	u.heard = d.CSeq
	if u.own == nil || u.fate == lost {
		u.accept(now, d)
		return
	}
	why := "timers"
	if u.config.TieBreaker && d.Glare != 0 {
		why = "tie-breaker"
	}
	u.note(now, signalling.Glare, d.Offer(), why)
	switch {
	case why == "timers" || u.own.Glare > d.Glare: // §14.2
		u.refuse(now, d, RequestPending)
	case u.own.Glare < d.Glare: // as if no INVITE of this end were outstanding
		u.fate = lost
		if u.config.Describe != nil {
			u.config.Describe.Rollback(now)
		}
		u.note(now, signalling.OfferWithdrawn, u.own.Offer(), "its value is less")
		u.accept(now, d)
	default:
		u.fate = void
		u.refuse(now, d, RequestPending)
	}
}

func (u *UserAgent) refuse(now simtime.Time, d *Message, status int) {
	u.Send(0, d.Respond(status))
	u.note(now, signalling.OfferDiscarded, d.Offer(), reasons[status])
}

func (u *UserAgent) accept(now simtime.Time, d *Message) {
	r := d.Respond(OK)
	if u.config.Describe != nil {
		var err error
		if r.Body, err = u.config.Describe.Answer(now, d.Body); err != nil {
			u.refuse(now, d, NotAcceptable)
			return
		}
	}
	u.Send(0, r)
	u.note(now, signalling.OfferAccepted, d.Offer(), "")
}

func (u *UserAgent) handleResponse(now simtime.Time, d *Message) {
	if u.own == nil || d.CSeq != u.own.CSeq || d.Method != Invite {
		u.note(now, signalling.Ignored, d.Offer(), "a response to nothing")
		return
	}
	if !d.Final() {
		u.expires = now.Add(TimerC)
		return
	}
	own := u.own
	u.own, u.expires = nil, simtime.Never
	if d.Success() {
		u.Send(0, u.request(Ack, own.CSeq))
		u.agree(now, own, d)
	} else {
		u.Send(0, AckOf(own, d))
		u.refused(now, own, d)
	}
	u.invite(now)
}

// AckOf returns the ACK of a response that isn't of success, which is a part of the INVITE's transaction (§17.1.1.3).
func AckOf(invite, response *Message) *Message {
	ack := NewRequest(Ack, invite.CallID, invite.From, response.To, invite.CSeq)
	ack.Branches = invite.Branches[:1]
	return ack
}

func (u *UserAgent) agree(now simtime.Time, own, d *Message) {
	u.wishes--
	if u.config.Describe != nil {
		if err := u.config.Describe.Agree(now, d.Body); err != nil {
			u.config.Describe.Rollback(now)
			u.note(now, signalling.Failed, own.Offer(), err.Error())
			u.Shutdown(now)
			return
		}
	}
	u.note(now, signalling.Agreed, own.Offer(), "")
}

// refused does what a response that isn't of success asks for.
func (u *UserAgent) refused(now simtime.Time, own, d *Message) {
	if u.config.Describe != nil && u.fate != lost {
		u.config.Describe.Rollback(now)
	}
	switch {
	case d.Status != RequestPending:
		u.wishes--
		u.note(now, signalling.Failed, own.Offer(), fmt.Sprintf("%d %s", d.Status, reasons[d.Status]))
	case u.fate == lost: // 002, case 4: the offer is cancelled, and doesn't come again
		u.wishes--
		u.note(now, signalling.ChangeCancelled, own.Offer(), "its value is less")
	case u.fate == void: // with a new value, at once
		u.note(now, signalling.OfferWithdrawn, own.Offer(), "the values are equal")
	default:
		wait := glare.Wait(u.config.Random, u.config.Owner)
		if u.config.HeedsRetryAfter && d.RetryAfter >= 0 {
			wait = d.RetryAfter
		}
		u.note(now, signalling.OfferWithdrawn, own.Offer(), "refused: glare")
		u.Tell(signalling.Event{At: now, Node: u.config.Name, Kind: signalling.RetryScheduled, Offer: own.Offer(), Wait: wait})
		if wait > 0 {
			u.retry = now.Add(wait)
		}
	}
}

// HandleTimeout sends the INVITE again, or gives one up that nobody answers.
func (u *UserAgent) HandleTimeout(now simtime.Time) {
	if u.retry <= now {
		u.retry = simtime.Never
		u.invite(now)
	}
	if u.expires <= now {
		own := u.own
		u.own, u.expires = nil, simtime.Never
		d := own.Respond(RequestTimeout) // as the transaction layer reports it (§8.1.3.1)
		u.refused(now, own, d)
		u.invite(now)
	}
}

// NextTimeout returns when the user agent has something to do.
func (u *UserAgent) NextTimeout() simtime.Time { return min(u.retry, u.expires) }

func (u *UserAgent) note(now simtime.Time, kind signalling.EventKind, id signalling.OfferID, reason string) {
	u.Tell(signalling.Event{At: now, Node: u.config.Name, Kind: kind, Offer: id, Reason: reason})
}
