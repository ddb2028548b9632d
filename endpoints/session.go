package endpoints

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"rtpfabric/ccontrol"
	"rtpfabric/endpoints/feedback"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/pacer"
	"rtpfabric/endpoints/protect"
	"rtpfabric/endpoints/rtcptiming"
	"rtpfabric/endpoints/rtx"
	"rtpfabric/endpoints/sound"
	"rtpfabric/endpoints/ssrcs"
	"rtpfabric/endpoints/ssrctable"
	"rtpfabric/endpoints/wire"
	"rtpfabric/endpoints/xr"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Feedback selects the message that tells senders about their packets.
type Feedback string

// The kinds of feedback.
const (
	FeedbackNone    Feedback = "none"
	FeedbackRFC8888 Feedback = "rfc8888"
	FeedbackTWCC    Feedback = "twcc"
	// FeedbackREMB is a receiver's estimate, which SessionConfig.Estimator makes.
	FeedbackREMB Feedback = "remb"
	// FeedbackECN are ECN feedback packets when there is cause, and ECN summaries in
	// reports (RFC 6679).
	FeedbackECN Feedback = "ecn"
)

// SessionConfig describes one end of an RTP session. What every packet needs stands first, as in a session.
type SessionConfig struct {
	// Local and Remote are the UDP flow of RTP. RTCP shares it (RFC 5761) unless
	// it has one of its own.
	Local, Remote         packet.Addr
	RTCPLocal, RTCPRemote packet.Addr
	// Others are where else RTP goes, if several ends share the session over a flow for each (RFC 7667
	// §3.4). RTCP goes there, too, or to the next port if it doesn't share RTP's.
	Others []packet.Addr
	// SourceOffset is added to the local ports in what this end sends, and
	// RemoteOffset to the remote ones in what it takes from the peer. Both are 0
	// with symmetric RTP, which is required (RFC 8834 §4.7, RFC 4961).
	SourceOffset, RemoteOffset uint16
	// Interceptor, if not nil, stands between the session and its keys, and Without is what it does instead
	// of the session.
	Interceptor Interceptor
	// HeaderExtensions are those of somebody's own, at most [headerext.MaxOwn], and
	// ControlMessages kinds of RTCP messages.
	HeaderExtensions []HeaderExtension
	ControlMessages  []ControlMessage
	// Controller may be nil for an end that sends no media.
	Controller ccontrol.Controller
	Keying     keying.Step
	// RTCPKeying is that of RTCP's own flow, which has a DTLS association of its own
	// (RFC 5764 §4); nil if both flows have Keying's keys.
	RTCPKeying keying.Step
	// Feedback is what this end tells of the packets that come, and FeedbackHeard what
	// it is told of those that it sends; empty is the same.
	Feedback, FeedbackHeard Feedback
	// Carried says that another stack carries the session; see [Session.CarrierReady]. Of this configuration
	// media sections, controller and playout count; packets are plain, at Local and Remote.
	Carried bool
	// Marking says whether streams' code points are used.
	Marking Marking
	// ECN is the code point of media packets that may be marked (RFC 3168 §5). RTCP
	// isn't ECN-capable (RFC 6679 §7.2). With FeedbackECN it is used as far as the path
	// is known to carry it (§7), otherwise in any case.
	ECN packet.ECN
	// MaxSSRC is how many streams of media this end decodes at the same time; 0 is as
	// many as come (RFC 8108 §4). Others are reported on all the same.
	MaxSSRC int
	// Name tells the sessions of a connection apart; empty if there is one.
	Name     string
	Sections []SectionConfig
	// Extensions are the header extensions, the same for all sections.
	Extensions []headerext.Entry
	Protection protect.Mode
	Without    Without
	// Handshake says that Keying is DTLS, for the name of the profile.
	Handshake bool
	// PeerProfile is what the peer's description names; nil if it isn't known.
	// Secure ends refuse insecure ones, and the other way round (RFC 8834 §4.2, §10).
	PeerProfile *ProfileConfig
	// Profile is the protection profile; 0 leaves it to the keying step.
	Profile keying.Profile
	// Cryptex encrypts header extensions and contributing sources (RFC 9335).
	Cryptex protect.Cryptex
	RTCP    RTCPConfig
	// FeedbackPace and FeedbackInterval are how often feedback is wanted; RTCP's timing
	// rules say when it goes. With a pace other than time the interval is how long that
	// takes at most for want of frames, or before there is a round-trip time.
	FeedbackPace     FeedbackPace
	FeedbackInterval time.Duration
	// Signals name the inner values of a controller that is a [ccontrol.Observable].
	Signals []ccontrol.Signal
	// Estimator makes the estimates of FeedbackREMB; nil for an end that receives no
	// media. With another kind of feedback they go besides that, unasked, every
	// EstimateInterval: a limit that a peer with a controller of its own keeps to as well.
	// EstimatorSignals are the inner values.
	Estimator        ccontrol.Estimator
	EstimateInterval time.Duration
	EstimatorSignals []ccontrol.Signal
	// Repair says what is done about lost packets.
	Repair RepairConfig
	// Breakers stop what harms the network.
	Breakers BreakerConfig
	// ExtendedReports are sent besides the usual ones.
	ExtendedReports ExtendedReports
	// DecodeTop is how many streams of audio this end decodes at the same time: the
	// loudest by the levels in their header extensions (RFC 6464); 0 is all.
	DecodeTop int
	// Selection, if not nil, makes that choice for several sessions in common.
	Selection *sound.Selection
	// PlayoutDelay is how long after its ideal time a frame may come. Audio is played
	// as early as the path lets it be, but no more than that later; FixedAudio plays
	// it that much later from the start.
	PlayoutDelay time.Duration
	FixedAudio   bool
}

// Session is one end of an RTP session: one SSRC space (RFC 3550 §3), with its
// transport addresses, keys, members, feedback, pacing and congestion control.
//
// What every packet needs stands first, and together: of many sessions little is in the cache when
// a packet comes.
type Session struct {
	endpoint        *Endpoint
	timing          *rtcptiming.Scheduler
	scratch         *Scratch
	isSender        bool    // some section sends media
	usual           bool    // see isUsual
	controlled      bool    // there is a controller
	bounded         bool    // the peer has signalled a bandwidth of the connection
	records         records // what it notes of packets that come
	passesOn        bool    // all senders do, what comes from elsewhere
	failed          bool    // there won't be any keys of RTP, or of RTCP
	entered         bool    // the keys are known and the session has been joined
	moved           bool    // it has, and waits for those of other addresses
	leaving         bool    // see Endpoint.Leave
	muted           bool    // nothing may be sent any more, whatever waits
	tripped         bool    // some breaker has, of which nothing has come yet
	parting         bool    // some stream may be about to leave
	farewell        bool    // somebody has said BYE
	refused         bool    // the peer has another profile
	marked          bool    // some stream has a code point
	marksNone       bool    // repair needs no marks in pictures
	carrierRestores bool    // see CarrierRestores
	routing         uint32  // goes on when routes change
	number          int32   // see Number
	index           int     // among the endpoint's
	extensions      *headerext.Map
	protector       protect.Protector // of RTP, nil before there are keys
	control         protect.Protector // of RTCP, the same unless it has its own keys
	out             packet.FIFO
	router          keying.Router // nil if the peer is where the configuration says
	muter           keying.Muter  // nil if consent isn't asked for
	deadlines       deadlines
	due             feedbackDue
	sources         []*source   // remote SSRCs in the order they were heard
	heard           ssrcs.Index // which places these have
	routes          []route     // media sections of the peer's SSRCs
	ccfb            feedback.CCFBRecorder
	heardFrom       simtime.Time  // when RTP or RTCP came first
	heardAt         simtime.Time  // and last
	silence         time.Duration // for how long nothing had come before that
	counts          Counts
	config          SessionConfig
	// What follows is for what is sent.
	ownKeys    *protect.Group // of RTP, if senders have keys of their own
	streams    []*Stream
	controller ccontrol.Controller
	pacer      pacer.Pacer
	filling    filling
	probing    probing
	padded     *Section // that carried padding last
	lastTarget ccontrol.Target
	history    feedback.History
	judges     judges
	sections   []*Section
	senders    []*Section  // of these
	own        ssrcs.Index // which places this end's streams have
	apart      packet.FIFO // what goes by addresses of the router's
	connection *Connection
	selection  *sound.Selection // nil decodes all audio
	estimate   estimate
	estimated  float64 // most that the peer wants, unasked, in bit/s; infinite at first
	marks      marks
	rtt        time.Duration // to whoever answered last
	paths      []path        // to each peer that has
	table      *ssrctable.Table

	former         []Former
	present        int      // streams that are members
	departed       []uint32 // contributing sources whose BYE is to be passed on
	name           string
	peers          []string            // CNAMEs of those who take part
	extended       rtcp.ExtendedReport // scratch
	responder      xr.Responder
	roundTrip      *xr.RoundTrip
	roundTripOf    uint32 // SSRC that measures
	reduced        reducedSize
	types          rtx.PayloadTypes
	restorer       *rtx.Receiver // of what the peer sends again
	restored       []byte        // scratch
	recovered      []byte        // scratch
	restoredHeader rtp.Header
	extension      [256]byte // scratch
	numbers        []uint64  // scratch
	numbersLost    []uint16  // scratch
	nack           rtcp.TransportLayerNack
	repairs        RepairCounts
	group          string               // name of the reporting group
	passing        Passing              // scratch
	reception      []ccontrol.Reception // scratch
	news           ccontrol.Report      // scratch
	twcc           *feedback.TWCCRecorder
	lastReport     simtime.Time // when an SR or RR came
	shares         []share      // scratch of allocate
	carrierRelayed bool         // by a TURN server of its own
	census         wire.Census  // of the RTCP that was sent
}

// Counts are totals of a session.
type Counts struct {
	RTPSent, RTPReceived   uint64
	RTCPSent, RTCPReceived uint64
	// AuthFailed counts packets that weren't authentic or not protected,
	// Replayed those that came twice, Malformed those that couldn't be parsed
	// or broke a rule of their format, Early those that came before the keys,
	// Unassociated those that belong to no media section (RFC 9143 §9.2).
	AuthFailed, Replayed, Malformed, Early, Unassociated uint64
	// Padding counts packets of padding that were sent.
	Padding uint64
	// Undecoded counts packets of media beyond SessionConfig.MaxSSRC, and of audio not
	// among SessionConfig.DecodeTop.
	Undecoded uint64
	// Refused counts packets of a peer whose profile doesn't go with this end's.
	Refused uint64
	// UnknownRTCP counts RTCP packets of types that aren't understood.
	UnknownRTCP uint64
	// OwnCollisions counts packets with an SSRC of this end, OwnLooped those
	// that are known to be its own; the others are about third parties
	// (RFC 3550 §8.2).
	OwnCollisions, OwnLooped, ThirdPartyCollisions, ThirdPartyLoops uint64
}

// RTCPCensus returns how many messages of each kind this end has sent.
func (s *Session) RTCPCensus() *wire.Census { return &s.census }

// Add adds up the totals of two sessions.
func (c *Counts) Add(o Counts) {
	c.RTPSent += o.RTPSent
	c.RTPReceived += o.RTPReceived
	c.RTCPSent += o.RTCPSent
	c.RTCPReceived += o.RTCPReceived
	c.AuthFailed += o.AuthFailed
	c.Replayed += o.Replayed
	c.Malformed += o.Malformed
	c.Early += o.Early
	c.Unassociated += o.Unassociated
	c.Refused += o.Refused
	c.Padding += o.Padding
	c.Undecoded += o.Undecoded
	c.UnknownRTCP += o.UnknownRTCP
	c.OwnCollisions += o.OwnCollisions
	c.OwnLooped += o.OwnLooped
	c.ThirdPartyCollisions += o.ThirdPartyCollisions
	c.ThirdPartyLoops += o.ThirdPartyLoops
}

// newSession makes a session, in the place of one of before a restart if that isn't nil.
func newSession(now simtime.Time, c *Connection, s *Session, sc SessionConfig) (*Session, error) {
	if len(sc.Sections) == 0 {
		return nil, errors.New("no media section")
	}
	s, before := s.anew(&sc)
	*s = Session{
		connection: c, endpoint: c.endpoint, scratch: c.endpoint.config.Scratch, config: sc, name: c.name, due: newFeedbackDue(sc.FeedbackPace, sc.FeedbackInterval),
		estimated: math.Inf(1), counts: before.counts, repairs: before.repairs, number: s.number,
	}
	if sc.Name != "" {
		s.name += "/" + sc.Name
	}
	if sc.Carried {
		s.config.Keying, s.config.Protection = carrier{}, protect.None
	}
	rc, ignored := sc.RTCP.limited()
	if s.config.RTCP = rc; ignored {
		s.event(Event{Kind: ParametersIgnored, At: now})
	}
	if rc.Groups {
		s.group = NewCNAME(c.identity)
	}
	s.router, _ = sc.Keying.(keying.Router)
	s.muter, _ = sc.Keying.(keying.Muter)
	s.marksNone = !sc.Repair.SLI && sc.Repair.RPSI == RPSINone && !sc.Repair.NACKSteers
	s.estimate = newEstimate(&sc)
	s.marks = newMarks(&s.config)
	s.selection = newSelection(&sc)
	s.probing.asks, _ = sc.Controller.(ccontrol.Prober)
	s.table = ssrctable.New(c.cname)
	s.restorer = rtx.NewReceiver(&s.types)
	s.timing = rtcptiming.New(rtcptiming.Config{
		AVPF: rc.AVPF, Bandwidth: rc.Bandwidth, SenderShare: rc.SenderShare, TrrInterval: rc.TrrInterval,
		Minimum: rc.Minimum, Burst: rc.Burst, OldTimeouts: rc.OldTimeouts,
		FirstSize: max(firstReportSize, rc.PadTo+packet.HeaderIPv4UDP),
		Random:    c.endpoint.config.Random.Stream("connection/" + s.name + "/rtcp"),
	})
	if err := checkFormats(sc.Sections); err != nil {
		return nil, err
	}
	var err error
	if s.extensions, err = newExtensions(WithFeedback(sc.Extensions, sc.Feedback, sc.FeedbackHeard), sc.HeaderExtensions...); err != nil {
		return nil, err
	}
	for i, m := range sc.Sections {
		section, err := newSection(now, s, before.section(i, &m), i, m)
		if err != nil {
			return nil, fmt.Errorf("media section %s: %w", m.Name, err)
		}
		s.add(section)
	}
	s.controller, s.controlled = sc.Controller, sc.Controller != nil
	s.bounded, s.usual, s.records = c.bandwidth.rate > 0, s.isUsual(), recordsOf(&s.config)
	s.judges.begin(s)
	if s.refuse(now); s.refused {
		return s, nil
	}
	if err := s.enter(now); err != nil {
		return nil, err
	}
	before.tell(now, s)
	return s, nil
}

// add takes a media section.
func (s *Session) add(m *Section) {
	s.sections = append(s.sections, m)
	if m.config.Send != nil {
		s.passesOn = m.Passage() != nil && (s.passesOn || len(s.senders) == 0)
		s.senders, s.isSender = append(s.senders, m), true
	}
}

// isUsual reports whether there is nothing that few sessions have: an interceptor, extensions or messages of
// somebody's own, estimates for a peer, or ECN feedback.
func (s *Session) isUsual() bool {
	c := &s.config
	return c.Interceptor == nil && len(c.HeaderExtensions) == 0 && len(c.ControlMessages) == 0 && s.estimate.Estimator == nil && !s.marks.tells
}

// firstReportSize is the probable size of the first RTCP packet: an RR with
// one block, SDES with a CNAME, SRTCP, UDP and IP.
const firstReportSize units.Bytes = 32 + 28 + 14 + packet.HeaderIPv4UDP

// join takes part in the RTP session.
func (s *Session) join(now simtime.Time) {
	s.event(Event{Kind: SessionEntered, At: now})
	for _, m := range s.sections {
		m.beginNow(now)
	}
	for _, st := range s.streams {
		st.join(now)
	}
	s.twcc = feedback.NewTWCCRecorder()
	s.applyTarget(now)
}

// Flows returns the session's UDP flows, from this end to the other: that of RTP and,
// if it has its own, that of RTCP. With a router they are those that it has chosen, the last one last, if it has.
func (s *Session) Flows() [][2]packet.Addr {
	if s.router != nil && len(s.router.Flows()) > 0 {
		return s.router.Flows()
	}
	flows := [][2]packet.Addr{{s.config.Local, s.config.Remote}}
	if !s.muxed() {
		flows = append(flows, [2]packet.Addr{s.config.RTCPLocal, s.config.RTCPRemote})
	}
	return flows
}

// Name returns the name of the connection, with that of the session if it has one.
func (s *Session) Name() string { return s.name }

// Flow returns the address at which this end receives RTP, and sends it from unless it is
// asymmetric.
func (s *Session) Flow() packet.Addr { return s.config.Local }

// Number gives the session a number by which an observer knows it, which Numbered returns.
func (s *Session) Number(n int32) { s.number = n }

// Numbered returns the session's number, 0 if it has none.
func (s *Session) Numbered() int32 { return s.number }

// Connection returns the peer connection that the session belongs to.
func (s *Session) Connection() *Connection { return s.connection }

// Endpoint returns the name of the endpoint that this end belongs to.
func (s *Session) Endpoint() string { return s.endpoint.config.Name }

// Sections returns the media sections.
func (s *Session) Sections() []*Section { return s.sections }

// Counts returns the totals so far.
func (s *Session) Counts() Counts { return s.counts }

// RTT returns the last round-trip time from LSR and DLSR, to whichever peer; 0 if there
// was none. [Stream.Reports] tells them apart.
func (s *Session) RTT() time.Duration { return s.rtt }

// Target returns what the controller last allowed.
func (s *Session) Target() ccontrol.Target { return s.lastTarget }

// Backlog returns how long the pacer's backlog takes to send.
func (s *Session) Backlog() time.Duration { return s.pacer.Delay() }

// RTCPShare returns the bandwidth that RTCP's rules give to this end now.
func (s *Session) RTCPShare() units.BitRate {
	return units.BitRate(s.timing.Share() * float64(s.config.RTCP.Bandwidth))
}

// Members returns how many participants this end knows in the session.
func (s *Session) Members() int { return s.timing.Members() }

// HasController reports whether this end's sending is controlled.
func (s *Session) HasController() bool { return s.config.Controller != nil }

func (s *Session) handleTimeout(now simtime.Time) {
	if s.gone() {
		return
	}
	d := &s.deadlines
	if !d.known || d.keying.at <= now || distrust {
		s.config.Keying.HandleTimeout(now)
		if k := s.config.RTCPKeying; k != nil {
			k.HandleTimeout(now)
		}
		s.pollKeying(now)
		s.stir()
	}
	if !s.entered || s.moved {
		return
	}
	if !s.usual {
		s.takeIntercepted(now)
	}
	if s.controlled && s.controller.NextTimeout() <= now {
		s.controller.OnTimeout(now)
		s.applyTarget(now)
	}
	if e := s.estimate.Estimator; e != nil && e.NextTimeout() <= now {
		e.OnTimeout(now)
	}
	if s.probing.over <= now {
		s.pollProbe(now)
	}
	if due := !d.known || d.told || d.passing.at <= now; due || distrust {
		for _, m := range s.senders {
			m.handleTimeout(now)
		}
		if due && s.passesOn {
			s.stir()
		}
	}
	if !s.usual {
		s.wantOwn(now)
	}
	s.pump(now)
	s.runRTCP(now)
	if !d.quiet(now, len(s.sources)) || distrust {
		for i, src := range s.sources {
			idle := d.idle(now, i)
			if idle && !distrust {
				continue
			}
			if src.handleTimeout(now); !idle {
				src.stir()
			}
		}
	}
	s.runRTCP(now)
}

// nextTimeout returns the earliest deadline.
func (s *Session) nextTimeout() (simtime.Time, Reason) {
	if s.gone() {
		return simtime.Never, ReasonNone
	}
	d := &s.deadlines
	d.update(s)
	d.check(s)
	next := d.keying
	if !s.entered || s.moved {
		return next.at, next.why
	}
	if s.isSender {
		next = next.earlier(d.passing.at, d.passing.why).earlier(s.pacer.Next(), ReasonPacer)
		next = next.earlier(s.padDue(next.at), ReasonPacer)
		if s.probing.probe.ID != 0 {
			next = next.earlier(s.probing.over, ReasonPacer)
		}
	}
	if s.control != nil {
		next = next.earlier(s.timing.NextTimeout(), ReasonRTCP).earlier(s.due.at, ReasonFeedback)
	}
	first := d.earliest()
	next = next.earlier(first.at, first.why)
	if s.controlled {
		next = next.earlier(s.controller.NextTimeout(), ReasonController)
	}
	if !s.usual && s.estimate.Estimator != nil {
		next = next.earlier(s.estimate.NextTimeout(), ReasonController)
		if s.control != nil {
			next = next.earlier(s.estimate.due.at, ReasonFeedback)
		}
	}
	return next.at, next.why
}

func (s *Session) event(e Event) {
	e.Session = s
	s.endpoint.events.push(e)
}
