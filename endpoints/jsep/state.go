package jsep

import "fmt"

// State is where an end stands between offers and answers (RFC 8829 §3.2).
type State uint8

// The states of RFC 8829 §3.2, figure 2, and that of a connection which is over.
const (
	Stable State = iota
	HaveLocalOffer
	HaveRemoteOffer
	HaveLocalPranswer
	HaveRemotePranswer
	Closed
)

func (s State) String() string {
	return [...]string{"stable", "have-local-offer", "have-remote-offer", "have-local-pranswer", "have-remote-pranswer", "closed"}[s]
}

// Type is what a description is meant as (RFC 8829 §4.1.10).
type Type uint8

// The types of descriptions.
const (
	Offer Type = iota
	Pranswer
	Answer
	Rollback
)

func (t Type) String() string { return [...]string{"offer", "pranswer", "answer", "rollback"}[t] }

// Side is whose description it is.
type Side bool

// The sides.
const (
	Local  Side = false
	Remote Side = true
)

func (s Side) String() string {
	if s == Remote {
		return "remote"
	}
	return "local"
}

// Next returns the state after a description of that type has been set on that side (RFC 8829 §5.5, §5.6). An error
// says that the state doesn't take it, and nothing has changed.
func (s State) Next(side Side, t Type) (State, error) {
	offered, provisional, opposite := HaveLocalOffer, HaveLocalPranswer, HaveRemoteOffer
	if side == Remote {
		offered, provisional, opposite = HaveRemoteOffer, HaveRemotePranswer, HaveLocalOffer
	}
	switch {
	case s == Closed:
	case t == Offer && (s == Stable || s == offered): // the second one takes the place of the first (§5.5)
		return offered, nil
	case t == Rollback && s != Stable: // §4.1.10.2, whichever side it is given to
		return Stable, nil
	case s != opposite && s != provisional:
	case t == Pranswer:
		return provisional, nil
	case t == Answer:
		return Stable, nil
	}
	return s, fmt.Errorf("jsep: a %v %v can't be set in state %v", side, t, s)
}
