package middlebox

import (
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// maxFlows bounds a firewall's memory. When it is full, the flow that was quiet
// for longest makes room.
const maxFlows = 65536

// flowKey is a 5-tuple, seen from inside.
type flowKey struct {
	inside, outside packet.Addr
	protocol        packet.Protocol
}

type flow struct {
	flowKey
	alive        simtime.Time
	older, newer *flow
}

// flowTable remembers flows; its list is ordered by their last packets. The zero
// value remembers nothing.
type flowTable struct {
	timeout    time.Duration
	byKey      map[flowKey]*flow
	head, tail *flow // quiet for longest, for shortest
}

func (t *flowTable) expire(now simtime.Time) {
	for t.head != nil && now.Sub(t.head.alive) >= t.timeout {
		t.remove(t.head)
	}
}

// renew notes a packet of a flow; f is nil if the flow is new.
func (t *flowTable) renew(now simtime.Time, key flowKey, f *flow) {
	switch f {
	case nil:
		if len(t.byKey) == maxFlows {
			t.remove(t.head)
		}
		f = &flow{flowKey: key}
		t.byKey[key] = f
	case t.tail:
		f.alive = now
		return
	default:
		t.unlink(f)
	}
	f.alive = now
	f.older, f.newer = t.tail, nil
	if t.tail == nil {
		t.head = f
	} else {
		t.tail.newer = f
	}
	t.tail = f
}

func (t *flowTable) remove(f *flow) {
	t.unlink(f)
	delete(t.byKey, f.flowKey)
}

func (t *flowTable) unlink(f *flow) {
	if f.older == nil {
		t.head = f.newer
	} else {
		f.older.newer = f.newer
	}
	if f.newer == nil {
		t.tail = f.older
	} else {
		f.newer.older = f.older
	}
}
