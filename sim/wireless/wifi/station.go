package wifi

import (
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// station is a transmitting node.
type station struct {
	node       *fabric.Node
	contenders [categories]*contender
	stats      StationStats
}

// contender is the backoff entity of one access category of a station.
type contender struct {
	station  *station
	category AccessCategory
	params   CategoryParams
	streams  []*stream
	next     int     // of streams, whose turn it is
	current  *stream // the one chosen for the exchange that is on or to be retried

	active   bool  // has something to send
	window   int   // CW: the counter is drawn from 0 to CW
	backoff  int64 // boundaries to let pass
	earliest int64 // boundary before which the packet wasn't there
	txopLeft time.Duration
}

func newContender(st *station, ac AccessCategory, c Config) *contender {
	p := CategoryParams{AIFSN: 2, CWMin: c.CWMin, CWMax: c.CWMax}
	if c.WMM {
		p = c.Categories[ac]
	}
	return &contender{station: st, category: ac, params: p, window: p.CWMin}
}

// boundary returns at which slot boundary the contender sends.
func (c *contender) boundary() int64 {
	return max(int64(c.params.AIFSN)+c.backoff, c.earliest)
}

// freeze takes the boundaries that have passed off the counter when the channel
// becomes busy at the given one.
func (c *contender) freeze(slot int64, strict bool) {
	passed := slot - int64(c.params.AIFSN)
	if !strict {
		passed++
	}
	c.backoff = max(c.backoff-max(passed, 0), 0)
	c.earliest = 0
}

// draw begins a new backoff. The multiplication's bias is below 2^-50.
func (c *contender) draw(random *rng.Stream) {
	c.backoff = int64(uint64(random.Uint32()) * uint64(c.window+1) >> 32)
}

// failed doubles the window and succeeded resets it; both begin a new backoff.
func (c *contender) failed(random *rng.Stream) {
	c.window = min(2*c.window+1, c.params.CWMax)
	c.draw(random)
}

func (c *contender) succeeded(random *rng.Stream) {
	c.window = c.params.CWMin
	c.draw(random)
}

// choose finds the stream whose turn it is and makes sure that its window holds
// a packet. It reports false, and leaves the contest, if there is none.
func (c *contender) choose(now simtime.Time) bool {
	if s := c.current; s != nil && s.fill(now) {
		return true
	}
	c.current = nil
	for range c.streams {
		s := c.streams[c.next]
		c.next = (c.next + 1) % len(c.streams)
		if s.fill(now) {
			c.current = s
			return true
		}
	}
	c.active = false
	return false
}

// release gives the turn to the next stream once the current one has nothing
// left to retry, and leaves the contest if nobody has anything. A packet that
// was taken and found too long for the last A-MPDU isn't a retry.
func (c *contender) release() {
	if s := c.current; s != nil && (len(s.window) == 0 || s.window[0].tries == 0) {
		c.current = nil
	}
	c.active = c.current != nil
	for _, s := range c.streams {
		c.active = c.active || s.backlogged()
	}
}
