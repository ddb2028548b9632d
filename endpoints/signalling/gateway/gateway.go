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
	// owed are INVITEs of the gateway whose final responses nobody has to hear of: as the other side will refuse them, or
	// as they are given up.
	owed []*owedInvite
	// latest is the SIP side's latest INVITE, but for those that came while one had no final response.
	latest *sip.Message
	// accepted is the browser's latest offer that the SIP side has accepted.
	accepted signalling.OfferID
	// awaited says that an offer is to come again, which then gets the greatest value.
	awaited simtime.Time // until when; simtime.Never if none is
	closed  bool
	drawNew bool // values were equal: the next one is random
}

type browserOffer struct {
	offer  *roap.Message
	invite *sip.Pending // nil as long as it waits here
	held   bool         // until an INVITE before it is over
	due    simtime.Time // when it goes on, or goes again
	expiry simtime.Time
	// What the browser has been answered so far.
	answered bool
	answer   string
}

// owedInvite is an INVITE that isn't the browser's offer any more.
type owedInvite struct {
	sip.Pending
	until simtime.Time // when its transaction is over though nobody answers (RFC 3261 §9.1, §17.1.1.2)
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
	return &Gateway{config: c, awaited: simtime.Never}
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
			g.respond(sip.RequestTimeout)
			g.sayOf(s.offer.Offer(), roap.Timeout)
		}
	}
	if b := g.browser; b != nil {
		switch {
		case b.due <= now:
			g.invite(now)
		case b.expiry <= now && b.invite.Provisional && !b.invite.Cancelled: // what comes of it is in the final response
			g.Send(SIP, b.invite.GiveUp())
			b.expiry = now.Add(sip.TimerB)
		case b.expiry <= now:
			g.say(b.offer, roap.Timeout)
			g.giveUp(now)
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
