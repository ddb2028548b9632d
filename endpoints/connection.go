package endpoints

import (
	"errors"
	"fmt"
	"time"

	"github.com/pion/rtp"

	"rtpfabric/ccontrol"
	"rtpfabric/endpoints/feedback"
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/pacer"
	"rtpfabric/endpoints/protect"
	"rtpfabric/endpoints/rtcptiming"
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
)

// ConnectionConfig describes one end of a peer connection.
type ConnectionConfig struct {
	Peer          string
	Local, Remote packet.Addr // the UDP flow; RTP and RTCP share it (RFC 5761)
	Sections      []SectionConfig
	Protection    protect.Mode
	Keying        keying.Step
	RTCP          RTCPConfig
	Feedback      Feedback
	// FeedbackInterval is how often feedback is wanted; RTCP's timing rules
	// say when it goes.
	FeedbackInterval time.Duration
	// Marking says whether streams' code points are used.
	Marking Marking
	// ECN marks media packets as able to be marked (RFC 3168 §5). RTCP isn't
	// (RFC 6679 §7.2).
	ECN packet.ECN
	// Controller may be nil for an end that sends no media.
	Controller ccontrol.Controller
	// PlayoutDelay is how long after its ideal time a frame may come.
	PlayoutDelay time.Duration
}

// RTCPConfig holds the session parameters of RTCP, the same at both ends.
type RTCPConfig struct {
	AVPF bool
	// Bandwidth is what all members together may use.
	Bandwidth   units.BitRate
	TrrInterval time.Duration
	Minimum     time.Duration // see rtcptiming.Config
	// ReducedSize allows feedback without a compound packet (RFC 5506).
	ReducedSize bool
	// Aggregate puts the reports of several SSRCs into one packet.
	Aggregate bool
	// PadTo pads every packet to this size before protection, by at most 252
	// octets; 0 doesn't.
	PadTo units.Bytes
	// DSCP of all RTCP packets, if not nil; they follow the streams otherwise.
	DSCP *uint8
}

// Connection is one peer connection: a UDP flow with an RTP session.
type Connection struct {
	endpoint *Endpoint
	config   ConnectionConfig
	name     string
	random   sessionRandom

	protector protect.Protector
	sections  []*Section
	sources   []*source // remote SSRCs in the order they were heard
	timing    *rtcptiming.Scheduler
	cname     string
	peers     []string // CNAMEs heard

	pacer      pacer.Pacer
	history    feedback.History
	ccfb       feedback.CCFBRecorder
	twcc       *feedback.TWCCRecorder
	due        feedbackDue
	lastTarget ccontrol.Target
	lastReport simtime.Time // when an SR or RR came
	shares     []share      // scratch of allocate

	out      packet.FIFO
	compound compound
	inbox    inbox
	header   rtp.Header // scratch: a local one would escape
	rtt      time.Duration
	counts   Counts
	entered  bool // the keys are known and the session has been joined
}

// Counts are totals of a connection.
type Counts struct {
	RTPSent, RTPReceived   uint64
	RTCPSent, RTCPReceived uint64
	// AuthFailed counts packets that weren't authentic or not protected,
	// Replayed those that came twice, Malformed those that couldn't be parsed
	// or broke a rule of their format, Early those that came before the keys.
	AuthFailed, Replayed, Malformed, Early uint64
	// UnknownRTCP counts RTCP packets of types that aren't understood.
	UnknownRTCP uint64
}

func newConnection(now simtime.Time, e *Endpoint, c ConnectionConfig) (*Connection, error) {
	if len(c.Sections) == 0 {
		return nil, errors.New("no media section")
	}
	conn := &Connection{
		endpoint: e, config: c, name: e.config.Name + "-" + c.Peer,
		due: newFeedbackDue(c.FeedbackInterval),
	}
	conn.compound.b = make([]byte, 0, mtu+64)
	conn.random = newSessionRandom(e.config.Random, conn.name)
	conn.cname = conn.random.cname()
	conn.timing = rtcptiming.New(rtcptiming.Config{
		AVPF: c.RTCP.AVPF, Bandwidth: c.RTCP.Bandwidth, TrrInterval: c.RTCP.TrrInterval,
		Minimum: c.RTCP.Minimum, FirstSize: max(firstReportSize, c.RTCP.PadTo+packet.HeaderIPv4UDP),
		Random: conn.random.timing,
	})
	for i, sc := range c.Sections {
		s, err := newSection(conn, i, sc)
		if err != nil {
			return nil, fmt.Errorf("media section %s: %w", sc.Name, err)
		}
		conn.sections = append(conn.sections, s)
	}
	if err := conn.enter(now); err != nil {
		return nil, err
	}
	return conn, nil
}

// firstReportSize is the probable size of the first RTCP packet: an RR with
// one block, SDES with a CNAME, SRTCP, UDP and IP.
const firstReportSize units.Bytes = 32 + 28 + 14 + packet.HeaderIPv4UDP

// enter joins the RTP session as soon as there are keys.
func (c *Connection) enter(now simtime.Time) error {
	p, ready, err := protect.New(c.config.Protection, c.config.Keying)
	if err != nil || !ready {
		return err
	}
	c.protector, c.entered = p, true
	for _, s := range c.sections {
		s.local = c.timing.Join(now, s.SSRC)
	}
	c.twcc = feedback.NewTWCCRecorder(c.sections[0].SSRC)
	c.applyTarget(now)
	return nil
}

// Name returns the connection's name: this end's endpoint, a hyphen, the peer.
func (c *Connection) Name() string { return c.name }

// Endpoint returns the name of the endpoint that this end belongs to.
func (c *Connection) Endpoint() string { return c.endpoint.config.Name }

// Sections returns the media sections.
func (c *Connection) Sections() []*Section { return c.sections }

// Counts returns the totals so far.
func (c *Connection) Counts() Counts { return c.counts }

// RTT returns the last round-trip time from LSR and DLSR; 0 if there was none.
func (c *Connection) RTT() time.Duration { return c.rtt }

// Target returns what the controller last allowed.
func (c *Connection) Target() ccontrol.Target { return c.lastTarget }

// Backlog returns how long the pacer's backlog takes to send.
func (c *Connection) Backlog() time.Duration { return c.pacer.Delay() }

// RTCPShare returns the bandwidth that RTCP's rules give to this end now.
func (c *Connection) RTCPShare() units.BitRate {
	return units.BitRate(c.timing.Share() * float64(c.config.RTCP.Bandwidth))
}

// Members returns how many participants this end knows in the session.
func (c *Connection) Members() int { return c.timing.Members() }

// HasController reports whether this end's sending is controlled.
func (c *Connection) HasController() bool { return c.config.Controller != nil }

func (c *Connection) handleTimeout(now simtime.Time) {
	c.config.Keying.HandleTimeout(now)
	if !c.entered {
		return
	}
	if cc := c.config.Controller; cc != nil && cc.NextTimeout() <= now {
		cc.OnTimeout(now)
		c.applyTarget(now)
	}
	for _, s := range c.sections {
		s.handleTimeout(now)
	}
	c.pump(now)
	c.runRTCP(now)
	for _, src := range c.sources {
		src.handleTimeout(now)
	}
}

// nextTimeout returns the earliest deadline.
func (c *Connection) nextTimeout() (simtime.Time, Reason) {
	at, why := c.config.Keying.NextTimeout(), ReasonKeying
	earlier := func(t simtime.Time, r Reason) {
		if t < at {
			at, why = t, r
		}
	}
	if !c.entered {
		return at, why
	}
	for _, s := range c.sections {
		earlier(s.nextTimeout())
	}
	earlier(c.pacer.Next(), ReasonPacer)
	earlier(c.timing.NextTimeout(), ReasonRTCP)
	earlier(c.due.at, ReasonFeedback)
	for _, src := range c.sources {
		earlier(src.buffer.NextTimeout(), ReasonPlayout)
	}
	if c.config.Controller != nil {
		earlier(c.config.Controller.NextTimeout(), ReasonController)
	}
	return at, why
}

func (c *Connection) event(e Event) {
	e.Connection = c
	c.endpoint.events.push(e)
}
