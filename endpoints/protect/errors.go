package protect

import "errors"

// Why a packet was refused. Every error of OpenRTP and OpenRTCP is one of these
// to [errors.Is].
var (
	// ErrShort: it can't hold its tag.
	ErrShort = errors.New("packet is shorter than its authentication tag")
	// ErrMalformed: its header can't be read.
	ErrMalformed = errors.New("malformed packet")
	// ErrReplayed: it came before, or is too old to tell (RFC 3711 §3.3.2).
	ErrReplayed = errors.New("duplicate packet")
	// ErrAuth: its tag isn't right, because it was changed on the way or was
	// made with another key.
	ErrAuth = errors.New("authentication failed")
	// ErrNoKey: the sender's key hasn't been told yet (RFC 8870).
	ErrNoKey = errors.New("no key of the sender's")
	// ErrCryptex: header extensions and contributing sources are encrypted
	// though they may not be, or in the clear though they may not be
	// (RFC 9335).
	ErrCryptex = errors.New("header extension encrypted or not against what was signalled")
)
