package aqm

import (
	"math/big"
	"slices"
	"testing"
	"time"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// exactBucket is a token bucket in rational bits.
type exactBucket struct {
	rate, full, tokens *big.Rat // bit/ns, bit
	at                 simtime.Time
}

func newExactBucket(rate units.BitRate, burst units.Bytes) *exactBucket {
	full := big.NewRat(int64(burst)*8, 1)
	return &exactBucket{big.NewRat(int64(rate), 1e9), full, new(big.Rat).Set(full), 0}
}

func (b *exactBucket) fill(now simtime.Time) {
	came := new(big.Rat).Mul(b.rate, big.NewRat(int64(now.Sub(b.at)), 1))
	if b.tokens.Add(b.tokens, came); b.tokens.Cmp(b.full) > 0 {
		b.tokens.Set(b.full)
	}
	b.at = now
}

func (b *exactBucket) take(n units.Bytes) bool {
	c := big.NewRat(int64(n)*8, 1)
	if b.tokens.Cmp(c) < 0 {
		return false
	}
	b.tokens.Sub(b.tokens, c)
	return true
}

// conforms returns the first nanosecond from now on at which n bytes conform.
func (b *exactBucket) conforms(n units.Bytes) simtime.Time {
	missing := new(big.Rat).Sub(big.NewRat(int64(n)*8, 1), b.tokens)
	if missing.Sign() <= 0 {
		return b.at
	}
	ns := new(big.Rat).Quo(missing, b.rate)
	up := new(big.Int).Add(ns.Num(), new(big.Int).Sub(ns.Denom(), big.NewInt(1)))
	return b.at.Add(time.Duration(up.Quo(up, ns.Denom()).Int64()))
}

// randomArrivals has gaps of 0 ns to 4 ms and sizes of 40 to 1500 bytes.
func randomArrivals(r *rng.Stream, n int) (at []simtime.Time, size []units.Bytes) {
	now := simtime.Time(0)
	for range n {
		switch u := r.Float64(); {
		case u < 0.3:
		case u < 0.9:
			now += simtime.Time(r.Uint64() % 2_000_000)
		default:
			now += simtime.Time(r.Uint64() % 4_000_000 * (1 + r.Uint64()%20))
		}
		at = append(at, now)
		size = append(size, units.Bytes(40+r.Uint64()%1461))
	}
	return at, size
}

// Every single decision is that of exact arithmetic, at odd rates too.
func TestPolicerIsExact(t *testing.T) {
	for i, c := range []PolicerConfig{
		{2 * units.Mbps, 15000}, {4_999_999, 1500}, {3_333_333, 4001}, {64 * units.Kbps, 3000}, {units.Gbps, 1 << 20},
	} {
		q, model := NewPolicer(c), newExactBucket(c.Rate, c.Burst)
		at, size := randomArrivals(stream("police"), 5000)
		passed := 0
		for j := range at {
			model.fill(at[j])
			want := model.take(size[j])
			got := q.Impair(at[j], &packet.Packet{Size: size[j]}) == fabric.Pass
			if got != want {
				t.Fatalf("policer %d, packet %d: passes %v, want %v", i, j, got, want)
			}
			if got {
				passed++
			}
		}
		if passed == 0 {
			t.Errorf("policer %d lets nothing pass", i)
		}
	}
}

// A full bucket passes its burst and not a byte more; a flood gets
// burst + rate·time, less what the last packet doesn't fit into.
func TestPolicerBurstAndRate(t *testing.T) {
	c := PolicerConfig{2 * units.Mbps, 15000}
	n := newNet(t, fabric.LinkConfig{Rate: fabric.Unlimited, Impairments: []fabric.Impairment{NewPolicer(c)}})
	for range 20 {
		n.send(0, 1000, nil)
	}
	if p := n.link.Stats().Policed; p != 5 {
		t.Errorf("%d of 20 packets policed, want 5", p)
	}
	n.every(100*time.Microsecond, 60*time.Second, 100*time.Microsecond, 1000, nil)
	n.run(60 * time.Second)
	s := n.link.Stats()
	got := units.Bytes(s.Arrived-s.Policed) * 1000
	most := 15000 + c.Rate.BytesIn(60*time.Second)
	if got > most || got < most-1100 {
		t.Errorf("%v passed in 60 s, want %v less a packet", got, most)
	}
}

// The time at which every packet starts is that of an exact model, and starts
// satisfy the arrival curve of the bucket over every pair of packets.
func TestShaperIsExact(t *testing.T) {
	for i, c := range []ShaperConfig{
		{Rate: 2 * units.Mbps, Burst: 6000},
		{Rate: 2 * units.Mbps, Burst: 1500},
		{Rate: 3_333_333, Burst: 4001, PeakRate: 10 * units.Mbps},
		{Rate: 2 * units.Mbps, Burst: 9000, PeakRate: 2 * units.Mbps},
	} {
		loop := &engine.Loop{}
		s := newShaper(loop, c)
		n := newNetOn(t, loop, fabric.LinkConfig{Rate: c.Rate, Medium: s, Queue: fabric.NewDropTail(fabric.Limit{Packets: 1 << 20})})
		at, size := randomArrivals(stream("shape"), 800)
		for j := range at {
			n.timer(at[j].Duration(), func(now simtime.Time) time.Duration { n.send(now, size[j], nil); return 0 })
		}
		var starts []simtime.Time
		n.onTransmitted = func(now simtime.Time, p *packet.Packet) {
			starts = append(starts, now.Add(-s.serial(p)))
		}
		n.run(20 * time.Second)
		if len(starts) != len(at) {
			t.Fatalf("shaper %d: %d of %d packets left", i, len(starts), len(at))
		}
		model, free := newExactBucket(c.Rate, c.Burst), simtime.Time(0)
		for j := range at {
			model.fill(max(at[j], free))
			want := model.conforms(size[j])
			model.fill(want)
			if !model.take(size[j]) || starts[j] != want {
				t.Fatalf("shaper %d: packet %d starts at %v, want %v", i, j, starts[j], want)
			}
			free = want
			if c.PeakRate > 0 {
				free = want.Add(c.PeakRate.TimeToSend(size[j]))
			}
		}
		for j := range starts {
			bits := int64(0)
			for k := j; k < len(starts); k++ {
				bits += int64(size[k]) * 8
				if curve := int64(c.Burst)*8*nano + int64(c.Rate)*int64(starts[k].Sub(starts[j])); bits*nano > curve {
					t.Fatalf("shaper %d: packets %d to %d exceed the arrival curve", i, j, k)
				}
			}
		}
	}
}

func TestShaperRateChangeAndGiants(t *testing.T) {
	loop := &engine.Loop{}
	s := newShaper(loop, ShaperConfig{Rate: units.Mbps, Burst: 1250})
	n := newNetOn(t, loop, fabric.LinkConfig{Rate: units.Mbps, Medium: s, Queue: fabric.NewDropTail(fabric.Limit{Packets: 100})})
	var got []simtime.Time
	n.onTransmitted = func(now simtime.Time, _ *packet.Packet) { got = append(got, now) }
	n.send(0, 1250, nil) // conforms at once
	n.send(0, 1251, nil) // never
	n.send(0, 1250, nil) // 5 ms at 1 Mbit/s, none for 10 ms, 2.5 ms at 2 Mbit/s
	rates := []units.BitRate{0, 2 * units.Mbps}
	at := []time.Duration{5 * ms, 15 * ms}
	for i := range rates {
		n.timer(at[i], func(now simtime.Time) time.Duration { s.SetRate(now, rates[i]); return 0 })
	}
	n.run(time.Second)
	if len(got) != 2 || got[0] != 0 || got[1] != simtime.At(17500*time.Microsecond) {
		t.Errorf("packets left at %v, want 0 and 17.5 ms", got)
	}
	if a := n.link.Stats().Abandoned; a != 1 {
		t.Errorf("%d packets abandoned, want the one that never fits", a)
	}
}

// What waits for tokens is in the queue still, and counts against its limit; and a link's rate is its
// shaper's.
func TestShaperLeavesWaitingPacketsInTheQueue(t *testing.T) {
	loop := &engine.Loop{}
	s := newShaper(loop, ShaperConfig{Rate: units.Mbps, Burst: 1250})
	n := newNetOn(t, loop, fabric.LinkConfig{Rate: units.Mbps, Medium: s, Queue: fabric.NewDropTail(fabric.Limit{Bytes: 2500})})
	var waits []time.Duration
	n.onDequeued = func(_ simtime.Time, _ *packet.Packet, wait time.Duration) { waits = append(waits, wait) }
	for range 4 { // one conforms, two wait, there is no room for the last
		n.send(0, 1250, nil)
	}
	if n.link.Queue.Len() != 2 || s.Held(n.link) != 0 {
		t.Errorf("%d packets are in the queue and %d in the shaper, want 2 and none", n.link.Queue.Len(), s.Held(n.link))
	}
	n.timer(10*ms, func(now simtime.Time) time.Duration { n.link.SetRate(now, 2*units.Mbps); return 0 })
	n.run(time.Second)
	if refused := n.link.Stats().Refused; refused != 1 {
		t.Errorf("%d packets refused, want 1", refused)
	}
	if want := []time.Duration{0, 10 * ms, 15 * ms}; !slices.Equal(waits, want) {
		t.Errorf("packets waited %v, want %v", waits, want)
	}
}

// A discipline in front of a shaper sees the shaper's rate: CoDel keeps its
// delay low.
func TestShaperBehindCoDel(t *testing.T) {
	loop := &engine.Loop{}
	s := newShaper(loop, ShaperConfig{Rate: 10 * units.Mbps, Burst: 3000})
	n := newNetOn(t, loop, fabric.LinkConfig{Rate: 10 * units.Mbps, Medium: s, Queue: NewCoDel(DefaultCoDel())})
	var last time.Duration
	n.onDequeued = func(_ simtime.Time, _ *packet.Packet, wait time.Duration) { last = wait }
	n.every(0, 20*time.Second, 970*time.Microsecond, 1250, nil) // 3 % too much
	n.run(20 * time.Second)
	if d := n.link.Stats().Discarded; d < 100 || last > 50*ms {
		t.Errorf("%d packets dropped, the last one waited %v", d, last)
	}
}
