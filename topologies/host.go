// Package topologies wires endpoints and middleboxes into a network: it makes
// the fabric, puts endpoints at its nodes, connects them as the topology says,
// and drives them from the event loop.
package topologies

import (
	"fmt"

	"rtpfabric/endpoints"
	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// Stack is what a host drives: an endpoint, or a middlebox made of the same
// parts. It never blocks, schedules or reads a clock.
//
// After HandlePacket or HandleTimeout the host drains PollPacket, then
// PollEvent, then re-reads NextTimeout.
type Stack interface {
	Name() string
	// HandlePacket takes ownership of p.
	HandlePacket(now simtime.Time, p *packet.Packet)
	// HandleTimeout does what is due; an early call does nothing.
	HandleTimeout(now simtime.Time)
	// PollPacket hands over a packet to send; nil when drained.
	PollPacket(now simtime.Time) *packet.Packet
	PollEvent() (endpoints.Event, bool)
	// NextTimeout returns the next deadline, which has a reason.
	NextTimeout() (simtime.Time, endpoints.Reason)
	// Held returns how many packets the stack owns.
	Held() int
}

// host stands between a stack and the fabric.
type host struct {
	stack Stack
	plain *endpoints.Endpoint // the stack, if it is one without anything around it
	port  *fabric.Port
	timer engine.Timer
	sink  func(endpoints.Event)
	// inside, if not nil, hears of events before anybody else, and says whether that gives the
	// stack something to do.
	inside func(endpoints.Event) bool
	dead   bool   // its process has died
	missed uint64 // packets that came to it then
	pool   *packet.Pool
}

func newHost(loop *engine.Loop, s Stack) *host {
	h := &host{sink: func(endpoints.Event) {}}
	h.drive(s)
	loop.Init(&h.timer, h)
	return h
}

// drive gives the host a stack, in place of the one that it has had.
func (h *host) drive(s Stack) {
	h.stack = s
	h.plain, _ = s.(*endpoints.Endpoint)
}

// Receive implements fabric.Receiver.
func (h *host) Receive(now simtime.Time, p *packet.Packet) {
	if h.dead {
		h.missed++
		h.pool.Release(p)
		return
	}
	h.stack.HandlePacket(now, p)
	h.drain(now)
}

// Fire implements engine.Handler.
func (h *host) Fire(now simtime.Time) {
	h.stack.HandleTimeout(now)
	if at, why := h.drain(now); at <= now {
		panic(fmt.Sprintf("topologies: %s at %v still wants a timeout at %v, reason %d", h.stack.Name(), now, at, why))
	}
}

// empty empties the stack, and reports whether that gives it something to do.
func (h *host) empty(now simtime.Time) (more bool) {
	for p := h.stack.PollPacket(now); p != nil; p = h.stack.PollPacket(now) {
		h.port.Send(now, p)
	}
	if h.plain != nil {
		for e := h.plain.NextEvent(); e != nil; e = h.plain.NextEvent() {
			more = h.tell(e) || more
		}
		return more
	}
	for e, ok := h.stack.PollEvent(); ok; e, ok = h.stack.PollEvent() {
		more = h.tell(&e) || more
	}
	return more
}

// tell says what has happened, and returns whether that gives the stack something to do.
func (h *host) tell(e *endpoints.Event) (more bool) {
	what := *e // what it says may happen to the stack, which then has another event in its place
	if h.inside != nil {
		more = h.inside(what)
	}
	h.sink(what)
	return more
}

// drain empties the stack and returns its next deadline.
func (h *host) drain(now simtime.Time) (simtime.Time, endpoints.Reason) {
	if h.dead {
		return simtime.Never, endpoints.ReasonNone
	}
	for h.empty(now) {
		h.stack.HandleTimeout(now)
	}
	at, why := h.stack.NextTimeout()
	h.timer.SetIfMoved(max(at, now))
	return at, why
}
