package scenarios

import (
	"time"

	"rtpfabric/scenarios/internal/strict"
	"rtpfabric/sim/units"
)

// Breakers are the circuit breakers of RFC 8083 at every endpoint that sends, in each
// RTP session of a call.
type Breakers struct {
	// Mode says whether what trips stops (enforce), is only told (observe), or nothing
	// watches.
	Mode string `yaml:"mode" oneof:"enforce,observe,off" default:"observe"`
	// Conditions are those of the breaker itself; Watch are further ones that only
	// observe, with their own.
	Conditions Conditions     `yaml:",inline"`
	Watch      []BreakerWatch `yaml:"watch,named"`
	// Group makes all streams of an endpoint in a session trip together, but for those
	// with different DSCPs (§8).
	Group bool `yaml:"group" default:"false"`
	// Frames is how many frames have one rate: the length of a group of pictures that
	// can't be changed (G of §3).
	Frames int `yaml:"frames" default:"1" min:"1" max:"10000"`
	// Restart lets streams go on so long after they ceased, or later (§4.5); 0 never.
	Restart time.Duration `yaml:"restart" default:"0s" max:"1h"`
}

// DefaultBreakers are those of a scenario that says nothing about them.
func DefaultBreakers() Breakers {
	var b Breakers
	strict.FillDefaults(&b)
	return b
}

// BreakerWatch is a circuit breaker that only observes.
type BreakerWatch struct {
	Name       string     `yaml:"-"`
	Conditions Conditions `yaml:",inline"`
}

// Conditions are what a circuit breaker trips for.
type Conditions struct {
	// Congestion ceases, or reduces the rate to a tenth first and ceases when that
	// doesn't help (§4.3).
	Congestion string `yaml:"congestion" oneof:"cease,reduce,off" default:"cease"`
	// Equation of TCP's throughput.
	Equation string `yaml:"equation" oneof:"simplified,full" default:"simplified"`
	// Factor is by how much the rate is reduced, Recover how long after that it may
	// double, again and again; 0 never.
	Factor  float64       `yaml:"factor" default:"10" min:"10" max:"1000"`
	Recover time.Duration `yaml:"recover" default:"0s" max:"1h"`
	// Sustained congestion is what every report over CB_INTERVAL has shown; by §4.3 the
	// first one is enough.
	Sustained bool `yaml:"sustained" default:"false"`
	// ECN counts marks as losses, if they are reported with an SR or RR (§5).
	ECN bool `yaml:"ecn" default:"true"`
	// RTCPTimeout and MediaTimeout are those of §4.1 and §4.2; NonReporting is k.
	RTCPTimeout  bool `yaml:"rtcp-timeout" default:"true"`
	MediaTimeout bool `yaml:"media-timeout" default:"true"`
	NonReporting int  `yaml:"non-reporting" default:"5" min:"1" max:"1000"`
	// Usability is what makes media useless (§4.4); nil is never.
	Usability *Usability `yaml:"usability"`
}

// Usability is what makes media useless: more loss, or a longer round trip, for so long.
type Usability struct {
	// Loss beyond which media is of no use.
	Loss *units.Ratio `yaml:"loss" max:"100%"`
	// RTT beyond which media is of no use.
	RTT *time.Duration `yaml:"rtt" min:"1ms" max:"1h"`
	// For is how long that may last.
	For time.Duration `yaml:"for" default:"10s" max:"1h"`
	// Judge is who stops: the sender of such media, by reports, or the receiver, which
	// leaves the session with BYE if it gets no other, or both.
	Judge string `yaml:"judge" oneof:"sender,receiver,both" default:"sender"`
}
