// Package turn is how an end behind NATs learns by which address others see it, and how it borrows one of a server that
// passes data on: STUN's Binding (RFC 8489), and TURN (RFC 8656) over UDP and IPv4. A [Server] has both, a [Client] keeps
// one allocation with its permissions and channels, a [Binding] asks for the server-reflexive address alone. All of them
// are passive: their hosts hand them packets and the time, drain what they have to send, and ask when there is something to
// do next.
//
// There are long-term credentials with MD5 and HMAC-SHA1 (RFC 8489 §9.2), retransmissions (§6.2.1), fingerprints on all
// messages, permissions, Send and Data indications, and channels. A server may have clients over TCP ([Server.HandleStream]); there is
// no TCP to peers (RFC 6062), no TLS, no IPv6, no mobility (RFC 8016), no ICMP attribute, and nobody follows ALTERNATE-SERVER. EVEN-PORT works,
// but no port is reserved next to it: the server answers 508 to who wants that, and to every RESERVATION-TOKEN. DONT-FRAGMENT
// is accepted, as all packets of the fabric travel unfragmented.
//
// Deviation (RFC 8489 §9.2.4): there is no choice of password algorithms, no USERHASH and no MESSAGE-INTEGRITY-SHA256. The
// nonces of the server say so in the way of §9.2; the client answers challenges as one of RFC 5389 does.
package turn

import (
	"errors"
	"fmt"
	"time"

	"github.com/pion/stun/v4"
)

// Port is where STUN and TURN servers listen over UDP (RFC 8489 §18.6).
const Port = 3478

// The times of RFC 8656.
const (
	// DefaultLifetime is that of an allocation if nobody wants another one, and the least that there is (§7.2).
	DefaultLifetime = 10 * time.Minute
	// PermissionLifetime is how long a permission holds (§9), ChannelLifetime how long a channel stays bound (§12).
	PermissionLifetime = 5 * time.Minute
	ChannelLifetime    = 10 * time.Minute
)

// State is how far a client has come.
type State uint8

// The states. A client whose allocation is gone is allocating until it has another one.
const (
	Idle State = iota
	Allocating
	Allocated
	Failed
)

// String returns the state's name.
func (s State) String() string {
	return [...]string{"idle", "allocating", "allocated", "failed"}[s]
}

// ErrNoAnswer is that of a client whose requests were all in vain (RFC 8489 §6.2.1).
var ErrNoAnswer = errors.New("no answer from the server")

// ErrUnprotected is that of a client that got answers, but none of whom it knows that they are the server's (RFC 8489 §9.2.5).
var ErrUnprotected = errors.New("no answer from the server has valid integrity")

// ErrMalformed is that of a client whose server grants an allocation, and doesn't say what it is.
var ErrMalformed = errors.New("the server's answer lacks what makes an allocation")

// RefusedError is a server's error response.
type RefusedError struct {
	Method string // what was asked for, such as Allocate
	Code   int    // RFC 8489 §14.8, RFC 8656 §19
	Reason string // the server's words
}

// Error says what a server has refused, how, and what can be done.
func (e *RefusedError) Error() string {
	s := fmt.Sprintf("the server refuses %s: %d %s", e.Method, e.Code, e.Reason)
	if a := advice[stun.ErrorCode(e.Code)]; a != "" {
		s += ": " + a
	}
	return s
}

// advice is what a client may do about an error.
var advice = map[stun.ErrorCode]string{
	stun.CodeTryAlternate:          "another server may do, which this client doesn't look for",
	stun.CodeUnauthorized:          "the name or the password is wrong",
	stun.CodeStaleNonce:            "it gives no nonce that it takes",
	stun.CodeForbidden:             "it isn't allowed to this user or for this peer",
	stun.CodeAllocMismatch:         "the server knows this address and port already, another port may do",
	stun.CodeWrongCredentials:      "the allocation is another user's",
	stun.CodeUnsupportedTransProto: "it doesn't relay UDP",
	stun.CodeAllocQuotaReached:     "the user has too many allocations",
	stun.CodeInsufficientCapacity:  "it has no relayed address left",
}

// reasons are the usual words for codes.
var reasons = map[stun.ErrorCode]string{
	stun.CodeTryAlternate:           "Try Alternate",
	stun.CodeBadRequest:             "Bad Request",
	stun.CodeUnauthorized:           "Unauthenticated",
	stun.CodeForbidden:              "Forbidden",
	stun.CodeUnknownAttribute:       "Unknown Attribute",
	stun.CodeAllocMismatch:          "Allocation Mismatch",
	stun.CodeStaleNonce:             "Stale Nonce",
	stun.CodeAddrFamilyNotSupported: "Address Family not Supported",
	stun.CodeWrongCredentials:       "Wrong Credentials",
	stun.CodeUnsupportedTransProto:  "Unsupported Transport Protocol",
	stun.CodePeerAddrFamilyMismatch: "Peer Address Family Mismatch",
	stun.CodeAllocQuotaReached:      "Allocation Quota Reached",
	stun.CodeServerError:            "Server Error",
	stun.CodeInsufficientCapacity:   "Insufficient Capacity",
}
