package pacer_test

import (
	"slices"
	"testing"
	"time"

	"rtpfabric/endpoints/pacer"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

func newPacket(pool *packet.Pool, n int, id uint64) *packet.Packet {
	p := pool.New()
	p.SetPayload(n)
	p.ID = id
	return p
}

// drain pops what may go now and checks that Next then lies ahead.
func drain(t *testing.T, p *pacer.Pacer, now simtime.Time) (out []*packet.Packet) {
	t.Helper()
	for q := p.Pop(now); q != nil; q = p.Pop(now) {
		out = append(out, q)
	}
	if at := p.Next(); at <= now {
		t.Fatalf("Pop at %v has nothing, and Next is %v", now, at)
	}
	return out
}

// Packets leave one after another, each as long after the last as that took at
// the rate, in order.
func TestRateIsKept(t *testing.T) {
	var pool packet.Pool
	var p pacer.Pacer
	p.SetRate(1 * units.Mbps)
	start := simtime.At(time.Second)
	for i := range 100 {
		p.Push(newPacket(&pool, 972+i, uint64(i)), pacer.Normal) // 1000 B and more on the wire
	}
	if p.Len() != 100 || p.Backlog() != 100*1000+99*50 {
		t.Fatalf("%d packets, %v", p.Len(), p.Backlog())
	}
	if want := (1 * units.Mbps).TimeToSend(p.Backlog()); p.Delay() != want {
		t.Errorf("delay %v, want %v", p.Delay(), want)
	}
	now, want := start, start
	for i := range 100 {
		out := drain(t, &p, now)
		if len(out) != 1 || out[0].ID != uint64(i) {
			t.Fatalf("%d packets at %v", len(out), now)
		}
		if now != want {
			t.Fatalf("packet %d leaves at %v, want %v", i, now, want)
		}
		want = want.Add(time.Duration(8000*(1000+i)) * time.Nanosecond)
		now = p.Next()
	}
	if now != simtime.Never || p.Len() != 0 || p.Backlog() != 0 {
		t.Errorf("empty, and Next is %v", now)
	}
}

// Idle time isn't saved up for a burst.
func TestNoBurstAfterIdleTime(t *testing.T) {
	var pool packet.Pool
	var p pacer.Pacer
	p.SetRate(1 * units.Mbps)
	p.Push(newPacket(&pool, 972, 0), pacer.Normal)
	drain(t, &p, 0)
	now := simtime.At(10 * time.Second)
	for i := range 10 {
		p.Push(newPacket(&pool, 972, uint64(i)), pacer.Normal)
	}
	if n := len(drain(t, &p, now)); n != 1 {
		t.Errorf("%d packets at once after a pause", n)
	}
	// A packet alone doesn't wait.
	var q pacer.Pacer
	q.SetRate(1)
	q.Push(newPacket(&pool, 972, 0), pacer.Normal)
	if n := len(drain(t, &q, now)); n != 1 {
		t.Error("the first packet waits")
	}
}

// Urgent packets overtake and aren't held; their time is made up for.
func TestUrgentFirst(t *testing.T) {
	var pool packet.Pool
	var p pacer.Pacer
	p.SetRate(1 * units.Mbps)
	for i := range 5 {
		p.Push(newPacket(&pool, 972, uint64(i)), pacer.Normal)
	}
	drain(t, &p, 0)
	now := simtime.At(time.Millisecond) // before the next may go, at 8 ms
	p.Push(newPacket(&pool, 472, 100), pacer.Urgent)
	p.Push(newPacket(&pool, 472, 101), pacer.Urgent)
	if at := p.Next(); at > now {
		t.Errorf("an urgent packet waits until %v", at)
	}
	out := drain(t, &p, now)
	if len(out) != 2 || out[0].ID != 100 || out[1].ID != 101 {
		t.Fatalf("%d packets", len(out))
	}
	if want := simtime.At(16 * time.Millisecond); p.Next() != want { // 8 ms + 2·4 ms
		t.Errorf("the next normal packet goes at %v, want %v", p.Next(), want)
	}
	if out := drain(t, &p, p.Next()); len(out) != 1 || out[0].ID != 1 {
		t.Error("normal packets don't go on in order")
	}
}

// Rate 0 stops everything but urgent packets; a rate lets it go on.
func TestRateZero(t *testing.T) {
	var pool packet.Pool
	var p pacer.Pacer
	p.Push(newPacket(&pool, 972, 0), pacer.Normal)
	if out := drain(t, &p, simtime.At(time.Second)); len(out) != 0 || p.Next() != simtime.Never || p.Delay() != 0 {
		t.Errorf("%d packets at rate 0, next %v", len(out), p.Next())
	}
	p.Push(newPacket(&pool, 972, 1), pacer.Urgent)
	if out := drain(t, &p, simtime.At(time.Second)); len(out) != 1 || out[0].ID != 1 {
		t.Error("urgent packets wait at rate 0")
	}
	p.SetRate(1 * units.Mbps)
	if p.Rate() != 1*units.Mbps {
		t.Errorf("rate %v", p.Rate())
	}
	if out := drain(t, &p, simtime.At(2*time.Second)); len(out) != 1 {
		t.Error("normal packets wait after the rate came back")
	}
}

// Whatever happens, normal packets don't exceed the rate over any stretch of
// time, Next is honest, and nothing gets lost.
func TestRandomLoad(t *testing.T) {
	for seed := range uint64(20) {
		r := rng.New(seed).Stream("load")
		var pool packet.Pool
		var p pacer.Pacer
		rate := units.BitRate(r.Uniform(1e5, 5e6))
		p.SetRate(rate)
		now := simtime.Time(0)
		type departure struct {
			at   simtime.Time
			size units.Bytes
		}
		var out []departure
		pushed := 0
		for range 2000 {
			if r.Bool(0.5) {
				p.Push(newPacket(&pool, int(r.Uniform(50, 1200)), 0), pick(r))
				pushed++
			}
			for _, q := range drain(t, &p, now) {
				out = append(out, departure{now, q.Size})
				pool.Release(q)
			}
			step := now.Add(time.Duration(r.Uniform(0, 5e6)))
			if at := p.Next(); at < step {
				step = at
			}
			now = step
		}
		if pushed != len(out)+p.Len() || pool.Outstanding() != p.Len() {
			t.Fatalf("%d pushed, %d out, %d left", pushed, len(out), p.Len())
		}
		// Over a busy stretch at most the rate, one packet and the urgent
		// ones more (these are a tenth).
		for i := 0; i < len(out); i += 37 {
			bytes := units.Bytes(0)
			for _, d := range out[i:] {
				bytes += d.size
				if allowed := float64(rate)/8*d.at.Sub(out[i].at).Seconds() + 12*1228; float64(bytes) > allowed {
					t.Fatalf("seed %d: %v in %v at %v", seed, bytes, d.at.Sub(out[i].at), rate)
				}
			}
		}
	}
}

// pick returns a class, mostly the normal one.
func pick(r *rng.Stream) pacer.Class {
	switch x := r.Float64(); {
	case x < 0.1:
		return pacer.Urgent
	case x < 0.2:
		return pacer.Repair
	}
	return pacer.Normal
}

// Repairs go before new packets, at the same pace.
func TestRepairsGoFirst(t *testing.T) {
	var p pacer.Pacer
	var pool packet.Pool
	p.SetRate(8 * units.Mbps) // 1000 B take 1 ms
	for i := range 3 {
		p.Push(newPacket(&pool, 972, uint64(i)), pacer.Normal)
	}
	first := p.Pop(0)
	p.Push(newPacket(&pool, 972, 100), pacer.Repair)
	if q := p.Pop(0); q != nil {
		t.Error("a repair doesn't wait for the pace")
	}
	at := simtime.At(time.Millisecond)
	if p.Next() != at {
		t.Fatalf("next at %v, want %v", p.Next(), at)
	}
	second := p.Pop(at)
	if first == nil || second == nil || first.ID != 0 || second.ID != 100 {
		t.Errorf("got %v and then %v, want packets 0 and 100", first, second)
	}
	if p.Len() != 2 || p.Backlog() != 2000 {
		t.Errorf("%d packets of %v wait", p.Len(), p.Backlog())
	}
}

// Drop takes what it is shown, of any class, and leaves the rest in order.
func TestDrop(t *testing.T) {
	var pool packet.Pool
	var p pacer.Pacer
	for i := range uint64(9) {
		p.Push(newPacket(&pool, 972, i), pacer.Class(i/3))
	}
	p.Drop(func(q *packet.Packet) bool {
		odd := q.ID%2 == 1
		if odd {
			pool.Release(q)
		}
		return odd
	})
	p.SetRate(units.Mbps)
	var left []uint64
	for now := simtime.Time(0); p.Len() > 0; now = p.Next() {
		for q := p.Pop(now); q != nil; q = p.Pop(now) {
			left = append(left, q.ID)
		}
	}
	if !slices.Equal(left, []uint64{0, 2, 4, 6, 8}) || p.Backlog() != 0 {
		t.Errorf("left are %v", left)
	}
}
