package measure

import (
	"rtpfabric/endpoints/wire"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

// nodes is the entity of what happens at a node of the network and not on a link.
const nodes = "nodes"

// causes counts dropped packets by the reason, each from the first one on.
type causes [fabric.DropReasons]*total

func (c *causes) add(b *book, now simtime.Time, entity string, why fabric.DropReason) {
	if c[why] == nil {
		c[why] = b.count(entity, record.DropsPrefix+why.String())
	}
	c[why].add(now, 1)
}

// messages counts the RTCP messages that an endpoint sends, by their kind, each from the first one on.
type messages struct {
	seen   wire.Census
	counts [wire.Kinds]*total
}

// count notes what has been sent up to a time, given the totals.
func (m *messages) count(b *book, now simtime.Time, entity string, sent *wire.Census) {
	if *sent == m.seen {
		return
	}
	for k, n := range sent {
		if n == m.seen[k] {
			continue
		}
		if m.counts[k] == nil {
			m.counts[k] = b.count(entity, record.RTCPPrefix+wire.Kind(k).String())
		}
		m.counts[k].add(now, float64(n-m.seen[k]))
	}
	m.seen = *sent
}
