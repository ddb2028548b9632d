package wifi

import (
	"slices"
	"testing"
	"time"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/simtime"
)

// An A-MPDU shares one preamble, backoff and acknowledgement among its MPDUs.
func TestAggregationRaisesEfficiency(t *testing.T) {
	mbps := func(frames int) float64 {
		c := Defaults(N)
		c.Aggregation.MaxFrames = frames
		n := newNet(t, c)
		n.station(nil).saturate(1500, 200)
		n.run(5 * time.Second)
		return float64(n.stats(0).Bytes) * 8 / 5e6
	}
	// n MPDUs of 1538 bytes with delimiter and padding: 1544 each.
	formula := func(n int) float64 {
		psdu := 8*1544*n + 22
		data := 40 + 4*float64((psdu+207)/208)
		ba := 20 + 4*float64((22+8*32+95)/96)
		return 12000 * float64(n) / (34 + 7.5*9 + data + 16 + ba + 2)
	}
	last := mbps(1)
	for _, n := range []int{2, 8, 16} {
		got := mbps(n)
		t.Logf("%d frames: %.2f Mbit/s, formula %.2f", n, got, formula(n))
		want(t, "throughput", got, formula(n), 0.005)
		if got <= last {
			t.Errorf("%d frames: %.2f Mbit/s, fewer had %.2f", n, got, last)
		}
		last = got
	}
}

func TestAggregationLimits(t *testing.T) {
	for _, x := range []struct {
		name   string
		change func(*Config)
		want   float64 // MPDUs in an attempt
	}{
		{"frames", func(c *Config) { c.Aggregation.MaxFrames = 5 }, 5},
		{"bytes", func(c *Config) { c.Aggregation.MaxBytes = 3*1544 + 1543 }, 3},
		{"duration", func(c *Config) { c.Aggregation.MaxDuration = (40 + 4*4*60) * time.Microsecond }, 4}, // 60 symbols are 1557 bytes
		{"txop", func(c *Config) {
			c.WMM = true
			c.Categories[BestEffort].TXOPLimit = (40 + 2*4*60 + 60 + 16 + 2) * time.Microsecond
		}, 2},
	} {
		c := Defaults(N)
		c.Aggregation.MaxFrames = 64
		x.change(&c)
		n := newNet(t, c)
		n.station(nil).saturate(1500, 200)
		n.run(time.Second)
		s := n.stats(0)
		want(t, x.name, float64(s.Frames)/float64(s.Attempts), x.want, 0.02)
	}
}

// A packet that was too long for the last A-MPDU doesn't keep the turn.
func TestAggregatesGoInTurn(t *testing.T) {
	c := Defaults(N)
	c.Aggregation = Aggregation{MaxFrames: 64, MaxBytes: 5000}
	n := newNet(t, c)
	for range 3 {
		n.station(nil).peer.saturate(1500, 50)
	}
	n.run(2 * time.Second)
	for i := range 3 {
		if d := n.ends[i].count - n.ends[0].count; d < -3 || d > 3 {
			t.Errorf("client %d got %d packets, client 0 %d", i, n.ends[i].count, n.ends[0].count)
		}
	}
}

// Damaged MPDUs of an A-MPDU are repeated alone, and the receiver hands on in
// order of sequence numbers.
func TestAggregateKeepsOrder(t *testing.T) {
	c := Defaults(N)
	c.Aggregation.MaxFrames = 32
	c.RetryLimit = 2
	n := newNet(t, c)
	e := n.station(&StationConfig{PER: 0.3})
	e.peer.keep = true
	e.saturate(1500, 100)
	n.run(10 * time.Second)
	if !slices.IsSorted(e.peer.got) {
		t.Error("packets arrived out of order")
	}
	s := n.stats(0)
	total := float64(s.Delivered + s.Abandoned)
	want(t, "given up", float64(s.Abandoned)/total, 0.027, 0.12) // 0.3³; about 800 of them, 3.5 % each σ
	want(t, "frames per packet", float64(s.Frames)/total, 1.39, 0.02)
}

// Several exchanges follow each other SIFS apart as long as the TXOP lasts.
func TestTXOPBursts(t *testing.T) {
	c := Defaults(N)
	c.WMM = true
	n := newNet(t, c)
	e := n.station(nil)
	e.dscp = 34 // AF41
	e.peer.keep = true
	e.saturate(1500, 100)
	n.run(time.Second)
	const exchange = n1500 + 18*time.Microsecond + nAckTime
	longest, run := 0, 1
	for i := 1; i < len(e.peer.at); i++ {
		switch gap := e.peer.at[i].Sub(e.peer.at[i-1]) - exchange; {
		case gap == 16*time.Microsecond:
			run++
		case gap >= nDIFS && gap <= nDIFS+7*nSlot:
			run = 1
		default:
			t.Fatalf("gap of %v", gap)
		}
		longest = max(longest, run)
	}
	// 3008 µs hold k exchanges of 326 µs with 16 µs between them: k = 8.
	if longest != 8 {
		t.Errorf("%d exchanges in a TXOP, want 8", longest)
	}
}

// RFC 8325 §4: the table of recommended mappings.
func TestRFC8325Mapping(t *testing.T) {
	for _, x := range []struct {
		dscp, up uint8
		ac       AccessCategory
	}{
		{46, 6, Voice},
		{44, 6, Voice},
		{40, 5, Video},
		{34, 4, Video},
		{36, 4, Video},
		{38, 4, Video},
		{32, 4, Video},
		{26, 4, Video},
		{24, 4, Video},
		{18, 3, BestEffort},
		{22, 3, BestEffort},
		{16, 0, BestEffort},
		{10, 0, BestEffort},
		{0, 0, BestEffort},
		{8, 1, Background},
		{63, 0, BestEffort},
		{48, 7, Voice},
	} {
		if up := UserPriority(x.dscp); up != x.up || CategoryOf(up) != x.ac {
			t.Errorf("DSCP %d: priority %d, %v, want %d, %v", x.dscp, up, CategoryOf(up), x.up, x.ac)
		}
	}
}

// RFC 8869 §3.3.1: media fare better with WMM beside bulk traffic.
func TestWMMProtectsMedia(t *testing.T) {
	delay := func(wmm bool) (mean time.Duration) {
		c := Defaults(N)
		c.WMM = wmm
		n := newNet(t, c)
		for range 10 {
			n.station(nil).saturate(1500, 50)
		}
		e := n.station(nil)
		e.dscp, e.peer.keep = 46, true
		e.each(0, 20*time.Millisecond, 200, 490)
		n.run(10 * time.Second)
		if e.peer.count < 480 {
			t.Errorf("WMM %v: %d of 490 packets of voice arrived", wmm, e.peer.count)
		}
		for i, at := range e.peer.at {
			mean += at.Sub(simtime.At(time.Duration(i) * 20 * time.Millisecond))
		}
		return mean / time.Duration(len(e.peer.at))
	}
	off, on := delay(false), delay(true)
	t.Logf("mean delay of voice: %v without WMM, %v with", off, on)
	if on*3 > off {
		t.Errorf("%v with WMM, %v without", on, off)
	}
}

// Categories of one station compete with each other, the higher one winning.
func TestCategoriesWithinAStation(t *testing.T) {
	c := Defaults(N)
	c.WMM = true
	n := newNet(t, c)
	e := n.station(nil)
	e.size = 1500
	n.loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
		for _, e.dscp = range []uint8{8, 0, 34, 46} {
			for range 3000 {
				e.send(now)
			}
		}
	})).Set(0)
	n.run(1200 * time.Millisecond)
	if s := n.stats(0); s.InternalCollisions == 0 || s.Collisions != 0 || s.Abandoned != 0 {
		t.Errorf("%+v", s)
	}
	q := n.up[0].Queue.(*ClassQueue)
	left := []int{q.lenOf(Voice), q.lenOf(Video), q.lenOf(BestEffort), q.lenOf(Background)}
	if !slices.IsSorted(left) || left[0] == left[1] || left[1] == left[2] {
		t.Errorf("left in the queues from voice to background: %v", left)
	}
}

// A queue that isn't divided has the station's category.
func TestCategoryOfAStation(t *testing.T) {
	c := Defaults(N)
	c.WMM = true
	n := newNet(t, c)
	if err := n.ch.SetStation("sta", StationConfig{Category: Voice}); err != nil {
		t.Fatal(err)
	}
	n.f.AddLink(n.f.AddNode("sta"), n.ap, fabric.LinkConfig{Name: "l", Medium: n.ch})
	if len(n.ch.contenders) != 1 || n.ch.contenders[0].category != Voice || n.ch.contenders[0].params.CWMin != 3 {
		t.Errorf("%+v", n.ch.contenders[0])
	}
}

type periodicTail struct{ *fabric.DropTail }

func (periodicTail) Period() time.Duration { return time.Second }
func (periodicTail) Update(simtime.Time)   {}

func TestClassQueueForwards(t *testing.T) {
	plain := NewClassQueue(func() fabric.Queue { return fabric.NewDropTail(fabric.Limit{Packets: 1}) })
	if _, ok := plain.(fabric.Periodic); ok {
		t.Error("plain queues became periodic")
	}
	timed := NewClassQueue(func() fabric.Queue { return periodicTail{fabric.NewDropTail(fabric.Limit{Packets: 1})} })
	if p, ok := timed.(fabric.Periodic); !ok || p.Period() != time.Second {
		t.Error("periodic queues lost their period")
	}
	if _, ok := timed.(classified); !ok {
		t.Error("periodic queues aren't divided by category")
	}
}
