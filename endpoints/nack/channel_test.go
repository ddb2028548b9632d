package nack_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"rtpfabric/endpoints/nack"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// channel is a stream over a path that loses, delays and reorders, with NACKs
// and retransmissions over the same path.
type channel struct {
	t       *testing.T
	r       *rng.Stream
	loss    float64
	reorder float64
	oneWay  time.Duration
	playout time.Duration // after a packet's regular arrival

	config  nack.Config
	g       *nack.Generator
	h       *nack.History
	flights []flight
	came    map[uint64]bool
	tries   map[uint64]int
	last    map[uint64]simtime.Time

	nacks, resent int
	played        int
}

// flight is something on its way. seq 0 stands for a NACK.
type flight struct {
	at       simtime.Time
	n        int
	seq      uint64
	repaired bool
	asks     []uint64
}

func newChannel(t *testing.T, seed uint64) *channel {
	return &channel{
		t: t, r: rng.New(seed).Stream("channel"), oneWay: 40 * time.Millisecond, playout: time.Second,
		config: nack.DefaultConfig(), came: map[uint64]bool{}, tries: map[uint64]int{}, last: map[uint64]simtime.Time{},
	}
}

// run sends packets, one every 5 ms, and plays them out.
func (c *channel) run(packets int) {
	c.g = nack.NewGenerator(c.config)
	c.g.SetRTT(2 * c.oneWay)
	c.h = nack.NewHistory(nack.Limits{Packets: 1024})
	c.h.SetRTT(2 * c.oneWay)
	const first = 70_000
	end := c.sentAt(packets).Add(3 * time.Second)
	sent := 0
	for now := ms(0); now < end; {
		if sent < packets && now >= c.sentAt(sent) {
			seq := first + uint64(sent)
			c.h.Add(now, uint16(seq), []byte{1}, nack.Base)
			c.fly(now, flight{seq: seq})
			sent++
		}
		for len(c.flights) > 0 && c.flights[0].at <= now {
			f := c.flights[0]
			c.flights = c.flights[1:]
			c.land(now, f)
		}
		c.g.HandleTimeout(now)
		if c.g.NextTimeout() <= now {
			c.t.Fatalf("a deadline at %v, it is %v", c.g.NextTimeout(), now)
		}
		if c.g.Pending() {
			c.ask(now)
		}
		next := c.g.NextTimeout()
		if len(c.flights) > 0 {
			next = min(next, c.flights[0].at)
		}
		if sent < packets {
			next = min(next, c.sentAt(sent))
		}
		now = min(max(next, now), end)
		if next == simtime.Never {
			break
		}
	}
	for seq := range uint64(packets) {
		if c.came[first+seq] {
			c.played++
		}
	}
}

func (c *channel) sentAt(i int) simtime.Time { return ms(5 * i) }

func (c *channel) fly(now simtime.Time, f flight) {
	f.at, f.n = now.Add(c.oneWay), len(c.flights)
	if c.r.Bool(c.loss) && f.seq != 70_000 {
		return
	}
	if c.r.Bool(c.reorder) {
		f.at = f.at.Add(time.Duration(c.r.Uniform(0, 12) * 1e6))
	}
	c.flights = append(c.flights, f)
	slices.SortStableFunc(c.flights, func(a, b flight) int { return cmp.Compare(a.at, b.at) })
}

func (c *channel) land(now simtime.Time, f flight) {
	if f.seq == 0 {
		for _, seq := range f.asks {
			if s, v := c.h.Lookup(now, uint16(seq)); v == nack.Available {
				s.Resent(now)
				c.resent++
				c.fly(now, flight{seq: seq, repaired: true})
			}
		}
		return
	}
	needed := c.sentAt(int(f.seq - 70_000)).Add(c.oneWay + c.playout)
	if needed > now {
		c.came[f.seq] = true
	}
	c.g.Arrived(now, nack.Arrival{Seq: f.seq, Needed: needed, Lost: nack.Base, Repaired: f.repaired})
}

// ask sends a NACK and checks that nothing is in it that shouldn't be.
func (c *channel) ask(now simtime.Time) {
	asks := c.g.Append(now, nil, 50)
	if len(asks) == 0 {
		c.t.Fatalf("at %v a request is pending, and there is none", now)
	}
	c.nacks++
	for i, seq := range asks {
		needed := c.sentAt(int(seq - 70_000)).Add(c.oneWay + c.playout)
		c.tries[seq]++
		switch {
		case i > 0 && seq <= asks[i-1]:
			c.t.Fatalf("%v don't rise", asks)
		case c.came[seq]:
			c.t.Fatalf("at %v %d is asked for, which has come", now, seq)
		case c.tries[seq] > c.config.Tries[nack.Base]:
			c.t.Fatalf("%d is asked for %d times", seq, c.tries[seq])
		case c.tries[seq] > 1 && now.Sub(c.last[seq]) < 2*c.oneWay:
			c.t.Fatalf("%d is asked for again after %v", seq, now.Sub(c.last[seq]))
		case now.Add(2*c.oneWay) > needed:
			c.t.Fatalf("at %v %d is asked for, which is needed at %v", now, seq, needed)
		}
		c.last[seq] = now
	}
	c.fly(now, flight{asks: asks})
}

// sum is what became of all that was missing.
func sum(g *nack.Generator) uint64 {
	n := g.Counters()
	total := n.Recovered + n.Late + uint64(g.Missing())
	for _, a := range n.Abandoned {
		total += a
	}
	return total
}

// Over many paths: whatever happens, every missing packet has one fate.
func TestEveryMissingPacketHasOneFate(t *testing.T) {
	for seed := range uint64(40) {
		c := newChannel(t, seed)
		c.loss, c.reorder = c.r.Uniform(0, 0.4), c.r.Uniform(0, 0.2)
		c.oneWay = time.Duration(c.r.Uniform(0.1, 200) * 1e6)
		c.playout = time.Duration(c.r.Uniform(1, 1500) * 1e6)
		c.config.ReorderPackets = int(c.r.Uint32() % 4)
		c.config.MaxMissing = []int{1000, 20}[c.r.Uint32()%2]
		c.run(1000)
		if n := c.g.Counters(); n.Missing != sum(c.g) || n.Needless > n.Late {
			t.Errorf("seed %d: %+v, %d missing", seed, n, c.g.Missing())
		}
		if n := c.g.Missing(); n != 0 {
			t.Errorf("seed %d: %d are missing long after they were needed", seed, n)
		}
	}
}

// With a second of time and 80 ms of round trip, ten percent of losses on both
// ways are repaired; with less time than a round trip nothing is asked for.
//
// conformance: ROB-6.1-3, ROB-6.1-7
func TestRepairDependsOnTheTime(t *testing.T) {
	for _, x := range []struct {
		playout     time.Duration
		least, most float64 // of the packets are played
		nacks       bool
	}{
		{time.Second, 0.9999, 1, true},
		{100 * time.Millisecond, 0.975, 0.99, true}, // one request: 0.1*(1-0.9*0.9) = 0.019 stay lost
		{50 * time.Millisecond, 0.89, 0.91, false},
	} {
		c := newChannel(t, 4)
		c.loss, c.playout = 0.1, x.playout
		c.run(20_000)
		if got := float64(c.played) / 20_000; got < x.least || got > x.most {
			t.Errorf("%v until play-out: %.4f are played, want %.4f to %.4f", x.playout, got, x.least, x.most)
		}
		if (c.nacks > 0) != x.nacks {
			t.Errorf("%v until play-out: %d NACKs", x.playout, c.nacks)
		}
		lost := c.g.Counters().Missing
		if x.nacks && float64(c.nacks) > 1.3*float64(lost) {
			t.Errorf("%d NACKs for %d lost packets", c.nacks, lost)
		}
	}
}

// A receiver without an allowance asks for stragglers, one with an allowance that
// it has learned hardly ever.
//
// conformance: ROB-6.1-10
func TestNeedlessRequests(t *testing.T) {
	c := newChannel(t, 5)
	c.reorder = 0.05
	c.run(10_000)
	n := c.g.Counters()
	if n.Late < 100 || n.Needless*20 > n.Late || n.Needless == 0 {
		t.Errorf("%+v", n)
	}
}

// The same seed asks for the same packets at the same times.
func TestDeterminism(t *testing.T) {
	run := func() (nack.Counters, map[uint64]simtime.Time) {
		c := newChannel(t, 6)
		c.loss, c.reorder = 0.2, 0.05
		c.run(2000)
		return c.g.Counters(), c.last
	}
	counts, last := run()
	again, lastAgain := run()
	if counts != again || len(last) != len(lastAgain) {
		t.Errorf("%+v and %+v", counts, again)
	}
	for seq, at := range last {
		if lastAgain[seq] != at {
			t.Fatalf("%d at %v and %v", seq, at, lastAgain[seq])
		}
	}
}

// No order of calls breaks a generator.
func FuzzGenerator(f *testing.F) {
	f.Add([]byte{0, 1, 9, 0, 0, 5, 9, 1, 3, 0, 0, 0, 0, 3, 9, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		c := nack.DefaultConfig()
		c.MaxMissing, c.ReorderPackets = 20, 1
		g := nack.NewGenerator(c)
		now, seq := ms(0), uint64(1000)
		for ; len(b) >= 4; b = b[4:] {
			now = now.Add(time.Duration(b[2]) * time.Millisecond)
			switch b[0] % 8 {
			case 0, 1, 2:
				seq += uint64(int64(int8(b[1])) / 8)
				g.Arrived(now, nack.Arrival{
					Seq: seq, Needed: now.Add(time.Duration(b[3]) * 4 * time.Millisecond),
					Lost: nack.Importance(b[3] % 3), Repaired: b[0]&8 != 0,
				})
			case 3:
				g.HandleTimeout(now)
				pending := g.Pending()
				if asks := g.Append(now, nil, int(b[1])); pending && b[1] > 0 && len(asks) == 0 || len(asks) > int(b[1]) {
					t.Fatalf("%d numbers of at most %d, pending: %v", len(asks), b[1], pending)
				}
			case 4:
				g.SetRTT(time.Duration(b[1]) * time.Millisecond)
			case 5:
				g.Postpone(now, time.Duration(int8(b[1]))*time.Millisecond)
			case 6:
				g.OnRefreshPoint(seq - uint64(b[1]%8))
			case 7:
				now = max(now, min(g.NextTimeout(), now.Add(time.Minute)))
			}
			g.HandleTimeout(now)
			if g.NextTimeout() <= now {
				t.Fatalf("a deadline at %v, it is %v", g.NextTimeout(), now)
			}
			if n := g.Counters(); n.Missing != sum(g) || g.Missing() > 20 {
				t.Fatalf("%+v, %d missing", n, g.Missing())
			}
		}
	})
}
