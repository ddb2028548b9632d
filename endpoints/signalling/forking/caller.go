package forking

import (
	"slices"
	"time"

	"rtpfabric/endpoints/signalling"
	"rtpfabric/endpoints/signalling/roap"
	"rtpfabric/sim/simtime"
)

// Lines are the caller's connections to devices, of which there is at most one to each.
type Lines interface {
	// Offer returns the description that all devices get.
	Offer(now simtime.Time) string
	// Prepare makes a line, as far as it may be before somebody accepts, or changes it as another answer of the device
	// has it. It returns what the line is called. An error refuses the answer.
	Prepare(now simtime.Time, device, answer string) (line string, err error)
	// Agree takes the answer that holds, and makes the line if there is none. An error refuses it.
	Agree(now simtime.Time, device, answer string) (line string, err error)
	// Close ends a line. There may be none. more says that other devices may still answer.
	Close(now simtime.Time, device string, more bool)
}

// CallerConfig describes a caller.
type CallerConfig struct {
	Name string
	// Session is the caller's session id.
	Session  string
	Strategy Strategy
	// Limit is how many lines are made before somebody accepts; 0 is as many as there are answers (001, rule 4).
	Limit  int
	Choice Choice
	// Prefers are the devices, by their ids, in the order in which Best likes them.
	Prefers []string
	// Decides is how long after the first ACCEPT others may come, for Last and Best.
	Decides time.Duration
	// Closes is how long after the decision the other lines are closed (001, rule 5).
	Closes time.Duration
	Lines  Lines
}

// Caller calls a person with several devices. It has one leg, 0.
type Caller struct {
	outbox
	config   CallerConfig
	offer    roap.Message
	called   bool
	over     bool // shut down, or come to nothing
	branches []*branch
	chosen   *branch
	decide   simtime.Time
	closes   simtime.Time
	expires  simtime.Time
}

// branch is what the caller knows of a device.
type branch struct {
	device   string
	answer   string
	open     bool // there is a line
	accepted bool
	over     bool // nothing comes of it any more
	order    int  // among those that have accepted
}

// NewCaller returns a caller that hasn't called.
func NewCaller(c CallerConfig) *Caller {
	return &Caller{outbox: outbox{name: c.Name}, config: c, decide: simtime.Never, closes: simtime.Never, expires: simtime.Never}
}

// Chosen returns the device that the caller talks to; empty if there is none.
func (c *Caller) Chosen() string {
	if c.chosen == nil {
		return ""
	}
	return c.chosen.device
}

// Call sends the offer, which there is one of.
func (c *Caller) Call(now simtime.Time) {
	if c.called || c.over {
		return
	}
	c.called = true
	c.offer = roap.Message{Type: roap.TypeOffer, Offerer: c.config.Session, Seq: 1, SDP: c.config.Lines.Offer(now)}
	c.expires = now.Add(Patience)
	m := c.offer
	c.Send(0, &m)
	c.note(now, signalling.OfferSent, &c.offer, "")
}

// Shutdown ends the call, with whomever.
func (c *Caller) Shutdown(now simtime.Time) {
	if c.over {
		return
	}
	if c.called {
		c.Send(0, c.about(roap.TypeShutdown, ""))
	}
	c.end(now, "shut down")
}

// about returns a message about the offer, to a device, or to all.
func (c *Caller) about(t roap.MessageType, device string) *roap.Message {
	return &roap.Message{Type: t, Offerer: c.offer.Offerer, Answerer: device, Seq: max(c.offer.Seq, 1)}
}

// end closes everything.
func (c *Caller) end(now simtime.Time, reason string) {
	if c.called && c.chosen == nil {
		c.note(now, signalling.Failed, &c.offer, reason)
	}
	c.over = true
	c.decide, c.closes, c.expires = simtime.Never, simtime.Never, simtime.Never
	for _, b := range c.branches {
		c.close(now, b, reason)
	}
}

// close gives up a branch, and its line if there is one.
func (c *Caller) close(now simtime.Time, b *branch, reason string) {
	if b.over {
		return
	}
	b.over = true
	if b.open {
		b.open = false
		c.config.Lines.Close(now, b.device, !c.decided() && !c.over)
		c.tell(now, signalling.LineClosed, b, reason)
	}
}

// HandleMessage takes a message.
func (c *Caller) HandleMessage(now simtime.Time, _ int, m signalling.Message) {
	d := c.read(now, m)
	switch {
	case d == nil:
	case !c.called || c.over:
		c.ignore(now, d, "there is no call")
	case d.Type == roap.TypeOffer:
		c.ignore(now, d, "this end calls")
	case d.Offer() != c.offer.Offer():
		c.ignore(now, d, "of another offer")
	case d.Type == roap.TypeAnswer:
		c.answered(now, d)
	case d.Type == roap.TypeAccept:
		c.accepted(now, d)
	default: // an error, or a shutdown
		c.refused(now, d)
	}
}

// tell says what happened with a device.
func (c *Caller) tell(now simtime.Time, kind signalling.EventKind, b *branch, reason string) {
	c.Tell(signalling.Event{At: now, Node: c.name, Kind: kind, Offer: c.offer.Offer(), Peer: b.device, Reason: reason})
}

// branch returns that of a device; nil if it hasn't answered.
func (c *Caller) branch(device string) *branch {
	i := slices.IndexFunc(c.branches, func(b *branch) bool { return b.device == device })
	if i < 0 {
		return nil
	}
	return c.branches[i]
}

// decided reports whether the caller wants no other device any more.
func (c *Caller) decided() bool { return c.chosen != nil }

func (c *Caller) answered(now simtime.Time, d *roap.Message) {
	b := c.branch(d.Answerer)
	switch {
	case d.Answerer == "":
		c.ignore(now, d, "of nobody")
		return
	case b == nil:
		b = &branch{device: d.Answerer}
		c.branches = append(c.branches, b)
	case b.over || b.accepted: // what holds isn't replaced
		c.ignore(now, d, "too late")
		return
	}
	b.answer = d.SDP
	if c.decided() {
		c.dismiss(now, b, "another device is talked to")
		return
	}
	c.prepare(now, b)
}

// prepare makes a branch's line, or changes it, if the strategy has it so.
func (c *Caller) prepare(now simtime.Time, b *branch) {
	if c.config.Strategy == Lazy || !b.open && c.config.Limit > 0 && c.lines() >= c.config.Limit {
		return
	}
	line, err := c.config.Lines.Prepare(now, b.device, b.answer)
	if err != nil {
		c.reject(now, b, err.Error())
		return
	}
	c.opened(now, b, line)
}

// opened notes that there is a line.
func (c *Caller) opened(now simtime.Time, b *branch, line string) {
	if !b.open {
		b.open = true
		c.tell(now, signalling.LineOpened, b, line)
	}
}

// lines returns how many there are.
func (c *Caller) lines() int {
	n := 0
	for _, b := range c.branches {
		if b.open {
			n++
		}
	}
	return n
}

// reject refuses the answer of a device.
func (c *Caller) reject(now simtime.Time, b *branch, reason string) {
	m := c.about(roap.TypeError, b.device)
	m.Error = roap.NoMatch
	c.Send(0, m)
	c.tell(now, signalling.Ignored, b, reason)
	c.close(now, b, reason)
	c.refill(now)
}

// refill makes the lines that the limit has left out, as there is room again.
func (c *Caller) refill(now simtime.Time) {
	if c.decided() || c.over {
		return
	}
	for _, b := range c.branches {
		if !b.open && !b.over {
			c.prepare(now, b)
		}
	}
}

// dismiss tells a device that it isn't wanted.
func (c *Caller) dismiss(now simtime.Time, b *branch, reason string) {
	if !b.over {
		c.Send(0, c.about(roap.TypeShutdown, b.device))
	}
	c.close(now, b, reason)
}

func (c *Caller) accepted(now simtime.Time, d *roap.Message) {
	b := c.branch(d.Answerer)
	switch {
	case b == nil:
		c.ignore(now, d, "accepted without an answer")
	case b.over || b.accepted:
		c.ignore(now, d, "too late")
	case c.decided():
		c.dismiss(now, b, "another device is talked to")
	default:
		b.accepted, b.order = true, c.acceptances()+1
		if c.decide == simtime.Never {
			c.decide = now.Add(c.config.Decides)
		}
		likedBest := c.config.Choice == Best && len(c.config.Prefers) > 0 && b.device == c.config.Prefers[0]
		if c.config.Choice == First || likedBest {
			c.decide = now
		}
		c.HandleTimeout(now)
	}
}

// acceptances returns how many devices have accepted.
func (c *Caller) acceptances() int {
	n := 0
	for _, b := range c.branches {
		if b.accepted {
			n++
		}
	}
	return n
}

// choose takes the best of those that have accepted. One whose answer doesn't fit after all is left out.
func (c *Caller) choose(now simtime.Time) {
	c.decide = simtime.Never
	for {
		best := c.best()
		if best == nil {
			return
		}
		line, err := c.config.Lines.Agree(now, best.device, best.answer)
		if err != nil {
			c.reject(now, best, err.Error())
			continue
		}
		c.opened(now, best, line)
		c.chosen, c.expires, c.closes = best, simtime.Never, now.Add(c.config.Closes)
		c.tell(now, signalling.Agreed, best, "")
		return
	}
}

// best returns whom the caller would talk to; nil if nobody has accepted.
func (c *Caller) best() *branch {
	var best *branch
	for _, b := range c.branches {
		if b.accepted && !b.over && (best == nil || c.better(b, best)) {
			best = b
		}
	}
	return best
}

// better compares two branches that have accepted.
func (c *Caller) better(b, than *branch) bool {
	if c.config.Choice == Best {
		if liked, other := c.rank(b.device), c.rank(than.device); liked != other {
			return liked < other
		}
	}
	return (b.order < than.order) != (c.config.Choice == Last)
}

// rank is where a device is among those that the caller prefers; those that it doesn't name come last.
func (c *Caller) rank(device string) int {
	if i := slices.Index(c.config.Prefers, device); i >= 0 {
		return i
	}
	return len(c.config.Prefers)
}

// refused takes an error or a shutdown: of a device, or with no answerer of them all.
func (c *Caller) refused(now simtime.Time, d *roap.Message) {
	reason := "it has shut down"
	if d.Type == roap.TypeError {
		reason = string(d.Error)
	}
	b := c.branch(d.Answerer)
	switch {
	case d.Answerer == "" && c.decided():
		c.ignore(now, d, "too late")
	case d.Answerer == "":
		c.end(now, reason)
	case b == nil:
		c.ignore(now, d, "of a device that hasn't answered: "+reason)
	case b == c.chosen:
		c.end(now, reason)
	default:
		c.close(now, b, reason)
		c.refill(now)
	}
}

// HandleTimeout does what is due.
func (c *Caller) HandleTimeout(now simtime.Time) {
	if c.decide <= now {
		c.choose(now)
	}
	if c.closes <= now {
		c.closes = simtime.Never
		for _, b := range c.branches {
			if b != c.chosen {
				c.dismiss(now, b, "another device is talked to")
			}
		}
	}
	if c.expires <= now {
		c.Send(0, c.about(roap.TypeShutdown, ""))
		c.end(now, "nobody accepts")
	}
}

// NextTimeout returns when the caller has something to do.
func (c *Caller) NextTimeout() simtime.Time { return min(c.decide, c.closes, c.expires) }
