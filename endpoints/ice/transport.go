package ice

import (
	"fmt"
	"slices"

	"rtpfabric/endpoints/ice/turn"
	"rtpfabric/endpoints/keying"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// TransportConfig describes a transport.
type TransportConfig struct {
	// Local is the host's address, and Remote what the session takes for its peer's, wherever that is.
	Local, Remote packet.Addr
	// STUN and TURN are servers; zero if there are none.
	STUN, TURN packet.Addr
	// Username and Password are for TURN.
	Username, Password string
	// RelayOnly lets only relayed candidates be known and checked (RFC 8829 §3.5.3, policy "relay").
	RelayOnly bool
	Random    *rng.Stream
}

// Transport is a session's local port with all candidates that it gives: it gathers them from servers (RFC 8445 §5.1.1), and
// takes packets to and from the pair that checks have nominated, over a TURN server if the local candidate is a relayed one.
// Around it is a session, in it a keying step with the checks.
type Transport struct {
	keying.Around
	config   TransportConfig
	stun     *turn.Binding // nil without a server
	relay    *turn.Client  // nil without one
	begun    bool
	complete bool
	failed   bool // as was told
	found    []Candidate
	checks   *Full
	selected [2]packet.Addr
	by       *Agent // that has selected it
	bound    packet.Addr // the peer to which the relay keeps a channel
	out      []keying.Datagram
	news     []keying.News
	scratch  []byte
	counts   TransportCounts
}

// TransportCounts are what became of packets.
type TransportCounts struct {
	// Sent are packets of the session, Relayed those of them that went over a TURN server, Unroutable those for
	// which there was no way.
	Sent, Relayed, Unroutable uint64
}

// NewTransport returns a transport around a step.
func NewTransport(step keying.Step, c TransportConfig) *Transport {
	t := &Transport{Around: keying.Around{Step: step}, config: c}
	if c.STUN != (packet.Addr{}) {
		t.stun = turn.NewBinding(c.Random)
	}
	if c.TURN != (packet.Addr{}) {
		t.relay = turn.NewClient(turn.ClientConfig{
			Local: c.Local, Server: c.TURN, Username: c.Username, Password: c.Password, Random: c.Random,
		})
	}
	return t
}

// Gather asks the servers, or asks them again, as an end does that begins anew (RFC 8445 §9). Candidates of before stay.
func (t *Transport) Gather(now simtime.Time) {
	if t.begun && !t.complete {
		return
	}
	again := t.begun
	t.begun, t.complete, t.failed = true, false, false
	if t.stun != nil {
		t.stun.Ask(now)
	}
	if t.relay != nil && again {
		t.relay.Refresh(now)
	} else if t.relay != nil {
		t.relay.Allocate(now)
	}
	t.settle(now)
}

// Begun reports whether the servers have been asked, and Complete whether they have answered, or won't.
func (t *Transport) Begun() bool { return t.begun }

// Complete reports whether no candidates will follow.
func (t *Transport) Complete() bool { return t.complete }

// Candidates returns those that are known and hold, in the order in which they came to be.
func (t *Transport) Candidates() []Candidate {
	var list []Candidate
	for _, c := range t.found {
		if t.holds(&c) {
			list = append(list, c)
		}
	}
	return list
}

// holds reports whether a candidate is what a server has said last.
func (t *Transport) holds(c *Candidate) bool {
	switch c.Type {
	case ServerReflexive:
		return slices.Contains(t.mapped(), c.Addr)
	case Relayed:
		own, ok := t.relayed()
		return ok && own == c.Addr
	case Host, PeerReflexive:
	}
	return true
}

// mapped returns the addresses at which servers see the host, but its own: that is redundant (§5.1.3).
func (t *Transport) mapped() []packet.Addr {
	var list []packet.Addr
	note := func(addr packet.Addr, ok bool) {
		if ok && addr != t.config.Local && !slices.Contains(list, addr) {
			list = append(list, addr)
		}
	}
	if t.stun != nil {
		note(t.stun.Mapped())
	}
	if t.relay != nil {
		note(t.relay.Mapped())
	}
	return list
}

// Counts returns what became of packets so far.
func (t *Transport) Counts() TransportCounts { return t.counts }

// Relayed reports whether packets go over a server of this end's now.
func (t *Transport) Relayed() bool {
	own, ok := t.relayed()
	return ok && t.selected[0] == own
}

// Selected returns the addresses from and to which packets go; zero before there is a pair.
func (t *Transport) Selected() (from, to packet.Addr) { return t.selected[0], t.selected[1] }

// relayed returns the relayed address.
func (t *Transport) relayed() (packet.Addr, bool) {
	if t.relay == nil {
		return packet.Addr{}, false
	}
	return t.relay.Relayed()
}

// Foundations, of one candidate of each type, as they have one base and one server (RFC 8445 §5.1.1.3).
const (
	foundationHost      = "1"
	foundationReflexive = "2"
	foundationRelayed   = "3"
)

// collect notes the candidates that there are by now.
func (t *Transport) collect(now simtime.Time) {
	if !t.begun {
		return
	}
	if !t.config.RelayOnly {
		t.add(now, Candidate{Type: Host, Addr: t.config.Local, Foundation: foundationHost})
		for _, mapped := range t.mapped() {
			t.add(now, Candidate{Type: ServerReflexive, Addr: mapped, Foundation: foundationReflexive})
		}
	}
	if own, ok := t.relayed(); ok {
		t.add(now, Candidate{Type: Relayed, Addr: own, Foundation: foundationRelayed})
	}
	t.conclude()
}

// add notes a candidate, unless it is known.
func (t *Transport) add(now simtime.Time, c Candidate) {
	for _, known := range t.found {
		if known.Addr == c.Addr {
			return
		}
	}
	c.Base, c.Related, c.Priority = t.config.Local, t.config.Local, Priority(c.Type, 65535)
	if c.Type == Relayed {
		c.Base = c.Addr // §5.1.1.2
		c.Related, _ = t.relay.Mapped()
	}
	t.found = append(t.found, c)
	t.tell(keying.CandidateGathered, c.describe())
	if t.checks != nil {
		t.checks.addLocal(now, c)
	}
}

// conclude notes when the servers have answered, or won't.
func (t *Transport) conclude() {
	asked := t.stun != nil && !t.stun.Done() || t.relay != nil && t.relay.State() == turn.Allocating
	if t.complete || asked {
		return
	}
	t.complete = true
	if t.stun != nil && t.stun.Failed() {
		t.tell(keying.GatheringFailed, fmt.Sprintf("no answer of the STUN server, %v", t.config.STUN))
	}
	if t.relay != nil && t.relay.State() == turn.Failed {
		t.tell(keying.GatheringFailed, fmt.Sprintf("the TURN server, %v: %v", t.config.TURN, t.relay.Err()))
	}
	t.tell(keying.GatheringComplete, "")
}

func (t *Transport) tell(kind keying.NewsKind, text string) {
	t.news = append(t.news, keying.News{Kind: kind, Text: text})
}

// describe is the candidate in words.
func (c *Candidate) describe() string {
	if c.Type == Host {
		return fmt.Sprintf("%v %v", c.Type, c.Addr)
	}
	return fmt.Sprintf("%v %v, of %v", c.Type, c.Addr, c.Related)
}

// settle takes up what has changed: candidates, datagrams and the pair that was selected.
func (t *Transport) settle(now simtime.Time) {
	t.collect(now)
	if t.checks == nil {
		return
	}
	t.checks.poll(func(d Datagram) { t.send(now, d) })
	from, to, pair, by := t.checks.way()
	before := t.selected
	if t.selected = [2]packet.Addr{from, to}; by == nil || t.selected == before && by == t.by {
		return
	}
	t.by = by // another one, after a restart, may have the same pair
	t.tell(keying.PairSelected, pair)
	if own, ok := t.relayed(); ok && from == own && t.bound != to {
		t.bound = to
		t.relay.Bind(now, to) // so that each packet grows by 4 octets rather than by 36 (RFC 8656 §2.5)
	}
}

// send sends a datagram of the checks, over the relay if that is where it comes from.
func (t *Transport) send(now simtime.Time, d Datagram) {
	if own, ok := t.relayed(); ok && d.From == own {
		t.relay.Send(now, d.To, d.Payload)
		return
	}
	t.out = append(t.out, keying.Datagram(d))
}

// permit lets a candidate of the other end reach this end's relayed one (RFC 8656 §9).
func (t *Transport) permit(now simtime.Time, c Candidate) {
	if t.relay != nil {
		t.relay.Permit(now, c.Addr.IP)
	}
}

// Take takes a packet that has come to the local address (RFC 7983 §7).
func (t *Transport) Take(now simtime.Time, p *packet.Packet) bool {
	if t.take(now, p) {
		return true
	}
	t.settle(now)
	return false
}

func (t *Transport) take(now simtime.Time, p *packet.Packet) bool {
	if t.stun != nil && p.Src == t.config.STUN && t.stun.HandlePayload(now, p.Payload) {
		return false
	}
	if t.relay != nil && p.Src == t.config.TURN {
		peer, data, ok := t.relay.HandlePayload(now, p.Payload)
		own, known := t.relayed()
		if !ok || !known {
			return false
		}
		copy(p.SetPayload(len(data)), data) // which lie in the same buffer
		p.Src, p.Dst = peer, own
	}
	if b := p.Payload; len(b) >= 2 && b[0] <= 3 {
		if t.checks != nil {
			t.checks.HandleCheck(now, p)
		}
		return false
	}
	p.Src, p.Dst = t.config.Remote, t.config.Local // data may come by any pair (RFC 8445 §12.2)
	return true
}

// Route addresses a packet of the session's.
func (t *Transport) Route(p *packet.Packet) bool {
	from, to := t.selected[0], t.selected[1]
	if to == (packet.Addr{}) {
		t.counts.Unroutable++
		return false
	}
	t.counts.Sent++
	p.Src, p.Dst = t.config.Local, to
	if own, ok := t.relayed(); ok && from == own {
		t.counts.Relayed++
		t.scratch = t.relay.Wrap(t.scratch[:0], to, p.Payload)
		copy(p.SetPayload(len(t.scratch)), t.scratch)
		p.Dst = t.config.TURN
	}
	return true
}

// HandleTimeout does what is due.
func (t *Transport) HandleTimeout(now simtime.Time) {
	if t.stun != nil {
		t.stun.HandleTimeout(now)
	}
	if t.relay != nil {
		t.relay.HandleTimeout(now)
	}
	t.Step.HandleTimeout(now)
	t.settle(now)
}

// PollPayload returns what the step has to send to the peer.
func (t *Transport) PollPayload(now simtime.Time) []byte {
	t.settle(now)
	return t.Step.PollPayload(now)
}

// PollDatagram returns a message for a server, or a check.
func (t *Transport) PollDatagram() (keying.Datagram, bool) {
	if t.stun != nil {
		if b := t.stun.Poll(); b != nil {
			return keying.Datagram{From: t.config.Local, To: t.config.STUN, Payload: b}, true
		}
	}
	if t.relay != nil {
		if b := t.relay.Poll(); b != nil {
			return keying.Datagram{From: t.config.Local, To: t.config.TURN, Payload: b}, true
		}
	}
	if len(t.out) == 0 {
		return keying.Datagram{}, false
	}
	d := t.out[0]
	if t.out = t.out[1:]; len(t.out) == 0 {
		t.out = nil
	}
	return d, true
}

// PollNews returns what has become of addresses.
func (t *Transport) PollNews() (keying.News, bool) {
	if len(t.news) == 0 {
		return keying.News{}, false
	}
	n := t.news[0]
	if t.news = t.news[1:]; len(t.news) == 0 {
		t.news = nil
	}
	return n, true
}

// NextTimeout returns when there is something to do.
func (t *Transport) NextTimeout() simtime.Time {
	at := t.Step.NextTimeout()
	if t.stun != nil {
		at = min(at, t.stun.NextTimeout())
	}
	if t.relay != nil {
		at = min(at, t.relay.NextTimeout())
	}
	return at
}

// Muted reports whether the step has lost consent.
func (t *Transport) Muted() bool {
	m, ok := t.Step.(keying.Muter)
	return ok && m.Muted()
}
