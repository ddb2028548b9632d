package gateway

import (
	"fmt"
	"slices"

	"rtpfabric/endpoints/signalling"
	"rtpfabric/endpoints/signalling/glare"
	"rtpfabric/endpoints/signalling/roap"
	"rtpfabric/endpoints/signalling/sip"
	"rtpfabric/sim/simtime"
)

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
			g.respond(sip.OK)
		case !g.asked(m): // an offer that has been given up
			g.sayOf(m.Offer(), roap.Failure)
		}
	case roap.TypeError:
		g.handleError(now, m)
	case roap.TypeCandidate: // for which SIP has INFO (RFC 8840), and the user agents here don't
		g.note(now, signalling.Ignored, m.Offer(), "candidates that aren't in a description")
	case roap.TypeShutdown:
		if !g.closed {
			if g.browser != nil {
				g.giveUp(now)
			}
			g.end(now)
			g.cseq++
			g.Send(SIP, g.request(sip.Bye, g.cseq))
		}
	}
}

// end forgets what is on its way, as the session is over.
func (g *Gateway) end(now simtime.Time) {
	if g.sip != nil {
		g.respond(sip.Terminated)
	}
	if b := g.browser; b != nil && b.invite != nil {
		g.owe(now, b)
	}
	g.closed, g.browser, g.awaited = true, nil, simtime.Never
}

// respond gives the SIP side's INVITE its final response: with 200 the browser's answer.
func (g *Gateway) respond(status int) {
	r := g.sip.invite.Respond(status)
	if status == sip.OK {
		r.Body = g.sip.answer
	}
	g.Send(SIP, r)
	g.sip = nil
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
		g.respond(status)
	case g.browser != nil && g.browser.offer.Offer() == m.Offer(): // it gives up what nobody answers
		g.giveUp(now)
	case g.accepted == m.Offer(): // they have crossed
		g.note(now, signalling.OfferGivenUp, m.Offer(), string(m.Error))
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
		g.giveUp(now)
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

// invite sends the browser's offer on. It waits for an INVITE that was given up to be over (RFC 3261 §14.1).
func (g *Gateway) invite(now simtime.Time) {
	b := g.browser
	b.held, b.due = false, simtime.Never
	for _, o := range g.owed {
		if o.GivenUp && o.until > now {
			b.held, b.due = true, min(b.due, o.until)
		}
	}
	if b.held {
		return
	}
	g.cseq++
	m := g.request(sip.Invite, g.cseq)
	m.Body = b.offer.SDP
	if g.config.TieBreaker {
		m.Glare = b.offer.TieBreaker
	}
	b.invite, b.expiry = &sip.Pending{Invite: m}, now.Add(sip.TimerB)
	g.Send(SIP, m)
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
	if g.browser.invite != nil {
		g.owe(now, g.browser)
	}
	g.browser = nil
}

// giveUp forgets the browser's offer, and tells the other side, which may have accepted it (RFC 3261 §9.1).
func (g *Gateway) giveUp(now simtime.Time) {
	if p := g.browser.invite; p != nil {
		if m := p.GiveUp(); m != nil {
			g.Send(SIP, m)
			g.browser.expiry = now.Add(sip.TimerB)
		}
	}
	g.drop(now)
}

// owe remembers an INVITE until its final response comes, or another is forgotten when its time is over.
func (g *Gateway) owe(now simtime.Time, b *browserOffer) {
	g.owed = slices.DeleteFunc(g.owed, func(o *owedInvite) bool { return o.until <= now })
	g.owed = append(g.owed, &owedInvite{*b.invite, b.expiry})
}
