package sip

import (
	"fmt"
	"slices"
	"strings"

	"rtpfabric/endpoints/signalling"
	"rtpfabric/sim/simtime"
)

// Proxy is a stateful proxy (RFC 3261 §16) between the user agents on its legs 0 and 1: it has a transaction on either
// side for every INVITE, acknowledges refusals itself, hands CANCEL on hop by hop, and ends what rings for ever.
type Proxy struct {
	signalling.Outbox
	name     string
	branches uint32
	pending  []*transaction
}

// maxPending bounds the transactions that are kept until timers end them.
const maxPending = 64

// transaction is an INVITE on its way through the proxy.
type transaction struct {
	from     int // the leg that it came on
	received *Message
	sent     Pending
	refused  bool         // the ACK for it ends the transaction
	expires  simtime.Time // timer C (§16.6), then that of a CANCEL (§9.1), or timer H of a refusal (§17.2.1)
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
	case d.Method == Cancel && p.cancelled(now, leg, d):
	case d.Method == Invite:
		p.Send(leg, d.Respond(Trying))    // §16.2
		if len(p.pending) == maxPending { // nobody waits for the oldest any more
			p.pending = p.pending[1:]
		}
		p.pending = append(p.pending, &transaction{from: leg, received: d, sent: Pending{Invite: p.forward(leg, d)}, expires: now.Add(TimerC)})
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
	i := slices.IndexFunc(p.pending, func(t *transaction) bool { return t.from != leg && t.sent.Invite.Branches[0] == d.Branches[0] })
	switch {
	case i < 0:
		p.pass(now, leg, d)
	case d.Method != Invite: // of a CANCEL, which is this hop's
	case p.pending[i].refused && !d.Success():
		p.Tell(signalling.Event{At: now, Node: p.name, Kind: signalling.Ignored, Reason: "a response to nothing"})
	case !d.Final():
		p.proceed(now, p.pending[i], d)
	case d.Success():
		p.back(p.pending[i].from, d)
		p.pending = slices.Delete(p.pending, i, i+1)
	default:
		p.back(p.pending[i].from, d)
		p.Send(leg, AckOf(p.pending[i].sent.Invite, d))
		p.pending[i].refused, p.pending[i].expires = true, now.Add(TimerB)
	}
}

// back sends a response on without the proxy's branch.
func (p *Proxy) back(leg int, d *Message) {
	back := *d
	back.Branches = d.Branches[1:]
	p.Send(leg, &back)
}

// pass sends the response of a request back of which the proxy has no state, such as a CANCEL that came too late.
func (p *Proxy) pass(now simtime.Time, leg int, d *Message) {
	if d.Method == Cancel && len(d.Branches) > 1 && strings.HasPrefix(d.Branches[0], p.name+";") {
		p.back(1-leg, d)
		return
	}
	p.Tell(signalling.Event{At: now, Node: p.name, Kind: signalling.Ignored, Reason: "a response to nothing"})
}

// proceed takes a provisional response: all but 100, which is of one hop, prolong timer C (§16.7).
func (p *Proxy) proceed(now simtime.Time, t *transaction, d *Message) {
	if d.Status != Trying {
		p.back(t.from, d)
		if !t.sent.Cancelled {
			t.expires = now.Add(TimerC)
		}
	}
	if m := t.sent.Proceed(); m != nil {
		p.cancel(now, t, m)
	}
}

// cancelled takes a CANCEL, and reports whether the proxy knows its INVITE; otherwise it goes on as it is (§16.10).
func (p *Proxy) cancelled(now simtime.Time, leg int, d *Message) bool {
	known := false
	for _, t := range p.pending {
		if t.from != leg || !d.Cancels(t.received) {
			continue
		}
		if !known {
			p.Send(leg, d.Respond(OK))
		}
		known = true
		if !t.refused {
			p.cancel(now, t, t.sent.GiveUp())
		}
	}
	return known
}

// cancel sends a CANCEL, if there is one to send, and waits for what comes of it (§9.1).
func (p *Proxy) cancel(now simtime.Time, t *transaction, m *Message) {
	if m != nil {
		p.Send(1-t.from, m)
		t.expires = now.Add(TimerB)
	}
}

// end takes the ACK of a refusal (§17.2.1), and reports whether it was one.
func (p *Proxy) end(leg int, d *Message) bool {
	for i, t := range p.pending {
		if t.from == leg && t.refused && t.received.Branches[0] == d.Branches[0] {
			p.pending = slices.Delete(p.pending, i, i+1)
			return true
		}
	}
	return false
}

// HandleTimeout cancels what rings for ever, and refuses what nobody answers, or what doesn't heed the CANCEL (§16.8).
func (p *Proxy) HandleTimeout(now simtime.Time) {
	kept := p.pending[:0]
	for _, t := range p.pending {
		switch {
		case t.expires > now:
		case t.refused:
			continue
		case t.sent.Provisional && !t.sent.Cancelled:
			p.cancel(now, t, t.sent.GiveUp())
		default:
			p.Send(t.from, t.received.Respond(RequestTimeout))
			t.refused, t.expires = true, now.Add(TimerB)
		}
		kept = append(kept, t)
	}
	clear(p.pending[len(kept):])
	p.pending = kept
}

// NextTimeout returns when a transaction is over.
func (p *Proxy) NextTimeout() simtime.Time {
	at := simtime.Never
	for _, t := range p.pending {
		at = min(at, t.expires)
	}
	return at
}
