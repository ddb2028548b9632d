// Package signalling puts nodes of signalling into a network without media: wires that take time, and servers that are
// polled. It is for what only messages and their times decide, such as glare, in large numbers of runs; the same nodes
// stand in a whole simulation elsewhere.
package signalling

import (
	"context"
	"time"

	"rtpfabric/endpoints/signalling"
	"rtpfabric/sim/engine"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// End is a leg of a node.
type End struct {
	Node signalling.Node
	Leg  int
}

// Wire joins two legs.
type Wire struct {
	Ends [2]End
	// Latency is how long a message takes in either direction.
	Latency time.Duration
	// Delivery is how messages get to each of the ends.
	Delivery [2]Delivery
	// Faults are what an unreliable wire does; nil is a reliable one.
	Faults *Faults

	mailboxes [2]mailbox
}

// Faults are what happens to messages on a wire that isn't reliable, each with a probability.
type Faults struct {
	Lost, Repeated, Damaged float64
	// Late messages take up to this much longer, so that others overtake them.
	Late   time.Duration
	Random *rng.Stream
}

// Passage is a message on its way from node to node.
type Passage struct {
	Sent, Arrived simtime.Time
	From, To      string
	Message       signalling.Message
}

// Wires is a network of nodes.
type Wires struct {
	Loop engine.Loop
	// Passed, if not nil, hears of every message that arrives, and Happened of what happens at nodes.
	Passed   func(Passage)
	Happened func(signalling.Event)
	// Damage makes of a message what a receiver reads when octets were damaged; nil if it reads nothing.
	Damage func(signalling.Message, *rng.Stream) signalling.Message

	stations []*station
}

// station is a node in the network.
type station struct {
	wires *Wires
	node  signalling.Node
	timer *engine.Timer
	legs  []leg
}

// leg is where a node's messages go.
type leg struct {
	wire *Wire
	to   int // the end of the wire
}

// Connect adds a wire, and the nodes that aren't there yet.
func (w *Wires) Connect(wire *Wire) {
	for i, end := range wire.Ends {
		s := w.station(end.Node)
		for len(s.legs) <= end.Leg {
			s.legs = append(s.legs, leg{})
		}
		s.legs[end.Leg] = leg{wire, 1 - i}
		wire.mailboxes[i].delivery = wire.Delivery[i]
	}
}

func (w *Wires) station(n signalling.Node) *station {
	for _, s := range w.stations {
		if s.node == n {
			return s
		}
	}
	s := &station{wires: w, node: n}
	s.timer = w.Loop.NewTimer(s)
	w.stations = append(w.stations, s)
	return s
}

// Do has something done to a node at a time.
func (w *Wires) Do(at simtime.Time, n signalling.Node, act func(simtime.Time)) {
	s := w.station(n)
	w.Loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
		act(now)
		s.drain(now)
	})).Set(at)
}

// Run runs until a time at most.
func (w *Wires) Run(until simtime.Time) {
	_ = w.Loop.Run(context.Background(), until) // which nobody cancels
}

// Fire implements engine.Handler.
func (s *station) Fire(now simtime.Time) {
	s.node.HandleTimeout(now)
	s.drain(now)
}

// drain sends what a node has to say.
func (s *station) drain(now simtime.Time) {
	for l, m := s.node.PollMessage(); m != nil; l, m = s.node.PollMessage() {
		s.send(now, s.legs[l], m)
	}
	for e, ok := s.node.PollEvent(); ok; e, ok = s.node.PollEvent() {
		if s.wires.Happened != nil {
			s.wires.Happened(e)
		}
	}
	s.timer.SetIfMoved(s.node.NextTimeout())
}

func (s *station) send(now simtime.Time, l leg, m signalling.Message) {
	if l.wire == nil {
		return
	}
	copies, late := 1, time.Duration(0)
	if f := l.wire.Faults; f != nil {
		if f.Random.Bool(f.Lost) {
			copies = 0
		}
		if f.Random.Bool(f.Repeated) {
			copies++
		}
		if f.Random.Bool(f.Damaged) {
			m = s.wires.Damage(m, f.Random)
		}
	}
	for range copies {
		if f := l.wire.Faults; f != nil {
			late = time.Duration(f.Random.Uniform(0, float64(f.Late)))
		}
		arrives := l.wire.mailboxes[l.to].arrival(now.Add(late), l.wire.Latency)
		s.wires.deliver(Passage{Sent: now, Arrived: arrives, From: s.node.Name(), Message: m}, l.wire.Ends[l.to])
	}
}

func (w *Wires) deliver(p Passage, to End) {
	s := w.station(to.Node)
	p.To = to.Node.Name()
	w.Loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
		if w.Passed != nil {
			w.Passed(p)
		}
		if p.Message == nil {
			return // nothing that can be read
		}
		s.node.HandleMessage(now, to.Leg, p.Message)
		s.drain(now)
	})).Set(p.Arrived)
}
