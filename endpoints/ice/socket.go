package ice

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pion/stun/v4"

	"rtpfabric/endpoints/ice/turn"
	"rtpfabric/endpoints/keying"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// SocketConfig describes a socket.
type SocketConfig struct {
	// Local is its address.
	Local packet.Addr
	// STUN and TURN are servers; zero if there are none.
	STUN, TURN packet.Addr
	// Username and Password are for TURN.
	Username, Password string
	// RelayOnly lets only relayed candidates be known and checked (RFC 8829 §3.5.3, policy "relay").
	RelayOnly bool
	Random    *rng.Stream
}

// Socket is a local port with all candidates that it gives, which it gathers from servers (RFC 8445 §5.1.1). One session has it, or
// several, each with a [Transport]: those of an offer that several devices answer, which have one set of credentials.
type Socket struct {
	config     SocketConfig
	stun       *turn.Binding // nil without a server
	relay      *turn.Client  // nil without one
	begun      bool
	complete   bool
	keep       simtime.Time // when a server is asked again
	found      []Candidate
	transports []*Transport
	porters    []*porter
	out        []Datagram
	news       []keying.News
	scratch    []byte
}

// NewSocket returns a socket that has asked nobody yet.
func NewSocket(c SocketConfig) *Socket {
	s := &Socket{config: c, keep: simtime.Never}
	if c.STUN != (packet.Addr{}) {
		s.stun = turn.NewBinding(c.Random)
	}
	if c.TURN != (packet.Addr{}) {
		s.relay = turn.NewClient(turn.ClientConfig{
			Local: c.Local, Server: c.TURN, Username: c.Username, Password: c.Password, Random: c.Random,
		})
	}
	return s
}

// Gather asks the servers, or asks them again, as an end does that begins anew (RFC 8445 §9). Candidates of before stay as long
// as nobody says otherwise.
func (s *Socket) Gather(now simtime.Time) {
	if s.begun && !s.complete {
		return
	}
	s.begun, s.complete, s.keep = true, false, simtime.Never
	if s.stun != nil {
		s.stun.Ask(now)
	}
	if s.relay != nil {
		s.relay.Refresh(now) // an allocation that there is, or
		s.relay.Allocate(now)
	}
	s.collect(now)
}

// keepInterval is how often a server is asked again as long as no pair is used, so that NATs keep what they have told
// (RFC 8445 §5.1.1.4).
const keepInterval = 15 * time.Second

// keepAlive asks again what hasn't changed since, it is hoped.
func (s *Socket) keepAlive(now simtime.Time) {
	if s.keep > now {
		return
	}
	s.keep = simtime.Never
	if slices.ContainsFunc(s.transports, func(t *Transport) bool { return t.selected != [2]packet.Addr{} }) {
		return // media, and requests for consent, do
	}
	if s.stun != nil && s.stun.Done() {
		s.stun.Ask(now)
	}
	s.keep = now.Add(keepInterval)
}

// Begun reports whether the servers have been asked.
func (s *Socket) Begun() bool { return s.begun }

// Complete reports whether they have answered, or won't.
func (s *Socket) Complete() bool { return s.complete }

// Candidates returns those that are known and hold, in the order in which they came to be.
func (s *Socket) Candidates() []Candidate {
	var list []Candidate
	for _, c := range s.found {
		if s.holds(&c) {
			list = append(list, c)
		}
	}
	return list
}

// holds reports whether a candidate is what a server has said last.
func (s *Socket) holds(c *Candidate) bool {
	switch c.Type {
	case ServerReflexive:
		return slices.Contains(s.mapped(), c.Addr)
	case Relayed:
		return s.isRelayed(c.Addr)
	case Host, PeerReflexive:
	}
	return true
}

// mapped returns the addresses at which servers see the host.
func (s *Socket) mapped() []packet.Addr {
	var list []packet.Addr
	note := func(addr packet.Addr, ok bool) {
		if ok && !slices.Contains(list, addr) {
			list = append(list, addr)
		}
	}
	if s.stun != nil {
		note(s.stun.Mapped())
	}
	if s.relay != nil {
		note(s.relay.Mapped())
	}
	return list
}

// isRelayed reports whether an address is the relayed one.
func (s *Socket) isRelayed(addr packet.Addr) bool {
	if s.relay == nil {
		return false
	}
	own, ok := s.relay.Relayed()
	return ok && own == addr
}

// Foundations, of one candidate of each type, as they have one base and one server (RFC 8445 §5.1.1.3).
const (
	foundationHost      = "1"
	foundationReflexive = "2"
	foundationRelayed   = "3"
)

// collect notes the candidates that there are by now.
func (s *Socket) collect(now simtime.Time) {
	if !s.begun {
		return
	}
	if !s.config.RelayOnly {
		s.add(now, Candidate{Type: Host, Addr: s.config.Local, Foundation: foundationHost})
		for _, mapped := range s.mapped() {
			s.add(now, Candidate{Type: ServerReflexive, Addr: mapped, Foundation: foundationReflexive})
		}
	}
	if s.relay != nil {
		if own, ok := s.relay.Relayed(); ok {
			s.add(now, Candidate{Type: Relayed, Addr: own, Foundation: foundationRelayed})
		}
	}
	s.conclude(now)
}

// add notes a candidate, unless it is redundant (§5.1.3): of addresses that are equal the first one is the best.
func (s *Socket) add(now simtime.Time, c Candidate) {
	for _, known := range s.found {
		if known.Addr == c.Addr {
			return
		}
	}
	c.Base, c.Related, c.Priority = s.config.Local, s.config.Local, Priority(c.Type, 65535)
	if c.Type == Relayed {
		c.Base = c.Addr                                          // §5.1.1.2
		if c.Related, _ = s.relay.Mapped(); s.config.RelayOnly { // nobody is to know (RFC 8829 §3.5.3, RFC 8839 §9.1)
			c.Related = packet.Addr{Port: nobody}
		}
	}
	s.found = append(s.found, c)
	s.tell(keying.CandidateGathered, c.describe())
	for _, t := range s.transports {
		if t.checks == nil {
			continue
		}
		t.checks.addLocal(now, c)
		if c.Type == Relayed { // whose server lets nobody in so far
			for _, remote := range t.checks.agent.remote {
				s.permit(now, remote)
			}
		}
	}
}

// nobody is the port of a related address that isn't told.
const nobody = 9

// conclude notes when the servers have answered, or won't.
func (s *Socket) conclude(now simtime.Time) {
	asked := s.stun != nil && !s.stun.Done() || s.relay != nil && (s.relay.State() == turn.Allocating || s.relay.Refreshing())
	if s.complete || asked {
		return
	}
	s.complete, s.keep = true, now.Add(keepInterval)
	if s.stun != nil && s.stun.Failed() {
		s.tell(keying.GatheringFailed, fmt.Sprintf("no answer of the STUN server, %v", s.config.STUN))
	}
	if s.relay != nil && s.relay.State() == turn.Failed {
		s.tell(keying.GatheringFailed, fmt.Sprintf("the TURN server, %v: %v", s.config.TURN, s.relay.Err()))
	}
	s.tell(keying.GatheringComplete, "")
}

func (s *Socket) tell(kind keying.NewsKind, text string) {
	s.news = append(s.news, keying.News{Kind: kind, Text: text})
}

// describe is the candidate in words.
func (c *Candidate) describe() string {
	if c.Type == Host || c.Related.IP == 0 {
		return fmt.Sprintf("%v %v", c.Type, c.Addr)
	}
	return fmt.Sprintf("%v %v, of %v", c.Type, c.Addr, c.Related)
}

// send sends a datagram of checks, over the relay if that is where it comes from.
func (s *Socket) send(now simtime.Time, d Datagram) {
	switch {
	case s.isRelayed(d.From):
		s.relay.Send(now, d.To, d.Payload)
	case d.From == s.config.Local: // otherwise the server has forgotten the address
		s.out = append(s.out, d)
	}
}

// bind asks for a channel to the other end of a pair, if it is one of the relay's, so that each packet grows by 4 octets rather than
// by 44 (RFC 8656 §12).
func (s *Socket) bind(now simtime.Time, pair [2]packet.Addr) {
	if s.isRelayed(pair[0]) {
		s.relay.Bind(now, pair[1])
	}
}

// permit lets a candidate of the other end reach this end's relayed one (RFC 8656 §9).
func (s *Socket) permit(now simtime.Time, c Candidate) {
	if s.relay != nil {
		s.relay.Permit(now, c.Addr.IP)
	}
}

// unwrap takes what servers have sent. It reports whether something is left of it, which a peer has sent to one of the
// candidates.
func (s *Socket) unwrap(now simtime.Time, p *packet.Packet) bool {
	if s.stun != nil && p.Src == s.config.STUN && s.stun.HandlePayload(now, p.Payload) {
		return false
	}
	if s.relay == nil || p.Src != s.config.TURN {
		return true
	}
	peer, data, ok := s.relay.HandlePayload(now, p.Payload)
	own, known := s.relay.Relayed()
	if !ok || !known {
		return false
	}
	copy(p.SetPayload(len(data)), data) // which lie in the same buffer
	p.Src, p.Dst = peer, own
	return true
}

// ownerOf returns the transport that a packet is for, of several; nil if there is none.
func (s *Socket) ownerOf(p *packet.Packet) *Transport {
	first := s.transports[0]
	if len(s.transports) == 1 {
		return first
	}
	from, b := p.Src, p.Payload
	if s.relay != nil && from == s.config.TURN {
		var ok bool
		if from, b, ok = s.relay.Data(b); !ok {
			return first // it is for the socket
		}
	}
	for _, t := range s.transports {
		if t.checks != nil && (isSTUN(b) && t.checks.wants(b) || !isSTUN(b) && t.checks.agent.knows(from)) {
			return t
		}
	}
	if isSTUN(b) {
		return first // for a porter
	}
	return nil
}

// isSTUN reports whether a payload is a message of STUN (RFC 7983 §7).
func isSTUN(b []byte) bool { return len(b) >= 2 && b[0] <= 3 }

// porter answers the checks of an end of which there is no description yet, as one of several that answer an offer. Whose
// they are is known by its fragment.
type porter struct {
	fragment string
	agent    *Agent
}

// maxPorters bounds how many of them strangers can make.
const maxPorters = 64

// admit lets a porter take a request that no transport wants.
func (s *Socket) admit(now simtime.Time, p *packet.Packet) {
	m := stun.Message{Raw: p.Payload}
	var name stun.Username
	i := slices.IndexFunc(s.transports, func(t *Transport) bool { return t.checks != nil })
	if i < 0 || m.Decode() != nil || m.Type != stun.BindingRequest || name.GetFrom(&m) != nil {
		return
	}
	like := s.transports[i].checks.agent
	_, fragment, _ := strings.Cut(name.String(), ":")
	at := slices.IndexFunc(s.porters, func(o *porter) bool { return o.fragment == fragment })
	if at < 0 {
		if len(s.porters) == maxPorters {
			return
		}
		at = len(s.porters)
		s.porters = append(s.porters, &porter{fragment, NewAgent(Config{
			Controlling: like.controlling, Local: like.config.Local, Candidates: s.Candidates(), Random: s.config.Random,
		})})
	}
	s.porters[at].agent.HandleDatagram(now, p.Src, p.Dst, p.Payload)
	for d, ok := s.porters[at].agent.Poll(); ok; d, ok = s.porters[at].agent.Poll() {
		s.send(now, d)
	}
}

// release returns what a porter has heard of an end, whose description has come.
func (s *Socket) release(peer Credentials) []early {
	i := slices.IndexFunc(s.porters, func(o *porter) bool { return o.fragment == peer.Fragment })
	if i < 0 {
		return nil
	}
	list := s.porters[i].agent.early
	s.porters = slices.Delete(s.porters, i, i+1)
	return list
}

// handleTimeout does what is due with servers.
func (s *Socket) handleTimeout(now simtime.Time) {
	if s.stun != nil {
		s.stun.HandleTimeout(now)
	}
	if s.relay != nil {
		s.relay.HandleTimeout(now)
	}
	s.keepAlive(now)
}

// nextTimeout returns when something is.
func (s *Socket) nextTimeout() simtime.Time {
	at := s.keep
	if s.stun != nil {
		at = min(at, s.stun.NextTimeout())
	}
	if s.relay != nil {
		at = min(at, s.relay.NextTimeout())
	}
	return at
}

// pollDatagram returns a message for a server, or of checks.
func (s *Socket) pollDatagram() (Datagram, bool) {
	if s.stun != nil {
		if b := s.stun.Poll(); b != nil {
			return Datagram{From: s.config.Local, To: s.config.STUN, Payload: b}, true
		}
	}
	if s.relay != nil {
		if b := s.relay.Poll(); b != nil {
			return Datagram{From: s.config.Local, To: s.config.TURN, Payload: b}, true
		}
	}
	if len(s.out) == 0 {
		return Datagram{}, false
	}
	d := s.out[0]
	if s.out = s.out[1:]; len(s.out) == 0 {
		s.out = nil
	}
	return d, true
}
