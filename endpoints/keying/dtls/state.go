package dtls

// State is where a handshake is: the four states of RFC 6347 §4.2.4, and two in
// which it is over.
type State uint8

// The states.
const (
	// Preparing: the next flight is being made. Only a client that hasn't begun
	// is seen in it.
	Preparing State = iota
	// Sending: a flight is being handed out. It is never seen from outside.
	Sending
	// Waiting for the other end's next flight, with a timer if there is one of
	// our own to send again.
	Waiting
	// Finished: this end is done. It sends its last flight again if the other
	// end seems to have missed it.
	Finished
	// Failed: see [Conn.Err].
	Failed
	// Closed by either end.
	Closed

	states
)

var stateNames = [states]string{"PREPARING", "SENDING", "WAITING", "FINISHED", "FAILED", "CLOSED"}

// String returns the name that RFC 6347 has.
func (s State) String() string {
	if s >= states {
		return "no such state"
	}
	return stateNames[s]
}

// transitions are the arrows of RFC 6347 §4.2.4, figure 3, and the ends. In
// FINISHED the last flight is sent again by way of SENDING. There is no way from
// FINISHED to PREPARING: nobody may renegotiate (RFC 8827 §6.5).
var transitions = [states][states]bool{
	Preparing: {Sending: true, Failed: true, Closed: true},
	Sending:   {Waiting: true, Finished: true},
	Waiting:   {Preparing: true, Sending: true, Finished: true, Failed: true, Closed: true},
	Finished:  {Sending: true, Failed: true, Closed: true},
}

// to changes the state.
func (c *Conn) to(next State) {
	if !transitions[c.state][next] {
		panic("dtls: " + c.config.Role.String() + " goes from " + c.state.String() + " to " + next.String())
	}
	c.state = next
}
