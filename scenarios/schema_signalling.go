package scenarios

import (
	"slices"
	"time"
)

// Signalling lets the two peers of a call agree on it over the network, before anything else is sent. Without it they
// have agreed before the run begins.
type Signalling struct {
	// At is the node where the server is, or the gateway.
	At string `yaml:"at,required" example:"M"`
	// By is what is there: a server between two browsers, or a gateway, behind which the second peer is a user agent of
	// SIP.
	By string `yaml:"by" oneof:"server,gateway" default:"server"`
	// Resolution is how browsers get out of offers that cross: by the timers of RFC 3261 §14.1, of which the first peer
	// has the longer one, by comparing a value that each offer has, or as the second peer is polite and gives way.
	Resolution string `yaml:"resolution" oneof:"timers,tie-breaker,polite" default:"tie-breaker"`
	// Bits is how many the values have.
	Bits int `yaml:"bits" default:"32" min:"1" max:"32"`
	// Resolves lets the server compare values.
	Resolves  bool              `yaml:"resolves" default:"false"`
	Gateway   SignallingGateway `yaml:"gateway" example:"{policy: wins}"`
	UserAgent SignallingSIP     `yaml:"user-agent" example:"{values: true}"`
	// Peers says how messages get to each of them, and what it sends at first.
	Peers []SignallingPeer `yaml:"peers,named" example:"{A: {poll: 5s}}"`
	// Offers are changes that peers want, each an offer; without any the first peer calls at the start.
	Offers []SignalledOffer `yaml:"offers" example:"[{by: A, at: 0s}]"`
	// Fork is how the offer forks, if it does.
	Fork *Fork `yaml:"fork" example:"{warm-up: ice}"`
}

// SignallingGateway is how a gateway treats offers that cross.
type SignallingGateway struct {
	// Policy is which value offers of SIP get: a random one, the greatest, or 0.
	Policy string `yaml:"policy" oneof:"random,wins,loses" default:"random"`
	// Override lets it decide where SIP would take longer.
	Override bool `yaml:"override" default:"true"`
	// Values writes those of the browser into INVITEs.
	Values bool `yaml:"values" default:"false"`
	// Processing is how long an offer stays there before it goes on.
	Processing time.Duration `yaml:"processing" default:"0s" max:"10s"`
}

// SignallingSIP is what the user agent behind a gateway knows.
type SignallingSIP struct {
	// Values lets it put them into INVITEs, and compare them.
	Values bool `yaml:"values" default:"false"`
	// RetryAfter lets a refusal say when to offer again.
	RetryAfter bool `yaml:"retry-after" default:"false"`
	// Owner says that it made the Call-ID, and has the longer timer.
	Owner bool `yaml:"owner" default:"false"`
}

// SignallingPeer is what signalling knows of a peer. Messages are pushed to it, unless it asks for them.
type SignallingPeer struct {
	Name string `yaml:"-"`
	// Sends are the names of those media of its own that it wants to send; nil is all.
	Sends *[]string `yaml:"sends" example:"[audio]"`
	// Simulcast is how many encodings of a picture it takes at the same time where its peer offers several (RFC 8853), the
	// most preferred; with 0 its answers say nothing of them, and the peer sends the first one alone, as JSEP has it
	// (RFC 8829 §3.7).
	Simulcast int `yaml:"simulcast" default:"0" min:"0" max:"16"`
	// Poll is how often it asks; 0 never.
	Poll time.Duration `yaml:"poll" default:"0s" max:"1h"`
	// LongPoll is how long the server keeps a request that it has no message for; 0 is no such request.
	LongPoll time.Duration `yaml:"long-poll" default:"0s" max:"1h"`
	// Phase is when it asks first.
	Phase time.Duration `yaml:"phase" default:"0s" max:"1h"`
}

// SignalledOffer is a change that a peer wants.
type SignalledOffer struct {
	// By is the peer that wants the change.
	By string `yaml:"by,required" example:"A"`
	// At is when it wants it.
	At time.Duration `yaml:"at" default:"0s" max:"24h"`
	// Sends are the names of those media of its own that it wants to send from then on; nil is as before.
	Sends *[]string `yaml:"sends" example:"[audio]"`
	// Restart lets checks begin anew, with other credentials and candidates that are gathered again (RFC 8445 §9).
	Restart bool `yaml:"restart" default:"false"`
}

// Signalled reports whether an endpoint takes part in signalling.
func (s *Scenario) Signalled(endpoint string) bool {
	return s.Signalling != nil && slices.Contains(s.Topology.Peers, endpoint)
}
