package scenarios

import (
	"time"

	"rtpfabric/sim/units"
)

// Network is a graph of nodes and links. Nodes exist by being named in a link.
type Network struct {
	// Links join nodes, which exist by that.
	Links []Link `yaml:"links,required,named" example:"{bottleneck: {between: [A, B]}}"`
	// Channels are media that several links share.
	Channels []Channel `yaml:"channels,named"`
	// Nodes says what stands at some of the nodes.
	Nodes []Node `yaml:"nodes,named"`
	// HonoursDSCP is what endpoints believe of the network: that it does
	// (true), so that they mark always; that it doesn't (false), so that they
	// never do; or nothing (unknown), so that they mark and stop if marked
	// packets don't get through (RFC 8835 §4.2).
	HonoursDSCP string `yaml:"honours-dscp" oneof:"true,false,unknown" default:"unknown"`
}

// Link joins two nodes. What is said at the top level holds for both
// directions; forward (from the first node to the second) and backward say
// what differs. A queue, and a change of rate, at the top level hold only for
// directions that have a rate.
type Link struct {
	Name string `yaml:"-"`
	// Between are the two nodes that the link joins; forward is from the first to the second.
	Between []string `yaml:"between,required" example:"[A, B]"`
	// Forward is what differs from the first node to the second.
	Forward Direction `yaml:"forward"`
	// Backward is what differs from the second node to the first.
	Backward Direction `yaml:"backward"`
	Both     Direction `yaml:",inline"`
	// Schedule changes the link during the run.
	Schedule []Change `yaml:"schedule"`
}

// Direction is what a packet meets on one direction of a link. A nil field is
// taken from the link's top level, then from the default: unlimited rate, no
// delay, no loss, no jitter, and with a rate a droptail queue of 300 ms (RFC
// 8867 §4.2).
type Direction struct {
	// Rate of the serializer; nil is unlimited.
	Rate *units.BitRate `yaml:"rate" max:"1000Gbps"`
	// Capacity varies the rate; Rate is then what queues limited in time begin
	// with.
	Capacity *Capacity `yaml:"capacity"`
	// Shaper sends at Rate, but up to Burst at PeakRate after a pause. A burst is
	// at least a large packet: what is larger never gets through.
	Shaper *Shaper `yaml:"shaper"`
	// Channel names the shared medium that takes the serializer's place.
	Channel string `yaml:"channel"`
	// Delay is how long a packet takes from the end of the serializer to the other node.
	Delay *time.Duration `yaml:"delay" max:"1h"`
	// Loss is the share of packets that get lost after the serializer, each by itself.
	Loss *units.Ratio `yaml:"loss" min:"0%" max:"100%"`
	// Impairments are what packets meet before the queue, in order.
	Impairments []Impairment `yaml:"impairments"`
	// Queue is what packets wait in for the serializer.
	Queue *Queue `yaml:"queue"`
	// Jitter varies the delay.
	Jitter *Jitter `yaml:"jitter"`
	// Cost is the length of the link in the search for routes; 1 by default.
	Cost *int `yaml:"cost" min:"1" max:"1000000"`
}

// Jitter is a model of packet delay variation of RFC 8868 §4.5.
type Jitter struct {
	// Model is that of RFC 8868 §4.5 which lets packets overtake each other, or the one which doesn't.
	Model string `yaml:"model" oneof:"nr-bpdv,rbpdv" default:"nr-bpdv"`
	// Std is the standard deviation of the added delay.
	Std time.Duration `yaml:"std" default:"5ms" max:"10s"`
	// Bound is N_STD: the Gaussian is cut off at ±bound·std.
	Bound float64 `yaml:"bound" default:"3" min:"0" max:"100"`
	// Mean is the mean added delay; nil is bound·std, so that the added delay
	// lies between 0 and 2·bound·std.
	Mean *time.Duration `yaml:"mean" max:"1h"`
}

// Shaper is a token bucket that begins full.
type Shaper struct {
	// Burst is the depth of the token bucket.
	Burst units.Bytes `yaml:"burst,required" example:"15kB" min:"1500B" max:"1000MB"`
	// PeakRate bounds how fast a burst goes; nil is at once.
	PeakRate *units.BitRate `yaml:"peak-rate" min:"1bps" max:"1000Gbps"`
}

// Change is an entry of a link's schedule.
type Change struct {
	// At is when the link changes.
	At       time.Duration `yaml:"at,required" example:"40s"`
	Both     ChangeTo      `yaml:",inline"`
	Forward  ChangeTo      `yaml:"forward"`
	Backward ChangeTo      `yaml:"backward"`
}

// ChangeTo is what a schedule may change. Nil leaves it as it is.
type ChangeTo struct {
	// Rate changes the rate of a direction that has one; 0bps is an outage.
	Rate *units.BitRate `yaml:"rate" max:"1000Gbps"`
	// Ratio is a rate as a multiple of the one at the start.
	Ratio *float64 `yaml:"ratio" min:"0" max:"1000"`
	// Delay of the direction from then on.
	Delay *time.Duration `yaml:"delay" max:"1h"`
	// Loss of packets from then on, each by itself.
	Loss *units.Ratio `yaml:"loss" min:"0%" max:"100%"`
	// Up false takes the link out of all routes, true back into them.
	Up *bool `yaml:"up"`
	// Cost of the direction from then on, in the search for routes.
	Cost *int `yaml:"cost" min:"1" max:"1000000"`
}

// Impairment is what a network does to packets besides delaying them. Each type
// has fields of its own.
type Impairment struct {
	// Type is what happens to packets.
	Type string `yaml:"type,required" oneof:"loss,gilbert-elliott,positions,outage,size-loss,corruption,duplication,reordering,policer"`
	// Probability of loss, size-loss (for each fragment), corruption,
	// duplication and reordering.
	Probability *units.Ratio `yaml:"probability" min:"0%" max:"100%"`
	// GoodToBad, BadToGood, LossGood and LossBad are of gilbert-elliott: p, r,
	// 1-k and 1-h, for each packet; by default LossGood is 0 and LossBad 1.
	GoodToBad *units.Ratio `yaml:"good-to-bad" min:"0%" max:"100%"`
	BadToGood *units.Ratio `yaml:"bad-to-good" min:"0%" max:"100%"`
	LossGood  *units.Ratio `yaml:"loss-good" min:"0%" max:"100%"`
	LossBad   *units.Ratio `yaml:"loss-bad" min:"0%" max:"100%"`
	// Packets are the positions that are lost, from 1.
	Packets []int `yaml:"packets"`
	// During are the windows of an outage.
	During []Interval `yaml:"during"`
	// Fragment is the size that size-loss cuts packets into.
	Fragment *units.Bytes `yaml:"fragment" min:"1B" max:"65535B"`
	// Delay is how long reordering holds a packet back.
	Delay *time.Duration `yaml:"delay" max:"1h"`
	// Rate and Burst are of policer.
	Rate  *units.BitRate `yaml:"rate" min:"1bps" max:"1000Gbps"`
	Burst *units.Bytes   `yaml:"burst" min:"1500B" max:"1000MB"`
}

// Queue is a queue discipline. Length is of all types without bands, the other
// fields of some; a nil field has the default of the discipline's specification.
type Queue struct {
	// Type is the discipline.
	Type string `yaml:"type" oneof:"droptail,red,codel,fq-codel,pie,dualpi2,priority,weighted" default:"droptail"`
	// Length is the limit: a time at the current rate (300ms), a size (22500B)
	// or a number of packets (50packets); nil is 300ms, but 10240packets for
	// fq-codel, and otherwise 150000B on a channel, which has no rate.
	Length *QueueLength `yaml:"length"`
	// ECN lets red, codel, fq-codel and pie mark packets that allow it instead
	// of dropping them; fq-codel does by default.
	ECN *bool `yaml:"ecn"`
	// Target and Interval are of codel and fq-codel (5ms, 100ms); Target also of
	// pie (15ms) and of dualpi2's classic queue (15ms).
	Target   *time.Duration `yaml:"target" min:"1us" max:"10s"`
	Interval *time.Duration `yaml:"interval" min:"1ms" max:"10s"`
	// MinThreshold, MaxThreshold, MaxProbability and Weight are of red.
	MinThreshold   *units.Bytes `yaml:"min-threshold" min:"1B" max:"1000MB"`
	MaxThreshold   *units.Bytes `yaml:"max-threshold" min:"1B" max:"1000MB"`
	MaxProbability *units.Ratio `yaml:"max-probability" min:"0.01%" max:"100%"`
	Weight         *float64     `yaml:"weight" min:"0.000001" max:"1"`
	// Flows and Quantum are of fq-codel (1024, 1514B).
	Flows   *int         `yaml:"flows" min:"1" max:"65536"`
	Quantum *units.Bytes `yaml:"quantum" min:"64B" max:"1MB"`
	// Step is the delay above which dualpi2 marks all of L4S (1ms), Coupling
	// its factor k (2).
	Step     *time.Duration `yaml:"step" min:"1us" max:"1s"`
	Coupling *float64       `yaml:"coupling" min:"0.1" max:"10"`
	// Bands are of priority, highest first, and weighted: which packets, and the
	// queue they wait in. What no band takes goes into the last one.
	Bands []Band `yaml:"bands"`
}

// Band is a class of packets in a priority or weighted queue. It takes packets
// by code point, by address or by what they look like; only one of these.
type Band struct {
	// DSCP of the packets that the band takes, 0 to 63.
	DSCP []int `yaml:"dscp"`
	// Flows are the endpoints or traffic whose packets the band takes: all of
	// what they send, as a classifier by 5-tuple that knows the flows.
	Flows []string `yaml:"flows"`
	// LooksLike takes what a classifier that sees only clear headers and sizes
	// believes to be audio or video.
	LooksLike string `yaml:"looks-like" oneof:",audio,video,other"`
	// Weight of a weighted queue's band.
	Weight float64 `yaml:"weight" default:"1" min:"0.001" max:"1000"`
	// Queue is the discipline inside the band.
	Queue Queue `yaml:"queue"`
}

// QueueLength is a limit in exactly one of three measures.
type QueueLength struct {
	Time    time.Duration
	Bytes   units.Bytes
	Packets int
}

// Capacity is a rate that varies: by a pattern, at random or from a file.
type Capacity struct {
	// Type is a shape, a random walk, a kind of access network, or the format of a file with a trace.
	Type string `yaml:"type,required" oneof:"square,rising,falling,triangle,sine,random-walk,lte,5g,wifi,leo,geo,mahimahi,opennetlab"`
	// Low, High and Period are of the shapes square, rising, falling, triangle and sine; Low and
	// High also bound random-walk.
	Low    *units.BitRate `yaml:"low" min:"1bps" max:"1000Gbps"`
	High   *units.BitRate `yaml:"high" min:"1bps" max:"1000Gbps"`
	Period *time.Duration `yaml:"period" min:"1ms"`
	// Mean is of random-walk, lte, 5g, wifi and the satellites.
	Mean *units.BitRate `yaml:"mean" min:"1bps" max:"1000Gbps"`
	// File is of mahimahi and opennetlab, from the folder of the scenario.
	File string `yaml:"file"`
	// Direction selects uplink, which is the default, or downlink of an
	// opennetlab file.
	Direction string `yaml:"direction" oneof:",uplink,downlink"`
}
