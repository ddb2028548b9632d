package topologies

import (
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/encoder"
	"rtpfabric/endpoints/protect"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Config describes a simulation completely. It must be consistent: names exist
// and values are in range, as the scenario loader ensures.
type Config struct {
	Seed      uint64
	Links     []Link
	Endpoints []Endpoint
	// Type is a topology by RFC 7667's name; Peers are who takes part.
	Type       string
	Peers      []string
	Media      []Media
	Congestion Congestion
	RTCP       endpoints.RTCPConfig
	Protection protect.Mode
	// PlayoutDelay is how long receivers wait for a frame.
	PlayoutDelay time.Duration
}

// Link joins two nodes, which exist by being named.
type Link struct {
	Name, From, To    string
	Forward, Backward Direction
}

// Direction is one direction of a link.
type Direction struct {
	// Rate may be fabric.Unlimited.
	Rate     units.BitRate
	Delay    time.Duration
	Loss     float64
	Queue    fabric.Limit // of a drop-tail queue
	Jitter   *Jitter
	Schedule []fabric.Change
}

// Jitter holds the parameters of a [fabric.BoundedPDV].
type Jitter struct {
	Mean, Std time.Duration
	Bound     float64
	NoReorder bool
}

// Endpoint stands at a node.
type Endpoint struct {
	Name, At    string
	ClockOffset time.Duration
}

// Media is one stream.
type Media struct {
	From, To, Name string
	Kind           endpoints.Kind
	Start, Stop    simtime.Time
	PacketSize     units.Bytes
	// Video describes the encoder of video; Perfect selects the one that does
	// exactly what it is asked.
	Video   encoder.VideoConfig
	Perfect bool
	// Rate and Frame describe audio.
	Rate  units.BitRate
	Frame time.Duration
}

// Flow returns the stream's name.
func (m *Media) Flow() string { return m.From + "/" + m.Name }

// Congestion selects controllers and their feedback.
type Congestion struct {
	Controller string
	Settings   map[string]string
	Feedback   endpoints.Feedback
	Interval   time.Duration
}
