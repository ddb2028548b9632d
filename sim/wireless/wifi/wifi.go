package wifi

import (
	"fmt"
	"time"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// Channel is one radio channel with all its stations. It is the
// [fabric.Medium] of their links.
type Channel struct {
	config Config
	random *rng.Stream
	timer  *engine.Timer
	// afterCollision is what is waited for after a collision besides AIFS.
	afterCollision time.Duration

	settings   map[string]StationConfig // by node or link name
	stations   []*station
	byNode     map[*fabric.Node]*station
	flows      []*flow // by fabric link index; nil for links of others
	contenders []*contender

	// grid is when the slots begin after the last exchange: its end and SIFS.
	// It lies in the future while the channel is busy.
	grid simtime.Time
	// sending is whose data is on the air; nil if the timer waits for a slot.
	sending *contender
	winners []*contender // of the present slot, kept for its storage

	stats ChannelStats
}

// NewChannel returns a channel without stations. random is used for backoff and
// frame errors. An invalid configuration is an error.
func NewChannel(loop *engine.Loop, random *rng.Stream, c Config) (*Channel, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	ch := &Channel{
		config: c, random: random,
		settings: map[string]StationConfig{}, byNode: map[*fabric.Node]*station{},
	}
	if c.EIFS {
		ch.afterCollision = c.eifsExtra()
	}
	ch.timer = loop.NewTimer(engine.HandlerFunc(ch.due))
	ch.grid = loop.Now().Add(c.SIFS)
	return ch, nil
}

// SetStation says what a station is like, before its first link is added. The
// name is a node's or, for one direction of one link, a link's. A link uses what
// was set for its own name, else for the node it leaves from, else for the node
// it leads to (so that a slow client is slow in both directions without a word
// about the access point), else [Config.Station].
func (ch *Channel) SetStation(name string, s StationConfig) error {
	if err := s.validate(ch.config); err != nil {
		return fmt.Errorf("station %s: %w", name, err)
	}
	for _, f := range ch.flows {
		if f != nil && (f.link.Name == name || f.link.From().Name == name || f.link.To().Name == name) {
			return fmt.Errorf("station %s has a link already: set it before its first link is added", name)
		}
	}
	ch.settings[name] = s
	return nil
}

func (ch *Channel) settingsOf(l *fabric.Link) StationConfig {
	for _, name := range [...]string{l.Name, l.From().Name, l.To().Name} {
		if s, ok := ch.settings[name]; ok {
			return s
		}
	}
	return ch.config.Station
}

// Attach adds a link. The node it leaves from becomes a station if it isn't one.
func (ch *Channel) Attach(l *fabric.Link) {
	st := ch.byNode[l.From()]
	if st == nil {
		st = &station{node: l.From()}
		ch.byNode[l.From()] = st
		ch.stations = append(ch.stations, st)
	}
	f := newFlow(ch, l, ch.settingsOf(l))
	for len(ch.flows) <= l.Index() {
		ch.flows = append(ch.flows, nil)
	}
	ch.flows[l.Index()] = f
	if !ch.config.WMM {
		f.serve(ch.contenderOf(st, BestEffort))
		return
	}
	if _, ok := l.Queue.(classified); !ok {
		f.serve(ch.contenderOf(st, f.category))
		return
	}
	for ac := range categories {
		f.serve(ch.contenderOf(st, ac))
	}
}

// contenderOf returns the station's contender of a category, and makes it if
// need be. A channel keeps them in the order of stations, in each the highest
// category first.
func (ch *Channel) contenderOf(st *station, ac AccessCategory) *contender {
	if c := st.contenders[ac]; c != nil {
		return c
	}
	c := newContender(st, ac, ch.config)
	st.contenders[ac] = c
	ch.contenders = ch.contenders[:0]
	for _, s := range ch.stations {
		for _, a := range byPriority {
			if s.contenders[a] != nil {
				ch.contenders = append(ch.contenders, s.contenders[a])
			}
		}
	}
	return c
}

// Backlogged is called when a link's queue has taken a packet.
func (ch *Channel) Backlogged(now simtime.Time, l *fabric.Link) {
	f := ch.flows[l.Index()]
	for _, s := range f.streams {
		if s != nil && !s.contender.active && s.backlogged() {
			ch.activate(now, s.contender)
		}
	}
}

// Held returns how many of the link's packets wait for an acknowledgement or
// another attempt.
func (ch *Channel) Held(l *fabric.Link) int {
	n := 0
	for _, s := range ch.flows[l.Index()].streams {
		if s != nil {
			n += len(s.window)
		}
	}
	return n
}

// activate lets a contender compete that had nothing to send.
//
// Deviation (IEEE 802.11-2016 §10.3.4.2): DCF may send at once on a channel that
// has been idle for DIFS; here a frame begins at a slot boundary, as with EDCA.
func (ch *Channel) activate(now simtime.Time, c *contender) {
	c.active = true
	busy := ch.sending != nil || now < ch.grid.Add(-ch.config.SIFS)
	if busy {
		if c.backoff == 0 {
			c.draw(ch.random)
		}
	} else {
		c.earliest = ch.slotAt(now)
	}
	if ch.sending == nil {
		ch.await(now)
	}
}

// slotAt returns the number of the first slot boundary at or after a time.
func (ch *Channel) slotAt(t simtime.Time) int64 {
	d := t.Sub(ch.grid)
	if d <= 0 {
		return 0
	}
	return int64((d + ch.config.Slot - 1) / ch.config.Slot)
}

// await sets the timer to the first boundary at which somebody sends.
func (ch *Channel) await(now simtime.Time) {
	first := int64(-1)
	for _, c := range ch.contenders {
		if at := c.boundary(); c.active && (first < 0 || at < first) {
			first = at
		}
	}
	if first < 0 {
		ch.timer.Stop()
		return
	}
	ch.timer.SetIfMoved(max(now, ch.grid.Add(time.Duration(first)*ch.config.Slot)))
}

// due is called at the boundary of a slot in which somebody sends, and at the
// end of the data of an exchange.
func (ch *Channel) due(now simtime.Time) {
	if ch.sending != nil {
		ch.finish(now)
		return
	}
	slot := ch.slotAt(now)
	ch.winners = ch.winners[:0]
	for _, c := range ch.contenders {
		if c.active && c.boundary() <= slot && c.choose(now) {
			ch.winners = append(ch.winners, c)
		}
	}
	if len(ch.winners) == 0 { // what was queued has been dropped by its queue
		ch.await(now)
		return
	}
	for _, c := range ch.contenders {
		c.freeze(slot, ch.config.StrictFreeze)
	}
	ch.settleInternally(now)
	if len(ch.winners) > 1 {
		ch.collide(now)
		return
	}
	c := ch.winners[0]
	c.txopLeft = c.params.TXOPLimit
	ch.send(now, c)
}
