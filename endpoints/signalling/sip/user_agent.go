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
	// Rings is how long the user agent rings before it accepts an INVITE (§13.3.1.1); 0 accepts at once, without a
	// provisional response.
	Rings time.Duration
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
	own      *Pending
	unwanted bool // own was given up by whoever wanted it
	fate     fate // of own, by values
	retry    simtime.Time
	expires  simtime.Time
	ringing  *Message // an INVITE of the other end that isn't answered
	answers  simtime.Time
	latest   *Message // INVITE of the other end
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
	return &UserAgent{config: c, retry: simtime.Never, expires: simtime.Never, answers: simtime.Never}
}

// Name returns the user agent's name.
func (u *UserAgent) Name() string { return u.config.Name }

// Wishes returns how many changes aren't agreed on.
func (u *UserAgent) Wishes() int { return u.wishes }

// Idle reports whether no INVITE of either end is outstanding.
func (u *UserAgent) Idle() bool { return u.own == nil && u.ringing == nil }

// Change offers a change of the session: at once, or as soon as no INVITE of either end is outstanding (§14.1).
func (u *UserAgent) Change(now simtime.Time) {
	if u.closed {
		return
	}
	u.wishes++
	u.invite(now)
}

// GiveUp gives up the INVITE of this end that is outstanding (§9.1), and the change with it. What comes of that is said by
// its final response: an end that has accepted it before it heard of that has changed the session, which both go on with (§15).
func (u *UserAgent) GiveUp(now simtime.Time) {
	if u.own != nil && !u.closed {
		u.unwanted = true
		u.cancel(now)
	}
}

// cancel asks the other end to end the outstanding INVITE, which waits for that as long as for any response (§9.1).
func (u *UserAgent) cancel(now simtime.Time) {
	if m := u.own.GiveUp(); m != nil {
		u.Send(0, m)
		u.expires = now.Add(TimerB)
	}
}

// Shutdown ends the session with a BYE (§15), and what is outstanding.
func (u *UserAgent) Shutdown(now simtime.Time) {
	if u.closed {
		return
	}
	if u.own != nil {
		u.cancel(now)
	}
	u.cseq++
	bye := u.request(Bye, u.cseq)
	u.end(now, "shut down")
	u.Send(0, bye)
}

// end ends the session. An INVITE of this end still waits for its final response, to acknowledge it.
func (u *UserAgent) end(now simtime.Time, reason string) {
	if u.wishes > 0 {
		u.note(now, signalling.Failed, signalling.OfferID{}, reason)
	}
	u.closed, u.wishes, u.retry = true, 0, simtime.Never
	if u.ringing != nil { // §15.1.2
		u.settle(now, (*UserAgent).terminate)
	}
}

func (u *UserAgent) invite(now simtime.Time) {
	if u.own != nil || u.ringing != nil || u.wishes == 0 || u.retry != simtime.Never {
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
	u.own, u.unwanted, u.fate, u.expires = &Pending{Invite: m}, false, open, now.Add(u.config.InviteTimeout)
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
	case d.Method == Cancel:
		if d.Request() { // a response says no more than that of the INVITE
			u.handleCancel(now, d)
		}
	case u.closed && (d.Request() || u.own == nil):
		u.note(now, signalling.Ignored, signalling.OfferID{}, "not in this state")
	case !d.Request():
		u.handleResponse(now, d)
	case d.Method == Invite:
		u.handleInvite(now, d)
	}
}

func (u *UserAgent) handleResponse(now simtime.Time, d *Message) {
	if u.own == nil || d.CSeq != u.own.Invite.CSeq || d.Method != Invite {
		u.note(now, signalling.Ignored, d.Offer(), "a response to nothing")
		return
	}
	if !d.Final() {
		if !u.own.Cancelled {
			u.expires = now.Add(TimerC)
		}
		if m := u.own.Proceed(); m != nil { // it was given up before
			u.Send(0, m)
			u.expires = now.Add(TimerB)
		}
		return
	}
	own := u.own
	u.own, u.expires = nil, simtime.Never
	if d.Success() {
		u.Send(0, u.request(Ack, own.Invite.CSeq))
	} else {
		u.Send(0, AckOf(own.Invite, d))
	}
	switch {
	case u.closed:
		return
	case d.Success():
		u.agree(now, own.Invite, d)
	default:
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
func (u *UserAgent) refused(now simtime.Time, p *Pending, d *Message) {
	own := p.Invite
	if u.config.Describe != nil && u.fate != lost {
		u.config.Describe.Rollback(now)
	}
	switch {
	case u.unwanted && (d.Status == Terminated || d.Status == RequestPending):
		u.wishes--
		u.note(now, signalling.ChangeCancelled, own.Offer(), "given up")
	case p.GivenUp || d.Status != RequestPending:
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

// HandleTimeout sends the INVITE again, accepts what has rung, or gives up an INVITE that nobody answers: by a CANCEL
// if the other end has it.
func (u *UserAgent) HandleTimeout(now simtime.Time) {
	if u.answers <= now {
		u.settle(now, (*UserAgent).accept)
	}
	if u.retry <= now {
		u.retry = simtime.Never
		u.invite(now)
	}
	if u.expires <= now {
		if u.own.Provisional && !u.own.Cancelled {
			u.cancel(now)
			return
		}
		own := u.own
		u.own, u.expires = nil, simtime.Never
		if u.closed {
			return
		}
		d := own.Invite.Respond(RequestTimeout) // as the transaction layer reports it (§8.1.3.1)
		u.refused(now, own, d)
		u.invite(now)
	}
}

// NextTimeout returns when the user agent has something to do.
func (u *UserAgent) NextTimeout() simtime.Time { return min(u.retry, u.expires, u.answers) }

func (u *UserAgent) note(now simtime.Time, kind signalling.EventKind, id signalling.OfferID, reason string) {
	u.Tell(signalling.Event{At: now, Node: u.config.Name, Kind: kind, Offer: id, Reason: reason})
}
