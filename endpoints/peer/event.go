package peer

import (
	"errors"

	"rtpfabric/endpoints/jsep"
)

// What operations return, besides errors of jsep.State.Next and of type LackError.
var (
	ErrClosed          = errors.New("peer: the connection is closed")
	ErrTransportClosed = errors.New("peer: the transport is closed")
	ErrOtherPool       = errors.New("peer: the transport is of another pool")
	// ErrNoLocal, ErrGathering and ErrICEClosed are why a connection can't be cloned (000, rule 4).
	ErrNoLocal   = errors.New("peer: the local description is not set")
	ErrGathering = errors.New("peer: ICE is gathering")
	ErrICEClosed = errors.New("peer: ICE is closed")
	// ErrChanged says that an answer is to an offer which the local description is no longer.
	ErrChanged = errors.New("peer: the local description has changed since the offer that is answered")
	// ErrAltered says that a local description is not what was created last (RFC 8829 §5.5).
	ErrAltered = errors.New("peer: not the description that was created last")
	// ErrSections says that the sections of a description don't fit those there are (RFC 3264 §6, §8).
	ErrSections = errors.New("peer: the sections don't fit")
	// ErrRestart says that credentials changed: a shared transport keeps its own, so that ICE isn't restarted.
	ErrRestart = errors.New("peer: credentials changed without a restart of ICE")
	// ErrFingerprint says that the certificate changed, and the credentials of ICE didn't (RFC 8829 §5.11).
	ErrFingerprint  = errors.New("peer: the fingerprint changed without new credentials")
	ErrNoStream     = errors.New("peer: no such stream")
	ErrStreamExists = errors.New("peer: there is such a stream already")
)

// EventKind is what happened.
type EventKind uint8

// What happens to a connection.
const (
	// StateChanged: State or JSEP is another one.
	StateChanged EventKind = iota
	// ICEChanged: ICE is in another state.
	ICEChanged
	// Conflict: half of a stream's direction is inactive for a Lack. When there may be enough, SetDirection tries again.
	Conflict
)

// String returns the name of the event in records.
func (k EventKind) String() string {
	return [...]string{"state-changed", "ice-changed", "resource-conflict"}[k]
}

// Event is something that happened to a connection.
type Event struct {
	Kind  EventKind
	State State
	JSEP  jsep.State
	ICE   ICEState
	Lack  Lack
}
