package ice

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/pion/stun/v4"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// transaction is a request that hasn't been answered.
type transaction struct {
	pair     *pair
	id       [stun.TransactionIDSize]byte
	payload  []byte
	priority uint32 // of the peer-reflexive candidate that it may find
	nominate bool
	sent     int
	rto      time.Duration
	next     simtime.Time // when it is sent again, or given up
	until    simtime.Time // of one that was cancelled: how long a response counts
}

// checkNext sends the next check: a triggered one, or that of the best pair that waits (§6.1.4.2).
func (a *Agent) checkNext(now simtime.Time) {
	var next *pair
	if len(a.triggered) > 0 {
		next, a.triggered = a.triggered[0], a.triggered[1:]
	} else {
		if !slices.ContainsFunc(a.checklist, func(p *pair) bool { return p.state == waiting }) {
			a.thaw()
		}
		if a.state == Connected { // pairs that nobody needs aren't checked (§8.1.2)
			return
		}
		i := slices.IndexFunc(a.checklist, func(p *pair) bool { return p.state == waiting })
		if i < 0 {
			return
		}
		next = a.checklist[i]
	}
	a.lastCheck = now
	a.check(now, next)
	a.nextCheck = now.Add(a.config.Pacing)
}

// check sends a request for a pair.
func (a *Agent) check(now simtime.Time, p *pair) {
	t := &transaction{pair: p, priority: Priority(PeerReflexive, uint16(p.local.Priority>>8)), nominate: a.controlling && p.nominate, sent: 1}
	_, _ = a.config.Random.Read(t.id[:])
	t.payload = a.request(t.id, t.priority, t.nominate)
	busy := 0
	for _, o := range a.checklist {
		if o.state == waiting || o.state == inProgress {
			busy++
		}
	}
	t.rto = max(minRTO, time.Duration(busy)*a.config.Pacing) // §14.3
	t.next = now.Add(t.rto)
	p.check, p.state = t, inProgress
	a.counts.Checks++
	a.send(p, t.payload)
}

// request makes a Binding request (§7.2.2).
func (a *Agent) request(id [stun.TransactionIDSize]byte, priority uint32, nominate bool) []byte {
	number := func(v uint64, size int) []byte {
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], v)
		return b[8-size:]
	}
	role := stun.AttrICEControlled
	if a.controlling {
		role = stun.AttrICEControlling
	}
	attributes := []stun.Setter{
		stun.NewUsername(a.peer.Fragment + ":" + a.config.Local.Fragment),
		stun.RawAttribute{Type: stun.AttrPriority, Value: number(uint64(priority), 4)},
		stun.RawAttribute{Type: role, Value: number(a.tiebreaker, 8)},
	}
	if nominate {
		attributes = append(attributes, stun.RawAttribute{Type: stun.AttrUseCandidate})
	}
	return build(stun.BindingRequest, id, append(attributes, stun.NewShortTermIntegrity(a.peer.Password))...)
}

func (a *Agent) send(p *pair, payload []byte) {
	a.out = append(a.out, Datagram{From: p.local.Base, To: p.remote.Addr, Payload: payload})
}

// retransmit sends requests again whose time has come, and gives up those that nobody answers (RFC 8489 §6.2.1).
func (a *Agent) retransmit(now simtime.Time) {
	for _, p := range a.checklist {
		t := p.check
		if t == nil || t.next > now {
			continue
		}
		if t.sent == requests {
			a.fail(now, p)
			continue
		}
		a.send(p, t.payload)
		a.counts.Retransmitted++
		t.sent++
		t.next = now.Add(t.rto << (t.sent - 1))
		if t.sent == requests {
			t.next = now.Add(lastWait * t.rto)
		}
	}
	a.retired = slices.DeleteFunc(a.retired, func(t *transaction) bool { return t.until <= now })
}

// fail ends the check of a pair without success (§7.2.5.2).
func (a *Agent) fail(now simtime.Time, p *pair) {
	p.check, p.state, p.valid, p.nominate = nil, failed, false, false
	a.triggered = slices.DeleteFunc(a.triggered, func(o *pair) bool { return o == p })
	a.thaw()
	a.hurry(now)
}

// hurry lets the next check go as soon as pacing allows.
func (a *Agent) hurry(now simtime.Time) {
	if a.state == Checking || a.state == Connected && len(a.triggered) > 0 {
		a.nextCheck = min(a.nextCheck, max(now, a.lastCheck.Add(a.config.Pacing)))
	}
}

// trigger lets a pair be checked before all others (§7.3.1.4).
func (a *Agent) trigger(now simtime.Time, p *pair) {
	if t := p.check; t != nil { // cancelled, but a response still counts
		t.until = now.Add(lastWait * t.rto)
		a.retired = append(a.retired, t)
		p.check = nil
	}
	p.state = waiting
	if !slices.Contains(a.triggered, p) {
		a.triggered = append(a.triggered, p)
	}
	a.hurry(now)
}

// HandleDatagram takes a STUN message that came to one of this end's addresses.
func (a *Agent) HandleDatagram(now simtime.Time, from, to packet.Addr, payload []byte) {
	m := stun.Message{Raw: payload}
	if m.Decode() != nil || m.Type.Method != stun.MethodBinding || stun.Fingerprint.Check(&m) != nil {
		a.counts.Ignored++
		return
	}
	switch m.Type.Class {
	case stun.ClassRequest:
		a.handleRequest(now, from, to, &m)
	case stun.ClassSuccessResponse, stun.ClassErrorResponse:
		a.handleResponse(now, from, to, &m)
	default:
		a.counts.Ignored++ // an indication keeps a NAT's binding (§11)
	}
}

// answer sends a response back to where the request came from.
func (a *Agent) answer(from, to packet.Addr, m *stun.Message, kind stun.MessageType, attributes ...stun.Setter) {
	a.out = append(a.out, Datagram{From: to, To: from, Payload: build(kind, m.TransactionID, attributes...)})
}

func (a *Agent) handleRequest(now simtime.Time, from, to packet.Addr, m *stun.Message) {
	if a.state == Disconnected || a.state == Failed { // so that the other end learns of it
		a.counts.Ignored++
		return
	}
	refuse := func(code stun.ErrorCode, more ...stun.Setter) {
		a.counts.Refused++
		a.answer(from, to, m, stun.BindingError, append([]stun.Setter{code}, more...)...)
	}
	var name stun.Username
	integrity := stun.NewShortTermIntegrity(a.config.Local.Password)
	switch {
	case name.GetFrom(m) != nil || !m.Contains(stun.AttrMessageIntegrity):
		refuse(stun.CodeBadRequest)
		return
	case !ours(name.String(), a.config.Local.Fragment, a.peer.Fragment) || integrity.Check(m) != nil:
		refuse(stun.CodeUnauthorized)
		return
	}
	leaveOutUnprotected(m)
	priority, err := m.Get(stun.AttrPriority)
	switch unknown := unknown(m); {
	case unknown != nil:
		refuse(stun.CodeUnknownAttribute, unknown, integrity)
		return
	case err != nil || len(priority) != 4:
		refuse(stun.CodeBadRequest, integrity)
		return
	case !a.settleRole(now, m):
		refuse(stun.CodeRoleConflict, integrity)
		return
	}
	ip := from.IP.Netip().As4()
	a.answer(from, to, m, stun.BindingSuccess, &stun.XORMappedAddress{IP: ip[:], Port: int(from.Port)}, integrity)
	a.counts.Answered++
	e := early{from, to, binary.BigEndian.Uint32(priority), m.Contains(stun.AttrUseCandidate)}
	switch a.state {
	case New:
		if len(a.early) < maxEarly {
			a.early = append(a.early, e)
		}
	case Checking, Connected:
		a.triggerFor(now, e.from, e.to, e.priority, e.nominated && !a.controlling)
	case Disconnected, Failed: // looked at before
	}
}

// early is a request that came before the other end's description, and was answered (§7.3).
type early struct {
	from, to  packet.Addr
	priority  uint32
	nominated bool
}

// maxEarly bounds what is kept of requests for which there is no description yet.
const maxEarly = 64

// ours reports whether a user name is that of checks of the other end, as far as it is known (§7.2.2).
func ours(name, local, peer string) bool {
	if peer == "" {
		return len(name) > len(local) && name[:len(local)+1] == local+":"
	}
	return name == local+":"+peer
}

// settleRole repairs the role of one of two agents that have the same (§7.3.1.1). It reports false if the other one
// has to change.
func (a *Agent) settleRole(now simtime.Time, m *stun.Message) bool {
	same := stun.AttrICEControlled
	if a.controlling {
		same = stun.AttrICEControlling
	}
	v, err := m.Get(same)
	if err != nil || len(v) != 8 {
		return true
	}
	if (a.tiebreaker >= binary.BigEndian.Uint64(v)) == a.controlling {
		return false
	}
	a.changeRole(now)
	return true
}

func (a *Agent) changeRole(simtime.Time) {
	a.counts.Conflicts++
	a.controlling = !a.controlling
	for _, p := range a.checklist {
		p.nominate = false
	}
	a.order()
}

// triggerFor does what a request of the other end asks for (§7.3.1.3 to §7.3.1.5).
func (a *Agent) triggerFor(now simtime.Time, from, to packet.Addr, priority uint32, nominated bool) {
	i := slices.IndexFunc(a.config.Candidates, func(c Candidate) bool { return c.Addr == to && c.sendsFrom() })
	if i < 0 {
		return // it came to an address that is none
	}
	known := slices.IndexFunc(a.remote, func(c Candidate) bool { return c.Addr == from })
	if known < 0 {
		a.foundations++
		a.remote = append(a.remote, Candidate{
			Type: PeerReflexive, Addr: from, Base: from, Foundation: foundationOf(a.foundations), Priority: priority,
		})
		known = len(a.remote) - 1
	}
	p := a.add(&pair{local: a.config.Candidates[i], remote: a.remote[known]})
	a.order()
	if p.state != succeeded {
		p.nominated = p.nominated || nominated
		a.trigger(now, p)
		return
	}
	if nominated {
		p.nominated = true
		a.selectPair(now, p)
	}
}

// foundationOf is that of a peer-reflexive candidate, unlike all that descriptions have here.
func foundationOf(n int) string { return "prflx" + string(rune('A'+n%26)) }

func (a *Agent) handleResponse(now simtime.Time, from, to packet.Addr, m *stun.Message) {
	if a.state != Checking && a.state != Connected || a.consent.response(now, m, a.peer.Password) {
		return
	}
	t := a.find(m.TransactionID)
	if t == nil || stun.NewShortTermIntegrity(a.peer.Password).Check(m) != nil { // RFC 8489 §9.1.4, of errors as well
		a.counts.Ignored++
		return
	}
	p, late := t.pair, t.pair.check != t
	if late { // another check of the pair has taken its place: only its success counts
		a.retired = slices.DeleteFunc(a.retired, func(o *transaction) bool { return o == t })
		if m.Type == stun.BindingError || from != p.remote.Addr || to != p.local.Base {
			return
		}
	} else {
		p.check = nil
	}
	if from != p.remote.Addr || to != p.local.Base { // §7.2.5.2.1
		a.fail(now, p)
		return
	}
	if m.Type == stun.BindingError {
		a.handleError(now, p, t, m)
		return
	}
	a.succeed(now, p, t)
}

func (a *Agent) find(id [stun.TransactionIDSize]byte) *transaction {
	for _, p := range a.checklist {
		if p.check != nil && p.check.id == id {
			return p.check
		}
	}
	for _, t := range a.retired {
		if t.id == id {
			return t
		}
	}
	return nil
}

// handleError changes the role, if that is it (§7.2.5.1), or fails the pair.
func (a *Agent) handleError(now simtime.Time, p *pair, t *transaction, m *stun.Message) {
	var code stun.ErrorCodeAttribute
	if code.GetFrom(m) == nil && code.Code == stun.CodeRoleConflict {
		sent := stun.Message{Raw: t.payload}
		if sent.Decode() == nil && sent.Contains(stun.AttrICEControlling) == a.controlling {
			a.changeRole(now)
			a.tiebreaker = a.config.Random.Uint64() // §7.2.5.1
		}
		a.trigger(now, p)
		return
	}
	a.fail(now, p)
}

// succeed makes a pair valid (§7.2.5.3). With one component nothing depends on which local candidate the other end saw.
func (a *Agent) succeed(now simtime.Time, p *pair, t *transaction) {
	if p.valid = true; !p.nominate || t.nominate {
		p.state = succeeded // a triggered check isn't necessary any more
		a.triggered = slices.DeleteFunc(a.triggered, func(o *pair) bool { return o == p })
	}
	if a.firstValid == simtime.Never {
		a.firstValid, a.hopeful = now, now.Add(patience)
	}
	for _, o := range a.checklist {
		if o.state == frozen && o.foundation() == p.foundation() {
			o.state = waiting
		}
	}
	if t.nominate {
		p.nominate = false
		p.nominated = true
	}
	if p.nominated && (t.nominate || !a.controlling) {
		a.selectPair(now, p)
	}
	a.nominate(now)
	a.hurry(now)
}

// mayNominate reports whether a controlling agent has a valid pair, and hasn't begun to nominate one.
func (a *Agent) mayNominate() bool {
	return a.controlling && a.state == Checking && a.firstValid != simtime.Never &&
		!slices.ContainsFunc(a.checklist, func(p *pair) bool { return p.nominate }) &&
		slices.ContainsFunc(a.checklist, func(p *pair) bool { return p.valid })
}

// nominate chooses a pair: the best valid one, when no better one may still work or it has waited for that long enough
// (§8.1.1). The check that nominates is sent like a triggered one.
func (a *Agent) nominate(now simtime.Time) {
	if !a.mayNominate() {
		return
	}
	for _, p := range a.checklist { // the best first
		if p.valid {
			p.nominate = true
			a.trigger(now, p)
			return
		}
		if (p.state == waiting || p.state == inProgress || p.state == frozen) && now < a.firstValid.Add(a.config.NominationDelay) {
			return
		}
	}
}

// selectPair uses a pair that is nominated. Of several the best counts (§8.1.1).
func (a *Agent) selectPair(now simtime.Time, p *pair) {
	if a.selected != nil && a.selected != p && a.selected.nominated && a.selected.priority(a.controlling) > p.priority(a.controlling) {
		return
	}
	if a.selected == p && a.state == Connected {
		return // a nomination is no answer to a request for consent
	}
	a.selected, a.state, a.patient, a.hopeful = p, Connected, simtime.Never, simtime.Never
	a.consent.begin(now, a.config.Random)
}
