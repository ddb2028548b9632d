package scenarios

import (
	"time"

	"rtpfabric/sim/units"
)

// Traffic is what competes with media: a source at one node and a sink at
// another.
type Traffic struct {
	Name string `yaml:"-"`
	// Type is what competes: connections of TCP, or packets of UDP.
	Type string `yaml:"type,required" oneof:"tcp,udp"`
	// From is the node of the sender.
	From string `yaml:"from,required" example:"A"`
	// To is the node of the receiver.
	To string `yaml:"to,required" example:"B"`
	// Start is when it begins: a time, or a stretch in which a run draws it.
	Start Moment `yaml:"start" default:"0s"`
	// Stop is when it ends: a time, or a stretch in which a run draws it.
	Stop *Moment `yaml:"stop"`
	// DSCP of all packets, 0 to 63.
	DSCP int `yaml:"dscp" default:"0" min:"0" max:"63"`

	// Control is of tcp: its congestion control. ECN is RFC 3168's; prague uses
	// L4S in any case.
	Control string `yaml:"control" oneof:",newreno,cubic,prague,bbr"`
	ECN     *bool  `yaml:"ecn"`
	// Short makes tcp a sequence of downloads (RFC 8868 §5.1); nil is one
	// connection with unlimited data.
	Short *ShortFlows `yaml:"short"`
	// Chunks makes tcp a stream that is fetched in chunks (RFC 8836 §2, requirement 1g).
	Chunks *Chunks `yaml:"chunks"`

	// Rate is of udp, with IP and UDP headers; Packet is its size with these,
	// 1500B by default.
	Rate   *units.BitRate `yaml:"rate" max:"1000Gbps"`
	Packet *units.Bytes   `yaml:"packet" min:"64B" max:"1500B"`
	// Schedule changes the rate; 0bps pauses.
	Schedule []RateChange `yaml:"schedule"`
	// On and Off make udp send for exponential times of mean On and be silent
	// for such of mean Off.
	On  *time.Duration `yaml:"on" min:"1ms"`
	Off *time.Duration `yaml:"off" min:"1ms"`
	// Poisson makes the gaps between packets exponential.
	Poisson *bool `yaml:"poisson"`
}

// ShortFlows are downloads with idle times between them.
type ShortFlows struct {
	// Connections is how many there are, each with one download after another.
	Connections int `yaml:"connections" default:"10" min:"1" max:"1000"`
	// StartOn is how many begin with a download; the others begin idle.
	StartOn int `yaml:"start-on" default:"2" min:"0" max:"1000"`
	// Sizes are uniform between Least and Most, idle times exponential.
	Least units.Bytes   `yaml:"least" default:"30kB" min:"1B" max:"1000MB"`
	Most  units.Bytes   `yaml:"most" default:"50kB" min:"1B" max:"1000MB"`
	Idle  time.Duration `yaml:"idle" default:"10s" min:"1ms"`
}

// Chunks are fetched over one connection, one every Period, each as fast as TCP allows.
type Chunks struct {
	Rate units.BitRate `yaml:"rate,required" example:"2Mbps" min:"1kbps" max:"1000Gbps"` // of the media in them
	// Period is how much time of the media a chunk has.
	Period time.Duration `yaml:"period" default:"4s" min:"1ms" max:"1h"`
	// Ahead is how many are fetched at once in the beginning.
	Ahead int `yaml:"ahead" default:"0" min:"0" max:"1000"`
}

// RateChange is an entry of a schedule of rates.
type RateChange struct {
	// At is when the rate changes.
	At time.Duration `yaml:"at,required" example:"40s"`
	// Rate is that from then on.
	Rate units.BitRate `yaml:"rate,required" example:"2Mbps" max:"1000Gbps"`
}

// Moment is a time of the run, or a stretch of it within which a run draws the
// time: 5s, or 0s..10s.
type Moment struct{ From, To time.Duration }
