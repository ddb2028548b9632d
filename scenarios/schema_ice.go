package scenarios

import "time"

// ICE is how the ends of a call that is signalled, or has a pion stack at an end, gather candidates from a server (RFC 8445 §5.1.1).
// Without it each has one, its address as the other end sees it.
type ICE struct {
	// At is the node of the server: of STUN (RFC 8489), and of TURN.
	At string `yaml:"at,required" example:"S"`
	// TURN lets the server relay (RFC 8656), and ends gather relayed candidates.
	TURN bool `yaml:"turn" default:"true"`
	// Trickle lets descriptions leave before the server has answered; candidates follow (RFC 8838). It is the default between
	// browsers; user agents of SIP, and lines of a fork, wait.
	Trickle *bool `yaml:"trickle"`
	// Policy is which candidates ends use: all, or relayed ones alone (RFC 8829 §3.5.3).
	Policy string `yaml:"policy" oneof:"all,relay" default:"all"`
	// Pool lets ends gather when the run begins, rather than when they make or get an offer (RFC 8829 §3.5.4).
	Pool bool `yaml:"pool" default:"false"`
	// NominateAfter is how long the end that nominates, and has a pair that works, waits for a better one (RFC 8445 §8.1.1).
	NominateAfter time.Duration `yaml:"nominate-after" default:"500ms" max:"10s"`
}
