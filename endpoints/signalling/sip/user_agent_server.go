package sip

import (
	"slices"
	"time"

	"rtpfabric/endpoints/signalling"
	"rtpfabric/sim/simtime"
)

func (u *UserAgent) handleInvite(now simtime.Time, d *Message) {
	if u.ringing != nil && slices.Equal(d.Branches, u.ringing.Branches) { // §17.2.1
		u.Send(0, u.ringing.Respond(Ringing))
		return
	}
	if d.CSeq <= u.heard { // §12.2.2
		u.Send(0, d.Respond(ServerError))
		u.note(now, signalling.Ignored, d.Offer(), "an INVITE out of order")
		return
	}
	u.heard, u.latest = d.CSeq, d
	if u.ringing != nil { // §14.2
		r := d.Respond(ServerError)
		r.RetryAfter = time.Duration(u.config.Random.Uniform(0, 11)) * time.Second
		u.Send(0, r)
		u.note(now, signalling.OfferDiscarded, d.Offer(), "another one isn't answered")
		return
	}
	if u.own == nil || u.fate == lost {
		u.alert(now, d)
		return
	}
	own := u.own.Invite
	why := "timers"
	if u.config.TieBreaker && d.Glare != 0 {
		why = "tie-breaker"
	}
	u.note(now, signalling.Glare, d.Offer(), why)
	switch {
	case why == "timers" || own.Glare > d.Glare: // §14.2
		u.refuse(now, d, RequestPending)
	case own.Glare < d.Glare: // as if no INVITE of this end were outstanding
		u.fate = lost
		if u.config.Describe != nil {
			u.config.Describe.Rollback(now)
		}
		u.note(now, signalling.OfferWithdrawn, own.Offer(), "its value is less")
		u.alert(now, d)
	default:
		u.fate = void
		u.refuse(now, d, RequestPending)
	}
}

// alert accepts an INVITE, or lets it ring before. As long as it rings nothing has changed.
func (u *UserAgent) alert(now simtime.Time, d *Message) {
	if u.config.Rings == 0 {
		u.accept(now, d)
		return
	}
	u.ringing, u.answers = d, now.Add(u.config.Rings)
	u.Send(0, d.Respond(Ringing))
}

// settle answers what rings, in one way or the other, and goes on with what has waited for that.
func (u *UserAgent) settle(now simtime.Time, answer func(*UserAgent, simtime.Time, *Message)) {
	d := u.ringing
	u.ringing, u.answers = nil, simtime.Never
	answer(u, now, d)
	u.invite(now)
}

// terminate refuses what rings, as nobody wants it any more.
func (u *UserAgent) terminate(now simtime.Time, d *Message) { u.refuse(now, d, Terminated) }

// handleCancel ends what rings (§9.2). The CANCEL of an INVITE that has its final response has no effect, as long
// as that is the latest.
func (u *UserAgent) handleCancel(now simtime.Time, d *Message) {
	switch {
	case d.Cancels(u.ringing):
		u.Send(0, d.Respond(OK))
		u.settle(now, (*UserAgent).terminate)
	case d.Cancels(u.latest):
		u.Send(0, d.Respond(OK))
	default:
		u.Send(0, d.Respond(NoDialog))
		u.note(now, signalling.Ignored, d.Offer(), "a CANCEL of nothing")
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
