// Package ssrctable keeps the source identifier table of an RTP session: who
// uses which SSRC, and from where. It finds collisions and loops
// (RFC 3550 §8.2).
package ssrctable

import (
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// Policy says which of two colliding third parties is kept (§8.2: "MAY choose a
// different policy to keep new source").
type Policy uint8

// The policies.
const (
	KeepEstablished Policy = iota
	KeepNewcomer
)

// Verdict says what to do with a packet, or with an RTCP packet's part that has
// an SSRC of its own.
type Verdict uint8

// The verdicts. All but Accept discard it. OwnCollision is repeated until the
// SSRC is given up, with a BYE.
const (
	Accept Verdict = iota
	ThirdPartyCollision
	ThirdPartyLoop
	OwnLooped
	OwnCollision
)

// Kind is what an identifier was heard in; the two may come from different
// ports.
type Kind uint8

// The kinds.
const (
	Data Kind = iota
	Control
	kinds
)

// Table is the table of one session at one end.
type Table struct {
	Policy Policy

	entries   map[uint32]*entry
	asked     uint32 // SSRC that was looked up last, as most are again, and what was found
	found     *entry
	conflicts []conflict
	cname     string // of this end
}

// Moved forgets where sources were heard from: all of them have other addresses from now on.
func (t *Table) Moved() {
	for _, e := range t.entries {
		e.from = [kinds]packet.Addr{}
	}
}

type entry struct {
	local  bool
	active bool
	from   [kinds]packet.Addr // zero if nothing of the kind was heard
	cname  string
}

// conflict is an address that sent our own SSRC. Addresses of RTP and RTCP are in one list: they are
// the same where both have one port (RFC 5761), and tell themselves apart where they haven't.
type conflict struct {
	from packet.Addr
	last simtime.Time
}

// New returns the table of an end with the given CNAME.
func New(cname string) *Table { return &Table{entries: map[uint32]*entry{}, cname: cname} }

// entry returns what is known of an SSRC, nil if it isn't used.
func (t *Table) entry(ssrc uint32) *entry {
	if t.found == nil || t.asked != ssrc {
		t.asked, t.found = ssrc, t.entries[ssrc]
	}
	return t.found
}

func (t *Table) enter(ssrc uint32, e *entry) {
	t.entries[ssrc] = e
	t.asked, t.found = ssrc, e
}

// AddLocal enters an SSRC of this end.
func (t *Table) AddLocal(ssrc uint32) { t.enter(ssrc, &entry{local: true, cname: t.cname}) }

// Unused draws an SSRC that nobody is known to use (RFC 3550 §8.1).
func (t *Table) Unused(r *rng.Stream) uint32 {
	for {
		ssrc := r.Uint32()
		if _, used := t.entries[ssrc]; !used {
			return ssrc
		}
	}
}

// Known reports whether somebody uses an SSRC.
func (t *Table) Known(ssrc uint32) bool { return t.entry(ssrc) != nil }

// CNAME returns the CNAME of an SSRC; empty if it isn't known.
func (t *Table) CNAME(ssrc uint32) string {
	if e := t.entry(ssrc); e != nil {
		return e.cname
	}
	return ""
}

// Uses reports whether anybody is known by a CNAME.
func (t *Table) Uses(cname string) bool {
	for _, e := range t.entries {
		if e.cname == cname {
			return true
		}
	}
	return false
}

// Activate notes that somebody else's SSRC sends RTP packets, or RTCP other than SDES and BYE,
// and reports whether that is news. Contributing sources don't.
func (t *Table) Activate(ssrc uint32) bool {
	e := t.entry(ssrc)
	if e == nil || e.local || e.active {
		return false
	}
	e.active = true
	return true
}

// Active reports whether an SSRC was activated.
func (t *Table) Active(ssrc uint32) bool {
	e := t.entry(ssrc)
	return e != nil && e.active
}

// Remove forgets an SSRC after its BYE or its time-out.
func (t *Table) Remove(ssrc uint32) {
	delete(t.entries, ssrc)
	t.found = nil
}

// Heard judges an SSRC or CSRC that came in a packet of a kind from an address.
func (t *Table) Heard(now simtime.Time, k Kind, ssrc uint32, from packet.Addr) Verdict {
	return t.judge(now, k, ssrc, from, "")
}

// Described judges the chunk of an SDES packet, of which only a CNAME tells a
// collision from a loop where all packets come from one translator.
func (t *Table) Described(now simtime.Time, ssrc uint32, from packet.Addr, cname string) Verdict {
	v := t.judge(now, Control, ssrc, from, cname)
	if v == Accept {
		t.entry(ssrc).cname = cname
	}
	return v
}

// judge is the algorithm of §8.2. cname is empty outside of SDES.
func (t *Table) judge(now simtime.Time, k Kind, ssrc uint32, from packet.Addr, cname string) Verdict {
	e := t.entry(ssrc)
	switch {
	case e == nil:
		e = &entry{cname: cname}
		e.from[k] = from
		t.enter(ssrc, e)
		return Accept
	case e.local:
		return t.own(now, from, cname)
	case e.from[k] == packet.Addr{}:
		e.from[k] = from
	}
	other := cname != "" && e.cname != "" && cname != e.cname
	if e.from[k] == from && !other {
		return Accept
	}
	if t.Policy == KeepNewcomer {
		e.from[k] = from
		return Accept
	}
	if other {
		return ThirdPartyCollision
	}
	return ThirdPartyLoop
}

// own judges a packet with an SSRC of this end.
func (t *Table) own(now simtime.Time, from packet.Addr, cname string) Verdict {
	for i := range t.conflicts {
		if c := &t.conflicts[i]; c.from == from {
			c.last = now
			if cname == "" || cname == t.cname {
				return OwnLooped
			}
			return ThirdPartyCollision
		}
	}
	return OwnCollision
}

// GiveUp makes an SSRC of this end that of whoever else uses it, and remembers
// the address: what comes from there with the next SSRC is our own, looped.
func (t *Table) GiveUp(now simtime.Time, ssrc uint32, k Kind, from packet.Addr) {
	t.conflicts = append(t.conflicts, conflict{from: from, last: now})
	e := &entry{}
	e.from[k] = from
	t.enter(ssrc, e)
}

// Expire forgets conflicting addresses from which nothing conflicting came for
// ten RTCP intervals.
func (t *Table) Expire(now simtime.Time, interval time.Duration) {
	kept := t.conflicts[:0]
	for _, c := range t.conflicts {
		if now.Sub(c.last) < 10*interval {
			kept = append(kept, c)
		}
	}
	t.conflicts = kept
}
