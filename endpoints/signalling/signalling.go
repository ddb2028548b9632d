// Package signalling is how two ends agree on a session before and while media flow: the frame for the nodes that take
// part. Applications of browsers and the servers between them speak ROAP (package roap), telephony speaks SIP (package
// sip), a gateway both (package gateway); how offers that cross each other are told apart is in package glare.
//
// All nodes are passive, and have numbered legs. After any of HandleMessage, HandleTimeout and the methods that begin
// something, whoever hosts a node drains PollMessage, then PollEvent, and reads NextTimeout again, which then lies in
// the future.
package signalling

import (
	"fmt"
	"time"

	"rtpfabric/sim/simtime"
)

// Node is a party to the signalling.
type Node interface {
	Name() string
	// HandleMessage takes a message that came on one of the node's legs. It keeps m, which nobody changes any more.
	HandleMessage(now simtime.Time, leg int, m Message)
	// HandleTimeout does what is due; an early call does nothing.
	HandleTimeout(now simtime.Time)
	// PollMessage returns a message to send, and the leg; nil when drained.
	PollMessage() (leg int, m Message)
	PollEvent() (Event, bool)
	// NextTimeout returns the next deadline; simtime.Never if there is none.
	NextTimeout() simtime.Time
}

// Message is what nodes say to each other. It doesn't change once it is sent.
type Message interface {
	// Marshal returns the message as it is on the wire.
	Marshal() []byte
	// Title is the message in a few words, as a ladder shows it.
	Title() string
}

// EventKind is what happened.
type EventKind uint8

// What happens at a node.
const (
	// OfferSent: the node's own offer has left.
	OfferSent EventKind = iota
	// OfferAccepted: the other end's offer holds, and is answered.
	OfferAccepted
	// Agreed: the node's own offer has been accepted.
	Agreed
	// Glare: an offer of the other direction came while one was outstanding.
	Glare
	// OfferWithdrawn: the node's own offer has given way to another, or is void together with it.
	OfferWithdrawn
	// OfferDiscarded: the other end's offer has lost and is not answered, or was refused.
	OfferDiscarded
	// RetryScheduled: the offer was refused for glare, and comes again after Event.Wait.
	RetryScheduled
	// ChangeCancelled: the wish itself is given up, for the reason in Event.Reason.
	ChangeCancelled
	// OfferGivenUp: the other end has given up an offer that the node has accepted, for the reason in Event.Reason.
	OfferGivenUp
	// Failed: the negotiation ended without an agreement, for the reason in Event.Reason.
	Failed
	// Disconnected: a connection of the node's has ended, for the reason in Event.Reason, and with it what was on its way.
	Disconnected
	// Ignored: a message came that fits nothing, for the reason in Event.Reason.
	Ignored
	// Answered: the other end's offer is answered, and nobody has accepted it yet.
	Answered
	// LineOpened: a connection to one of several devices, Event.Peer, is being made, LineClosed: it is ended.
	LineOpened
	LineClosed
	// Conflict: a connection to one of several devices lacks an encoder or a decoder.
	Conflict
	// Cloned: the application has made a clone of a peer connection, for a device that answers now or later.
	Cloned
)

// String returns the name of the event in records.
func (k EventKind) String() string {
	return [...]string{
		"offer-sent", "offer-accepted", "offer-agreed", "glare", "offer-withdrawn", "offer-discarded", "offer-retry", "change-cancelled",
		"offer-given-up", "negotiation-failed", "signalling-disconnected", "signalling-ignored", "offer-answered", "line-opened", "line-closed",
		"resource-conflict", "connection-cloned",
	}[k]
}

// Event is something that happened at a node.
type Event struct {
	At   simtime.Time
	Node string
	Kind EventKind
	// Offer is the offer that it happened to.
	Offer OfferID
	// Peer is who of several it happened with; empty where there is one.
	Peer   string
	Reason string
	Wait   time.Duration
}

// OfferID names an offer: whose, and which of the session's.
type OfferID struct {
	Session string // id of the end that offers
	Seq     uint32
}

func (id OfferID) String() string { return fmt.Sprintf("%s/%d", id.Session, id.Seq) }

// Outbox is what a node has to say. A node embeds it.
type Outbox struct {
	messages []sent
	events   []Event
}

type sent struct {
	leg     int
	message Message
}

// Send sends a message on a leg.
func (o *Outbox) Send(leg int, m Message) { o.messages = append(o.messages, sent{leg, m}) }

// Tell says what happened.
func (o *Outbox) Tell(e Event) { o.events = append(o.events, e) }

// PollMessage returns a message to send, and the leg; nil when drained.
func (o *Outbox) PollMessage() (int, Message) {
	if len(o.messages) == 0 {
		return 0, nil
	}
	s := o.messages[0]
	o.messages[0] = sent{}
	if o.messages = o.messages[1:]; len(o.messages) == 0 {
		o.messages = nil
	}
	return s.leg, s.message
}

// PollEvent returns an event; false when drained.
func (o *Outbox) PollEvent() (Event, bool) {
	if len(o.events) == 0 {
		return Event{}, false
	}
	e := o.events[0]
	if o.events = o.events[1:]; len(o.events) == 0 {
		o.events = nil
	}
	return e, true
}

// Describer makes and takes the descriptions of an end.
type Describer interface {
	// Offer returns a description of what this end would like.
	Offer(now simtime.Time) string
	// Answer takes an offer, and returns what this end makes of it. An error refuses it, and nothing has changed.
	Answer(now simtime.Time, offer string) (string, error)
	// Agree takes the answer to this end's offer, which is the session's from now on.
	Agree(now simtime.Time, answer string) error
	// Rollback gives up this end's offer (RFC 8829 §5.7).
	Rollback(now simtime.Time)
}

// Reverter is a describer that may take back what it has made of an offer.
type Reverter interface {
	Describer
	// Revert is told that the other end has given up the offer that was answered last.
	Revert(now simtime.Time)
}

// Trickler is a describer that takes candidates of the other end besides those in its description (RFC 8838).
type Trickler interface {
	Describer
	// AddCandidates takes a fragment of a description (RFC 8840 §9). An error says why it is of no use.
	AddCandidates(now simtime.Time, fragment string) error
}
