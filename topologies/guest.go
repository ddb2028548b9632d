package topologies

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/endpoints"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/ice"
	"rtpfabric/endpoints/jsep"
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/sim/engine"
	"rtpfabric/sim/hosted"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// A guest is an endpoint that is somebody else's stack, made of goroutines and sockets, in virtual time. What
// makes its media and plays them out is an endpoint of ours, so that all are fed and measured alike; the
// stack carries its sessions. Descriptions go from one end to the other as they would in a browser.

// GuestConfig describes a guest.
type GuestConfig struct {
	Name string
	// Clock is that of the run, Host what the guest has for a network.
	Clock *hosted.Clock
	Host  *hosted.Host
	Pool  *packet.Pool
	// Media makes the guest's media and plays out what comes.
	Media    *endpoints.Endpoint
	Identity *dtls.Identity
	Random   *rng.Source
	// Profile is the only protection profile.
	Profile keying.Profile
	// Timeout is the first retransmission time-out of the handshake; 0 is as the stack has it.
	Timeout time.Duration
	// Options are those of the stack.
	Options map[string]string
}

// Guest is a stack on a host. Its packets are real ones, from its sockets; NextTimeout is that of its
// media, as what the stack has to do it does by itself.
type Guest interface {
	Stack
	// Open begins a peer connection.
	Open(GuestCall) (GuestEnd, error)
	// Close ends the guest, as an application does that hangs up. Its goroutines are over a second later.
	Close()
}

// GuestCall describes one end of a peer connection.
type GuestCall struct {
	Peer string
	// Sections have kind, tag, formats, extensions, directions and msid.
	Sections []jsep.Section
	// Heard is what the end is told of what it sends, Given what it tells, every Interval; 0 is as the stack
	// has it.
	Heard, Given endpoints.Feedback
	Interval     time.Duration
	// Controller governs what is sent, within limits, and moves Led. It is empty if nothing is sent.
	Controller string
	Limits     ccontrol.Limits
	Led        *Led
	// NACK asks for lost packets and sends them again.
	NACK bool
	// Interceptors take the places of the stack's own, unless there are none.
	Interceptors []Interceptor
}

// GuestEnd is one end of a peer connection.
type GuestEnd interface {
	// Offer returns an offer.
	Offer() (string, error)
	// Answer takes an offer and returns the answer.
	Answer(offer string) (string, error)
	// Accept takes the answer to the offer.
	Accept(answer string) error
	// Addr returns the end's address, which it knows when it has described itself.
	Addr() packet.Addr
	// SSRCs returns those of what it sends in a section, and of retransmissions, 0 if there are none; of one encoding if
	// the section has several.
	SSRCs(section int, rid string) (media, repairs uint32)
	// Carry gives the end the session that it carries, whose sections are those of the call, each encoding by itself, and
	// the peer's address as it is seen from here.
	Carry(s *endpoints.Session, peer packet.Addr) error
}

// stacks are what guests can be, by name.
var stacks = map[string]func(GuestConfig) (Guest, error){}

// RegisterStack lets endpoints be guests of a kind. It is called by init functions.
func RegisterStack(name string, open func(GuestConfig) (Guest, error)) {
	if stacks[name] != nil {
		panic("topologies: stack " + name + " registered twice")
	}
	stacks[name] = open
}

// Stacks returns the names of the kinds of guests that there are.
func Stacks() []string { return slices.Sorted(maps.Keys(stacks)) }

// Led is a controller that does what a guest's own one says.
type Led struct {
	ccontrol.NoTimeout
	rate   units.BitRate
	factor float64 // of pacing; 0 is at once
	moved  bool
	names  []ccontrol.Signal
	show   func(values []float64) []float64
}

// Show names inner values of the guest's controller, which a function appends. It is called while all
// guests rest.
func (l *Led) Show(names []ccontrol.Signal, values func([]float64) []float64) {
	l.names, l.show = names, values
}

// Signals appends the present values.
func (l *Led) Signals(values []float64) []float64 {
	if l.show == nil {
		return values
	}
	return l.show(values)
}

// OnFeedback does nothing.
func (*Led) OnFeedback(simtime.Time, *ccontrol.Report) {}

// Lead sets the rate. It reports whether that is news.
func (l *Led) Lead(rate units.BitRate) bool {
	moved := rate != l.rate
	l.rate, l.moved = rate, l.moved || moved
	return moved
}

// Moved says whether the rate has been set since it was asked.
func (l *Led) Moved() bool {
	moved := l.moved
	l.moved = false
	return moved
}

// Pace lets the session pace what it sends, at a multiple of the rate; otherwise somebody else does.
func (l *Led) Pace(factor float64) { l.factor = factor }

// Target returns the rate.
func (l *Led) Target() ccontrol.Target {
	t := ccontrol.Target{Media: l.rate, Pacing: ccontrol.Unpaced}
	if l.factor > 0 {
		t.Pacing = units.BitRate(l.factor * float64(l.rate))
	}
	return t
}

var (
	_ ccontrol.Coupled    = (*Led)(nil)
	_ ccontrol.Observable = (*Led)(nil)
)

// Hosted reports whether the simulation has guests or parts of them: it is built, run and closed in a bubble then.
func (c *Config) Hosted() bool {
	return c.Security.DTLS != "" || c.Security.ICE != "" ||
		slices.ContainsFunc(c.Endpoints, func(e Endpoint) bool { return e.Stack != "" || len(e.Interceptors) > 0 })
}

// WithoutGuests returns the same with endpoints of ours in the places of guests, and without parts of others: what
// can be found out without running needs no bubble then.
func (c Config) WithoutGuests() Config {
	c.Endpoints = slices.Clone(c.Endpoints)
	for i := range c.Endpoints {
		c.Endpoints[i].Stack, c.Endpoints[i].Interceptors = "", nil
	}
	c.Security.DTLS, c.Security.ICE = "", ""
	return c
}

// addGuest makes an endpoint a guest.
func (s *Simulation) addGuest(p *party, config *Endpoint) error {
	open := stacks[config.Stack]
	if open == nil {
		return fmt.Errorf("endpoint %s: this program has no stack %q; it has %q", config.Name, config.Stack, Stacks())
	}
	host := hosted.NewHost(s.clock, p.endpoint.Addr(), func() uint16 { return nextPort(&p.nextPort, false) })
	host.Names(s.named())
	p.sockets = host
	var err error
	p.guest, err = open(GuestConfig{
		Name: config.Name, Clock: s.clock, Pool: s.Fabric.Pool(), Media: p.endpoint, Identity: s.identity(config.Name),
		Host: host, Random: s.random, Profile: s.profile(), Timeout: s.config.Security.Timeout, Options: config.StackOptions,
	})
	if err != nil {
		return fmt.Errorf("endpoint %s: %w", config.Name, err)
	}
	p.host.drive(p.guest)
	s.clock.OnWake(func(now simtime.Time) {
		if host.Stirred() {
			p.host.drain(now)
		}
	})
	return nil
}

// named returns the addresses of endpoints by their names, as a resolver knows them.
func (s *Simulation) named() func(name string) (packet.IPv4, bool) {
	table := map[string]packet.IPv4{}
	for _, e := range s.config.Endpoints {
		table[e.Name] = s.config.addrs(e.Name)[0]
	}
	return func(name string) (packet.IPv4, bool) {
		a, ok := table[name]
		return a, ok
	}
}

// Sockets returns what became of datagrams at a guest's host; false for an endpoint of ours.
func (s *Simulation) Sockets(endpoint string) (hosted.Stats, bool) {
	p := s.byName[endpoint]
	if p == nil || p.sockets == nil {
		return hosted.Stats{}, false
	}
	return p.sockets.Stats(), true
}

// trickle is when ends learn of each other's addresses: at once, but after they have begun, so that the
// two don't race.
const trickle = time.Millisecond

// side is one end of a call with a guest in it.
type side struct {
	name, peer string
	party      *party
	rtcp       endpoints.RTCPConfig
	end        GuestEnd          // nil if it is ours
	described  *jsep.Description // what it has told the other end
	addr       packet.Addr
	remote     packet.Addr // where it reaches the other end
	cname      string
	led        *Led // nil if it is ours
}

// connectGuests connects two endpoints of which one at least is a guest. One of ours offers, as it
// has the payload types, unless the guest has several encodings to offer; its ICE is lite.
func (s *Simulation) connectGuests(call *Call) error {
	if len(call.Sessions) != 1 || call.Sessions[0].RTCPPort {
		return errors.New("a guest bundles its media and RTCP")
	}
	session := &call.Sessions[0]
	extensions := endpoints.WithFeedback(s.config.Extensions, s.config.kinds(call.A, call.B)...)
	sections := sectionsOf(session.Media)
	sides := [2]*side{
		{name: call.A, peer: call.B, party: s.byName[call.A], rtcp: session.RTCP[0]},
		{name: call.B, peer: call.A, party: s.byName[call.B], rtcp: session.RTCP[1]},
	}
	offerer, answerer := sides[0], sides[1]
	encodings := slices.ContainsFunc(sections, func(section []*Media) bool { return section[0].RID != "" })
	if (answerer.party.guest == nil) != encodings {
		offerer, answerer = answerer, offerer
	}
	if encodings {
		extensions = append(extensions, identities(sections)...)
	}
	for _, e := range sides {
		if err := s.openSide(e, extensions, sections); err != nil {
			return err
		}
	}
	if err := exchange(offerer, answerer); err != nil {
		return fmt.Errorf("%s and %s: %w", call.A, call.B, err)
	}
	extensions = agreed(extensions, answerer.described)
	if encodings { // with the ids of who offers, the same in all sections (RFC 8285 §7)
		extensions = slices.Clone(answerer.described.Sections[0].Extensions)
	}
	sides[0].remote, sides[1].remote = s.meet(sides[0].addr, sides[1].addr, [2]string{call.A, call.B})
	var sessions [2]*endpoints.Session
	for i, e := range sides {
		c, err := s.connectSide(e, sides[1-i], extensions, sections)
		if err != nil {
			return err
		}
		s.Connections = append(s.Connections, c)
		sessions[i] = c.Sessions()[0]
	}
	s.addFlows(call, session, extensions, sessions[0], sessions[1])
	return nil
}

// openSide prepares an end, so that it can describe itself.
func (s *Simulation) openSide(e *side, extensions []headerext.Entry, sections [][]*Media) error {
	if e.cname = e.party.config.CNAME; e.cname == "" {
		e.cname = endpoints.NewCNAME(s.random.Stream("cname/" + e.name + "/" + e.peer))
	}
	description := s.describe(e, extensions, sections)
	if e.party.guest == nil {
		description.Lite, description.Setup = !s.config.Security.FullICE, jsep.ActPass
		description.ICE = s.credentials(e.name, e.peer)
		description.Fingerprint = s.identity(e.name).Fingerprint()
		e.addr = packet.Addr{IP: e.party.endpoint.Addr(), Port: nextPort(&e.party.nextPort, false)}
		e.described = description
		return nil
	}
	end := s.end(e.name, e.peer, sessionEnd{})
	call := GuestCall{
		Peer: e.peer, Sections: description.Sections, Heard: end.heard, Given: end.given, Interval: end.wanted.Interval,
		NACK: s.config.Repair.NACK, Led: &Led{}, Interceptors: e.party.config.Interceptors,
	}
	var models []endpoints.StreamModel
	for _, section := range sections {
		for _, m := range section {
			if m.From == e.name {
				models = append(models, s.guestModel(m, extensions))
			}
		}
	}
	if len(models) > 0 {
		call.Controller, call.Limits = s.config.control(e.name).Controller, endpoints.Limits(models)
		call.Led.Lead(call.Limits.Start)
		if call.Controller == "fixed" {
			call.Led.Lead(call.Limits.Max)
		}
	}
	var err error
	if e.end, err = e.party.guest.Open(call); err != nil {
		return fmt.Errorf("endpoint %s: %w", e.name, err)
	}
	e.led = call.Led
	return nil
}

// exchange lets two ends describe themselves to each other.
func exchange(offerer, answerer *side) error {
	var offer string
	var err error
	if offerer.end == nil {
		offer = offerer.described.String()
	} else {
		if offer, err = offerer.end.Offer(); err != nil {
			return err
		}
		if offerer.described, err = jsep.Parse(offer); err != nil {
			return err
		}
	}
	var answer string
	if answerer.end == nil {
		answerTo(offerer.described, answerer.described)
		answer = answerer.described.String()
	} else {
		if answer, err = answerer.end.Answer(offer); err != nil {
			return err
		}
		if answerer.described, err = jsep.Parse(answer); err != nil {
			return err
		}
		answerer.addr = answerer.end.Addr()
	}
	if offerer.end != nil {
		if err := offerer.end.Accept(answer); err != nil {
			return err
		}
		offerer.addr = offerer.end.Addr()
	}
	if err := offerer.described.Agrees(answerer.described); err != nil {
		return err
	}
	return agreeOnEncodings(offerer.described, answerer.described)
}

// agreed returns those header extensions that an answer has.
func agreed(extensions []headerext.Entry, answer *jsep.Description) []headerext.Entry {
	return slices.DeleteFunc(slices.Clone(extensions), func(e headerext.Entry) bool {
		return !slices.ContainsFunc(answer.Sections, func(s jsep.Section) bool {
			return slices.ContainsFunc(s.Extensions, func(o headerext.Entry) bool { return o.URI == e.URI })
		})
	})
}

// describe returns what an end says of its media.
func (s *Simulation) describe(e *side, extensions []headerext.Entry, sections [][]*Media) *jsep.Description {
	d := &jsep.Description{Session: uint64(s.random.Stream("description/"+e.name+"/"+e.peer).Uint32()) + 1}
	end := s.end(e.name, e.peer, sessionEnd{})
	for i, at := range leading(sections) {
		section := sections[at]
		first := section[0]
		out := jsep.Section{
			Kind: first.Kind, MID: fmt.Sprint(i), Formats: slices.Clone(s.formats(section, s.like(e.name, e.peer))), Extensions: extensions,
			Feedback: feedbackOf(first.Kind, s.config.Repair.NACK, end.heard, end.given),
		}
		for _, m := range section {
			if m.From != e.name {
				out.Receives = true
				continue
			}
			out.Sends, out.MSID = true, m.MSID
			if m.Speech != nil { // what is sent is first
				codec := m.Speech.Codecs[0]
				slices.SortStableFunc(out.Formats, func(a, b endpoints.Format) int { return cmp.Compare(rank(a, codec), rank(b, codec)) })
			}
			if m.RID != "" {
				out.RIDs, out.Simulcast = encodingsOf(m, sections)
				continue
			}
			if e.party.guest == nil {
				out.SSRC, out.CNAME = m.SSRC, e.cname
				if out.SSRC == 0 {
					out.SSRC = s.random.Stream("ssrc/"+e.name+"/"+m.Flow()).Uint32() | 1 // not 0
				}
				if out.Formats[0].RTX != 0 && s.config.Repair.NACK {
					out.RTX = out.SSRC ^ 0x80000000
				}
			}
		}
		d.Sections = append(d.Sections, out)
	}
	return d
}

// rank of a format is less if it is of a codec.
func rank(f endpoints.Format, codec endpoints.Codec) int {
	if f.Codec == codec {
		return 0
	}
	return 1
}

// feedbackOf returns the values of a=rtcp-fb lines.
func feedbackOf(kind endpoints.Kind, nack bool, kinds ...endpoints.Feedback) []string {
	var list []string
	if slices.Contains(kinds, endpoints.FeedbackTWCC) {
		list = append(list, "transport-cc")
	}
	if slices.Contains(kinds, endpoints.FeedbackRFC8888) {
		list = append(list, "ack ccfb")
	}
	if kind == endpoints.Video {
		if nack {
			list = append(list, "nack")
		}
		list = append(list, "nack pli", "ccm fir")
	}
	return list
}

// guestModel returns what a stream of a guest costs by the measure of the guest's application, which takes the
// rate that its controller names for the encoder's.
func (s *Simulation) guestModel(m *Media, extensions []headerext.Entry) endpoints.StreamModel {
	model := s.model(extensions, m)
	model.Overhead = 0
	return model
}

// guestPacket returns how large a packet of a guest's media may be before the guest adds a header
// extension, if it has one, and protects it.
func (s *Simulation) guestPacket(m *Media, extensions []headerext.Entry) (units.Bytes, error) {
	numbers := slices.DeleteFunc(slices.Clone(extensions), func(e headerext.Entry) bool { return e.URI != headerext.TransportSeq.URI() })
	extension, err := endpoints.ExtensionSize(numbers, endpoints.FeedbackNone, m.Kind)
	if m.RID != "" { // each packet says where it belongs
		extension += guestIdentity + units.Bytes(len(m.RID))
	}
	return m.PacketSize - s.profile().OverheadRTP() - extension, err
}

// guestIdentity is the most that a MID of two digits and a RID add to a packet of a guest's, but for the RID itself: the
// heads of two elements, and of the block if there is no other element, and padding.
const guestIdentity = 2 + 2 + 2 + 4 + 3

// connectSide opens an end of ours, or the media of a guest's.
func (s *Simulation) connectSide(e, other *side, extensions []headerext.Entry, sections [][]*Media) (*endpoints.Connection, error) {
	sc, err := s.sessionConfig(s.end(e.name, e.peer, sessionEnd{rtcp: e.rtcp, extensions: extensions, sections: sections, led: e.led}))
	if err != nil {
		return nil, err
	}
	sc.Extensions = extensions // those of the answer: without encodings pion's has no MID
	sc.Local, sc.Remote = e.addr, e.remote
	for i, at := range mediaOf(sections) {
		m, own, of := &sc.Sections[i], &e.described.Sections[at], &other.described.Sections[at]
		m.SSRC, m.RepairSSRC, m.RemoteSSRC, m.RemoteRepairSSRC = own.SSRC, own.RTX, of.SSRC, of.RTX
		if m.RID != "" { // whoever gets encodings isn't told SSRCs
			m.SSRC, m.RepairSSRC, m.RemoteSSRC, m.RemoteRepairSSRC = 0, 0, 0, 0
			if e.end != nil {
				m.SSRC, m.RepairSSRC = e.end.SSRCs(at, m.RID)
			}
		}
	}
	if e.end != nil {
		return s.carried(e, sc)
	}
	sc.Breakers = s.config.Breakers.Config
	s.secureBeside(&sc, e, other)
	return e.party.endpoint.Connect(s.Loop.Now(), endpoints.ConnectionConfig{
		Peer: e.peer, CNAME: e.cname, Sessions: []endpoints.SessionConfig{sc},
	})
}

// secureBeside gives an end of ours a handshake with a guest, which begins when the guest has checked that it
// reaches this end, or both have checked each other.
func (s *Simulation) secureBeside(sc *endpoints.SessionConfig, e, other *side) {
	config := dtls.Config{
		Role: dtls.Client, Identity: s.identity(e.name), PeerFingerprint: other.described.Fingerprint,
		Profiles: []keying.Profile{s.profile()}, Random: s.random.Stream("dtls/" + e.name + "/" + e.peer), Stranger: true, InitialTimeout: s.config.Security.Timeout,
	}
	if other.described.Setup == jsep.Active || e.described.Setup == jsep.Passive {
		config.Role = dtls.Server
	}
	sc.Handshake, sc.Profile = true, 0
	if s.config.Security.FullICE {
		full := ice.NewFull(dtls.New(config), s.checker(e.name, e.peer, 1, e.described.Setup == jsep.ActPass, e.described.ICE, ice.HostCandidate(e.addr)), e.addr, e.remote)
		full.Agent().Begin(s.Loop.Now(), other.described.ICE, ice.HostCandidate(e.remote))
		sc.Keying = full
		return
	}
	sc.Keying = ice.NewLite(dtls.New(config), e.described.ICE, other.described.ICE.Fragment, s.random.Stream("ice/"+e.name+"/"+e.peer+"/opening"))
}

// carried opens the media of a guest's end.
func (s *Simulation) carried(e *side, sc endpoints.SessionConfig) (*endpoints.Connection, error) {
	plain := endpoints.SessionConfig{
		Carried: true, Local: sc.Local, Remote: sc.Remote, Controller: sc.Controller, Signals: e.led.names, Sections: sc.Sections,
		PlayoutDelay: sc.PlayoutDelay, FixedAudio: sc.FixedAudio, Repair: endpoints.RepairConfig{Decoder: sc.Repair.Decoder, Refresh: sc.Repair.Refresh},
	}
	c, err := e.party.endpoint.Connect(s.Loop.Now(), endpoints.ConnectionConfig{
		Peer: e.peer, CNAME: e.cname, Sessions: []endpoints.SessionConfig{plain},
	})
	if err != nil {
		return nil, err
	}
	session := c.Sessions()[0]
	s.Loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
		if err := e.end.Carry(session, sc.Remote); err != nil {
			session.CarrierFailed(now)
		}
		s.clock.Settle()
		e.party.host.drain(now)
	})).Set(s.Loop.Now().Add(trickle))
	return c, nil
}

// Close ends guests, so that nothing of them is left. A simulation without any needn't be closed.
func (s *Simulation) Close() {
	if s.clock == nil {
		return
	}
	for _, h := range s.hosts {
		if g, ok := h.stack.(Guest); ok {
			g.Close()
		}
	}
	for _, c := range s.chains {
		c.Close()
	}
	for _, k := range s.keyings {
		k.close()
	}
	s.clock.Pass(time.Second)
}
