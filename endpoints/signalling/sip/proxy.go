package sip

import (
	"fmt"

	"rtpfabric/endpoints/signalling"
	"rtpfabric/sim/simtime"
)

// Proxy is a stateful proxy (RFC 3261 §16) between the user agents on its legs 0 and 1: it has a transaction on either
// side for every INVITE, and acknowledges refusals itself.
type Proxy struct {
	signalling.Outbox
	name     string
	branches uint32
	pending  []*transaction
}

// maxPending bounds the transactions that nobody ends: there is no timer C here.
const maxPending = 64

// transaction is an INVITE on its way through the proxy.
type transaction struct {
	from     int // the leg that it came on
	received *Message
	sent     *Message
	refused  bool // the ACK for it ends the transaction
}

// NewProxy returns a proxy that has nothing to do yet.
func NewProxy(name string) *Proxy { return &Proxy{name: name} }

// Name returns the proxy's name.
func (p *Proxy) Name() string { return p.name }

// HandleMessage hands a message on.
func (p *Proxy) HandleMessage(now simtime.Time, leg int, m signalling.Message) {
	d, ok := m.(*Message)
	if !ok || len(d.Branches) == 0 {
		p.Tell(signalling.Event{At: now, Node: p.name, Kind: signalling.Ignored, Reason: "not a message of SIP"})
		return
	}
	switch {
	case !d.Request():
		p.respond(now, leg, d)
	case d.Method == Ack && p.end(leg, d):
	case d.Method == Invite:
		p.Send(leg, d.Respond(Trying))    // §16.2
		if len(p.pending) == maxPending { // nobody waits for the oldest any more
			p.pending = p.pending[1:]
		}
		p.pending = append(p.pending, &transaction{from: leg, received: d, sent: p.forward(leg, d)})
	default:
		p.forward(leg, d)
	}
}

// forward sends a request on, with a branch of the proxy's own (§16.6).
func (p *Proxy) forward(leg int, d *Message) *Message {
	p.branches++
	on := *d
	on.Branches = append([]string{fmt.Sprintf("%s;%d", p.name, p.branches)}, d.Branches...)
	p.Send(1-leg, &on)
	return &on
}

// respond sends a response back to where the request came from (§16.7).
func (p *Proxy) respond(now simtime.Time, leg int, d *Message) {
	for i, t := range p.pending {
		if t.from == leg || t.refused || t.sent.Branches[0] != d.Branches[0] {
			continue
		}
		if d.Status == Trying {
			return // of one hop
		}
		back := *d
		back.Branches = d.Branches[1:]
		p.Send(t.from, &back)
		switch {
		case d.Success():
			p.pending = append(p.pending[:i], p.pending[i+1:]...)
		case d.Final():
			p.Send(leg, AckOf(t.sent, d))
			t.refused = true
		}
		return
	}
	p.Tell(signalling.Event{At: now, Node: p.name, Kind: signalling.Ignored, Reason: "a response to nothing"})
}

// end takes the ACK of a refusal (§17.2.1), and reports whether it was one.
func (p *Proxy) end(leg int, d *Message) bool {
	for i, t := range p.pending {
		if t.from == leg && t.refused && t.received.Branches[0] == d.Branches[0] {
			p.pending = append(p.pending[:i], p.pending[i+1:]...)
			return true
		}
	}
	return false
}

// HandleTimeout does nothing: the user agents' timers end what they wait for.
func (p *Proxy) HandleTimeout(simtime.Time) {}

// NextTimeout returns simtime.Never.
func (p *Proxy) NextTimeout() simtime.Time { return simtime.Never }
