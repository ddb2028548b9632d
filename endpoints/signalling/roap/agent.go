package roap

import (
	"time"

	"rtpfabric/endpoints/jsep"
	"rtpfabric/endpoints/signalling"
	"rtpfabric/endpoints/signalling/glare"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// AgentConfig describes an agent.
type AgentConfig struct {
	Name string
	// Session and Peer are the session ids of both ends.
	Session, Peer string
	Resolution    glare.Resolution
	// Owner says that this end made the Call-ID, which gives it the longer timer.
	Owner bool
	// Polite says that this end gives way; exactly one of two has to.
	Polite bool
	// Random draws values and timers.
	Random *rng.Stream
	// TieBreakerBits is how many bits values have, to make equal ones likely; 0 is 32.
	TieBreakerBits int
	// OfferTimeout is how long an offer waits for its answer; 0 is 32 s, as a transaction of SIP does (RFC 3261 §17.1.1.2).
	OfferTimeout time.Duration
	// Describe makes descriptions; nil leaves them out.
	Describe signalling.Describer
}

const defaultOfferTimeout = 32 * time.Second

// acceptTimeout is how long an answer waits for being accepted: as long as a call of SIP may ring (RFC 3261 §16.6).
const acceptTimeout = 181 * time.Second

// Agent is one end's application: it offers changes, answers the other end's offers, and resolves glare. It has one
// leg, 0.
type Agent struct {
	signalling.Outbox
	config AgentConfig
	state  jsep.State
	wishes int // changes that aren't agreed on

	seq     uint32 // the highest of either direction
	heard   uint32 // the highest of the other end's offers
	own     Message
	answer  string // to own
	retry   simtime.Time
	expires simtime.Time
	agreed  signalling.OfferID
	closed  bool
}

// NewAgent returns an agent with nothing agreed on.
func NewAgent(c AgentConfig) *Agent {
	if c.OfferTimeout == 0 {
		c.OfferTimeout = defaultOfferTimeout
	}
	return &Agent{config: c, retry: simtime.Never, expires: simtime.Never}
}

// Name returns the agent's name.
func (a *Agent) Name() string { return a.config.Name }

// State returns the agent's state.
func (a *Agent) State() jsep.State { return a.state }

// Idle reports whether the agent waits for nothing from the other end.
func (a *Agent) Idle() bool { return a.state == jsep.Stable || a.state == jsep.Closed }

// Wishes returns how many changes aren't agreed on.
func (a *Agent) Wishes() int { return a.wishes }

// Agreed returns the offer that the session is made of; zero at first.
func (a *Agent) Agreed() signalling.OfferID { return a.agreed }

// Change offers a change of the session: at once, or as soon as there is no offer on its way.
func (a *Agent) Change(now simtime.Time) {
	if a.closed {
		return
	}
	a.wishes++
	a.offer(now)
}

// Trickle tells the other end of candidates, in a fragment of a description (RFC 8838, RFC 8840 §9).
func (a *Agent) Trickle(fragment string) {
	if !a.closed {
		a.Send(0, &Message{Type: TypeCandidate, Offerer: a.config.Session, Answerer: a.config.Peer, SDP: fragment})
	}
}

// Shutdown ends the session.
func (a *Agent) Shutdown(now simtime.Time) {
	if a.closed {
		return
	}
	a.Send(0, &Message{Type: TypeShutdown, Offerer: a.config.Session, Answerer: a.config.Peer, Seq: a.seq})
	a.end(now, "shut down")
}

func (a *Agent) end(now simtime.Time, reason string) {
	if a.wishes > 0 {
		a.note(now, signalling.Failed, a.own.Offer(), reason)
	}
	a.closed, a.state, a.wishes = true, jsep.Closed, 0
	a.retry, a.expires = simtime.Never, simtime.Never
}

// offer sends an offer if there is something to offer and no reason to wait.
func (a *Agent) offer(now simtime.Time) {
	if a.state != jsep.Stable || a.wishes == 0 || a.retry != simtime.Never {
		return
	}
	a.seq++
	a.own = Message{Type: TypeOffer, Offerer: a.config.Session, Answerer: a.config.Peer, Seq: a.seq}
	if a.config.Resolution == glare.TieBreaker {
		a.own.TieBreaker = glare.Draw(a.config.Random, a.config.TieBreakerBits)
	}
	if a.config.Describe != nil {
		a.own.SDP = a.config.Describe.Offer(now)
	}
	a.set(jsep.Local, jsep.Offer)
	a.expires = now.Add(a.config.OfferTimeout)
	m := a.own
	a.Send(0, &m)
	a.note(now, signalling.OfferSent, a.own.Offer(), "")
}

// set moves the state on. The agent looks at it before.
func (a *Agent) set(side jsep.Side, t jsep.Type) {
	next, err := a.state.Next(side, t)
	if err != nil {
		panic("roap: " + a.config.Name + ": " + err.Error())
	}
	a.state = next
}

// HandleMessage takes a message from the other end.
func (a *Agent) HandleMessage(now simtime.Time, _ int, m signalling.Message) {
	d, ok := m.(*Message)
	if !ok || a.closed {
		a.ignore(now, signalling.OfferID{}, "not in this state")
		return
	}
	switch d.Type {
	case TypeOffer:
		a.handleOffer(now, d)
	case TypeAnswer, TypeAccept:
		a.handleAnswer(now, d)
	case TypeError:
		a.handleError(now, d)
	case TypeCandidate:
		a.handleCandidate(now, d)
	case TypeShutdown:
		a.end(now, "the other end has shut down")
	}
}

func (a *Agent) handleCandidate(now simtime.Time, d *Message) {
	t, ok := a.config.Describe.(signalling.Trickler)
	if !ok {
		a.ignore(now, signalling.OfferID{}, "this end takes no candidates that aren't in a description")
		return
	}
	if err := t.AddCandidates(now, d.SDP); err != nil {
		a.ignore(now, signalling.OfferID{}, err.Error())
	}
}

func (a *Agent) handleOffer(now simtime.Time, d *Message) {
	id := d.Offer()
	if d.Offerer != a.config.Peer || d.Seq <= a.heard {
		a.ignore(now, id, "an offer of no use: repeated, overtaken, or of another session")
		return
	}
	a.heard, a.seq = d.Seq, max(a.seq, d.Seq)
	if a.state == jsep.Stable {
		a.accept(now, d)
		return
	}
	a.note(now, signalling.Glare, id, a.config.Resolution.String())
	switch a.config.Resolution {
	case glare.Timers: // RFC 3261 §14.2, for both
		a.refuse(now, d, Conflict)
	case glare.TieBreaker:
		switch {
		case a.own.TieBreaker > d.TieBreaker:
			a.note(now, signalling.OfferDiscarded, id, "its value is less")
		case a.own.TieBreaker < d.TieBreaker:
			a.withdraw(now, "its value is less")
			a.accept(now, d)
		default: // the error for the own offer comes from whoever sees the same
			a.refuse(now, d, DoubleConflict)
		}
	case glare.Polite:
		if !a.config.Polite {
			a.note(now, signalling.OfferDiscarded, id, "this end is impolite")
			return
		}
		a.withdraw(now, "this end is polite")
		a.accept(now, d)
	}
}

// withdraw gives up the own offer. What it would have changed is offered again later.
func (a *Agent) withdraw(now simtime.Time, reason string) {
	a.rollback(now)
	a.note(now, signalling.OfferWithdrawn, a.own.Offer(), reason)
}

func (a *Agent) rollback(now simtime.Time) {
	a.set(jsep.Local, jsep.Rollback)
	a.expires = simtime.Never
	if a.config.Describe != nil {
		a.config.Describe.Rollback(now)
	}
}

// accept answers an offer.
func (a *Agent) accept(now simtime.Time, d *Message) {
	a.set(jsep.Remote, jsep.Offer)
	answer := Message{Type: TypeAnswer, Offerer: d.Offerer, Answerer: a.config.Session, Seq: d.Seq}
	if a.config.Describe != nil {
		var err error
		if answer.SDP, err = a.config.Describe.Answer(now, d.SDP); err != nil {
			a.set(jsep.Remote, jsep.Rollback)
			a.refuse(now, d, NoMatch)
			a.note(now, signalling.Ignored, d.Offer(), err.Error())
			a.offer(now)
			return
		}
	}
	a.set(jsep.Local, jsep.Answer)
	a.agreed = d.Offer()
	a.Send(0, &answer)
	a.Send(0, &Message{Type: TypeAccept, Offerer: d.Offerer, Answerer: a.config.Session, Seq: d.Seq})
	a.note(now, signalling.OfferAccepted, d.Offer(), "")
	a.offer(now)
}

func (a *Agent) refuse(now simtime.Time, d *Message, why ErrorType) {
	a.Send(0, &Message{Type: TypeError, Offerer: d.Offerer, Answerer: a.config.Session, Seq: d.Seq, Error: why})
	a.note(now, signalling.OfferDiscarded, d.Offer(), string(why))
}

// outstanding reports whether a message is about the own offer that is on its way.
func (a *Agent) outstanding(d *Message) bool {
	return (a.state == jsep.HaveLocalOffer || a.state == jsep.HaveRemotePranswer) && d.Offer() == a.own.Offer()
}

func (a *Agent) handleAnswer(now simtime.Time, d *Message) {
	switch {
	case !a.outstanding(d):
		a.ignore(now, d.Offer(), "an answer to an offer that isn't on its way")
	case d.Type == TypeAnswer: // another one may take its place until it is accepted
		a.set(jsep.Remote, jsep.Pranswer)
		a.answer = d.SDP
		a.expires = now.Add(acceptTimeout)
	case a.state == jsep.HaveLocalOffer:
		a.ignore(now, d.Offer(), "accepted without an answer")
	default:
		if a.config.Describe != nil {
			if err := a.config.Describe.Agree(now, a.answer); err != nil {
				a.fail(now, NoMatch, err.Error())
				return
			}
		}
		a.set(jsep.Remote, jsep.Answer)
		a.expires = simtime.Never
		a.agreed = a.own.Offer()
		a.wishes--
		a.note(now, signalling.Agreed, a.own.Offer(), "")
		a.offer(now)
	}
}

// fail gives up the own offer and what it would have changed, and tells the other end.
func (a *Agent) fail(now simtime.Time, why ErrorType, reason string) {
	a.Send(0, &Message{Type: TypeError, Offerer: a.own.Offerer, Answerer: a.config.Session, Seq: a.own.Seq, Error: why})
	a.drop(now, reason)
}

func (a *Agent) drop(now simtime.Time, reason string) {
	a.rollback(now)
	a.wishes--
	a.note(now, signalling.Failed, a.own.Offer(), reason)
	a.offer(now)
}

func (a *Agent) handleError(now simtime.Time, d *Message) {
	if !a.outstanding(d) {
		if d.Offer() == a.agreed && d.Offerer == a.config.Peer {
			if r, ok := a.config.Describe.(signalling.Reverter); ok {
				r.Revert(now)
			}
			a.note(now, signalling.OfferGivenUp, d.Offer(), string(d.Error))
			return
		}
		a.ignore(now, d.Offer(), "an error about an offer that isn't on its way")
		return
	}
	switch d.Error {
	case Conflict:
		a.withdraw(now, "refused: glare")
		wait := glare.Wait(a.config.Random, a.config.Owner)
		a.retry = now.Add(wait)
		a.Tell(signalling.Event{At: now, Node: a.config.Name, Kind: signalling.RetryScheduled, Offer: a.own.Offer(), Wait: wait})
		a.HandleTimeout(now)
	case DoubleConflict: // a new value, at once
		a.withdraw(now, "the values are equal")
		a.offer(now)
	case NoMatch, Timeout, Refused, Failure:
		a.drop(now, string(d.Error))
	}
}

// HandleTimeout offers again, or gives up an offer that nobody answers.
func (a *Agent) HandleTimeout(now simtime.Time) {
	if a.retry <= now {
		a.retry = simtime.Never
		a.offer(now)
	}
	if a.expires <= now {
		a.fail(now, Timeout, "nobody answers")
	}
}

// NextTimeout returns when the agent has something to do.
func (a *Agent) NextTimeout() simtime.Time { return min(a.retry, a.expires) }

func (a *Agent) note(now simtime.Time, kind signalling.EventKind, id signalling.OfferID, reason string) {
	a.Tell(signalling.Event{At: now, Node: a.config.Name, Kind: kind, Offer: id, Reason: reason})
}

func (a *Agent) ignore(now simtime.Time, id signalling.OfferID, reason string) {
	a.note(now, signalling.Ignored, id, reason)
}
