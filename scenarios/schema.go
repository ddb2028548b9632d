// Package scenarios reads scenario files: one YAML document that says
// everything about an experiment. Reading is strict: an unknown field, a value
// of the wrong kind or a name that doesn't exist is an error that names file,
// line, column, the field and what would be right.
package scenarios

import (
	"strings"
	"time"

	"rtpfabric/sim/units"
)

// Scenario is one scenario file, or one variation of it: see [Run].
type Scenario struct {
	// Title is what it shows, in one line.
	Title string `yaml:"title,required" example:"What this shows"`
	// Reference is where the experiment comes from.
	Reference string `yaml:"reference"`
	// Description says what to look at, and why.
	Description string `yaml:"description"`
	// Duration is how long it lasts, in the time of the network.
	Duration time.Duration `yaml:"duration,required" example:"60s" min:"1ms" max:"24h"`
	// Seed of all random streams.
	Seed uint64 `yaml:"seed" default:"1"`
	// Protection of RTP and RTCP: full (SRTP), size-only (same sizes, nothing
	// encrypted) or none (a debugging aid).
	Protection string `yaml:"protection" oneof:"full,size-only,none" default:"full"`
	// Let names whole numbers, which ranges such as <1..stations> may use.
	Let     []Number `yaml:"let,named"`
	Network Network  `yaml:"network,required" example:"{links: …}"`
	// Endpoints, Topology and Media belong together: a scenario has all three,
	// or only Traffic.
	Endpoints  []Endpoint `yaml:"endpoints,named" example:"{S1: {at: A}, R1: {at: B}}"`
	Topology   Topology   `yaml:"topology" example:"{peers: [S1, R1]}"`
	Media      []Media    `yaml:"media" example:"[{from: S1, kind: video}]"`
	Traffic    []Traffic  `yaml:"traffic,named" example:"{web: {type: tcp, from: A, to: B}}"`
	Congestion Congestion `yaml:"congestion"`
	RTCP       RTCP       `yaml:"rtcp"`
	Repair     Repair     `yaml:"repair"`
	Breakers   Breakers   `yaml:"breakers"`
	Security   Security   `yaml:"security"`
	// Signalling is how a call is agreed on; without it that has happened before the run.
	Signalling *Signalling `yaml:"signalling" example:"{at: M}"`
	// ICE is how the ends of that call gather candidates.
	ICE *ICE `yaml:"ice" example:"{at: S}"`
	// Extensions are RTP header extensions (RFC 8285) besides those that something
	// else needs.
	Extensions []string `yaml:"extensions" example:"[abs-send-time, ntp-64]"`
	Playout    Playout  `yaml:"playout"`
	// Matrix varies the document: every combination is a run. The scenario of a
	// run has none; the axes are in [File].
	Matrix []Axis `yaml:"matrix,apart"`
	// Expect is what has to hold.
	Expect []Expect `yaml:"expect"`
	// ExpectedFail names expectations that controllers are known not to meet.
	ExpectedFail []ExpectedFail `yaml:"expected-fail" example:"[{controllers: [gcc], metrics: [loss], because: …}]"`

	// Dir is where the files lie that the scenario names.
	Dir string `yaml:"-"`
}

// Endpoint is an RTP endpoint at a node.
type Endpoint struct {
	Name string `yaml:"-"`
	// At is the node of the network where the endpoint is.
	At string `yaml:"at,required" example:"A"`
	// ClockOffset is how far the endpoint's wall clock is ahead of true time.
	// A negative offset is written with a minus sign.
	ClockOffset SignedDuration `yaml:"clock-offset"`
	// ClockDrift is by how much that clock is fast, such as 50ppm or -100ppm.
	ClockDrift Drift `yaml:"clock-drift"`
	// Priority is the weight of what the endpoint sends against what others
	// send, for controllers that know weights (RFC 8867 §6.1).
	Priority float64 `yaml:"priority" default:"1" min:"0.01" max:"100"`
	// Type is how the endpoint behaves: as WebRTC demands, or like one of the
	// legacy peers of RFC 8834 §7.2. Those have no congestion control and no
	// feedback for it; the first has no RTCP at all, the second reports by
	// RFC 3550 with its minimum of 5 s, the third by RFC 4585.
	Type string `yaml:"type" oneof:"webrtc,legacy-no-rtcp,legacy-avp,legacy-avpf" default:"webrtc"`
	// CNAME of all its connections; an empty one draws one for each (RFC 7022).
	CNAME string `yaml:"cname" example:"user@192.168.1.2"`
	// Leaves is when the endpoint leaves its sessions with a BYE of each SSRC; nil is
	// never.
	Leaves *time.Duration `yaml:"leaves" min:"1ms" max:"24h"`
	// Floods lets the endpoint ask for key frames without end, as one does that is broken or
	// hostile.
	Floods *Flood `yaml:"floods" example:"{during: 10s..20s, every: 20ms}"`
	// Protection is that of the scenario, or none: an endpoint without SRTP.
	Protection string `yaml:"protection" oneof:"scenario,none" default:"scenario"`
	// Interworking puts a function before an endpoint without AVPF that tells its peers
	// it had AVPF, with trr-int 4000 (RFC 8834 §10).
	Interworking bool `yaml:"interworking" default:"false"`
	// MaxSSRC is how many streams it decodes in an RTP session at the same time, and
	// says so; 0 is as many as come. It reports on all.
	MaxSSRC int `yaml:"max-ssrc" default:"0" min:"0" max:"400"`
	// DecodeTop is how many streams of audio it decodes in an RTP session, the loudest by
	// their header extensions (RFC 6464); 0 is all.
	DecodeTop int `yaml:"decode-top" default:"0" min:"0" max:"400"`
	// Codecs are those that it can decode audio in; none stands for all. An SFM offers it no streams
	// in others, and a mixer or a transcoder sends it one of them.
	Codecs []string `yaml:"codecs" example:"[pcmu, dvi4]"`
	// VideoType is the RTP payload type of its video (a=rtpmap), the same at all ends of a
	// session.
	VideoType int `yaml:"video-type" default:"96" min:"96" max:"127"`
	// Bundle says whether it agrees to several media in one RTP session (RFC 9143).
	Bundle bool `yaml:"bundle" default:"true"`
	// Symmetric says whether it sends from the ports that it receives on (RFC 4961).
	Symmetric bool `yaml:"symmetric" default:"true"`
	// Bandwidth is what its descriptions say for all media.
	Bandwidth *EndBandwidth `yaml:"bandwidth"`
	// RTCP overrides the scenario's for this endpoint.
	RTCP *EndRTCP `yaml:"rtcp"`
	// Congestion overrides the scenario's for what this endpoint sends, and says which
	// feedback it gives.
	Congestion *EndCongestion `yaml:"congestion"`
	// Stack is what the endpoint is made of: ours (rtpfabric), or pion's WebRTC stack (pion), unmodified and in
	// virtual time. A program can have more.
	Stack string `yaml:"stack" default:"rtpfabric"` // that the endpoint is made of: ours, or pion
	// Interceptors are parts of pion's stack in the sessions of an endpoint of ours, in virtual time; the first
	// stands next to the network. What one does the endpoint leaves to it. In a pion stack they take the place of
	// its own.
	Interceptors []Interceptor `yaml:"interceptors" example:"[{type: gcc}]"`
	// Pion are the options of a pion stack.
	Pion Pion `yaml:"pion" example:"{profile: faithful}"`
}

// Interceptor is a part of pion's stack.
type Interceptor struct {
	Type    string      `yaml:"type,required"` // of pion's interceptors; "simrun interceptors" lists them
	Options []Parameter `yaml:"options,named" example:"{interval: 50ms}"`
}

// Pion is how pion's stack is set up.
type Pion struct {
	// Profile says what is changed around it: as little as makes runs the same each time, and lets gcc's pacer
	// pass retransmissions; or nothing, so that runs are alike on average only.
	Profile string `yaml:"profile" oneof:"deterministic,faithful" default:"deterministic"`
	// Pacer is that of its bandwidth estimator: a leaky bucket, or none, which sends packets at once.
	Pacer string `yaml:"pacer" oneof:"leaky-bucket,none" default:"leaky-bucket"`
	// DTLS is who begins the handshake if it answers: it does, or it waits for the other end (a=setup).
	DTLS string `yaml:"dtls" oneof:"active,passive" default:"active"`
	// TURN is how it reaches the TURN server of ice: by datagrams, or by a connection of TCP (RFC 8656 §2.1), as clients do behind
	// firewalls that let no UDP through.
	TURN string `yaml:"turn" oneof:"udp,tcp" default:"udp"`
}

// Flood is a stretch of time in which an endpoint asks for key frames of all video that it gets,
// each time by a new FIR and whatever RTCP's timing rules allow.
type Flood struct {
	During Interval `yaml:"during,required" example:"10s..20s"`
	// Every is the time between two requests.
	Every time.Duration `yaml:"every" default:"20ms" min:"1ms" max:"10s"`
}

// Number is a named whole number.
type Number struct {
	Name  string `yaml:"-"`
	Value string `yaml:",scalar"`
}

// Drift is by how many parts in a million a clock is fast; slow if negative.
type Drift float64

// SignedDuration is a duration that may be negative.
type SignedDuration time.Duration

// Topology says who talks to whom, by RFC 7667's names.
type Topology struct {
	// Type is RFC 7667's, or one of its kinds.
	Type string `yaml:"type" oneof:"point-to-point,gateway,transcoder,mesh,mixer,switching-mixer,sfm,relay,fork" default:"point-to-point"`
	// At is the node of a relay, a mixer or an SFM.
	At string `yaml:"at" example:"M"`
	// Peers are two endpoints in a call, or Pairs are several such calls. Of a mesh they
	// are all that talk to each other, and of a relay all that it copies packets between.
	Peers []string   `yaml:"peers" example:"[S1, R1]"`
	Pairs [][]string `yaml:"pairs" example:"[[S1, R1], [S2, R2]]"`
	// Sessions says whether all media of a call share one RTP session on one UDP
	// flow (RFC 9143), or each name has its own, or audio and video do (RFC 8834 §4.4).
	Sessions string `yaml:"sessions" oneof:"bundle,per-media,per-kind" default:"bundle"`
	// Encoders says whether an endpoint of a mesh encodes a picture for each of its peers,
	// or once for all, at the lowest rate that any of them allows (RFC 8834 §11). The same of
	// the qualities of a picture that an SFM chooses from.
	Encoders string `yaml:"encoders" oneof:"per-peer,shared" default:"per-peer"`
	// Relay is the node of a transport relay between the two ends of each call (Topo-PtP-Relay, RFC 7667
	// §3.2.1.1), which passes everything on unchanged: media, handshakes and connectivity checks. None without.
	Relay string `yaml:"relay" example:"R"`
	// LastN is how many videos an SFM or a relay sends everybody: those of the latest speakers; 0 all. A
	// switching mixer has as many streams of each kind for everybody; 0 is one.
	LastN int `yaml:"last-n" default:"0" min:"0" max:"400"`
	// Limits lets an SFM ask senders for no more than the slowest receiver can get (RFC 5104
	// §4.2), and a mixer those of pictures for no more than is of use in their tile.
	Limits bool `yaml:"limits" default:"true"`
	// PauseUnneeded lets an SFM or a switching mixer have senders pause video that nobody gets, and qualities of a
	// picture (RFC 7728); otherwise they are asked for their least rate.
	PauseUnneeded bool `yaml:"pause-unneeded" default:"false"`
	// Layout is how a mixer puts pictures together: in tiles of one size, or with a large one for who has
	// spoken last.
	Layout string `yaml:"layout" oneof:"grid,speaker" default:"grid"`
	// Cascade is several relays, mixers or SFMs with peers of their own, in place of At and Peers;
	// Trunks join two of them each, and without any each is joined to the next.
	Cascade []Box      `yaml:"cascade,named" example:"{west: {at: W, peers: [A, B]}, east: {at: E, peers: [C, D]}}"`
	Trunks  [][]string `yaml:"trunks" example:"[[west, east]]"`
	// Bind lets a relay copy packets with an SSRC only from where that was heard first, and a
	// mixer of a cascade mix those. It is how loops are broken (RFC 3550 §8.2); in a cascade it is so by default.
	Bind *bool `yaml:"bind"`
	// Joint lets the peers of a mesh share RTP sessions, in which each sends everything to all others
	// over a flow for each (RFC 7667 §3.4); otherwise each pair has sessions of its own.
	Joint bool `yaml:"joint" default:"false"`
	// Keys says whether all peers of a relay have one SRTP master key, or each one of its own that
	// it tells the others by EKT (RFC 8870); the relay has none.
	Keys string `yaml:"keys" oneof:"common,own" default:"common"`
	// KeyHost is the node of a host beside the relay from which peers with keys of their own get the
	// group's key, each in a DTLS handshake (RFC 8870 §5); otherwise they have it from the start.
	KeyHost string `yaml:"key-host" example:"K"`
	// Blocks are streams that a relay doesn't copy to a peer for a while, as if it were a
	// middlebox that selects.
	Blocks []Block `yaml:"blocks"`
	// Loudest is how many a mixer decodes and mixes at a time; 0 is all.
	Loudest int `yaml:"loudest" default:"0" min:"0" max:"400"`
	// CSRC lets packets of a mixer name their sources (RFC 3550 §5.1).
	CSRC bool `yaml:"csrc" default:"true"`
	// Restarts are when the process of a relay, an SFM or a mixer dies, and comes back with nothing but its configuration.
	Restarts []BoxRestart `yaml:"restarts" example:"[{at: 20s, for: 1s}]"`
}

// BoxRestart is when a middlebox's process dies, and for how long nobody is in its place.
type BoxRestart struct {
	// At is when the process dies.
	At time.Duration `yaml:"at,required" min:"1ms" example:"20s"`
	// For is how long nothing is in its place.
	For time.Duration `yaml:"for" default:"1s" min:"1ms" max:"1h"`
}

// Block is a stream that a relay doesn't copy to one of its peers.
type Block struct {
	// Flow is the stream that isn't copied.
	Flow string `yaml:"flow,required" example:"A/video"`
	// To is who doesn't get it.
	To string `yaml:"to,required" example:"B"`
	// During is when.
	During []Interval `yaml:"during,required" example:"[20s..30s]"`
}

// Media is one stream. To may be left out when the sender has one peer; in a mesh all
// others are meant then.
type Media struct {
	// Copy is set in what [Scenario.Streams] returns of a mesh: one of what may be several
	// streams of From, whose name says who gets it.
	Copy bool `yaml:"-"`
	// Projected is set in the same of an SFM: a stream of its own, of the flow that is its
	// name.
	Projected bool `yaml:"-"`
	// From is the endpoint that sends.
	From string `yaml:"from,required" example:"S1"`
	// To is the endpoint that receives, where there are several.
	To string `yaml:"to"`
	// Kind is video or audio.
	Kind    string        `yaml:"kind,required" oneof:"video,audio"`
	Name    string        `yaml:"name"` // default: the kind; with From it names the flow, S1/video
	Encoder *VideoEncoder `yaml:"encoder"`
	// Rate and Frame are of audio: constant bit rate of payload, and the
	// duration of a frame; 20kbps and 20ms by default.
	Rate  *units.BitRate `yaml:"rate" min:"1kbps" max:"10Mbps"`
	Frame *time.Duration `yaml:"frame" min:"1ms" max:"1s"`
	// FEC protects the stream; nil is what repair.fec says of video.
	FEC *FEC `yaml:"fec"`
	// Speech makes audio somebody's talk instead of a constant rate.
	Speech *Speech `yaml:"speech"`
	// ClockDrift is by how much the clock of the camera or the sound card is fast,
	// which RTP timestamps and the pace of frames follow.
	ClockDrift Drift `yaml:"clock-drift"`
	// Start is when the stream begins: a time, or a stretch in which a run draws it.
	Start Moment `yaml:"start" default:"0s"`
	// Stop ends the stream with a BYE; nil is the end of the run. Or Lasts says
	// how long after its start the stream ends.
	Stop  *Moment        `yaml:"stop"`
	Lasts *time.Duration `yaml:"lasts" min:"1ms"`
	// Pauses are stretches of time without frames, in order (RFC 8867 §5.8).
	Pauses []Interval `yaml:"pauses"`
	// Bandwidth is what the receiver's description says of the stream.
	Bandwidth *MediumBandwidth `yaml:"bandwidth"`
	// Limits are what the receiver allows, in order.
	Limits []LimitAt `yaml:"limits"`
	// TradeOffs are what the receiver asks for of video, in order.
	TradeOffs []TradeOffAt `yaml:"trade-offs"`
	// Priority is RFC 8837's level of the stream, which selects its DSCP. DSCP
	// sets the code point itself.
	Priority string `yaml:"priority" oneof:"very-low,low,medium,high" default:"low"`
	DSCP     *int   `yaml:"dscp" min:"0" max:"63"`
	// MSID names the MediaStreams that the stream's track is in (RFC 8830): one called
	// like the sender by default, none of a legacy endpoint and in a group. It is sent
	// once all the same.
	MSID []string `yaml:"msid" example:"[camera, meeting]"`
	// Simulcast names the picture that the stream is one quality of: an SFM sends each peer
	// that quality of a picture which the peer's path bears (RFC 7656 §3.6).
	Simulcast string `yaml:"simulcast" example:"camera"`
	// RID is what the quality is called among those of its picture (RFC 8851): 1 to 16 letters and digits. With RIDs all
	// qualities of the picture are one media section, its simulcast streams, in order of preference (RFC 8853), and
	// their packets say which one they are; without them each is a section of its own.
	RID string `yaml:"rid" example:"h"`
	// Spoofs names a peer of a relay with whose SSRC the stream is sent, that of the peer's stream
	// of the same name: From tries to pass for it.
	Spoofs string `yaml:"spoofs" example:"A"`
	// PacketSize is the largest RTP packet, SRTP tag included, without UDP and
	// IP.
	PacketSize units.Bytes `yaml:"packet-size" default:"1200B" min:"100B" max:"1472B"`
}

// VideoEncoder is a model of RFC 8593. Rates are of encoded frames, without any
// header.
type VideoEncoder struct {
	// Model is RFC 8593's §5, §6 or §7, or one that does exactly what it is told.
	Model string `yaml:"model" oneof:"statistical,trace-driven,hybrid,perfect" default:"statistical"`
	// File holds the frame sizes of trace-driven and hybrid; see package encoder.
	File string `yaml:"file"`
	// Min is the least that the encoder makes.
	Min units.BitRate `yaml:"min" default:"150kbps" min:"1kbps" max:"1Gbps"`
	// Max is the most that the encoder makes.
	Max units.BitRate `yaml:"max" default:"1.5Mbps" min:"1kbps" max:"1Gbps"`
	// Start is the rate before the first feedback; nil is Min (RFC 8867 §4.3).
	Start *units.BitRate `yaml:"start" min:"1kbps" max:"1Gbps"`
	// FPS is nil for 30, or the trace's.
	FPS *float64 `yaml:"fps" min:"0.1" max:"1000"`
	// Reaction is tau_v: a change of rate is followed by no other for so long.
	Reaction time.Duration `yaml:"reaction" default:"100ms" max:"10s"`
	// BurstSize (K_B) is the first frame of a transient, as a multiple of the
	// mean frame; BurstFrames (K_d) its length in frames; 0 frames switches
	// bursts off.
	BurstSize   float64 `yaml:"burst-size" default:"3.24" min:"1" max:"100"`
	BurstFrames int     `yaml:"burst-frames" default:"8" min:"0" max:"1000"`
	// ScaleInterval and ScaleSize are the Laplace scales of frame interval and
	// frame size.
	ScaleInterval float64 `yaml:"scale-interval" default:"0.15" min:"0" max:"1"`
	ScaleSize     float64 `yaml:"scale-size" default:"0.15" min:"0" max:"1"`
	// Layers is the number of temporal layers, KeyInterval the time between key
	// frames; 0 makes them only when asked.
	// Resolution of the picture matters for its score only.
	Resolution  Resolution    `yaml:"resolution" default:"1280x720"`
	Layers      int           `yaml:"layers" default:"1" min:"1" max:"3"`
	KeyInterval time.Duration `yaml:"key-interval" default:"0s" max:"1h"`
}

// Resolution is the size of a picture.
type Resolution struct{ Width, Height int }

// Congestion selects the rate controller of every sender and the feedback it
// gets, unless an endpoint has its own; see [Scenario.CongestionOf].
type Congestion struct {
	Controller string `yaml:"controller" default:"fixed"` // of the rate; "simrun controllers" lists them
	// External is the other form of controller: a program. Controller is then how it is
	// called in lists.
	External *External `yaml:"controller,mapping"`
	// Feedback is the RTCP message that carries it: rfc8888, twcc, remb, ecn (ECN
	// feedback packets and summaries, RFC 6679) or none.
	Feedback string `yaml:"feedback" oneof:"rfc8888,twcc,remb,ecn,none" default:"rfc8888"`
	// Interval is the aim, 5 ms to 5 s, or when a frame has come, a round-trip time is
	// over, or at once (frame, rtt, asap); RTCP's timing rules have the last word.
	// By default it is 100 ms, a second for estimates (remb), of which only those
	// that have fallen are urgent, and at once for ecn, which tells only of marks and losses.
	Interval FeedbackInterval `yaml:"interval"`
	// Coupled is the algorithm by which the RTP sessions of an endpoint couple their
	// controllers (RFC 8699 §5.3.1, §5.3.2, Appendix C): those that share a bottleneck.
	Coupled string `yaml:"coupled" oneof:"off,active,conservative,passive" default:"off"`
	// Groups says which do: all of an endpoint, those with the same peer, or those whose
	// delays look alike (sbd, RFC 8382).
	Groups string `yaml:"groups" oneof:"endpoint,peer,sbd" default:"endpoint"`
	// Receivers says how a sender behind a relay makes one rate of what its receivers report:
	// with a controller for each, the least that any allows, or that of the next if the worst is
	// left behind (drop-worst); or with one controller, as if there were one receiver (naive).
	Receivers string `yaml:"receivers" oneof:"least,drop-worst,naive" default:"least"`
	// ECN is the codepoint of media packets, which then may be marked rather
	// than dropped (RFC 3168, RFC 6679; ect1 is L4S, RFC 9331). It is off by default, and
	// ect0 with "feedback: ecn", where off means that only losses are told of.
	ECN string `yaml:"ecn" oneof:"off,ect0,ect1"`
	// Parameters are the controller's own, see simrun controllers. A name such
	// as nada.qeps holds only if that controller is used.
	Parameters []Parameter `yaml:"parameters,named"` // scalar values
}

// External is a controller that is a program of its own: see
// docs/external-controllers.md.
type External struct {
	// Exec is the program and its arguments. It runs in the scenario file's folder.
	Exec []string `yaml:"exec,required" example:"[python3, my.py]"`
	// Protocol is what it speaks on standard input and output.
	Protocol string `yaml:"protocol" oneof:"simrun-v1,alphartc" default:"simrun-v1"`
	// Timeout is how long it may take for a reply, by the wall clock.
	Timeout time.Duration `yaml:"timeout" default:"5s" min:"10ms" max:"1h"`
}

// Label is how a program is called in lists.
func (e *External) Label() string { return "exec " + strings.Join(e.Exec, " ") }

// FeedbackInterval is when feedback is wanted after the last one: a time later, or per
// "frame" or "rtt", and then that time at the latest.
type FeedbackInterval struct {
	Per   string // "time", "frame", "rtt"
	Every time.Duration
}

// Parameter is a controller's parameter, still in text form.
type Parameter struct {
	Name  string `yaml:"-"`
	Value string `yaml:",scalar"`
}

// Playout is the receiver's play-out.
type Playout struct {
	// Delay is how long after the fastest packet's time a frame is rendered at the
	// latest; a frame completed later is late.
	Delay time.Duration `yaml:"delay" default:"200ms" max:"1h"`
	// Audio is played with the least delay that lets most of its packets be in time
	// (adaptive), or with all of it (fixed).
	Audio string `yaml:"audio" oneof:"adaptive,fixed" default:"adaptive"`
	// LipSync plays streams of an endpoint together that were captured together
	// (RFC 3550 §6.4.1).
	LipSync bool `yaml:"lip-sync" default:"false"`
}

// Expect is one expectation: a metric of something during a time, and bounds.
type Expect struct {
	Metric string `yaml:"metric,required" example:"queue-delay-p95"` // one of those that "simrun metrics" lists
	// Exactly one says what it is measured at: a flow (S1/video), a link
	// direction (bottleneck/forward), an endpoint (S1), several flows, a connection (S1's
	// side of it is S1-R1), or a source of RTCP (R1/video).
	Flow string `yaml:"flow"`
	// Flows are several, by name or by pattern, such as S*/video.
	Flows []string `yaml:"flows"`
	// Link is a direction of a link, such as bottleneck/forward.
	Link string `yaml:"link"`
	// Endpoint is an endpoint, or what a topology has in the middle.
	Endpoint string `yaml:"endpoint"`
	// Connection is one side of a peer connection: S1-R1 is S1's.
	Connection string `yaml:"connection"`
	// Source is who sends RTCP, such as R1/video.
	Source string `yaml:"source"`
	// Breaker is one of those that watch, for metrics of circuit breakers; the scenario's
	// own if it isn't said.
	Breaker string `yaml:"breaker"`
	// During is a stretch of time such as 10s..40s; nil is the whole run.
	During *Interval `yaml:"during"`
	// Min, Max and Equal are in the metric's unit: 85%, 60ms, 1Mbps, 3.
	Min       *string `yaml:"min,scalar"`
	Max       *string `yaml:"max,scalar"`
	Equal     *string `yaml:"equal,scalar"`
	Tolerance *string `yaml:"tolerance,scalar"` // Tolerance is by how much a value may differ from equal, as a share of it, such as 3%; nil is none
}

// ExpectedFail is what controllers are known not to meet, and who says so.
type ExpectedFail struct {
	// Controllers are the scenario's. Against are those of endpoints that have their own;
	// without it any, or none.
	Controllers []string `yaml:"controllers,required" example:"[gcc]"`
	Against     []string `yaml:"against" example:"[scream]"`
	// Metrics and During are those of the expectations; without either all are meant.
	Metrics []string  `yaml:"metrics"`
	During  *Interval `yaml:"during"`
	// Sometimes is what some seeds show and others don't: that all pass is no surprise.
	Sometimes bool `yaml:"sometimes" default:"false"`
	// Because is the reason, with the literature that has it.
	Because string `yaml:"because,required" example:"loss-based, see docs/cc/tfrc.md"`
}

// Interval is a stretch of time, start included and end not.
type Interval struct{ From, To time.Duration }

// Axis is one line of the matrix: a place in the document and its values.
type Axis struct {
	Path   string
	Values []string // as written, on one line each
}
