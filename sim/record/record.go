// Package record is what a run leaves behind: a manifest, time series,
// distributions of packet delays, events, summary metrics and verdicts. Pages,
// comparisons and verdicts are made from records alone, so that they can be
// redrawn without running again.
package record

import (
	"slices"
	"time"

	"rtpfabric/sim/simtime"
)

// Format is the version of the files that [Write] makes.
const Format = 2

// Record is one run.
type Record struct {
	Manifest      Manifest
	Series        []*Series
	Distributions []*Distribution
	Events        []Event
	// Spectra are of sound that a mixer has made, where somebody hears it.
	Spectra []Spectrum
	// Messages are those of signalling, in the order in which they arrived.
	Messages []Message
	Summary  []Metric
	Verdicts []Verdict
}

// Status says how a run ended.
type Status string

// The ways a run ends.
const (
	Complete   Status = "complete"
	Incomplete Status = "incomplete" // interrupted; the record reaches until Manifest.Reached
)

// Manifest identifies a run and says what reproduces it.
type Manifest struct {
	Format    int       `json:"format"`
	Title     string    `json:"title"`
	Reference string    `json:"reference,omitempty"`
	Scenario  string    `json:"scenario"` // file name as given
	Run       string    `json:"run"`      // name of this variation, unique in its scenario
	Variation []Setting `json:"variation,omitempty"`
	Seed      uint64    `json:"seed"`
	Version   string    `json:"version"` // of the program
	Digest    string    `json:"digest"`  // over every packet event
	Status    Status    `json:"status"`
	// Duration is what the scenario asks for, Reached how far the run came.
	Duration time.Duration `json:"duration_ns"`
	Reached  time.Duration `json:"reached_ns"`
	// Packets that entered the fabric, and hops they made over links.
	Packets    uint64   `json:"packets"`
	PacketHops uint64   `json:"packet_hops"`
	Protection string   `json:"protection"` // full, size-only or none
	Reproduce  string   `json:"reproduce"`  // the command that repeats this run
	Topology   Topology `json:"topology"`
	// Resolved is the scenario as it was run, in YAML, every default filled in.
	Resolved string `json:"resolved"`
}

// Setting is one value that the matrix gave to this run.
type Setting struct {
	Path  string `json:"path"`
	Value string `json:"value"`
}

// Topology is what a drawing needs.
type Topology struct {
	Type      string     `json:"type"` // RFC 7667's name, such as point-to-point
	Nodes     []string   `json:"nodes"`
	Links     []Link     `json:"links"`
	Endpoints []Endpoint `json:"endpoints"`
	Flows     []Flow     `json:"flows"`
}

// Link is a line between two nodes; the labels say rate, delay and queue.
type Link struct {
	Name     string `json:"name"`
	From     string `json:"from"`
	To       string `json:"to"`
	Forward  string `json:"forward"`
	Backward string `json:"backward"`
}

// Endpoint stands at a node.
type Endpoint struct {
	Name string `json:"name"`
	At   string `json:"at"`
	Addr string `json:"addr"`
	// Stack is what the endpoint is made of if it isn't ours, and Profile how far that is as it is:
	// deterministic or faithful.
	Stack   string `json:"stack,omitempty"`
	Profile string `json:"profile,omitempty"`
	// Parts are those of pion's stack that an endpoint of ours has in its sessions.
	Parts []string `json:"parts,omitempty"`
}

// Flow is a media stream from one endpoint to another, or traffic from its
// sources to its sinks, which stand among the endpoints.
type Flow struct {
	Name       string `json:"name"` // S1/video
	From       string `json:"from"`
	To         string `json:"to"`
	Kind       string `json:"kind"` // video, audio, tcp or udp
	SSRC       uint32 `json:"ssrc"`
	Controller string `json:"controller,omitempty"`
	// Links are the directions of links that its packets cross when it ends, in this order.
	Links []string `json:"links,omitempty"`
}

// Series is a quantity over time in bins of equal length. Value i belongs to
// the interval from i·Step to (i+1)·Step; NaN where there is none.
type Series struct {
	Entity string // what it was measured at: S1/video, bottleneck/forward, S1
	Metric string // one of the names in metrics.go
	Unit   string // bit/s, ms, bytes, 1 (ratio) or count
	Step   time.Duration
	Values []float64
}

// Spectrum is how loud each frequency of a sound was, on average over the time in which there was any. Line i is at i·Step.
type Spectrum struct {
	Entity string    `json:"entity"`      // the stream that was heard, such as mixer/audio>A
	Step   float64   `json:"step_hz"`     // between lines
	Levels []float64 `json:"levels_dbov"` // 0 is the level of the loudest sound there can be
}

// Event is something that happened at an endpoint or in the network.
type Event struct {
	At     simtime.Time `json:"at_ns"`
	Entity string       `json:"entity"`
	Kind   string       `json:"kind"` // packet-dropped, freeze, capacity-changed, …
	Detail string       `json:"detail,omitempty"`
	// Peer is the device that something of a fork is about.
	Peer string `json:"peer,omitempty"`
	// Delay is how long before At it began: for a frame, when it was captured.
	Delay time.Duration `json:"delay_ns,omitempty"`
}

// Message is a message of signalling.
type Message struct {
	Sent     simtime.Time `json:"sent_ns"`
	Arrived  simtime.Time `json:"arrived_ns"`
	From     string       `json:"from"`
	To       string       `json:"to"`
	Protocol string       `json:"protocol"` // ROAP or SIP
	Title    string       `json:"title"`    // the message in a few words
	Text     string       `json:"text"`     // as it is on the wire
}

// Metric is one number about a whole run.
type Metric struct {
	Entity string  `json:"entity"`
	Metric string  `json:"metric"`
	Stat   string  `json:"stat"` // mean, p95, max, total, …
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
}

// Verdict is the outcome of one expectation of the scenario.
type Verdict struct {
	Expectation string  `json:"expectation"` // as a sentence
	Pass        bool    `json:"pass"`
	Value       float64 `json:"value"`
	Unit        string  `json:"unit"`
	Bound       string  `json:"bound"`             // such as "≥ 85 %"
	Problem     string  `json:"problem,omitempty"` // why there is no value
	Known       string  `json:"known,omitempty"`   // why it was expected not to pass, if it didn't
}

// Failed reports whether it didn't pass although that was expected.
func (v *Verdict) Failed() bool { return !v.Pass && v.Known == "" }

// Passed reports whether no verdict is a failure that wasn't expected.
func (r *Record) Passed() bool {
	return !slices.ContainsFunc(r.Verdicts, func(v Verdict) bool { return v.Failed() })
}

// Find returns the series of an entity and metric, or nil.
func (r *Record) Find(entity, metric string) *Series {
	for _, s := range r.Series {
		if s.Entity == entity && s.Metric == metric {
			return s
		}
	}
	return nil
}

// Distribution returns the distribution of an entity and metric, or nil.
func (r *Record) Distribution(entity, metric string) *Distribution {
	for _, d := range r.Distributions {
		if d.Entity == entity && d.Metric == metric {
			return d
		}
	}
	return nil
}

// Names returns the entities that have a series of the given metric, in the
// order of recording.
func (r *Record) Names(metric string) []string {
	var names []string
	for _, s := range r.Series {
		if s.Metric == metric {
			names = append(names, s.Entity)
		}
	}
	return names
}
