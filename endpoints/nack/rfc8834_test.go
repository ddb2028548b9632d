package nack_test

import (
	"slices"
	"testing"
	"time"

	"rtpfabric/endpoints/nack"
	"rtpfabric/sim/simtime"
)

// lose makes a gap of the given importance before a packet.
func (r receiver) lose(now simtime.Time, next uint64, level nack.Importance) {
	r.Arrived(now, nack.Arrival{Seq: next, Needed: simtime.Never, Lost: level})
}

// §6.1: the importance of a packet decides how often it is asked for, and whether
// its loss needs a refresh point.
//
// conformance: ROB-6.1-3
func TestImportance(t *testing.T) {
	for _, c := range []struct {
		level    nack.Importance
		requests int
		refresh  bool
	}{{nack.Discardable, 0, false}, {nack.Discardable, 1, false}, {nack.Base, 2, true}, {nack.Key, 4, true}} {
		r := newReceiver(t, func(config *nack.Config) {
			config.Tries = [nack.Levels]int{9, 9, 9}
			config.Tries[c.level] = c.requests
		})
		r.get(ms(0), 1)
		r.lose(ms(1), 3, c.level)
		requests := 0
		for now := ms(1); now < ms(2000); now = r.NextTimeout() {
			r.HandleTimeout(now)
			requests += len(r.Append(now, nil, 10))
		}
		if requests != c.requests || r.RefreshWanted() != c.refresh {
			t.Errorf("level %d: %d requests, refresh %v", c.level, requests, r.RefreshWanted())
		}
		reason := nack.Exhausted
		if c.requests == 0 {
			reason = nack.Unimportant
		}
		if n := r.Counters().Abandoned[reason]; n != 1 || r.Missing() != 0 {
			t.Errorf("level %d: %d given up, %d missing", c.level, n, r.Missing())
		}
	}
	// A receiver that asks for nothing wants refresh points.
	r := newReceiver(t, func(c *nack.Config) { c.Tries = [nack.Levels]int{} })
	r.get(ms(0), 1, 3)
	if !r.RefreshWanted() || r.Pending() {
		t.Error("no refresh point is wanted")
	}
}

// §6.1: RTCP has little room: the most important packets are asked for first, of
// equal ones the oldest.
//
// conformance: ROB-6.1-3
func TestImportantOnesFirst(t *testing.T) {
	r := newReceiver(t, nil)
	r.get(ms(0), 1)
	r.lose(ms(1), 4, nack.Discardable) // 2, 3
	r.lose(ms(1), 7, nack.Base)        // 5, 6
	r.lose(ms(1), 10, nack.Key)        // 8, 9
	for _, want := range [][]uint64{{8, 9}, {5}, {2, 3, 6}} {
		if got := r.Append(ms(2), nil, len(want)); !slices.Equal(got, want) {
			t.Errorf("%v are asked for, want %v", got, want)
		}
	}
	if r.Pending() {
		t.Error("something is left")
	}
	before := []uint64{77}
	if got := r.Append(ms(100), before, 1); !slices.Equal(got, []uint64{77, 8}) {
		t.Errorf("%v", got)
	}
	if got := r.Append(ms(100), nil, 0); len(got) != 0 || !r.Pending() {
		t.Errorf("%v without room", got)
	}
}

// Too many losses are repaired by a refresh point.
func TestOverflow(t *testing.T) {
	r := newReceiver(t, func(c *nack.Config) { c.MaxMissing = 10 })
	r.get(ms(0), 1, 8)
	if r.Missing() != 6 || r.RefreshWanted() {
		t.Errorf("%d missing", r.Missing())
	}
	r.get(ms(1), 13) // four more
	if r.Missing() != 10 || r.RefreshWanted() {
		t.Errorf("%d missing", r.Missing())
	}
	r.get(ms(2), 15) // and one
	if r.Missing() != 0 || !r.RefreshWanted() || r.Pending() {
		t.Errorf("%d missing", r.Missing())
	}
	if c := r.Counters(); c.Abandoned[nack.Overflow] != 11 || c.Missing != 11 || c.Refreshes != 1 {
		t.Errorf("%+v", c)
	}
	r.get(ms(3), 17)
	r.wantAsked(ms(3), 16)
	r.get(ms(4), 1<<40) // a stream that jumps
	if r.Missing() != 0 {
		t.Errorf("%d missing", r.Missing())
	}
}

// A refresh point makes everything before it superfluous.
func TestRefreshPoint(t *testing.T) {
	r := newReceiver(t, func(c *nack.Config) { c.Tries[nack.Base] = 1 })
	r.get(ms(0), 1, 3)
	r.wantAsked(ms(0), 2)
	r.HandleTimeout(ms(90))
	r.get(ms(100), 5, 7, 9)
	if c := r.Counters(); !r.RefreshWanted() || c.Refreshes != 1 {
		t.Errorf("%+v", c)
	}
	r.OnRefreshPoint(2) // which lacks a packet
	if !r.RefreshWanted() || r.Gone() != 2 {
		t.Errorf("no refresh wanted behind %d", r.Gone())
	}
	r.OnRefreshPoint(6)
	if r.RefreshWanted() || r.Missing() != 2 {
		t.Errorf("%d missing", r.Missing())
	}
	if n := r.Counters().Abandoned[nack.Superseded]; n != 1 {
		t.Errorf("%d given up", n)
	}
	r.wantAsked(ms(100), 6, 8)
	r.HandleTimeout(ms(300))
	if c := r.Counters(); !r.RefreshWanted() || c.Refreshes != 2 {
		t.Errorf("%+v", c)
	}
}

// In the steady state nothing is allocated.
func BenchmarkGenerator(b *testing.B) {
	g := nack.NewGenerator(nack.DefaultConfig())
	seq, now := uint64(1<<16), ms(0)
	asked := make([]uint64, 0, 100)
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Millisecond)
		seq += 1 + seq%20/19 // one of twenty is lost
		g.Arrived(now, nack.Arrival{Seq: seq, Needed: now.Add(200 * time.Millisecond), Lost: nack.Base})
		if g.Pending() {
			asked = g.Append(now, asked[:0], 100)
		}
		g.NextTimeout()
	}
}
