package topologies

import (
	"fmt"
	"strings"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/ccontrol/coupled"
	"rtpfabric/ccontrol/multicast"
	"rtpfabric/endpoints"
	"rtpfabric/endpoints/encoder"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/protect"
	"rtpfabric/endpoints/sound"
	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Config describes a simulation completely. It must be consistent: names exist
// and values are in range, as the scenario loader ensures.
type Config struct {
	Seed      uint64
	Links     []Link
	Nodes     []Node
	Endpoints []Endpoint
	// Type is a topology by RFC 7667's name; Calls or Groups are who takes part.
	Type   string
	Calls  []Call
	Groups []Group
	// Signalling, if not nil, is how the two ends of the only call, which has one session, agree on it; otherwise they
	// have agreed before the run.
	Signalling *Signalling
	// Gathering, if not nil, lets both ends of a signalled call ask servers for candidates.
	Gathering *Gathering
	// Between, if not nil, is a transport relay between the two ends of every call (RFC 7667 §3.2.1.1): all
	// that they send to each other goes there, and on to the other one unchanged. Its Peers are empty.
	Between    *RelayConfig
	Traffic    []Traffic
	Congestion Congestion
	// SharedEncoders lets the streams of one source that an endpoint sends to several peers
	// have one encoder.
	SharedEncoders bool
	SFM            SFMConfig
	Mixer          MixerConfig
	// Restarts are those of the middlebox, of which there is one: a [Relay], one between the ends of calls, an [SFM] or a
	// mixer whose keys are there from the start. They are in order, and none begins before the one before is over.
	Restarts   []Restart
	Marking    endpoints.Marking
	Protection protect.Mode
	Security   Security
	// Extensions are the header extensions of RTP besides those that something
	// else needs.
	Extensions []headerext.Entry
	Repair     endpoints.RepairConfig
	Breakers   Breakers
	// RTX gives video a format for retransmissions.
	RTX             bool
	ExtendedReports endpoints.ExtendedReports
	// PlayoutDelay is how long receivers wait for a frame; see
	// [endpoints.SessionConfig]. LipSync plays streams of one sender together.
	PlayoutDelay        time.Duration
	FixedAudio, LipSync bool
	// Listen, if not nil, returns who hears a stream of audio at its receiver, or nil.
	Listen func(m *Media) sound.Ear
}

// Restart is a time at which the process of the middlebox dies, and for how long nothing is in its place.
type Restart struct {
	At  simtime.Time
	For time.Duration
}

// SFMConfig says what a middlebox that forwards does.
type SFMConfig struct {
	// NoLimits leaves senders alone, whatever receivers get; otherwise they are asked to send
	// no more than the slowest can get.
	NoLimits bool
	// Pauses lets senders pause video that nobody gets (RFC 7728); otherwise they are asked for their least rate.
	Pauses bool
	// LastN is how many of the latest speakers everybody sees; 0 is all.
	LastN int
	// NoCSRC leaves out of a switching mixer's packets whose they are.
	NoCSRC bool
	// Withheld are streams that nobody has in Calls, as who would get them can't decode them.
	Withheld []Withheld
}

// Withheld is a stream that somebody isn't offered, and its codec.
type Withheld struct{ Flow, To, Codec string }

// Breakers are the circuit breakers of calls.
type Breakers struct {
	Config endpoints.BreakerConfig
	// Group is the name of the one that all streams are in; empty if each is by itself.
	Group string
	// Frames is how many of them have one rate.
	Frames int
}

// Security says how media get their keys.
type Security struct {
	// Handshake does DTLS-SRTP; otherwise each direction has a key from the start.
	Handshake bool
	// Profile is the protection profile; 0 stands for AES128_CM_HMAC_SHA1_80.
	Profile keying.Profile
	Cryptex protect.Cryptex
	// Timeout is the first retransmission time-out of the handshake; 0 is 1 s.
	Timeout time.Duration
	// FullICE lets both ends check that they reach each other before the handshake, and go on asking for consent.
	FullICE bool
	// DTLS and ICE name whose do that in sessions of ours (see [RegisterKeying]). An empty DTLS is ours, and
	// with neither ICE addresses are known, and work.
	DTLS, ICE string
}

// Call is two endpoints that talk to each other over one peer connection, in one
// or more RTP sessions.
type Call struct {
	A, B     string
	Sessions []Session
}

// Session is an RTP session of a call.
type Session struct {
	// Name tells several sessions of a call apart; empty if there is one.
	Name string
	// RTCP of A's end and of B's. They may have different views of the session.
	RTCP [2]endpoints.RTCPConfig
	// RTCPPort gives RTCP ports of its own, one above RTP's (RFC 3550 §11).
	RTCPPort bool
	// Media are the streams. Two of one name and kind that go opposite ways
	// share a media section.
	Media []Media
}

// Group is several endpoints that share RTP sessions: over a relay, each with one connection to it,
// or over several that pass on to each other what they get; or, without any, in a joint mesh in
// which each sends to all others (RFC 7667 §3.4).
type Group struct {
	Name string
	// Peers are all of them, in the order of the relays.
	Peers  []string
	Relays []RelayConfig
	// Trunks are pairs of relays.
	Trunks   [][]string
	Sessions []GroupSession
	// Bind lets relays copy packets with an SSRC only from where it was heard first (RFC 7667
	// §3.5.1). Without it packets go round for ever where trunks close a circle (RFC 3550 §8.2).
	Bind bool
	// LastN is of how many of the latest speakers everybody gets the video; 0 is all. It makes the
	// relay a video-switching MCU (RFC 7667 §3.8).
	LastN int
	// OwnKeys gives each endpoint an SRTP master key of its own, which it tells the others by EKT
	// (RFC 8870); otherwise all have the same.
	OwnKeys bool
	// KeyHost is the node of a key host from which endpoints with keys of their own get the group's, by
	// DTLS (RFC 8870 §5); empty if they have it from the start.
	KeyHost string
	// Blocks are copies that relays don't make.
	Blocks []Block
}

// RelayConfig is a relay at a node.
type RelayConfig struct {
	Name, At string
	Peers    []string
}

// Block is a stream that a relay doesn't copy to one of its peers for a while.
type Block struct {
	Flow, To    string
	From, Until simtime.Time
}

// GroupSession is an RTP session that all of a group have in common.
type GroupSession struct {
	// Name tells several sessions of a group apart; empty if there is one.
	Name string
	// RTCP of each peer, in their order.
	RTCP []endpoints.RTCPConfig
	// RTCPPort gives RTCP ports of its own, one above RTP's (RFC 3550 §11).
	RTCPPort bool
	// Media are the streams, which go from one to all others: To is empty, SSRC 0.
	// Those of one name and kind share a media section.
	Media []Media
}

// Link joins two nodes, which exist by being named.
type Link struct {
	Name, From, To    string
	Forward, Backward Direction
}

// Env is what the parts of a network are made with.
type Env struct {
	Loop   *engine.Loop
	Fabric *fabric.Fabric
	Random *rng.Source
	// Name of what is made, such as bottleneck/forward: streams of random
	// numbers are called after it.
	Name string
	// Addr returns the address of an endpoint, or those of the sources of some
	// traffic, by name.
	Addr func(name string) []packet.IPv4
}

// Stream returns the stream of random numbers of a part of what is made.
func (e *Env) Stream(part string) *rng.Stream {
	return e.Random.Stream("link/" + e.Name + "/" + part)
}

// Direction is one direction of a link. The functions make a part anew for
// every simulation; nil ones make none, but for a queue a drop-tail queue
// without limit.
type Direction struct {
	// Rate may be fabric.Unlimited.
	Rate        units.BitRate
	Delay       time.Duration
	Loss        float64
	Cost        int
	Impairments []func(*Env) fabric.Impairment
	Queue       func(*Env) fabric.Queue
	Medium      func(*Env) fabric.Medium
	Jitter      *Jitter
	// Reordering goes around the jitter, the first one innermost.
	Reordering []func(*Env, fabric.Jitter) fabric.Jitter
	Schedule   []fabric.Change
	// Follow makes what changes the link besides the schedule.
	Follow func(*Env) func() (fabric.Change, bool)
}

// DropTail makes drop-tail queues.
func DropTail(limit fabric.Limit) func(*Env) fabric.Queue {
	return func(*Env) fabric.Queue { return fabric.NewDropTail(limit) }
}

// Jitter holds the parameters of a [fabric.BoundedPDV].
type Jitter struct {
	Mean, Std time.Duration
	Bound     float64
	NoReorder bool
}

// Node is a node at which middleboxes stand.
type Node struct {
	Name  string
	Boxes []func(*Env, *fabric.Node) fabric.Middlebox
}

// Translator is a middlebox that rewrites addresses.
type Translator interface {
	fabric.Middlebox
	// Inside returns the addresses behind it.
	Inside() []packet.IPv4
	// Hides reports whether hosts behind it know of each other only what others
	// see.
	Hides() bool
	// Outside returns how a host behind it appears to others.
	Outside(now simtime.Time, inside packet.Addr) packet.Addr
}

// Flood is a stretch of time in which a key frame is asked for at intervals, whatever RTCP allows.
type Flood struct {
	From, To simtime.Time
	Every    time.Duration
}

// Endpoint stands at a node.
type Endpoint struct {
	Name, At    string
	ClockOffset time.Duration
	ClockDrift  float64 // ppm
	// Legacy endpoints send at a constant rate, and give and get no feedback for
	// congestion control.
	Legacy bool
	// Weight of what it sends against what others send; 0 means 1.
	Weight float64
	// CNAME of all its connections; empty draws one for each (RFC 7022).
	CNAME string
	// Leaves is when it leaves its sessions with BYE; 0 never.
	Leaves simtime.Time
	// Floods lets it ask for key frames of all video without end; nil is never.
	Floods *Flood
	// Bandwidth is what its descriptions say for all media.
	Bandwidth Bandwidth
	// MaxSSRC is how many streams it decodes in a session; 0 is all.
	MaxSSRC int
	// DecodeTop is how many streams of audio it decodes in a session, the loudest; 0 is
	// all.
	DecodeTop int
	// Insecure endpoints have no SRTP.
	Insecure bool
	// Interworking stands before an endpoint of calls without AVPF: the peer is told that
	// it had AVPF, with trr-int 4000 (RFC 8834 §10).
	Interworking bool
	// Asymmetric endpoints of calls send from other ports than they receive on.
	Asymmetric bool
	// Control is how what it sends is controlled; nil is as Congestion has it.
	Control *Control
	// Offers are the kinds of feedback that it gives to who wants them; nil are all. One
	// that names FeedbackREMB, and whose own controller has a half at the receiver, gives
	// estimates to those who want something else as well.
	Offers []endpoints.Feedback
	// Forwards says that it is a middlebox, which passes media on: see [SFM].
	Forwards bool
	// VideoType is the payload type of its video; 0 is 96.
	VideoType uint8
	// Stubborn endpoints keep their SSRCs whoever else uses them.
	Stubborn bool
	// Stack makes the endpoint a guest: one that [RegisterStack] has named, with its options.
	Stack        string
	StackOptions map[string]string
	// Interceptors stand in its sessions if it is one of ours, the first next to the network; see
	// [InterceptorKinds].
	Interceptors []Interceptor
}

// Media is one stream.
type Media struct {
	From, To, Name string
	Kind           endpoints.Kind
	Start, Stop    simtime.Time
	Pauses         []endpoints.Pause
	PacketSize     units.Bytes
	DSCP           uint8
	Level          endpoints.Level
	ClockDrift     float64 // of what samples it, ppm
	// Video describes the encoder of video; Perfect selects the one that does
	// exactly what it is asked.
	Video encoder.VideoConfig
	// Width and Height of the picture.
	Width, Height int
	Perfect       bool
	// Trace, if there is one, holds the frames of a trace-driven encoder, or of the
	// steady state of a hybrid one (RFC 8593 §6, §7).
	Trace  *encoder.Trace
	Hybrid bool
	// Rate and Frame describe audio.
	Rate  units.BitRate
	Frame time.Duration
	// Speech makes audio somebody's talk instead of a constant rate.
	Speech *Speech
	// FEC protects the stream; the zero value doesn't.
	FEC FEC
	// SSRC of the stream, signalled to both ends (RFC 5576); 0 leaves it to chance.
	SSRC uint32
	// MSID names the MediaStreams that the sender's description puts the stream into
	// (RFC 8830); without any it has no a=msid line.
	MSID []string
	// Copy is one of several streams of one source, to different peers: its name says who
	// gets it. Projected is what a middlebox passes on; its name is the flow it came as.
	Copy, Projected bool
	// Simulcast names the picture that the stream is one quality of, or of all qualities of
	// which it is one at a time if it is projected.
	Simulcast string
	// RID, if not empty, makes the stream one encoding of the picture, all of which are one media section (RFC 8853);
	// without it each quality has a section of its own.
	RID string
	// Limits are what the receiver allows (RFC 5104 §4.2), in order.
	Limits []Limit
	// TradeOffs are what the receiver asks for (RFC 5104 §4.3.2), in order.
	TradeOffs []TradeOff
	// Bandwidth is what the receiver's description allows the stream (b=AS, RFC 8866
	// §5.8), in bit/s with UDP and IP headers, without RTCP; 0 says nothing.
	Bandwidth units.BitRate
}

// Limit is a limit on a stream from a time on; a rate of 0 lifts it.
type Limit struct {
	At   simtime.Time
	Rate units.BitRate
}

// TradeOff is a temporal-spatial trade-off that is asked for at a time: 0 for the best
// pictures, 31 for the most.
type TradeOff struct {
	At    simtime.Time
	Index uint8
}

// FEC is forward error correction of a stream.
type FEC struct {
	Scheme FECScheme
	// Share is how many repair packets there are for each packet of video, Level how
	// many earlier frames a packet of audio repeats.
	Share float64
	Level int
}

// FECScheme is a format of FEC.
type FECScheme string

// The schemes.
const (
	NoFEC   FECScheme = ""
	FlexFEC FECScheme = "flexfec" // RFC 8627, in a stream of its own; of video
	ULPFEC  FECScheme = "ulpfec"  // RFC 5109 in packets with redundant data; of video
	RED     FECScheme = "red"     // RFC 2198; of audio
)

// Flow returns the stream's name.
func (m *Media) Flow() string {
	if m.Projected {
		return m.Name + ">" + m.To
	}
	if m.Copy {
		return m.source() + ">" + m.To
	}
	return m.source()
}

// Origin returns the endpoint that makes the stream's media.
func (m *Media) Origin() string {
	if m.Projected {
		origin, _, _ := strings.Cut(m.Name, "/")
		return origin
	}
	return m.From
}

// source is what the stream is of, which several may have in common.
func (m *Media) source() string { return m.From + "/" + m.Name }

// Congestion selects controllers and their feedback.
type Congestion struct {
	// Control is that of all endpoints without their own.
	Control
	ECN      packet.ECN
	Coupling Coupling
	// Receivers makes one rate of what several receivers of a sender report; empty takes them
	// for one.
	Receivers multicast.Policy
	// Make makes controllers; nil is [Registered].
	Make func(of *Controlled) (ccontrol.Controller, []ccontrol.Signal, error)
}

// Control is how what an endpoint sends is controlled.
type Control struct {
	Controller string
	Settings   map[string]string
	// Feedback is what it wants to be told by its peers, and Pace and Interval when.
	Feedback endpoints.Feedback
	Pace     endpoints.FeedbackPace
	Interval time.Duration
}

// Controlled is what a controller is made for: the sender of one session.
type Controlled struct {
	// Connection is the name of the session's end, such as S1-R1, or S1-R1/video if
	// it is one of several. Endpoint is whose end it is.
	Connection, Endpoint string
	// Feedback is what it is told.
	Feedback endpoints.Feedback
	// Controller and Settings are the configured ones, but for a legacy endpoint, which
	// has none and sends at a fixed rate.
	Controller string
	Settings   map[string]string
	Legacy     bool
	Limits     ccontrol.Limits
}

// Registered makes the controller that is registered under its name, and returns what
// it shows of itself.
func Registered(of *Controlled) (ccontrol.Controller, []ccontrol.Signal, error) {
	spec, ok := ccontrol.Lookup(of.Controller)
	if !ok {
		return nil, nil, fmt.Errorf("no controller %q", of.Controller)
	}
	c, err := spec.Build(of.Limits, of.Settings)
	return c, spec.Signals, err
}

// Coupling is coupled congestion control of what an endpoint sends (RFC 8699). Its flows
// are the RTP sessions, as each has one controller.
type Coupling struct {
	On        bool
	Algorithm coupled.Algorithm
	Groups    CouplingGroups
}

// CouplingGroups says which sessions of an endpoint share a bottleneck.
type CouplingGroups uint8

// The ways.
const (
	GroupByEndpoint CouplingGroups = iota // all do
	GroupByPeer                           // those with the same peer do
	GroupByDelay                          // those do whose delays look alike (RFC 8382)
)
