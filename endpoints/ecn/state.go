package ecn

// State is what a sender believes of a path.
type State uint8

// The states.
const (
	Initiating State = iota // a small fraction of packets finds out (RFC 6679 §7.2.1)
	InUse                   // all packets are ECN-capable (§7.3.1)
	Suspended               // none is, to see whether losses end (§7.4.1)
	Disabled                // none is any more
)

const states = int(Disabled) + 1

var stateNames = [states]string{"initiating", "in use", "suspended", "disabled"}

func (s State) String() string { return stateNames[s] }

// legal says which changes of state there are.
var legal = [states][states]bool{
	Initiating: {InUse: true, Disabled: true},
	InUse:      {Initiating: true, Suspended: true, Disabled: true},
	Suspended:  {InUse: true, Initiating: true, Disabled: true},
}

// Change is a new state, and why.
type Change struct {
	State State
	Why   Reason
}

// Reason is why the state has changed.
type Reason uint8

// The reasons.
const (
	Arrives        Reason = iota // reports show that ECN-capable packets arrive
	NotReported                  // reports say nothing of ECN (§7.2.1)
	Dropped                      // ECN-capable packets vanish, others don't
	Cleared                      // they arrive as not-ECT (§7.4.2)
	Changed                      // they arrive with another code point
	HighLoss                     // more than half of the packets are lost (§7.4.1)
	NothingArrives               // reports have stopped saying that anything comes
	LossGoesOn                   // also without marking: it has another cause
	LossEnded                    // without marking
	OtherPeers                   // there are more than one
)

var reasonNames = [...]string{
	"ECN-capable packets arrive",
	"the peer's reports say nothing of ECN",
	"ECN-capable packets vanish",
	"ECN-capable packets arrive as not-ECT",
	"ECN-capable packets arrive with another code point",
	"more than half of the packets are lost",
	"no report says that anything comes",
	"losses go on without marking",
	"losses have ended without marking",
	"there are several peers",
}

func (r Reason) String() string { return reasonNames[r] }
