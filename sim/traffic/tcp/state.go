package tcp

import "fmt"

// State is the state of RFC 9293 §3.3.2.
type State uint8

// The states.
const (
	Closed State = iota
	Listening
	SynSent
	SynReceived
	Established
	FinWait1
	FinWait2
	CloseWait
	Closing
	LastAck
	TimeWait
)

var stateNames = [...]string{
	Closed: "CLOSED", Listening: "LISTEN", SynSent: "SYN-SENT", SynReceived: "SYN-RECEIVED",
	Established: "ESTABLISHED", FinWait1: "FIN-WAIT-1", FinWait2: "FIN-WAIT-2", CloseWait: "CLOSE-WAIT",
	Closing: "CLOSING", LastAck: "LAST-ACK", TimeWait: "TIME-WAIT",
}

// String returns the RFC's name.
func (s State) String() string { return stateNames[s] }

// successors are the transitions of RFC 9293 §3.3.2, figure 5; every state may
// become Closed.
var successors = [...][]State{
	Closed:      {Listening, SynSent},
	Listening:   {SynReceived},
	SynSent:     {Established},
	SynReceived: {Established, FinWait1},
	Established: {FinWait1, CloseWait},
	FinWait1:    {FinWait2, Closing, TimeWait},
	FinWait2:    {TimeWait},
	CloseWait:   {LastAck},
	Closing:     {TimeWait},
	LastAck:     {},
	TimeWait:    {},
}

// become changes the state. A transition that the RFC doesn't have panics.
func (c *Conn) become(next State) {
	if next == Closed {
		c.state = Closed
		c.stopTimers()
		return
	}
	for _, s := range successors[c.state] {
		if s == next {
			c.state = next
			return
		}
	}
	panic(fmt.Sprintf("tcp: from %v to %v", c.state, next))
}

// synchronized says that both ends know each other's sequence numbers.
func (s State) synchronized() bool { return s >= Established }

// maySend says that data, a FIN or their retransmission may go out.
func (s State) maySend() bool {
	switch s {
	case Established, CloseWait, FinWait1, Closing, LastAck:
		return true
	default:
		return false
	}
}
