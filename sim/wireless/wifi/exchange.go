package wifi

import (
	"time"

	"rtpfabric/sim/simtime"
)

// settleInternally leaves of each station only the winner of its highest access
// category; the others behave as if their frame had collided
// (IEEE 802.11-2016 §10.22.2.4). Winners come in the order of contenders, which
// is that of stations and in each the highest category first.
func (ch *Channel) settleInternally(now simtime.Time) {
	kept := ch.winners[:1]
	for _, c := range ch.winners[1:] {
		if kept[len(kept)-1].station != c.station {
			kept = append(kept, c)
			continue
		}
		c.station.stats.InternalCollisions++
		c.current.window[0].onAir = true
		ch.unanswered(now, c)
		c.release()
	}
	ch.winners = kept
}

// send puts the contender's next frame on the air.
func (ch *Channel) send(now simtime.Time, c *contender) {
	s := c.current
	s.assemble(now, c.txopLeft, true)
	ch.launch(now, c)
}

// launch starts the exchange of an assembled frame.
func (ch *Channel) launch(now simtime.Time, c *contender) {
	s := c.current
	length := s.length(s.sent, s.frames, s.data)
	response := s.response(s.frames)
	c.txopLeft -= length
	ch.count(c)
	c.station.stats.Airtime += length
	s.flow.airtime += length
	ch.stats.Busy += length
	ch.stats.Exchanges++
	ch.sending = c
	end := now.Add(length)
	ch.grid = end.Add(ch.config.SIFS)
	ch.timer.Set(end.Add(-response))
}

// count notes an attempt.
func (ch *Channel) count(c *contender) {
	st := &c.station.stats
	st.Attempts++
	for i := range c.current.window {
		if m := &c.current.window[i]; m.onAir {
			st.Frames++
			if m.tries > 0 {
				st.Retries++
			}
		}
	}
}

// collide lets all winners send at once, in vain. Packets that reach the retry
// limit are given up when the collision begins.
//
// Deviation (IEEE 802.11-2016 §10.3.2.9): the acknowledgement's timeout of those
// that collided ends with the others' EIFS, or with the collision if there is
// none.
func (ch *Channel) collide(now simtime.Time) {
	var longest time.Duration
	for _, c := range ch.winners {
		s := c.current
		s.assemble(now, c.params.TXOPLimit, true)
		d := s.data
		if s.usesRTS(s.sent) {
			d = s.flow.rts
		}
		longest = max(longest, d)
		ch.count(c)
		c.station.stats.Collisions++
		c.station.stats.Airtime += d
		s.flow.airtime += d
	}
	for _, c := range ch.winners {
		ch.unanswered(now, c)
		c.release()
	}
	ch.stats.Collisions++
	ch.stats.Busy += longest
	ch.stats.Collided += longest
	ch.grid = now.Add(longest + ch.config.Propagation + ch.afterCollision + ch.config.SIFS)
	ch.await(now)
}

// unanswered is what happens when no acknowledgement comes: a larger window, or
// the smallest one again when the packet is given up. What had come behind that
// packet then is in order.
func (ch *Channel) unanswered(now simtime.Time, c *contender) {
	if c.current.lose(now) {
		c.current.deliver(now)
		c.succeeded(ch.random)
		return
	}
	c.failed(ch.random)
}

// finish is the end of an exchange's data.
func (ch *Channel) finish(now simtime.Time) {
	c := ch.sending
	s := c.current
	answered := false
	for i := range s.window {
		m := &s.window[i]
		if !m.onAir {
			continue
		}
		if s.flow.per > 0 && ch.random.Bool(s.flow.per) {
			c.station.stats.FrameErrors++
			continue
		}
		m.onAir, m.acked = false, true
		m.share = s.data / time.Duration(s.frames)
		answered = true
	}
	if answered {
		s.lose(now)
		c.succeeded(ch.random)
	} else {
		ch.unanswered(now, c)
	}
	s.deliver(now)
	c.release()
	if answered && c.active && c.params.TXOPLimit > 0 && ch.another(now, c) {
		return
	}
	ch.sending = nil
	ch.await(now)
}

// another continues a TXOP with one more exchange, if it fits.
//
// Deviation (IEEE 802.11-2016 §10.22.2.7): a failed exchange ends the TXOP.
func (ch *Channel) another(now simtime.Time, c *contender) bool {
	left := c.txopLeft - ch.config.SIFS
	if left <= 0 || !c.choose(now) || !c.current.assemble(now, left, false) {
		return false
	}
	c.txopLeft = left
	ch.launch(ch.grid, c)
	return true
}
