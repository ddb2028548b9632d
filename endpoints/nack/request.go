package nack

import (
	"slices"
	"time"

	"rtpfabric/sim/simtime"
)

// HandleTimeout moves missing packets on. An early call does no harm.
func (g *Generator) HandleTimeout(now simtime.Time) {
	if len(g.list) == 0 {
		return
	}
	g.order.age(now)
	packets := g.allowance().packets
	kept := g.list[:0]
	for _, m := range g.list {
		if r, gone := g.advance(now, &m, packets); gone {
			g.abandon(m, r)
			continue
		}
		kept = append(kept, m)
	}
	g.list = kept
}

// advance is the transition function of a missing packet, which may be late by so
// many packets.
func (g *Generator) advance(now simtime.Time, m *missing, packets uint64) (why Reason, gone bool) {
	if m.deadline() <= now {
		return TooLate, true
	}
	switch m.stage {
	case reordered:
		if m.next > now && g.highest-m.seq <= packets {
			return 0, false
		}
	case asked:
		if m.next > now {
			return 0, false
		}
		if m.tries >= g.config.Tries[m.importance] {
			return Exhausted, true
		}
	case due, hopeless:
	}
	if now.Add(g.rtt) > m.deadline() {
		m.stage = hopeless
		// An answer to an earlier request may come yet, or FEC help.
		return TooLate, m.tries == 0 && !g.await
	}
	m.stage = due
	return 0, false
}

func (g *Generator) abandon(m missing, r Reason) {
	g.counts.Abandoned[r]++
	if m.importance > Discardable {
		g.wantRefresh(m.seq)
	}
}

// NextTimeout returns when [Generator.HandleTimeout] has something to do.
func (g *Generator) NextTimeout() simtime.Time {
	next := simtime.Never
	for i := range g.list {
		m := &g.list[i]
		next = min(next, m.deadline())
		if m.stage == reordered || m.stage == asked {
			next = min(next, m.next)
		}
	}
	return next
}

// Pending reports whether there is something to ask for.
func (g *Generator) Pending() bool {
	return slices.ContainsFunc(g.list, func(m missing) bool { return m.stage == due })
}

// Append appends the numbers that the NACK which is sent now asks for to dst, in
// rising order; not more than limit of them, the most important first. The rest
// stays pending.
func (g *Generator) Append(now simtime.Time, dst []uint64, limit int) []uint64 {
	g.HandleTimeout(now)
	first := len(dst)
	for level := Key; len(dst)-first < limit; level-- {
		for i := range g.list {
			m := &g.list[i]
			if m.stage != due || m.importance != level || len(dst)-first >= limit {
				continue
			}
			dst = append(dst, m.seq)
			g.ask(now, m)
		}
		if level == Discardable {
			break
		}
	}
	slices.Sort(dst[first:])
	return dst
}

func (g *Generator) ask(now simtime.Time, m *missing) {
	if m.tries == 0 {
		g.counts.Requested++
	} else {
		g.counts.Repeated++
	}
	m.tries++
	m.stage = asked
	m.next = now.Add(g.patience())
}

// patience is how long an answer may take: the round trip (RFC 4588 §6.3) and
// something for its variation, so that the sender isn't asked again within what
// it takes for the round trip.
func (g *Generator) patience() time.Duration { return g.rtt + max(g.rtt/8, time.Millisecond) }
