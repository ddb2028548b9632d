package topologies

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/dtmf"
	"rtpfabric/endpoints/ice"
	"rtpfabric/endpoints/jsep"
	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/endpoints/peer"
	"rtpfabric/endpoints/signalling"
	"rtpfabric/endpoints/signalling/forking"
	"rtpfabric/sim/engine"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// Fork is one endpoint that calls somebody with several devices: of each call the first end is the caller. The caller has one
// port, and in all calls the same candidates, credentials, certificate and SSRCs, as one description goes to all devices
// (RFC 8829 §3.8).
const Fork = "fork"

// Warmth is how far a line is made before somebody accepts (001, rules 2 and 4).
type Warmth uint8

// The levels, each with those before it.
const (
	Cold          Warmth = iota // nothing is done before
	Connected                   // connectivity checks
	Keyed                       // and the handshake
	CodecsRunning               // and codecs are started
)

// Forking says how a call forks.
type Forking struct {
	// Warmth of lines, and how many of them at the caller at most, before somebody accepts; 0 is no limit.
	Warmth Warmth
	Limit  int
	// CodecStart is how long a cold codec takes before it has its first frame, when there are keys.
	CodecStart time.Duration
	Choice     forking.Choice
	// Prefers are the devices in the order in which the caller likes them.
	Prefers []string
	// Decides is how long after the first acceptance the caller waits for others, Closes how long after the decision other
	// lines are closed.
	Decides, Closes time.Duration
	// Rings, AcceptedOnly and KeepRinging are the server's; see [forking.ServerConfig].
	Rings                     time.Duration
	AcceptedOnly, KeepRinging bool
	// Pool is what the caller has of encoders and decoders for all its lines; 0 is without limit. EarlyClones makes its
	// peer connections with the offer, one for each device; otherwise each is made as it is needed (000).
	Pool        peer.Resources
	EarlyClones bool
	// Keys are pressed on lines that nobody has accepted.
	Keys []ForkedKeys
	// Devices are what is done at the devices, by name; one without an entry answers, and rings until it is told to stop.
	Devices map[string]ForkedDevice
}

// ForkedDevice is what a device does. Times count from the offer.
type ForkedDevice struct {
	// Silent lets it answer only when somebody accepts.
	Silent            bool
	Processing        time.Duration
	Accepts, Declines time.Duration // 0 is never
	// Replaces are answers that take the place of the first one.
	Replaces []Replacement
	// Early says that it sends media before somebody accepts: somebody has consented to it, or it is a gateway's announcement
	// (001, rule N).
	Early bool
	// AcceptsOn lets it accept when it hears one of these keys.
	AcceptsOn string
}

// ForkedKeys are keys that the caller presses on the line to a device.
type ForkedKeys struct {
	To     string
	Digits dtmf.Digits
}

// Replacement is an answer that takes the place of another one: from a time on the device wants to send these of its media, and
// to get those that go with them.
type Replacement struct {
	After time.Duration
	Sends []string
	// Moves says that the device comes to have another port and other credentials, so that the line is made anew.
	Moves bool
}

// caller returns the name of who calls in a fork; empty elsewhere.
func (s *Simulation) caller() string {
	if s.config.Type != Fork {
		return ""
	}
	return s.config.Calls[0].A
}

// distribute gives what the caller sends in a call of a fork the SSRCs that it has in all of them, and the caller one CNAME.
func (s *Simulation) distribute(call *Call) {
	if s.config.Type != Fork {
		return
	}
	if c := s.byName[call.A].config; c.CNAME == "" {
		c.CNAME = endpoints.NewCNAME(s.random.Stream("cname/" + call.A))
	}
	for i := range call.Sessions {
		for j := range call.Sessions[i].Media {
			if m := &call.Sessions[i].Media[j]; m.From == call.A && m.SSRC == 0 {
				m.SSRC = s.random.Stream("ssrc/"+call.A+"/"+m.Name).Uint32() | 1 // not 0
			}
		}
	}
}

// line is one end of a connection between the caller and a device.
type line struct {
	*negotiation
	config *Forking
	device *ForkedDevice     // nil at the caller
	peer   *peer.Connection  // of the caller, that serves the device
	theirs *jsep.Description // the other end's last one
	begun  bool              // it checks whether it reaches the other end
	keyed  bool              // there are keys
	wants  bool              // media go as soon as they can
	left   bool
	// accepts is what a machine at the device does.
	accepts func(now simtime.Time)
	moved   int // how often the device has
}

// lines are the caller's.
type lines struct {
	s       *Simulation
	config  *Forking
	devices []string
	of      map[string]*line
	family  *family // from the offer on
	chosen  *line   // nil before there is an agreement
	told    teller
}

// addLine notes both ends of a line that is connected.
func (s *Simulation) addLine(call *Call, ends [2]*negotiation) {
	f := s.config.Signalling.Fork
	device := f.Devices[call.B]
	for i, n := range ends {
		l := &line{negotiation: n, config: f}
		if i == 1 {
			l.device = &device
		}
		n.moves = i == 0
		for _, section := range n.session.Sections() {
			section.Hold(s.Loop.Now())
		}
		s.lines = append(s.lines, l)
		s.byName[n.self].host.inside = s.lineEvent
	}
}

// lineEvent lets a line hear of its keys, and of keys that are pressed. It reports whether its endpoint may have got something to do.
func (s *Simulation) lineEvent(e endpoints.Event) bool {
	for _, l := range s.lines {
		if l.gathering != nil && l.self == e.Session.Endpoint() {
			l.gathering.handle(e)
		}
	}
	if e.Kind != endpoints.SessionEntered && e.Kind != endpoints.DigitReceived {
		return false
	}
	i := slices.IndexFunc(s.lines, func(l *line) bool { return l.session == e.Session })
	if i < 0 {
		return false
	}
	l := s.lines[i]
	if e.Kind == endpoints.DigitReceived {
		l.hear(e.At, e.Digit)
		return false
	}
	l.keyed = true
	if l.peer != nil && l.peer.ICE() == peer.ICEChecking {
		_ = l.peer.SetICE(peer.ICEConnected)
	}
	l.warmUp(e.At)
	return l.config.Warmth == CodecsRunning
}

// signalFork puts the nodes of the signalling of a fork into the network.
func (s *Simulation) signalFork() {
	c := s.config.Signalling
	f := c.Fork
	caller := s.caller()
	own := &lines{s: s, config: f, of: map[string]*line{}}
	var names []string
	for _, call := range s.config.Calls {
		names = append(names, call.B)
	}
	node := forking.NewCaller(forking.CallerConfig{
		Name: caller, Session: caller, Strategy: f.strategy(), Limit: f.Limit, Choice: f.Choice, Prefers: f.Prefers, Decides: f.Decides, Closes: f.Closes,
		Lines: own,
	})
	ch := s.addSignallingHost(caller)
	ch.node = node
	own.told = func(now simtime.Time, kind signalling.EventKind, device, reason string) {
		ch.happened(signalling.Event{At: now, Node: caller, Kind: kind, Peer: device, Reason: reason})
	}
	server := s.addSignallingHost("server")
	server.node = forking.NewServer(forking.ServerConfig{
		Name: "server", Devices: names, Rings: f.Rings, AcceptedOnly: f.AcceptedOnly, KeepRinging: f.KeepRinging,
	})
	s.web(ch, server, 0, c.Delivery[caller])
	for i, name := range names {
		at, device := s.lines[2*i], s.lines[2*i+1]
		own.devices, own.of[name] = append(own.devices, name), at
		h := s.addSignallingHost(name)
		dc := forking.DeviceConfig{
			Name: name, Session: name, Answers: !device.device.Silent, Processing: device.device.Processing,
			Accepts: device.device.Accepts, Declines: device.device.Declines, Line: device,
		}
		for _, r := range device.device.Replaces {
			dc.Replaces = append(dc.Replaces, r.After)
		}
		node := forking.NewDevice(dc)
		h.node = node
		if device.gathering != nil {
			s.gatherFor(device.gathering, h, node)
		}
		device.accepts = func(now simtime.Time) {
			node.Accept(now)
			h.work(now)
			h.host.drain(now)
		}
		s.web(h, server, i+1, c.Delivery[name])
	}
	own.share()
	if g := s.lines[0].gathering; g != nil {
		s.gatherFor(g, ch, node)
	}
	for _, k := range f.Keys {
		s.Loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) { own.press(now, k.To, k.Digits) })).Set(k.Digits.At)
	}
	for _, o := range c.Offers {
		call := func(now simtime.Time) {
			node.Call(now)
			ch.work(now)
			ch.host.drain(now)
		}
		s.Loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
			if g := s.lines[0].gathering; g != nil {
				g.when(now, false, call)
				return
			}
			call(now)
		})).Set(o.At)
	}
}

func (f *Forking) strategy() forking.Strategy {
	if f.Warmth == Cold {
		return forking.Lazy
	}
	return forking.Eager
}

// share lets all lines of the caller have one description: that of the first, with what any of them gets.
func (ls *lines) share() {
	first := ls.of[ls.devices[0]]
	for _, device := range ls.devices[1:] {
		l := ls.of[device]
		l.own.Session = first.own.Session
		for i := range l.can {
			first.can[i].Receives = first.can[i].Receives || l.can[i].Receives
		}
	}
	for _, device := range ls.devices[1:] {
		l := ls.of[device]
		l.own.Sections, l.can = slices.Clone(first.own.Sections), slices.Clone(first.can)
	}
}

// Offer implements [forking.Lines]: from now on the caller answers checks on every line.
func (ls *lines) Offer(now simtime.Time) string {
	first := ls.of[ls.devices[0]]
	for _, device := range ls.devices {
		ls.of[device].Offer(now)
	}
	var err error
	if ls.family, err = newFamily(now, ls.config, ls.s.caller(), first.own, len(ls.devices), ls.told); err != nil {
		panic("topologies: " + err.Error()) // it has a port, and what it describes is its own
	}
	for _, device := range ls.devices[1:] {
		copy(ls.of[device].own.Sections, first.own.Sections)
	}
	return first.own.String()
}

// Prepare implements [forking.Lines].
func (ls *lines) Prepare(now simtime.Time, device, answer string) (string, error) {
	l := ls.of[device]
	if l == nil {
		return "", fmt.Errorf("nobody is called %s", device)
	}
	d, err := l.fits(answer, jsep.Active)
	if err != nil {
		return "", err
	}
	if l.peer, err = ls.family.serve(now, device, d); err != nil {
		return "", err
	}
	l.theirs = d
	l.expect(d)
	l.listen()
	if l.gathering == nil && d.Addr != l.remote {
		l.move(now, l.local, d.Addr)
		l.step.Begin(l.handshake(dtls.Server), false)
	}
	l.begin(now)
	return l.peer.Name(), nil
}

// Agree implements [forking.Lines].
func (ls *lines) Agree(now simtime.Time, device, answer string) (string, error) {
	ls.family.silence(device)
	name, err := ls.Prepare(now, device, answer)
	l := ls.of[device]
	if err == nil {
		err = ls.family.agree(now, device, l.theirs)
	}
	if err != nil {
		ls.offer()
		return "", err
	}
	ls.chosen = l
	l.answered = true
	ls.listen()
	l.talk(now)
	return name, nil
}

// offer lets lines that nobody has accepted have decoders that have become free.
func (ls *lines) offer() {
	ls.family.alert()
	ls.listen()
}

// listen lets those media be decoded that the caller's peer connections have decoders for.
func (ls *lines) listen() {
	for _, device := range ls.devices {
		if l := ls.of[device]; l.peer != nil && !l.left {
			l.listen()
		}
	}
}

// Close implements [forking.Lines].
func (ls *lines) Close(now simtime.Time, device string, more bool) {
	ls.family.close(now, device, more)
	ls.of[device].Close(now)
	if more {
		ls.offer()
	}
}

// listen is [lines.listen] of one of them.
func (l *line) listen() {
	for i, section := range l.session.Sections() {
		section.Listen(l.peer.Streams()[i].Current.Receives())
	}
}

// begin lets the end check whether it reaches the other one.
func (l *line) begin(now simtime.Time) {
	if l.begun {
		return
	}
	l.begun = true
	l.check(now, l.theirs)
	l.stir(now)
}

// Answer implements [forking.Line].
func (l *line) Answer(now simtime.Time, offer string, count int) (string, error) {
	d, err := l.fits(offer, jsep.ActPass)
	if err != nil {
		return "", err
	}
	l.theirs = d
	l.expect(d)
	if count > 0 {
		r := &l.device.Replaces[count-1]
		if l.holds = r.Sends; r.Moves {
			l.relocate(now)
		}
	}
	l.describes(l.holds, d)
	for i := range l.own.Sections { // what it doesn't send it doesn't want to get either
		own := &l.own.Sections[i]
		own.Receives = own.Receives && (l.holds == nil || slices.Contains(l.holds, l.names[i]))
	}
	l.own.Setup = jsep.Active
	if !l.step.Begun() {
		l.step.Begin(l.handshake(dtls.Client), true)
	}
	if l.config.Warmth >= Connected {
		l.warm(now)
	}
	if l.device.Early {
		l.talk(now)
	}
	return l.own.String(), nil
}

// relocate gives a device another port and other credentials.
func (l *line) relocate(now simtime.Time) {
	l.moved++
	p := l.s.byName[l.self]
	local := packet.Addr{IP: l.local.IP, Port: nextPort(&p.nextPort, false)}
	l.own.Addr = l.s.seenFrom(l.remote, local)
	l.own.Candidates = []ice.Candidate{ice.HostCandidate(l.own.Addr)}
	l.own.ICE = ice.NewCredentials(l.s.random.Stream(fmt.Sprintf("ice/%s/%d", l.self, l.moved)))
	l.move(now, local, l.remote)
	l.step.Begin(l.handshake(dtls.Client), true)
}

// move gives the end's session other addresses. Nothing is sent there before there are keys.
func (l *line) move(now simtime.Time, local, remote packet.Addr) {
	for _, section := range l.session.Sections() {
		section.Hold(now)
	}
	l.local, l.remote, l.begun, l.keyed = local, remote, false, false
	l.session.Move(now, local, remote)
}

// warm makes the line as far as it may be before somebody accepts.
func (l *line) warm(now simtime.Time) {
	if l.config.Warmth >= Keyed {
		l.gate.Open()
	}
	l.begin(now)
}

// Accept implements [forking.Line].
func (l *line) Accept(now simtime.Time) {
	l.gate.Open()
	l.begin(now)
	l.talk(now)
}

// talk lets media go, as both descriptions have it, as soon as there are keys and codecs.
func (l *line) talk(now simtime.Time) {
	l.wants = true
	l.warmUp(now)
	l.stir(now)
}

// warmUp starts codecs that are wanted, where there are keys.
func (l *line) warmUp(now simtime.Time) {
	switch {
	case !l.wants || !l.keyed:
	case l.config.Warmth == CodecsRunning:
		l.release(now)
	default:
		over := l.checks
		l.s.Loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
			if l.checks == over { // otherwise it has moved
				l.release(now)
				l.s.byName[l.self].host.drain(now)
			}
		})).Set(now.Add(l.config.CodecStart))
	}
}

// release lets those sections send that both ends want to, unless the line has ended or moved in the meantime.
func (l *line) release(now simtime.Time) {
	if l.left || !l.keyed {
		return
	}
	for i, section := range l.session.Sections() {
		if l.own.Sections[i].Sends && l.theirs.Sections[i].Receives {
			section.Unmute(now)
			section.Release(now)
		} else {
			section.Hold(now)
		}
	}
}

// hear lets a machine accept that has asked for a key. It does so a moment later, as its endpoint tells of the key.
func (l *line) hear(now simtime.Time, key byte) {
	if l.device != nil && strings.IndexByte(l.device.AcceptsOn, key) >= 0 {
		l.s.Loop.NewTimer(engine.HandlerFunc(l.accepts)).Set(now)
	}
}

// press sends keys to a device. As long as it hasn't accepted nothing that is said goes there (001, rule N, gateways). Without a
// line, and when another device is talked to, nobody hears the keys.
func (ls *lines) press(now simtime.Time, device string, d dtmf.Digits) {
	l := ls.of[device]
	if l.peer == nil || l.left || !l.keyed || ls.chosen != nil && ls.chosen != l {
		ls.told(now, signalling.Ignored, device, "keys "+d.Keys+": there is no line")
		return
	}
	if !l.answered {
		ls.family.direct(l.peer, peer.SendRecv)
		ls.family.tell(now, device, l.peer)
		l.listen()
	}
	l.press(now, d)
}

func (l *line) press(now simtime.Time, d dtmf.Digits) {
	for i, section := range l.session.Sections() {
		if !l.own.Sections[i].Sends || !l.theirs.Sections[i].Receives {
			continue
		}
		if err := section.Press(now, d); err == nil && !l.answered { // it has a keypad
			section.Mute(now)
			section.Release(now)
		}
	}
	l.s.byName[l.self].host.drain(now)
}

// Close implements [forking.Line].
func (l *line) Close(now simtime.Time) {
	l.left = true
	l.session.Leave(now)
	l.s.byName[l.self].host.drain(now)
}
