package playout_test

import (
	"math"
	"testing"
	"time"

	"rtpfabric/endpoints/playout"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// Timestamps wrap after 13 hours at 90 kHz, and start anywhere.
func TestTimestampWraps(t *testing.T) {
	for _, start := range []uint32{0, math.MaxUint32, math.MaxUint32 - 3600*20, 1 << 31, 1<<31 - 3600*20} {
		r := newReceiver(t)
		r.ts0 = start
		for n := range 40 {
			switch n {
			case 19, 20, 21:
				r.frame(n, time.Duration(22-n)*30*time.Millisecond) // reordered across the wrap
			default:
				r.frame(n, 0)
			}
		}
		r.run(time.Second)
		if len(r.results) != 40 {
			t.Fatalf("start %d: %d results", start, len(r.results))
		}
		for i, x := range r.results {
			if x.Outcome != playout.Rendered || x.Delay > complete+90*time.Millisecond {
				t.Errorf("start %d, result %d: %+v", start, i, x)
			}
		}
	}
}

// Extended sequence numbers go on where 16 bits wrap.
func TestSequenceWraps(t *testing.T) {
	r := newReceiver(t)
	r.seq0 = 1<<17 - 10
	for n := range 20 {
		r.frame(n, 0)
	}
	r.run(time.Second)
	r.want("rrrrrrrrrrrrrrrrrrrr")
}

// Garbage doesn't pile up: what waits is given up in time.
func TestMemoryIsBounded(t *testing.T) {
	random := rng.New(1).Stream("garbage")
	b := playout.NewBuffer(playout.Config{Clock: 90000, Delay: wait})
	now := simtime.Time(0)
	in, out := 0, 0
	for i := range 50000 {
		now = now.Add(time.Millisecond)
		for n := 0; b.NextTimeout() <= now; n++ {
			if n > 10 {
				t.Fatal("the deadline stays in the past")
			}
			b.HandleTimeout(now)
		}
		in++
		b.Insert(now, playout.Packet{
			Seq: uint64(100000+i) + random.Uint64()%50, Timestamp: uint32(90*i) + random.Uint32()%9000,
			First: random.Bool(0.3), Last: random.Bool(0.3), Size: 100, Captured: now,
		})
		for _, ok := b.Poll(); ok; _, ok = b.Poll() {
			out++
		}
	}
	// A packet a millisecond, done with after 0.1 s of waiting, 0.1 s of
	// confusion about timestamps and 1 s of grace.
	if in-out > 2500 {
		t.Errorf("%d packets in, %d results: too many are kept", in, out)
	}
	for n := 0; b.NextTimeout() != simtime.Never; n++ {
		if n > 5000 {
			t.Fatal("no end")
		}
		now = max(now, b.NextTimeout())
		b.HandleTimeout(now)
		for _, ok := b.Poll(); ok; _, ok = b.Poll() {
			out++
		}
	}
	if out == 0 || out > in {
		t.Errorf("%d packets in, %d results", in, out)
	}
}

// Wild timestamps don't keep frames for ever either.
func TestWildTimestamps(t *testing.T) {
	random := rng.New(2).Stream("garbage")
	b := playout.NewBuffer(playout.Config{Clock: 90000, Delay: wait})
	now := simtime.Time(0)
	in, out := 0, 0
	for i := range 3000 {
		now = now.Add(time.Millisecond)
		if b.NextTimeout() <= now {
			b.HandleTimeout(now)
		}
		in++
		b.Insert(now, playout.Packet{Seq: uint64(100000 + i), Timestamp: random.Uint32(), First: true, Last: true, Size: 100, Captured: now})
		for _, ok := b.Poll(); ok; _, ok = b.Poll() {
			out++
		}
	}
	if out > in || out < in/4 {
		t.Errorf("%d packets in, %d results", in, out)
	}
}
