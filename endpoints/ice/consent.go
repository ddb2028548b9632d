package ice

import (
	"slices"
	"time"

	"github.com/pion/stun/v4"

	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// consent asks the other end from time to time whether it still wants what it gets (RFC 7675). That keeps bindings of NATs,
// too.
type consent struct {
	next    simtime.Time // when it asks
	expires simtime.Time
	pending [][stun.TransactionIDSize]byte
}

// begin starts to ask: the check that made the pair valid was the first answer.
func (c *consent) begin(now simtime.Time, random *rng.Stream) {
	c.expires = now.Add(consentExpiry)
	c.next = now.Add(consentWait(random))
}

// consentWait is between 80 and 120 % of the interval (§5.1).
func consentWait(random *rng.Stream) time.Duration {
	return time.Duration(random.Uniform(0.8, 1.2) * float64(consentInterval))
}

// maxPending bounds the requests that an answer is taken to: those of the time in which consent would expire.
const maxPending = 8

// awaits reports whether an answer to a request is missing.
func (c *consent) awaits(id [stun.TransactionIDSize]byte) bool { return slices.Contains(c.pending, id) }

// response takes the answer to a request, and reports whether it was one.
func (c *consent) response(now simtime.Time, m *stun.Message, password string) bool {
	for _, id := range c.pending {
		if id != m.TransactionID {
			continue
		}
		if m.Type == stun.BindingSuccess && stun.NewShortTermIntegrity(password).Check(m) == nil {
			c.expires = now.Add(consentExpiry)
			c.pending = nil
		}
		return true
	}
	return false
}

// handleConsent asks when it is time, and stops everything when nobody has answered for too long.
func (a *Agent) handleConsent(now simtime.Time) {
	c := &a.consent
	switch {
	case c.expires <= now:
		a.state, a.nextCheck = Disconnected, simtime.Never
		c.next, c.expires, c.pending = simtime.Never, simtime.Never, nil
	case c.next <= now && a.selected != nil:
		var id [stun.TransactionIDSize]byte
		_, _ = a.config.Random.Read(id[:])
		if c.pending = append(c.pending, id); len(c.pending) > maxPending {
			c.pending = c.pending[1:]
		}
		a.send(a.selected, a.request(id, Priority(PeerReflexive, uint16(a.selected.local.Priority>>8)), false))
		c.next = now.Add(consentWait(a.config.Random))
	}
}
