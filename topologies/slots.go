package topologies

import (
	"slices"

	"rtpfabric/endpoints"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// slots are the streams of a kind that a switching mixer has of its own on a leg.
type slots struct {
	receiver string
	kind     endpoints.Kind
	list     []*slot
}

// slot is one of them, what goes through it now, and what did before; nil if nothing does.
type slot struct {
	leg           *projected
	shows, showed *projection
}

// change lets something else go through, or nothing; of what did before only what comes late.
func (at *slot) change(to *projection) {
	without := func(list []*projected) []*projected {
		return slices.DeleteFunc(list, func(l *projected) bool { return l == at.leg })
	}
	if was := at.shows; was != nil {
		if at.showed != nil {
			at.showed.past = without(at.showed.past)
		}
		was.legs, was.past = without(was.legs), append(was.past, at.leg)
		was.joined()
		at.showed = was
	}
	if at.shows = to; to != nil {
		to.legs, to.past = append(to.legs, at.leg), without(to.past)
		to.joined()
	}
}

// addSlot makes a stream of the mixer's own one that media can go through.
func (m *sfm) addSlot(leg *projected, c *SFMConfig) {
	passage := leg.to.Passage()
	passage.Mixes, passage.Nameless = true, c.NoCSRC
	at := &slot{leg: leg}
	passage.Wanted = func(now simtime.Time, r units.BitRate) {
		if leg.wanted = r; at.shows != nil {
			at.shows.learns(leg, r)
			at.shows.settle(now)
		}
	}
	i := slices.IndexFunc(m.slots, func(s *slots) bool { return s.receiver == leg.receiver && s.kind == leg.to.Kind() })
	if i < 0 {
		i = len(m.slots)
		m.slots = append(m.slots, &slots{receiver: leg.receiver, kind: leg.to.Kind()})
	}
	m.slots[i].list = append(m.slots[i].list, at)
}

// assign gives slots to the latest speakers, of those who send such media: who has one keeps
// it.
func (m *sfm) assign(s *slots, speakers []string) {
	var wanted []*projection
	for _, name := range shown(speakers, m.lastN, s.receiver) {
		wanted = append(wanted, m.source(name, s.kind))
	}
	var free []*slot
	for _, at := range s.list {
		if i := slices.Index(wanted, at.shows); i >= 0 && at.shows != nil {
			wanted = slices.Delete(wanted, i, i+1)
			continue
		}
		at.change(nil)
		at.leg.to.Passage().Switch(false)
		free = append(free, at)
	}
	for i, at := range free {
		if i == len(wanted) {
			return
		}
		at.change(wanted[i])
		passage := at.leg.to.Passage()
		passage.Follow(at.shows.from, at.shows.cname)
		passage.Switch(true)
	}
}
