// Package forking is an offer that several devices of a person get, and more than one may answer (001; RFC 8829 §3.8): the
// application that calls ([Caller]), a device ([Device]), and the server that hands the offer to all of them ([Server]).
//
// An answer isn't an acceptance. A device may answer while it rings, so that caller and device make a connection, a line,
// before somebody accepts: what is said first is then heard. The caller keeps the last answer of every device, and on ACCEPT
// the last one of that device holds.
//
// Messages are those of ROAP, in which a device is named by the session id of the answerer. Nodes are passive, as all of
// package signalling are. They take messages that are lost, repeated or overtake each other, and never wait for ever.
package forking

import (
	"time"

	"rtpfabric/endpoints/signalling"
	"rtpfabric/endpoints/signalling/roap"
	"rtpfabric/sim/simtime"
)

// Patience is how long a call rings at most, as in SIP (timer C, RFC 3261 §16.6).
const Patience = 181 * time.Second

// Strategy is when the caller begins to make a line (001, rule 4).
type Strategy uint8

const (
	// Eager begins at the first answer of a device, so that the line is there when somebody accepts.
	Eager Strategy = iota
	// Lazy waits for ACCEPT.
	Lazy
)

// Choice is which of several devices that accept the caller talks to (001; RFC 8829 §3.8.1).
type Choice uint8

const (
	// First takes the one that accepts first, at once.
	First Choice = iota
	// Last takes the one that has accepted last when the time to decide is over.
	Last
	// Best takes the one that the caller likes best, as soon as that accepts, or of those that have when the time is over.
	Best
)

// outbox is what all nodes of this package have.
type outbox struct {
	signalling.Outbox
	name string
}

// Name returns the node's name.
func (o *outbox) Name() string { return o.name }

func (o *outbox) note(now simtime.Time, kind signalling.EventKind, d *roap.Message, reason string) {
	o.Tell(signalling.Event{At: now, Node: o.name, Kind: kind, Offer: d.Offer(), Reason: reason})
}

func (o *outbox) ignore(now simtime.Time, d *roap.Message, reason string) {
	o.note(now, signalling.Ignored, d, string(d.Type)+": "+reason)
}

// read returns a message of ROAP; nil if it isn't one.
func (o *outbox) read(now simtime.Time, m signalling.Message) *roap.Message {
	d, ok := m.(*roap.Message)
	if !ok {
		o.ignore(now, &roap.Message{}, "not a message of ROAP")
		return nil
	}
	return d
}
