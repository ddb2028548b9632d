package peer

import "fmt"

// State is how far a connection is, in the words of 000. It follows from its descriptions.
type State uint8

// The states.
const (
	New     State = iota // nothing is described
	Opening              // one side is
	Active               // both are, be it by a provisional answer
	Closed
)

func (s State) String() string { return [...]string{"new", "opening", "active", "closed"}[s] }

// ICEState is how far a connection's ICE is, in the words of 000.
type ICEState uint8

// The states of ICE.
const (
	ICEGathering ICEState = iota
	ICEWaiting            // all candidates are there, the other side is missing (000, rule 9)
	ICEChecking
	ICEConnected
	ICECompleted
	ICEFailed
	ICEClosed
)

func (s ICEState) String() string {
	return [...]string{"gathering", "waiting", "checking", "connected", "completed", "failed", "closed"}[s]
}

// follows returns an error if checks don't take a connection from one state to another.
func (s ICEState) follows(from ICEState) error {
	ok := false
	switch s {
	case ICEGathering, ICEWaiting: // nobody says so
	case ICEClosed:
		ok = true
	case ICEConnected, ICECompleted:
		ok = from == ICEChecking || from == ICEConnected || from == ICECompleted
	case ICEChecking:
		ok = from == ICEConnected || from == ICECompleted || from == ICEFailed
	case ICEFailed:
		ok = from == ICEChecking || from == ICEConnected || from == ICECompleted
	}
	if !ok {
		return fmt.Errorf("peer: ICE doesn't go from %v to %v", from, s)
	}
	return nil
}
