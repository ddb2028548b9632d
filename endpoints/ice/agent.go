package ice

import (
	"cmp"
	"slices"
	"time"

	"rtpfabric/endpoints/keying"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// State is how far an agent has come.
type State uint8

// The states. What RFC 8445 §6.1.2.1 calls running is checking, or connected as soon as a pair can be used.
const (
	New State = iota
	Checking
	Connected // a pair has been nominated
	Disconnected
	Failed
)

// String returns the state's name.
func (s State) String() string {
	return [...]string{"new", "checking", "connected", "disconnected", "failed"}[s]
}

// The times of RFC 8445 §14 and RFC 7675 §5.1.
const (
	// Pacing is Ta, between two checks.
	Pacing = 50 * time.Millisecond
	// minRTO is the least time before a check is sent again; requests and lastWait are Rc and Rm of RFC 8489 §6.2.1.
	minRTO   = 500 * time.Millisecond
	requests = 7
	lastWait = 16
	// consentInterval is the mean time between requests for consent, consentExpiry how long the last one holds.
	consentInterval = 5 * time.Second
	consentExpiry   = 30 * time.Second
	// patience is how long an agent waits for checks of the other end before it fails (RFC 8863 §4).
	patience = 39500 * time.Millisecond
	// nominationDelay is [Config]'s by default.
	nominationDelay = 500 * time.Millisecond
)

// Config describes an agent.
type Config struct {
	Controlling bool
	Local       Credentials
	// Candidates are those of this end. They have bases, foundations and priorities.
	Candidates []Candidate
	// Pacing between checks; 0 is 50 ms.
	Pacing time.Duration
	// NominationDelay is how long a controlling agent that has a valid pair waits for a better one that may still work (§8.1.1 leaves
	// it open); 0 is 500 ms, less than 0 is not at all.
	NominationDelay time.Duration
	Random          *rng.Stream
}

// Datagram is a STUN message to send, and from where to where.
type Datagram = keying.Datagram

// Agent is a full implementation of ICE (RFC 8445) for one component of one stream, as bundled media with RTCP on the same
// port have it: it checks which pairs of candidates work, and the controlling one of two nominates a pair. It is passive.
// After any other method its host drains Poll, and reads NextTimeout again.
type Agent struct {
	config      Config
	controlling bool
	tiebreaker  uint64
	peer        Credentials
	remote      []Candidate
	checklist   []*pair
	triggered   []*pair // a queue
	early       []early // what came before the other end's description
	retired     []*transaction
	selected    *pair
	state       State
	foundations int // of peer-reflexive candidates
	// patient is until when it waits for the other end's checks, hopeful until when for the nomination of a valid pair;
	// Never if that is over, or hasn't begun.
	patient    simtime.Time
	hopeful    simtime.Time
	impatient  bool
	hopeless   bool
	firstValid simtime.Time
	// more is until when candidates of either end may still come; Never if there won't be any.
	more      simtime.Time
	nextCheck simtime.Time
	lastCheck simtime.Time
	consent   consent
	out       []Datagram
	counts    AgentCounts
}

// AgentCounts are what an agent has done and got.
type AgentCounts struct {
	// Checks are requests that were sent for the first time, Retransmitted those that were sent again.
	Checks, Retransmitted uint64
	Answered, Refused     uint64
	// Ignored are messages that nobody here has asked for, or that somebody may have damaged.
	Ignored uint64
	// Conflicts is how often the role was repaired (§7.3.1.1, §7.2.5.1).
	Conflicts uint64
}

// NewAgent returns an agent that waits for what the other end says of itself.
func NewAgent(c Config) *Agent {
	if c.Pacing == 0 {
		c.Pacing = Pacing
	}
	if c.NominationDelay == 0 {
		c.NominationDelay = nominationDelay
	}
	c.NominationDelay = max(c.NominationDelay, 0)
	return &Agent{
		config: c, controlling: c.Controlling, tiebreaker: c.Random.Uint64(), patient: simtime.Never, hopeful: simtime.Never, firstValid: simtime.Never,
		more: simtime.Never, nextCheck: simtime.Never, consent: consent{next: simtime.Never, expires: simtime.Never},
	}
}

// State returns how far the agent has come.
func (a *Agent) State() State { return a.state }

// Controlling reports whether the agent is the controlling one of the two.
func (a *Agent) Controlling() bool { return a.controlling }

// Counts returns what the agent has done so far.
func (a *Agent) Counts() AgentCounts { return a.counts }

// Selected returns the nominated pair: from where this end sends, and to where; false if there is none.
func (a *Agent) Selected() (from, to packet.Addr, ok bool) {
	if a.selected == nil || a.state != Connected {
		return packet.Addr{}, packet.Addr{}, false
	}
	return a.selected.local.Base, a.selected.remote.Addr, true
}

// Begin gives the agent the other end's credentials and the candidates that are known of it, and lets it check them.
func (a *Agent) Begin(now simtime.Time, peer Credentials, remote ...Candidate) {
	if a.state != New {
		return // the credentials are those of before, or it would be another agent's (RFC 8445 §9)
	}
	a.peer = peer
	a.state, a.patient, a.nextCheck = Checking, now.Add(patience), now
	for _, c := range remote {
		a.AddRemote(now, c)
	}
	for _, e := range a.early {
		a.triggerFor(now, e.from, e.to, e.priority, e.nominated && !a.controlling)
	}
	a.early = nil
}

// AddRemote adds a candidate of the other end, as it becomes known (RFC 8838).
func (a *Agent) AddRemote(now simtime.Time, c Candidate) {
	for i, known := range a.remote {
		if known.Addr == c.Addr {
			if known.Type == PeerReflexive && c.Type != PeerReflexive { // which it tells of now (§7.3.1.3)
				a.remote[i] = c
				for _, p := range a.checklist {
					if p.remote.Addr == c.Addr {
						p.remote = c
					}
				}
				a.order()
			}
			return
		}
	}
	a.remote = append(a.remote, c)
	for _, local := range a.config.Candidates {
		if local.sendsFrom() {
			a.add(&pair{local: local, remote: c})
		}
	}
	a.look(now)
}

// AddLocal adds a candidate of this end, as it is gathered. One that is the same address by the same base as another one adds
// nothing (§5.1.3).
func (a *Agent) AddLocal(now simtime.Time, c Candidate) {
	for _, known := range a.config.Candidates {
		if known.Addr == c.Addr && known.Base == c.Base {
			return
		}
	}
	a.config.Candidates = append(slices.Clone(a.config.Candidates), c)
	if !c.sendsFrom() {
		return
	}
	for _, remote := range a.remote {
		a.add(&pair{local: c, remote: remote})
	}
	a.look(now)
}

// sendsFrom reports whether the agent sends from the candidate itself; from the others' bases it does anyway (§6.1.2.4).
func (c *Candidate) sendsFrom() bool { return c.Addr == c.Base }

// look takes a checklist with other pairs up.
func (a *Agent) look(now simtime.Time) {
	a.order()
	a.thaw()
	if a.state == Checking {
		a.nextCheck = min(a.nextCheck, max(now, a.lastCheck.Add(a.config.Pacing)))
	}
}

// trickleWait bounds how long candidates are waited for.
const trickleWait = 2 * time.Minute

// Expect says whether more candidates of either end may come: the agent doesn't fail before they have (RFC 8838 §8), or two
// minutes are over.
func (a *Agent) Expect(now simtime.Time, more bool) {
	switch {
	case !more:
		if a.more = simtime.Never; a.state == Checking {
			a.nextCheck = min(a.nextCheck, max(now, a.lastCheck.Add(a.config.Pacing))) // to conclude
		}
	case a.more == simtime.Never:
		a.more = now.Add(trickleWait)
	}
}

// add puts a pair on the checklist, unless it is there.
func (a *Agent) add(p *pair) *pair {
	for _, o := range a.checklist {
		if o.local.Base == p.local.Base && o.remote.Addr == p.remote.Addr {
			return o
		}
	}
	a.checklist = append(a.checklist, p)
	return p
}

// order sorts the checklist (§6.1.2.3).
func (a *Agent) order() {
	slices.SortStableFunc(a.checklist, func(p, o *pair) int { return cmp.Compare(o.priority(a.controlling), p.priority(a.controlling)) })
}

// thaw lets the first pair of each foundation wait for its check (§6.1.2.6).
func (a *Agent) thaw() {
	for _, p := range a.checklist {
		if p.state != frozen {
			continue
		}
		busy := slices.ContainsFunc(a.checklist, func(o *pair) bool {
			return o.foundation() == p.foundation() && (o.state == waiting || o.state == inProgress)
		})
		if !busy {
			p.state = waiting
		}
	}
}

// foundation is the same for pairs whose checks are likely to fare alike.
func (p *pair) foundation() string { return p.local.Foundation + " " + p.remote.Foundation }

// HandleTimeout does what is due.
func (a *Agent) HandleTimeout(now simtime.Time) {
	if a.state == Checking || a.state == Connected {
		a.retransmit(now)
		a.nominate(now)
		if a.nextCheck <= now {
			a.nextCheck = simtime.Never
			a.checkNext(now)
		}
	}
	a.handleConsent(now)
	a.conclude(now)
}

// conclude fails the agent when nothing can become of its checks any more, and it has waited for the other end's.
func (a *Agent) conclude(now simtime.Time) {
	if a.patient <= now {
		a.patient, a.impatient = simtime.Never, true
	}
	if a.hopeful <= now {
		a.hopeful, a.hopeless = simtime.Never, true
	}
	open := func(p *pair) bool { return p.state != failed && p.state != succeeded || p.valid && !a.hopeless }
	if a.more <= now {
		a.more = simtime.Never
	}
	if a.state == Checking && a.impatient && a.more == simtime.Never && !slices.ContainsFunc(a.checklist, open) {
		a.state, a.nextCheck = Failed, simtime.Never
	}
}

// NextTimeout returns when there is something to do.
func (a *Agent) NextTimeout() simtime.Time {
	if a.state == New || a.state == Failed || a.state == Disconnected {
		return simtime.Never
	}
	at := min(a.nextCheck, a.consent.next, a.consent.expires, a.patient, a.hopeful, a.more)
	for _, p := range a.checklist {
		if p.check != nil {
			at = min(at, p.check.next)
		}
	}
	if a.mayNominate() {
		at = min(at, a.firstValid.Add(a.config.NominationDelay))
	}
	return at
}

// Poll returns a datagram to send; false when drained.
func (a *Agent) Poll() (Datagram, bool) {
	if len(a.out) == 0 {
		return Datagram{}, false
	}
	d := a.out[0]
	if a.out = a.out[1:]; len(a.out) == 0 {
		a.out = nil
	}
	return d, true
}
