package cellular

import "rtpfabric/sim/simtime"

// settle finds out what became of the blocks of the TTI before. A lost one is
// due again HARQDelay after it was sent.
func (c *Cell) settle(now simtime.Time) {
	for _, s := range c.ended {
		if c.config.BLER > 0 && c.errors.Bool(c.config.BLER) {
			s.user.stats.BlockErrors++
			c.repeats.push(s, c.last.Add(c.config.HARQDelay))
			continue
		}
		s.user.arrived(now, s.number)
	}
	c.ended = c.ended[:0]
}

// repeat sends what is due again, before anything new, as long as resource
// blocks last, and returns how many are left. What was sent by a user that is in
// a handover waits for its end.
func (c *Cell) repeat(now simtime.Time, free int) int {
	for c.repeats.due() <= now {
		s := c.repeats.first()
		if at := s.user.serviceFrom(now); at > now {
			c.repeats.postpone(at)
			continue
		}
		if s.blocks > free {
			break
		}
		free -= s.blocks
		c.repeats.drop()
		s.user.stats.Blocks += uint64(s.blocks)
		c.ended = append(c.ended, s)
	}
	return free
}

// retransmission is the lost blocks, in the order in which they are due.
type retransmission struct {
	list []repeat
	head int
}

type repeat struct {
	sent
	at simtime.Time
}

// push inserts a block by the time when it is due, behind those of that time.
func (r *retransmission) push(s sent, at simtime.Time) {
	if r.head > 0 && len(r.list) == cap(r.list) {
		n := copy(r.list, r.list[r.head:])
		r.list, r.head = r.list[:n], 0
	}
	r.list = append(r.list, repeat{s, at})
	for i := len(r.list) - 1; i > r.head && r.list[i-1].at > at; i-- {
		r.list[i], r.list[i-1] = r.list[i-1], r.list[i]
	}
}

func (r *retransmission) first() sent { return r.list[r.head].sent }

func (r *retransmission) due() simtime.Time {
	if r.head == len(r.list) {
		return simtime.Never
	}
	return r.list[r.head].at
}

func (r *retransmission) drop() {
	r.head++
	if r.head == len(r.list) {
		r.list, r.head = r.list[:0], 0
	}
}

// postpone makes the first one due at a later time.
func (r *retransmission) postpone(at simtime.Time) {
	s := r.first()
	r.drop()
	r.push(s, at)
}
