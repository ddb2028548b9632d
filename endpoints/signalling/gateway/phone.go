package gateway

import (
	"slices"
	"time"

	"rtpfabric/endpoints/signalling"
	"rtpfabric/endpoints/signalling/glare"
	"rtpfabric/endpoints/signalling/roap"
	"rtpfabric/endpoints/signalling/sip"
	"rtpfabric/sim/simtime"
)

func (g *Gateway) handleSIP(now simtime.Time, m *sip.Message) {
	switch {
	case !m.Request():
		g.handleResponse(now, m)
	case m.Method == sip.Invite:
		g.invited(now, m)
	case m.Method == sip.Cancel:
		g.cancelled(now, m)
	case m.Method == sip.Bye:
		g.Send(SIP, m.Respond(sip.OK))
		if g.closed {
			return
		}
		g.end(now)
		g.Send(Browser, &roap.Message{Type: roap.TypeShutdown, Offerer: g.config.Session, Answerer: g.config.Peer, Seq: g.seq})
	}
}

// cancelled takes back an offer of the SIP side (RFC 3261 §9.2). The browser is told as of any offer that is given up.
func (g *Gateway) cancelled(now simtime.Time, m *sip.Message) {
	switch {
	case g.sip != nil && m.Cancels(g.sip.invite):
		s := g.sip
		g.Send(SIP, m.Respond(sip.OK))
		g.respond(sip.Terminated)
		g.note(now, signalling.OfferDiscarded, s.invite.Offer(), "cancelled")
		if s.sent {
			g.sayOf(s.offer.Offer(), roap.Timeout)
		}
	case m.Cancels(g.latest): // too late
		g.Send(SIP, m.Respond(sip.OK))
	default:
		g.Send(SIP, m.Respond(sip.NoDialog))
		g.note(now, signalling.Ignored, m.Offer(), "a CANCEL of nothing")
	}
}

// invited takes an offer of the SIP side.
func (g *Gateway) invited(now simtime.Time, m *sip.Message) {
	g.Send(SIP, m.Respond(sip.Trying))
	if g.sip == nil {
		g.latest = m
	}
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
	if m.Method != sip.Invite {
		return // of a CANCEL or a BYE: what comes of it is known
	}
	for i, o := range g.owed {
		if o.Invite.CSeq == m.CSeq {
			g.settle(now, i, m)
			return
		}
	}
	b := g.browser
	if b == nil || b.invite == nil || b.invite.Invite.CSeq != m.CSeq {
		return // to a request that is of no interest any more
	}
	if !m.Final() {
		b.invite.Proceed()
		if !b.invite.Cancelled {
			b.expiry = now.Add(sip.TimerC)
		}
		if m.Status != sip.Trying && (m.Body != "" || !b.answered) { // 001, rule 0.1; an unknown one is like 183 (§8.1.3.2)
			g.answer(m, true)
		}
		return
	}
	g.acknowledge(b.invite.Invite, m)
	switch {
	case m.Success():
		if !b.answered || m.Body != "" && m.Body != b.answer { // 001, rule 0.1: it may be suppressed
			g.answer(m, false)
		}
		g.accept()
		g.browser = nil
	case b.invite.GivenUp:
		g.say(b.offer, roap.Timeout)
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

// settle takes a response to an INVITE that isn't the browser's offer any more. An end that has accepted it all the same
// keeps what it believes until the next offer: this isn't the end of the dialog (RFC 3261 §15).
func (g *Gateway) settle(now simtime.Time, i int, m *sip.Message) {
	o := g.owed[i]
	if !m.Final() {
		if cancel := o.Proceed(); cancel != nil {
			g.Send(SIP, cancel)
			o.until = now.Add(sip.TimerB)
		}
		return
	}
	g.owed = slices.Delete(g.owed, i, i+1)
	g.acknowledge(o.Invite, m)
	if m.Success() {
		g.note(now, signalling.OfferGivenUp, o.Invite.Offer(), "accepted when it was")
	}
	if g.browser != nil && g.browser.held {
		g.invite(now)
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
	g.accepted = o.Offer()
	g.Send(Browser, &roap.Message{Type: roap.TypeAccept, Offerer: o.Offerer, Answerer: g.config.Session, Seq: o.Seq})
}
