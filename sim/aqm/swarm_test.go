package aqm

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// randomLoad sends bursts of random packets of several flows, with all markings,
// at up to twice the link's rate, and changes that rate.
func randomLoad(n *net, r *rng.Stream, until time.Duration) {
	dscp := []uint8{EF, AF41, AF42, DF, LE, 63}
	n.timer(0, func(now simtime.Time) time.Duration {
		for range 1 + r.Uint64()%20 {
			n.send(now, units.Bytes(40+r.Uint64()%1461), func(p *packet.Packet) {
				p.ECN = packet.ECN(r.Uint64() % 4)
				p.DSCP = dscp[r.Uint64()%6]
				p.Src.Port = uint16(r.Uint64() % 40)
			})
		}
		if now >= simtime.At(until) {
			return 0
		}
		return 1 + time.Duration(r.Exponential(float64(9*ms)))
	})
	n.timer(time.Second, func(now simtime.Time) time.Duration {
		rates := []units.BitRate{10 * units.Mbps, 2 * units.Mbps, 30 * units.Mbps, 0}
		n.link.SetRate(now, rates[r.Uint64()%4])
		if now >= simtime.At(until) {
			n.link.SetRate(now, 10*units.Mbps)
			return 0
		}
		return 400 * ms
	})
}

// On a link, under random traffic and rates, nothing is lost or invented, the
// queue empties, what isn't ECN-capable is never marked (the net checks), and
// the same run has the same digest.
func TestConservationAndDigest(t *testing.T) {
	for _, d := range disciplines {
		t.Run(d.name, func(t *testing.T) {
			run := func(seed uint64) string {
				n := newNet(t, fabric.LinkConfig{Rate: 10 * units.Mbps, Delay: 10 * ms, Queue: d.make()})
				randomLoad(n, rng.New(seed).Stream("load"), 5*time.Second)
				for at := 100 * ms; at <= 5*time.Second; at += 100 * ms {
					n.run(at)
				}
				n.run(30 * time.Second)
				if n.link.InFlight() != 0 || n.link.Queue.Bytes() != 0 {
					t.Errorf("%d packets and %v are still there", n.link.InFlight(), n.link.Queue.Bytes())
				}
				if s := n.link.Stats(); s.Delivered < 1000 || s.Dropped() == 0 {
					t.Errorf("the load doesn't test anything: %+v", s)
				}
				return n.f.Digest()
			}
			first := run(1)
			if again := run(1); again != first {
				t.Error("two equal runs differ")
			}
			if run(2) == first {
				t.Error("another load has the same digest")
			}
		})
	}
}

// With a moderate overload that all senders declare ECN-capable, a discipline
// that marks drops nothing.
func TestECNMarksInsteadOfDropping(t *testing.T) {
	for _, d := range []struct {
		name string
		ecn  packet.ECN
		make func(ecn bool) fabric.Queue
	}{
		{"red", packet.ECT0, func(ecn bool) fabric.Queue {
			c := DefaultRED()
			c.ECN, c.Limit = ecn, fabric.Limit{Packets: 1 << 20}
			c.MinThreshold, c.MaxThreshold = 20, 2000
			return NewRED(c, stream("red"))
		}},
		{"codel", packet.ECT1, func(ecn bool) fabric.Queue {
			c := longLimit()
			c.ECN = ecn
			return NewCoDel(c)
		}},
		{"fqcodel", packet.ECT0, func(ecn bool) fabric.Queue {
			c := DefaultFQCoDel()
			c.ECN = ecn
			return NewFQCoDel(c, stream("fq"))
		}},
		{"pie", packet.ECT0, func(ecn bool) fabric.Queue {
			c := DefaultPIE()
			c.ECN, c.MarkECNThreshold, c.Limit = ecn, 1, fabric.Limit{Packets: 1 << 20}
			return NewPIE(c, stream("pie"))
		}},
		{"dualpi2", packet.ECT0, func(ecn bool) fabric.Queue {
			c := roomyDualPI2()
			c.ECN, c.Beta, c.Alpha = ecn, 0.1, 0.01 // slow enough not to saturate
			return NewDualPI2(c)
		}},
	} {
		run := func(ecn packet.ECN, on bool) (marked, dropped int) {
			n := newNet(t, fabric.LinkConfig{Rate: 10 * units.Mbps, Queue: d.make(on)})
			n.every(0, 2*time.Second, 950*time.Microsecond, 1250, withECN(ecn))
			n.run(2 * time.Second)
			return n.marked, int(n.link.Stats().Dropped())
		}
		if marked, dropped := run(d.ecn, true); marked == 0 || dropped != 0 {
			t.Errorf("%s: ECN-capable: %d marked, %d dropped", d.name, marked, dropped)
		}
		if marked, dropped := run(packet.NotECT, true); marked != 0 || dropped == 0 {
			t.Errorf("%s: not ECN-capable: %d marked, %d dropped", d.name, marked, dropped)
		}
		if marked, dropped := run(d.ecn, false); marked != 0 || dropped == 0 {
			t.Errorf("%s: ECN off: %d marked, %d dropped", d.name, marked, dropped)
		}
	}
}

// model knows which packets a queue has, in the order they came.
type model struct {
	rig
	now   simtime.Time
	order []*packet.Packet
	bytes units.Bytes
}

func (m *model) forget(p *packet.Packet) error {
	i := slices.Index(m.order, p)
	if i < 0 {
		return fmt.Errorf("packet %d isn't in the queue", p.ID)
	}
	// Packets of one flow with one marking never overtake each other.
	for _, o := range m.order[:i] {
		if o.Src.Port == p.Src.Port && o.DSCP == p.DSCP && o.ECNBefore == p.ECNBefore {
			return fmt.Errorf("packet %d overtakes %d of the same flow", p.ID, o.ID)
		}
	}
	if p.ECN != p.ECNBefore && (p.ECN != packet.CE || p.ECNBefore == packet.NotECT) {
		return fmt.Errorf("packet %d changes from %d to %d", p.ID, p.ECNBefore, p.ECN)
	}
	m.order = slices.Delete(m.order, i, i+1)
	m.bytes -= p.Size
	m.pool.Release(p)
	return nil
}

// step does what an octet says, and compares.
func (m *model) step(op byte) error {
	arg := uint64(op >> 3)
	var taken *packet.Packet
	switch op % 8 {
	case 0, 1, 2, 3:
		p := m.pool.New()
		p.SetPayload(int(20 + 45*arg))
		m.last++
		p.ID, p.ArrivedAt = m.last, m.now
		p.ECN = packet.ECN(arg % 4)
		p.ECNBefore = p.ECN
		p.Src.Port = uint16(arg % 3)
		p.DSCP = [...]uint8{EF, AF41, DF, LE}[m.last%4]
		m.order = append(m.order, p)
		m.bytes += p.Size
		if m.q.Enqueue(m.now, p, m.drop()) == fabric.Dropped {
			m.order = m.order[:len(m.order)-1]
			m.bytes -= p.Size
			m.pool.Release(p)
		}
	case 4, 5:
		before := m.q.Len()
		if taken = m.take(m.now); taken == nil && before != len(m.dropped) {
			return fmt.Errorf("nothing leaves, %d dropped of %d", len(m.dropped), before)
		}
	case 6:
		m.now = m.now.Add(time.Duration(arg*arg) * 100 * time.Microsecond)
	case 7:
		if q, ok := m.q.(fabric.Periodic); ok {
			m.now = m.now.Add(q.Period())
			q.Update(m.now)
		}
		if q, ok := m.q.(fabric.RateAware); ok && arg%4 == 0 {
			q.SetRate(units.BitRate(arg) * units.Mbps)
		}
	}
	for _, p := range m.dropped {
		if err := m.forget(p); err != nil {
			return err
		}
	}
	m.dropped = m.dropped[:0]
	if taken != nil {
		if err := m.forget(taken); err != nil {
			return err
		}
	}
	if m.q.Len() != len(m.order) || m.q.Bytes() != m.bytes {
		return fmt.Errorf("%d packets with %v in the queue, want %d with %v", m.q.Len(), m.q.Bytes(), len(m.order), m.bytes)
	}
	return nil
}

func (m *model) drain() error {
	for m.q.Len() > 0 {
		if err := m.step(4); err != nil {
			return err
		}
	}
	if out := m.pool.Outstanding(); out != 0 {
		return fmt.Errorf("%d packets are lost", out)
	}
	return nil
}

func newModel(q fabric.Queue) *model {
	m := &model{rig: rig{q: q}}
	if a, ok := q.(fabric.RateAware); ok {
		a.SetRate(10 * units.Mbps)
	}
	return m
}

func TestSwarm(t *testing.T) {
	for _, d := range disciplines {
		t.Run(d.name, func(t *testing.T) {
			for seed := range uint64(12) {
				r := rng.New(seed).Stream("swarm")
				m := newModel(d.make())
				bias := byte(seed % 3) // more arrivals, as many, more departures
				for i := range 3000 {
					op := byte(r.Uint64())
					if bias == 1 && r.Bool(0.3) || bias == 2 && r.Bool(0.5) {
						op = op&^7 | 4
					}
					if err := m.step(op); err != nil {
						t.Fatalf("seed %d, step %d: %v", seed, i, err)
					}
				}
				if err := m.drain(); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
		})
	}
}

func FuzzQueues(f *testing.F) {
	f.Add(byte(0), []byte{0, 0, 0, 4, 4, 6, 7, 4})
	f.Add(byte(5), []byte{8, 16, 24, 250, 254, 255, 4, 12, 4, 4, 4})
	f.Add(byte(9), []byte{248, 248, 248, 248, 255, 255, 255, 4, 4, 4, 4})
	f.Fuzz(func(t *testing.T, which byte, ops []byte) {
		m := newModel(disciplines[int(which)%len(disciplines)].make())
		for i, op := range ops {
			if err := m.step(op); err != nil {
				t.Fatalf("step %d: %v", i, err)
			}
		}
		if err := m.drain(); err != nil {
			t.Fatal(err)
		}
	})
}

// Drop-tail's limits are exact, on a link too: what is in the serializer
// doesn't count, and a limit in time is the longest wait.
func TestDropTailLimitsAreExact(t *testing.T) {
	for _, c := range []struct {
		limit fabric.Limit
		size  units.Bytes
		want  int // in the queue and the serializer
	}{
		{fabric.Limit{Packets: 7}, 1000, 8},
		{fabric.Limit{Bytes: 7000}, 1000, 8},
		{fabric.Limit{Bytes: 6999}, 1000, 7},
		{fabric.Limit{Time: 56 * ms}, 1000, 8}, // 7000 B at 1 Mbit/s
		{fabric.Limit{Time: 300 * ms}, 1250, 31},
		{fabric.Limit{Bytes: 10}, 1000, 2}, // an empty queue takes any packet
	} {
		q := fabric.NewDropTail(c.limit)
		n := newNet(t, fabric.LinkConfig{Rate: units.Mbps, Queue: q})
		var longest time.Duration
		n.onDequeued = func(_ simtime.Time, _ *packet.Packet, wait time.Duration) { longest = max(longest, wait) }
		n.send(0, c.size, nil)
		for range 50 {
			n.send(0, c.size, nil)
		}
		if q.Len() != c.want-1 {
			t.Errorf("%+v: %d packets wait, want %d", c.limit, q.Len(), c.want-1)
		}
		// A flood keeps it full: the wait is never beyond the queue's length
		// and the packet in the serializer.
		n.every(ms, 3*time.Second, 900*time.Microsecond, c.size, nil)
		n.run(10 * time.Second)
		serial := units.Mbps.TimeToSend(c.size)
		if most := time.Duration(c.want-1) * serial; longest > most || longest <= most-serial {
			t.Errorf("%+v: longest wait %v, want up to %v", c.limit, longest, most)
		}
	}
}

// The tails of the other disciplines are as exact: a burst fills them to the
// same length.
func TestLimitsAreThoseOfDropTail(t *testing.T) {
	for _, limit := range []fabric.Limit{{Packets: 7}, {Bytes: 7000}, {Bytes: 6999}, {Time: 56 * ms}, {Time: 10 * ms}, {Bytes: 1}} {
		red, codel, pie := DefaultRED(), DefaultCoDel(), DefaultPIE()
		red.Limit, codel.Limit, pie.Limit = limit, limit, limit
		queues := []fabric.Queue{
			fabric.NewDropTail(limit), NewRED(red, stream("x")), NewCoDel(codel), NewPIE(pie, stream("x")),
		}
		var want int
		for i, q := range queues {
			r := &rig{q: q}
			q.(fabric.RateAware).SetRate(units.Mbps)
			for range 20 {
				r.put(0, 1000, packet.NotECT)
			}
			if i == 0 {
				want = q.Len()
			}
			if q.Len() != want {
				t.Errorf("%+v: %T takes %d packets, want %d", limit, q, q.Len(), want)
			}
		}
	}
}

func TestNoAllocationPerPacket(t *testing.T) {
	for _, d := range disciplines {
		m := newModel(d.make())
		step := func() {
			m.now = m.now.Add(900 * time.Microsecond)
			m.put(m.now, 1000, packet.ECN(m.last%4), nil...)
			m.put(m.now, 300, packet.ECN(m.last%4), nil...)
			if p := m.take(m.now); p != nil {
				m.pool.Release(p)
			}
			for _, p := range m.dropped {
				m.pool.Release(p)
			}
			m.dropped = m.dropped[:0]
			if q, ok := m.q.(fabric.Periodic); ok && m.last%16 == 0 {
				q.Update(m.now)
			}
		}
		for range 4000 {
			step()
		}
		if n := testing.AllocsPerRun(2000, step); n > 0.05 {
			t.Errorf("%s allocates %v times per packet", d.name, n)
		}
	}
}
