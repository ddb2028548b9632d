package nack

import (
	"slices"
	"time"

	"rtpfabric/sim/simtime"
)

// retention is T_retention: how long requests of others are remembered, at least
// (RFC 4585 §3.4).
const retention = 2 * time.Second

// heard is a request that somebody else has made.
type heard struct {
	seq uint64
	at  simtime.Time
}

// Asked tells that another receiver has asked for a packet, whether it is known to
// be missing here or not. A request of our own for it is dropped (RFC 4585 §3.5.2
// step 5), until an answer to the other one should have come. Of a NACK that asks
// for some of what is missing the rest is still asked for (step 5b).
func (g *Generator) Asked(now simtime.Time, seq uint64) {
	g.heard = slices.DeleteFunc(g.heard, func(h heard) bool { return h.at.Add(retention) < now })
	g.heard = append(g.heard, heard{seq, now})
	for i := range g.list {
		if m := &g.list[i]; m.seq == seq {
			g.suppress(now, m)
		}
	}
}

// suppressKnown drops requests for packets that turn out to be missing now and that
// others have asked for already.
func (g *Generator) suppressKnown(now simtime.Time) {
	for i := range g.list {
		m := &g.list[i]
		if m.seen == now && slices.ContainsFunc(g.heard, func(h heard) bool { return h.seq == m.seq && now <= h.at.Add(retention) }) {
			g.suppress(now, m)
		}
	}
}

// suppress makes a packet one that was asked for, unless an answer is awaited
// anyway or would come too late.
func (g *Generator) suppress(now simtime.Time, m *missing) {
	if m.stage != reordered && m.stage != due {
		return
	}
	g.counts.Suppressed++
	m.tries++
	m.stage = asked
	m.next = now.Add(g.patience())
}
