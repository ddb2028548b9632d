package cellular

import (
	"fmt"
	"math"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Cell is one direction of one cell. It is the [fabric.Medium] of its users'
// links.
type Cell struct {
	config Config
	source *rng.Source
	errors *rng.Stream
	timer  *engine.Timer

	settings map[string]UserConfig // by link or node name
	users    []*user
	byLink   []*user // by fabric link index; nil for links of others

	scheduler  scheduler
	blocks     int            // resource blocks of a TTI
	userBlocks int            // the most for one user
	ended      []sent         // blocks of the TTI that is on the air, or just ended
	repeats    retransmission // lost blocks, in the order in which they are due
	last       simtime.Time   // when the last TTI began; -1 before the first

	stats CellStats
}

// sent is what a user sent in one TTI.
type sent struct {
	user   *user
	number uint64 // of the user's blocks
	blocks int    // resource blocks
}

// NewCell returns a cell without users. Streams of random numbers are taken from
// the source under names that begin with "cell/" and the configured name: one
// for block errors and one for each user's fading, so that a further user
// doesn't change the others' channels. An invalid configuration is an error.
func NewCell(loop *engine.Loop, random *rng.Source, c Config) (*Cell, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	cell := &Cell{
		config: c, source: random, errors: random.Stream("cell/" + c.Name + "/errors"),
		settings: map[string]UserConfig{}, blocks: c.resourceBlocks(), userBlocks: c.userBlocks(), last: -1,
	}
	cell.timer = loop.NewTimer(engine.HandlerFunc(cell.tti))
	cell.scheduler = scheduler{kind: c.Scheduler, weight: 1 / float64(c.PFWindow/c.TTI)}
	return cell, nil
}

// SetUser says what a user is like, before its link is added. The name is the
// link's or a node's; a link uses what was set for its own name, else for the
// node it leaves from, else for the node it leads to, else [Config.User].
func (c *Cell) SetUser(name string, u UserConfig) error {
	if err := u.validate(c.config); err != nil {
		return fmt.Errorf("user %s: %w", name, err)
	}
	for _, x := range c.users {
		if x.link.Name == name || x.link.From().Name == name || x.link.To().Name == name {
			return fmt.Errorf("user %s has a link already: set it before its link is added", name)
		}
	}
	c.settings[name] = u
	return nil
}

func (c *Cell) settingsOf(l *fabric.Link) UserConfig {
	for _, name := range [...]string{l.Name, l.From().Name, l.To().Name} {
		if u, ok := c.settings[name]; ok {
			return u
		}
	}
	return c.config.User
}

// Attach adds a user.
func (c *Cell) Attach(l *fabric.Link) {
	u := newUser(l, c.settingsOf(l), c.config, c.source.Stream("cell/"+c.config.Name+"/user/"+l.Name))
	for len(c.byLink) <= l.Index() {
		c.byLink = append(c.byLink, nil)
	}
	c.byLink[l.Index()] = u
	u.index = len(c.users)
	c.users = append(c.users, u)
}

// Backlogged is called when a user's queue has taken a packet.
func (c *Cell) Backlogged(now simtime.Time, l *fabric.Link) {
	u := c.byLink[l.Index()]
	at := c.gridAfter(u.serviceFrom(now))
	if due, ok := c.timer.Due(); !ok || due > at {
		c.timer.Set(at)
	}
}

// gridAfter returns the first beginning of a TTI from a time on that hasn't
// been used.
func (c *Cell) gridAfter(t simtime.Time) simtime.Time {
	tti := simtime.Time(c.config.TTI)
	at := (t + tti - 1) / tti * tti
	if at == c.last {
		at += tti
	}
	return at
}

// Held returns how many of the user's packets have been taken from the queue and
// not left the cell.
func (c *Cell) Held(l *fabric.Link) int {
	u := c.byLink[l.Index()]
	n := u.unreleased.Len()
	if u.current != nil {
		n++
	}
	return n
}

// tti is called when a TTI begins that may have work. What was sent in the one
// before has arrived, or not.
func (c *Cell) tti(now simtime.Time) {
	c.settle(now)
	c.last = now
	free := c.repeat(now, c.blocks)
	c.scheduler.begin()
	backlog := false
	for _, u := range c.users {
		u.served = 0
		u.waiting = u.backlogged() // before what it is given now
		if !u.waiting {
			continue
		}
		backlog = true
		u.rate = 0
		if u.serviceFrom(now) <= now {
			u.rate = u.rateAt(now)
		}
		if u.rate > 0 {
			c.scheduler.add(u)
		}
	}
	for free > 0 {
		u := c.scheduler.pick()
		if u == nil {
			break
		}
		free -= c.serve(now, u, min(free, c.userBlocks))
	}
	if backlog {
		c.scheduler.end(c.users)
	}
	if free < c.blocks {
		c.stats.TTIs++
		c.stats.Blocks += uint64(c.blocks - free)
	}
	c.next(now)
}

// serve lets a user send with at most the given number of resource blocks, and
// returns how many it used.
func (c *Cell) serve(now simtime.Time, u *user, free int) int {
	bits := c.bitsIn(u.rate, free) + u.bits
	grant := units.Bytes(bits / 8)
	u.bits = bits - float64(8*grant)
	if grant == 0 {
		return free
	}
	used := u.send(now, grant)
	if used == 0 {
		return 0
	}
	n := free
	if used < grant {
		u.bits = 0
		n = c.blocksFor(u.rate, used, free)
	}
	u.served += used
	u.stats.Sent += used
	u.stats.Blocks += uint64(n)
	u.stats.TTIs++
	c.ended = append(c.ended, sent{u, u.closeBlock(), n})
	return n
}

// bitsIn returns what n resource blocks carry at a user's rate, which is that
// of the whole band.
func (c *Cell) bitsIn(rate units.BitRate, n int) float64 {
	return float64(c.config.TTI.Seconds() * float64(rate) * float64(n) / float64(c.blocks))
}

// blocksFor returns the least number of blocks, up to most, that carry so many
// bytes.
func (c *Cell) blocksFor(rate units.BitRate, bytes units.Bytes, most int) int {
	n := math.Ceil(float64(bytes*8) / c.bitsIn(rate, 1))
	return int(min(n, float64(most)))
}

// next sets the timer to the next TTI that may have work, if any.
func (c *Cell) next(now simtime.Time) {
	at := simtime.Never
	following := now.Add(c.config.TTI)
	if len(c.ended) > 0 {
		at = following
	}
	for _, u := range c.users {
		if u.backlogged() {
			at = min(at, max(following, c.gridAfter(u.serviceFrom(following))))
		}
	}
	if due := c.repeats.due(); due != simtime.Never {
		at = min(at, max(following, c.gridAfter(due)))
	}
	c.timer.Set(at)
}
