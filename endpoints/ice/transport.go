package ice

import (
	"fmt"
	"slices"

	"rtpfabric/endpoints/keying"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// Transport is how a session uses a [Socket]: it takes packets to and from the pair that checks have nominated, over a TURN
// server if the local candidate is a relayed one. Around it is the session, in it a keying step with the checks.
type Transport struct {
	keying.Around
	socket   *Socket
	remote   packet.Addr
	checks   *Full
	selected [2]packet.Addr
	by       *Agent           // that has selected it
	relayed  bool             // its local candidate is a relayed one
	flows    [][2]packet.Addr // that were selected
	news     []keying.News
}

// NewTransport returns a transport around a step. Remote is what the session takes for its peer's address, wherever that is.
func NewTransport(step keying.Step, socket *Socket, remote packet.Addr) *Transport {
	t := &Transport{Around: keying.Around{Step: step}, socket: socket, remote: remote}
	socket.transports = append(socket.transports, t)
	return t
}

// Candidates returns those of the socket that are known and hold.
func (t *Transport) Candidates() []Candidate { return t.socket.Candidates() }

// Relayed reports whether packets go over a server of this end's now.
func (t *Transport) Relayed() bool { return t.relayed && t.socket.isRelayed(t.selected[0]) }

// Flows returns the pairs by which packets have gone, from this end to the other, the last one last.
func (t *Transport) Flows() [][2]packet.Addr { return t.flows }

// settle takes up what has changed: candidates, datagrams and the pair that was selected.
func (t *Transport) settle(now simtime.Time) {
	t.socket.collect(now)
	if t.checks == nil {
		return
	}
	t.checks.poll(func(d Datagram) { t.socket.send(now, d) })
	p, by := t.checks.way()
	if by == nil {
		t.selected = [2]packet.Addr{}
		return
	}
	before := t.selected
	if t.selected = [2]packet.Addr{p.local.Base, p.remote.Addr}; t.selected == before && by == t.by {
		return
	}
	t.by, t.relayed = by, p.local.Type == Relayed // another agent, after a restart, may have the same pair
	if !slices.Contains(t.flows, t.selected) {
		t.flows = append(t.flows, t.selected)
	}
	t.news = append(t.news, keying.News{
		Kind: keying.PairSelected, Text: fmt.Sprintf("%v %v to %v %v", p.local.Type, p.local.Base, p.remote.Type, p.remote.Addr),
	})
	t.socket.bind(now, t.selected)
}

// Concerns reports whether a packet is for the session.
func (t *Transport) Concerns(p *packet.Packet) bool {
	return p.Dst == t.socket.config.Local && t.socket.ownerOf(p) == t
}

// Take takes a packet that concerns the session, or the socket (RFC 7983 §7).
func (t *Transport) Take(now simtime.Time, p *packet.Packet) bool {
	if t.socket.unwrap(now, p) && !isSTUN(p.Payload) {
		p.Src, p.Dst = t.remote, t.socket.config.Local // data may come by any pair (RFC 8445 §12.2)
		return true
	}
	if isSTUN(p.Payload) && p.Src != t.socket.config.STUN && p.Src != t.socket.config.TURN {
		t.check(now, p)
	}
	t.settle(now)
	return false
}

// check lets the checks have a message, or a porter if there are several sessions and it is for none.
func (t *Transport) check(now simtime.Time, p *packet.Packet) {
	if len(t.socket.transports) > 1 && (t.checks == nil || !t.checks.wants(p.Payload)) {
		t.socket.admit(now, p)
		return
	}
	if t.checks != nil {
		t.checks.HandleCheck(now, p)
	}
}

// Route addresses a packet of the session's.
func (t *Transport) Route(p *packet.Packet) bool {
	to := t.selected[1]
	if to == (packet.Addr{}) || t.relayed && !t.Relayed() { // the server has forgotten the address, and others aren't to be used
		return false
	}
	s := t.socket
	p.Src, p.Dst = s.config.Local, to
	if t.relayed {
		s.scratch = s.relay.Wrap(s.scratch[:0], to, p.Payload)
		copy(p.SetPayload(len(s.scratch)), s.scratch)
		p.Dst = s.config.TURN
	}
	return true
}

// HandleTimeout does what is due.
func (t *Transport) HandleTimeout(now simtime.Time) {
	t.socket.handleTimeout(now)
	t.Step.HandleTimeout(now)
	t.settle(now)
}

// PollPayload returns what the step has to send to the peer.
func (t *Transport) PollPayload(now simtime.Time) []byte {
	t.settle(now)
	return t.Step.PollPayload(now)
}

// PollDatagram returns a message for a server, or a check.
func (t *Transport) PollDatagram() (Datagram, bool) { return t.socket.pollDatagram() }

// PollNews returns what has become of addresses.
func (t *Transport) PollNews() (keying.News, bool) {
	for _, list := range []*[]keying.News{&t.socket.news, &t.news} {
		if len(*list) == 0 {
			continue
		}
		n := (*list)[0]
		if *list = (*list)[1:]; len(*list) == 0 {
			*list = nil
		}
		return n, true
	}
	return keying.News{}, false
}

// NextTimeout returns when there is something to do.
func (t *Transport) NextTimeout() simtime.Time {
	return min(t.Step.NextTimeout(), t.socket.nextTimeout())
}

// Muted reports whether the step has lost consent.
func (t *Transport) Muted() bool {
	m, ok := t.Step.(keying.Muter)
	return ok && m.Muted()
}
