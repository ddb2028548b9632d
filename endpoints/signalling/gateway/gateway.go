// Package gateway connects a browser, which speaks ROAP, to a user agent of SIP. It sees the offers of both sides, and so is
// where most glare between them is decided (002): the browser's by value, the user agent's by refusals, or by values too
// if the user agent knows them.
package gateway

import (
	"fmt"
	"time"

	"rtpfabric/endpoints/signalling"
	"rtpfabric/endpoints/signalling/glare"
	"rtpfabric/endpoints/signalling/roap"
	"rtpfabric/endpoints/signalling/sip"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// Policy is which value the gateway gives to offers of the SIP side, as long as it knows of no glare.
type Policy uint8

// The policies of 002.
const (
	Random Policy = iota
	Wins          // the greatest value
	Loses         // 0
)

var policies = [...]string{"random", "wins", "loses"}

// Policies returns the names that ParsePolicy takes.
func Policies() []string { return policies[:] }

// String returns the policy's name in scenarios.
func (p Policy) String() string { return policies[p] }

// ParsePolicy returns the policy with that name.
func ParsePolicy(name string) (Policy, error) {
	for i, n := range policies {
		if n == name {
			return Policy(i), nil
		}
	}
	return 0, fmt.Errorf("no policy %q", name)
}

// The legs of a gateway.
const (
	Browser = 0
	SIP     = 1
)

// Config describes a gateway.
type Config struct {
	Name string
	// Session is the gateway's id in ROAP, Peer the browser's.
	Session, Peer string
	// CallID, Local and Remote name the dialog on the SIP side.
	CallID, Local, Remote string
	// Owner says that the gateway made the Call-ID, which gives it the longer timer.
	Owner bool
	// Resolution is the browser's. With timers refusals pass in both directions, as with SIP alone; a polite browser
	// gives way to all that comes from the SIP side.
	Resolution glare.Resolution
	Policy     Policy
	// NoOverride leaves the values alone where the other protocol would resolve a glare sooner without.
	NoOverride bool
	// TieBreaker writes the browser's values into INVITEs.
	TieBreaker     bool
	TieBreakerBits int // as for [glare.Draw]
	Random         *rng.Stream
	// Processing is how long an offer stays at the gateway before it goes on.
	Processing time.Duration
	// LongRetry is what a user agent that has lost is asked to wait; 0 is 4 s. SmallDelay is how long the winning
	// offer waits for the refusal before it; 0 is 50 ms.
	LongRetry, SmallDelay time.Duration
	// Patience is how long the gateway waits for an offer to come again that it has made room for, before it sends
	// the browser's once more; 0 is 5 s.
	Patience time.Duration
}

// Gateway stands between a browser on leg [Browser] and a user agent or a proxy on leg [SIP].
type Gateway struct {
	signalling.Outbox
	config   Config
	seq      uint32 // of ROAP, the highest of either direction
	cseq     uint32
	branches uint32

	browser *browserOffer // on its way to the SIP side
	sip     *sipOffer     // on its way to the browser
	// owed are INVITEs of the gateway that the other side will refuse, so that nobody has to hear of it.
	owed map[uint32]*sip.Message
	// awaited says that an offer is to come again, which then gets the greatest value.
	awaited simtime.Time // until when; simtime.Never if none is
	closed  bool
	drawNew bool // values were equal: the next one is random
}

type browserOffer struct {
	offer  *roap.Message
	invite *sip.Message // nil as long as it waits here
	due    simtime.Time // when it goes on, or goes again
	expiry simtime.Time
	// What the browser has been answered so far.
	answered bool
	answer   string
}

type sipOffer struct {
	invite   *sip.Message
	offer    roap.Message
	sent     bool
	due      simtime.Time
	expiry   simtime.Time
	answer   string
	answered bool
}

// New returns a gateway between ends that have nothing outstanding.
func New(c Config) *Gateway {
	if c.LongRetry == 0 {
		c.LongRetry = 4 * time.Second
	}
	if c.SmallDelay == 0 {
		c.SmallDelay = 50 * time.Millisecond
	}
	if c.Patience == 0 {
		c.Patience = 5 * time.Second
	}
	return &Gateway{config: c, owed: map[uint32]*sip.Message{}, awaited: simtime.Never}
}

// Name returns the gateway's name.
func (g *Gateway) Name() string { return g.config.Name }

// HandleMessage takes a message from either side.
func (g *Gateway) HandleMessage(now simtime.Time, leg int, m signalling.Message) {
	switch m := m.(type) {
	case *roap.Message:
		if leg == Browser {
			g.handleBrowser(now, m)
			return
		}
	case *sip.Message:
		if leg == SIP && m.CallID == g.config.CallID {
			g.handleSIP(now, m)
			return
		}
	}
	g.note(now, signalling.Ignored, signalling.OfferID{}, "not a message of this session")
}

// --- the browser's side ---

func (g *Gateway) handleBrowser(now simtime.Time, m *roap.Message) {
	switch m.Type {
	case roap.TypeOffer:
		switch {
		case m.Offerer != g.config.Peer:
			g.note(now, signalling.Ignored, m.Offer(), "an offer of another session")
		case g.closed:
			g.say(m, roap.Failure)
		default:
			g.seq = max(g.seq, m.Seq)
			g.offered(now, m)
		}
	case roap.TypeAnswer:
		if g.asked(m) {
			g.sip.answer, g.sip.answered = m.SDP, true
		}
	case roap.TypeAccept:
		switch {
		case g.asked(m) && g.sip.answered:
			ok := g.sip.invite.Respond(sip.OK)
			ok.Body = g.sip.answer
			g.Send(SIP, ok)
			g.sip = nil
		case !g.asked(m): // an offer that has been given up
			g.sayOf(m.Offer(), roap.Failure)
		}
	case roap.TypeError:
		g.handleError(now, m)
	case roap.TypeShutdown:
		if !g.closed {
			g.end()
			g.cseq++
			g.Send(SIP, g.request(sip.Bye, g.cseq))
		}
	}
}

// end forgets what is on its way, as the session is over.
func (g *Gateway) end() {
	if g.sip != nil {
		g.Send(SIP, g.sip.invite.Respond(sip.Terminated))
	}
	g.closed, g.sip, g.browser, g.awaited = true, nil, nil, simtime.Never
}

// asked reports whether a message is about the offer that the browser has from here.
func (g *Gateway) asked(m *roap.Message) bool {
	return g.sip != nil && g.sip.sent && g.sip.offer.Offer() == m.Offer()
}

func (g *Gateway) handleError(now simtime.Time, m *roap.Message) {
	switch {
	case g.asked(m):
		status := sip.NotAcceptable
		if m.Error == roap.Conflict || m.Error == roap.DoubleConflict {
			status = sip.RequestPending
			g.drawNew = m.Error == roap.DoubleConflict
		}
		g.Send(SIP, g.sip.invite.Respond(status))
		g.sip = nil
	case g.browser != nil && g.browser.offer.Offer() == m.Offer(): // it gives up what nobody answers
		g.drop(now)
	}
}

// offered takes an offer of the browser.
func (g *Gateway) offered(now simtime.Time, m *roap.Message) {
	if s := g.sip; s != nil {
		g.note(now, signalling.Glare, m.Offer(), g.config.Resolution.String())
		switch {
		case g.config.Resolution == glare.Timers:
			g.say(m, roap.Conflict)
		case g.config.Resolution == glare.Polite: // the browser finds the same
		case !s.sent && !g.config.NoOverride: // case 3: both are here
			s.offer.TieBreaker = glare.Max
			g.give()
		case m.TieBreaker < s.offer.TieBreaker: // case 1: the browser finds the same
		case m.TieBreaker > s.offer.TieBreaker:
			g.refuse(now, s.invite, g.config.LongRetry)
			g.sip = nil
			g.browser = &browserOffer{offer: m, due: now.Add(g.config.SmallDelay), expiry: simtime.Never}
			return
		default: // the browser says so of the other offer
			g.say(m, roap.DoubleConflict)
			g.refuse(now, s.invite, 0)
			g.sip, g.drawNew = nil, true
		}
		g.note(now, signalling.OfferDiscarded, m.Offer(), "")
		return
	}
	if g.browser != nil { // given up without a word
		g.drop(now)
	}
	g.browser = &browserOffer{offer: m, due: now.Add(g.config.Processing), expiry: simtime.Never}
	g.HandleTimeout(now)
}

// say tells the browser what became of its offer.
func (g *Gateway) say(m *roap.Message, why roap.ErrorType) { g.sayOf(m.Offer(), why) }

// sayOf tells the browser what became of an offer of either side.
func (g *Gateway) sayOf(id signalling.OfferID, why roap.ErrorType) {
	answerer := g.config.Session
	if id.Session == answerer {
		answerer = g.config.Peer
	}
	g.Send(Browser, &roap.Message{Type: roap.TypeError, Offerer: id.Session, Answerer: answerer, Seq: id.Seq, Error: why})
}

// invite sends the browser's offer on.
func (g *Gateway) invite(now simtime.Time) {
	b := g.browser
	g.cseq++
	b.invite = g.request(sip.Invite, g.cseq)
	b.invite.Body = b.offer.SDP
	if g.config.TieBreaker {
		b.invite.Glare = b.offer.TieBreaker
	}
	b.due, b.expiry = simtime.Never, now.Add(sip.TimerB)
	g.Send(SIP, b.invite)
}

func (g *Gateway) request(method string, cseq uint32) *sip.Message {
	m := sip.NewRequest(method, g.config.CallID, g.config.Local, g.config.Remote, cseq)
	g.branches++
	m.Branches = []string{fmt.Sprintf("%s;%d", g.config.Name, g.branches)}
	return m
}

// drop forgets the browser's offer. A refusal that is still to come is of no interest.
func (g *Gateway) drop(now simtime.Time) {
	g.note(now, signalling.OfferDiscarded, g.browser.offer.Offer(), "")
	if invite := g.browser.invite; invite != nil {
		g.owed[invite.CSeq] = invite
	}
	g.browser = nil
}

// --- the SIP side ---

func (g *Gateway) handleSIP(now simtime.Time, m *sip.Message) {
	switch {
	case !m.Request():
		g.handleResponse(now, m)
	case m.Method == sip.Invite:
		g.invited(now, m)
	case m.Method == sip.Bye:
		g.Send(SIP, m.Respond(sip.OK))
		if g.closed {
			return
		}
		g.end()
		g.Send(Browser, &roap.Message{Type: roap.TypeShutdown, Offerer: g.config.Session, Answerer: g.config.Peer, Seq: g.seq})
	}
}

// invited takes an offer of the SIP side.
func (g *Gateway) invited(now simtime.Time, m *sip.Message) {
	g.Send(SIP, m.Respond(sip.Trying))
	switch {
	case g.closed:
		g.Send(SIP, m.Respond(sip.NoDialog))
		return
	case g.sip != nil: // RFC 3261 §14.2
		again := m.Respond(sip.ServerError)
		again.RetryAfter = time.Duration(g.config.Random.Uniform(0, 11)) * time.Second
		g.Send(SIP, again)
		return
	}
	value := g.value(m)
	if b := g.browser; b != nil && g.awaited == simtime.Never {
		g.note(now, signalling.Glare, m.Offer(), g.config.Resolution.String())
		switch {
		case g.config.Resolution == glare.Timers:
			g.refuse(now, m, sip.NoRetryAfter)
			return
		case g.config.Resolution == glare.Polite:
			g.drop(now)
		case b.invite == nil && !g.config.NoOverride: // case 3: both are here
			value = glare.Max
			g.drop(now)
		case m.Glare != 0 || b.invite == nil: // case 4, and what waits here without an override
			if !g.compare(now, m, value) {
				return
			}
		case g.config.NoOverride: // as SIP has it (RFC 3261 §14.2)
			g.refuse(now, m, sip.NoRetryAfter)
			return
		default: // case 2: room for the offer when it comes again
			g.refuse(now, m, 0)
			g.awaited = now.Add(g.config.Patience)
			return
		}
	} else if b != nil { // which room was made for
		value = glare.Max
		g.drop(now)
	}
	g.awaited = simtime.Never
	g.seq++
	g.sip = &sipOffer{invite: m, due: now.Add(g.config.Processing), expiry: now.Add(sip.TimerB), offer: roap.Message{
		Type: roap.TypeOffer, Offerer: g.config.Session, Answerer: g.config.Peer, Seq: g.seq, TieBreaker: value, SDP: m.Body,
	}}
	g.HandleTimeout(now)
}

// compare decides between the browser's offer and one of the SIP side, and reports whether that one goes on.
func (g *Gateway) compare(now simtime.Time, m *sip.Message, value uint32) bool {
	switch own := g.browser.offer.TieBreaker; {
	case value < own:
		g.refuse(now, m, sip.NoRetryAfter)
		return false
	case value == own:
		g.say(g.browser.offer, roap.DoubleConflict)
		g.refuse(now, m, 0)
		g.drop(now)
		return false
	}
	g.drop(now)
	return true
}

// value returns the value of an offer of the SIP side as long as there is no glare.
func (g *Gateway) value(m *sip.Message) uint32 {
	policy := g.config.Policy
	if g.drawNew {
		g.drawNew, policy = false, Random
	}
	switch {
	case m.Glare != 0:
		return m.Glare
	case policy == Wins:
		return glare.Max
	case policy == Loses:
		return 0
	}
	return glare.Draw(g.config.Random, g.config.TieBreakerBits)
}

// give sends the SIP side's offer on to the browser.
func (g *Gateway) give() {
	s := g.sip
	s.sent, s.due = true, simtime.Never
	offer := s.offer
	g.Send(Browser, &offer)
}

func (g *Gateway) refuse(now simtime.Time, m *sip.Message, after time.Duration) {
	r := m.Respond(sip.RequestPending)
	r.RetryAfter = after
	g.Send(SIP, r)
	g.note(now, signalling.OfferDiscarded, m.Offer(), r.Title())
}

func (g *Gateway) handleResponse(now simtime.Time, m *sip.Message) {
	if invite := g.owed[m.CSeq]; invite != nil && m.Final() {
		delete(g.owed, m.CSeq)
		g.acknowledge(invite, m)
		if m.Success() {
			g.note(now, signalling.OfferGivenUp, invite.Offer(), "accepted when it was")
		}
		return
	}
	b := g.browser
	if b == nil || b.invite == nil || b.invite.CSeq != m.CSeq {
		return // to a request that is of no interest any more
	}
	if !m.Final() {
		b.expiry = now.Add(sip.TimerC)
		if m.Status != sip.Trying && (m.Body != "" || !b.answered) { // 001, rule 0.1; an unknown one is like 183 (§8.1.3.2)
			g.answer(m, true)
		}
		return
	}
	g.acknowledge(b.invite, m)
	switch {
	case m.Success():
		if !b.answered || m.Body != "" && m.Body != b.answer { // 001, rule 0.1: it may be suppressed
			g.answer(m, false)
		}
		g.accept()
		g.browser = nil
	case m.Status == sip.RequestPending: // not the business of a browser with values (case 2)
		g.note(now, signalling.OfferDiscarded, b.offer.Offer(), m.Title())
		if g.config.Resolution == glare.Timers {
			g.say(b.offer, roap.Conflict)
			g.browser = nil
			return
		}
		b.invite = nil
		b.expiry = simtime.Never
		b.due = g.awaited
		if b.due == simtime.Never {
			b.due = now.Add(glare.Wait(g.config.Random, g.config.Owner))
		}
	default:
		g.say(b.offer, failure(m.Status))
		g.browser = nil
	}
}

func failure(status int) roap.ErrorType {
	switch status {
	case sip.NotAcceptable:
		return roap.NoMatch
	case sip.RequestTimeout:
		return roap.Timeout
	}
	return roap.Refused
}

func (g *Gateway) acknowledge(invite, response *sip.Message) {
	if response.Success() {
		g.Send(SIP, g.request(sip.Ack, invite.CSeq))
		return
	}
	g.Send(SIP, sip.AckOf(invite, response))
}

// answer hands on a response. One without SDP is an answer without media.
func (g *Gateway) answer(m *sip.Message, more bool) {
	g.browser.answered, g.browser.answer = m.Body != "", m.Body
	o := g.browser.offer
	g.Send(Browser, &roap.Message{
		Type: roap.TypeAnswer, Offerer: o.Offerer, Answerer: g.config.Session, Seq: o.Seq, SDP: m.Body, MoreComing: more,
	})
}

func (g *Gateway) accept() {
	o := g.browser.offer
	g.Send(Browser, &roap.Message{Type: roap.TypeAccept, Offerer: o.Offerer, Answerer: g.config.Session, Seq: o.Seq})
}

// HandleTimeout sends on what has waited here.
func (g *Gateway) HandleTimeout(now simtime.Time) {
	if g.awaited <= now {
		g.awaited = simtime.Never // it doesn't come; the browser's offer goes again
	}
	if s := g.sip; s != nil {
		switch {
		case s.due <= now:
			g.give()
		case s.expiry <= now: // the browser doesn't answer
			g.Send(SIP, s.invite.Respond(sip.RequestTimeout))
			g.sayOf(s.offer.Offer(), roap.Timeout)
			g.sip = nil
		}
	}
	if b := g.browser; b != nil {
		switch {
		case b.due <= now:
			g.invite(now)
		case b.expiry <= now:
			g.say(b.offer, roap.Timeout)
			g.drop(now)
		}
	}
}

// NextTimeout returns when the gateway has something to do.
func (g *Gateway) NextTimeout() simtime.Time {
	at := g.awaited
	if g.sip != nil {
		at = min(at, g.sip.due, g.sip.expiry)
	}
	if g.browser != nil {
		at = min(at, g.browser.due, g.browser.expiry)
	}
	return at
}

func (g *Gateway) note(now simtime.Time, kind signalling.EventKind, id signalling.OfferID, reason string) {
	g.Tell(signalling.Event{At: now, Node: g.config.Name, Kind: kind, Offer: id, Reason: reason})
}
