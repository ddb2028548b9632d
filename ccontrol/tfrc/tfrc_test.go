package tfrc

import (
	"math"
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// The throughput equation with t_RTO = 4·R in kbit/s for segments of 1200 octets,
// computed apart from this program to four digits.
func TestThroughput(t *testing.T) {
	for _, c := range []struct {
		p, r, kbps float64
	}{
		{0.01, 0.02, 5391.9},
		{0.01, 0.1, 1078.4},
		{0.01, 0.6, 179.7},
		{0.05, 0.1, 353.8},
		{0.1, 0.1, 169.9},
		{0.2, 0.1, 51.5},
		{0.3, 0.05, 37.4},
		{0.5, 0.02, 20},
		{1, 0.1, 0.3946},
	} {
		got := throughput(1200, c.r, c.p) * 8 / 1000
		if math.Abs(got-c.kbps) > 0.006*c.kbps {
			t.Errorf("p %v, R %v: %.2f kbit/s, want %v", c.p, c.r, got, c.kbps)
		}
	}
}

// §6.3.1: the inverse is well within the 5 % that are asked for.
func TestInverse(t *testing.T) {
	for _, p := range []float64{1e-6, 1e-4, 0.01, 0.2, 0.9} {
		x := throughput(1000, 0.1, p)
		if got := inverse(1000, 0.1, x); math.Abs(got-p) > 0.001*p {
			t.Errorf("%v, want %v", got, p)
		}
	}
	if p := inverse(1000, 0.1, 1); p != 1 {
		t.Errorf("for hardly anything %v, want 1", p)
	}
}

// feed is packets that arrive 10 ms apart, some of which are lost (l), marked (m) or
// missing at first and then late (a digit: by that many packets).
func feed(h *history, r float64, pattern string) {
	late := map[int]int{}
	for i := range len(pattern) {
		seq, at := uint64(i), simtime.At(time.Duration(i)*10*time.Millisecond)
		p := ccontrol.PacketResult{Seq: seq, Size: 1000, Sent: at, Arrival: at, Received: true}
		switch c := pattern[i]; {
		case c == 'l':
			p.Received = false
		case c == 'm':
			p.ECN = packet.CE
		case c >= '1' && c <= '9':
			p.Received = false
			late[i+int(c-'0')] = i
		}
		h.onPacket(p, r)
		if j, ok := late[i]; ok {
			h.onPacket(ccontrol.PacketResult{Seq: uint64(j), Size: 1000, Received: true, Arrival: at.Add(time.Millisecond)}, r)
		}
	}
}

// Losses within a round-trip time of the first are one event; marks count at once,
// losses after three more packets (§5.1, §5.2).
func TestLossEvents(t *testing.T) {
	for _, c := range []struct {
		pattern string
		r       float64
		events  int
		start   uint64
	}{
		{"........", 0.05, 0, 0},
		{"..l...", 0.05, 1, 2},
		{"..l..", 0.05, 0, 0},            // not three yet
		{"..2......", 0.05, 0, 0},        // reordered
		{"..5......", 0.05, 1, 2},        // too much so
		{"..l.l.l....", 0.05, 1, 2},      // 20 and 40 ms after the first
		{"..l....l....", 0.05, 1, 2},     // 50 ms
		{"..l.....l....", 0.05, 2, 8},    // 60 ms
		{"..lllllllllll...", 0.05, 3, 2}, // spread by interpolation; see below
		{"..m", 0.05, 1, 2},              // at once
		{".lm", 0.05, 1, 1},              // begins with the lost packet
		{"..m......m", 0.05, 2, 9},       // 70 ms
		{"..m......m", 0.2, 1, 2},        // but within this round-trip time
		{"l...", 0.05, 1, 0},             // the first of all
	} {
		h := &history{threshold: 1, df: 1}
		feed(h, c.r, c.pattern)
		want := c.events
		if c.pattern == "..lllllllllll..." { // 11 lost in 110 ms at 50 ms each
			want, c.start = 2, 8
		}
		if h.events != want || h.events > 0 && h.start != c.start {
			t.Errorf("%s: %d events, the last at %d; want %d at %d", c.pattern, h.events, h.start, want, c.start)
		}
	}
}

// The first message may tell of any number of loss events.
func TestManyEventsAtOnce(t *testing.T) {
	for _, events := range []int{1, 7, 8, 9, 10, 30} {
		c := start(t, nil)
		c.OnSent(0, ccontrol.Sent{Size: 1000})
		r := &ccontrol.Report{RTT: 20 * time.Millisecond}
		for i := range 10*events + 4 {
			at := simtime.At(time.Duration(i) * 10 * time.Millisecond)
			r.Packets = append(r.Packets, ccontrol.PacketResult{Seq: uint64(i), Size: 1000, Sent: at, Arrival: at, Received: i%10 != 9})
		}
		c.OnFeedback(simtime.At(10*time.Second), r)
		if c.history.events != events || events > 8 && (c.p < 0.09 || c.p > 0.11) {
			t.Errorf("%d events of %d, p %v", c.history.events, events, c.p)
		}
	}
}

// §5.4: with intervals of 10, 20, …, 80 packets, the last first, and an open one.
func TestAverageLossInterval(t *testing.T) {
	h := &history{threshold: 1, df: 1}
	for _, n := range []float64{80, 70, 60, 50, 40, 30, 20, 10} {
		h.events++
		h.shift(n)
	}
	// 10+20+30+40+0.8·50+0.6·60+0.4·70+0.2·80 = 220, over 6.
	past := 220.0 / 6
	h.start, h.highest = 100, 104 // I_0 is 5
	if got := h.lossEventRate(); math.Abs(got-1/past) > 1e-12 {
		t.Errorf("p %v with a short open interval, want %v", got, 1/past)
	}
	h.highest = 299 // I_0 is 200: (200+10+20+30+0.8·40+0.6·50+0.4·60+0.2·70)/6
	if got, want := h.lossEventRate(), 6.0/360; math.Abs(got-want) > 1e-12 {
		t.Errorf("p %v with a long open interval, want %v", got, want)
	}
}

// §5.5: DF is twice the mean over I_0, but no less than the threshold, and it stays
// with the intervals that it was for.
func TestHistoryDiscounting(t *testing.T) {
	h := &history{threshold: 0.25, df: 1}
	for range 8 {
		h.events++
		h.shift(10)
	}
	h.start, h.highest = 100, 139 // 40: more than twice 10
	if h.discount(); h.df != 0.5 {
		t.Fatalf("DF %v, want 0.5", h.df)
	}
	// (40 + 0.5·10·(1+1+1+0.8+0.6+0.4+0.2)) / (1 + 0.5·5)
	if got, want := h.lossEventRate(), 3.5/65; math.Abs(got-want) > 1e-12 {
		t.Errorf("p %v, want %v", got, want)
	}
	h.highest = 1099
	if h.discount(); h.df != 0.25 {
		t.Fatalf("DF %v, want the threshold", h.df)
	}
	h.shift(1000)
	if h.df != 1 || h.discounts[1] != 1 || h.discounts[2] != 0.25 {
		t.Errorf("after the next event: DF %v, DF_i %v", h.df, h.discounts[1:3])
	}
}

var limits = ccontrol.Limits{Min: 100 * units.Kbps, Max: 5 * units.Mbps, Start: 300 * units.Kbps}

func start(t testing.TB, settings map[string]string) *controller {
	spec, _ := ccontrol.Lookup("tfrc")
	c, err := spec.Build(limits, settings)
	if err != nil {
		t.Fatal(err)
	}
	return c.(*controller)
}

// path is a bottleneck with a drop-tail queue, and feedback every 50 ms.
type path struct {
	c        *controller
	rate     float64 // octets per second
	queue    float64 // octets that it holds
	delay    time.Duration
	now      simtime.Time
	busy     simtime.Time // until when it sends what it has
	seq      uint64
	pending  []ccontrol.PacketResult
	feedback simtime.Time
	mute     bool
	sent     float64
	lost     int
}

func (p *path) run(d time.Duration) {
	const size = 1000
	end := p.now.Add(d)
	for p.now < end {
		interval := p.c.Target().Media.TimeToSend(size)
		p.now = p.now.Add(interval)
		p.c.OnSent(p.now, ccontrol.Sent{Seq: p.seq, Size: size, Backlog: 1, InFlight: size})
		p.sent += size
		r := ccontrol.PacketResult{Seq: p.seq, Size: size, Sent: p.now}
		p.seq++
		p.busy = max(p.busy, p.now)
		if p.busy.Sub(p.now).Seconds()*p.rate <= p.queue {
			p.busy = p.busy.Add(time.Duration(size / p.rate * float64(time.Second)))
			r.Received, r.Arrival = true, p.busy.Add(p.delay)
		} else {
			p.lost++
		}
		p.pending = append(p.pending, r)
		for p.c.NextTimeout() <= p.now {
			p.c.OnTimeout(p.now)
		}
		if p.now >= p.feedback.Add(50*time.Millisecond) {
			p.feedback = p.now
			p.report()
		}
	}
}

func (p *path) report() {
	var r ccontrol.Report
	n := 0
	for n < len(p.pending) && (!p.pending[n].Received || p.pending[n].Arrival.Add(p.delay) <= p.now) {
		n++
	}
	for n > 0 && !p.pending[n-1].Received { // receivers don't know what comes last
		n--
	}
	if n == 0 || p.mute {
		return
	}
	r.Packets = p.pending[:n]
	last := r.Packets[n-1]
	r.RTT = last.Arrival.Add(p.delay).Sub(last.Sent)
	p.c.OnFeedback(p.now, &r)
	p.pending = append(p.pending[:0:0], p.pending[n:]...)
}

// It fills a bottleneck, as TCP does, with few losses, and follows its changes.
func TestClosedLoop(t *testing.T) {
	p := &path{c: start(t, nil), rate: 125e3, queue: 20e3, delay: 25 * time.Millisecond}
	rates := map[float64]float64{}
	for _, rate := range []float64{125e3, 62.5e3, 250e3} {
		p.rate = rate
		p.run(20 * time.Second)
		sent, lost, seq := p.sent, p.lost, p.seq
		p.run(40 * time.Second)
		rates[rate] = (p.sent - sent) / 40 / rate
		loss := float64(p.lost-lost) / float64(p.seq-seq)
		if u := rates[rate]; u < 0.85 || u > 1.03 || loss > 0.04 {
			t.Errorf("at %v octets/s: sends %.3f of it, loses %.3f", rate, u, loss)
		}
	}
}

// Without feedback the rate is halved each time the timer expires (§4.4), and comes
// back by itself.
func TestNoFeedback(t *testing.T) {
	p := &path{c: start(t, nil), rate: 125e3, queue: 20e3, delay: 25 * time.Millisecond}
	p.run(30 * time.Second)
	before := p.c.x
	p.mute = true
	p.run(3 * time.Second)
	if p.c.x > before/8 {
		t.Errorf("X %.0f after 3 s without feedback, %.0f before", p.c.x, before)
	}
	if got := p.c.Target().Media; got > 2*limits.Min {
		t.Errorf("target %v", got)
	}
	p.mute = false
	p.run(20 * time.Second)
	if p.c.x < before/2 {
		t.Errorf("X %.0f 20 s later, %.0f before", p.c.x, before)
	}
}

// Before any feedback the timer is 2 s, and it halves the start rate.
func TestNeverAnyFeedback(t *testing.T) {
	c := start(t, nil)
	if c.NextTimeout() != simtime.Never {
		t.Error("a timer before anything was sent")
	}
	c.OnSent(0, ccontrol.Sent{Size: 1000})
	if c.NextTimeout() != simtime.At(2*time.Second) {
		t.Fatalf("timer at %v", c.NextTimeout())
	}
	c.OnTimeout(c.NextTimeout())
	if want := float64(limits.Start) / 8 / 2; c.x != want {
		t.Errorf("X %v, want %v", c.x, want)
	}
}

// An idle sender isn't punished for silence below twice the initial rate (§4.4).
func TestIdle(t *testing.T) {
	p := &path{c: start(t, nil), rate: 1e6, queue: 1e5, delay: 50 * time.Millisecond}
	p.run(300 * time.Millisecond)
	c := p.c
	c.x = 1.9 * c.initialRate()
	c.restart(p.now)
	before := c.x
	c.OnTimeout(c.NextTimeout())
	if c.x != before {
		t.Errorf("X %v after idling, %v before", c.x, before)
	}
	c.OnSent(c.timeout.Add(-time.Millisecond), ccontrol.Sent{Size: 1000})
	c.OnTimeout(c.NextTimeout())
	if c.x != before/2 {
		t.Errorf("X %v after sending into silence, want %v", c.x, before/2)
	}
}

// §4.5: while the round-trip time is four times its mean, the rate is about half.
func TestOscillations(t *testing.T) {
	c := start(t, map[string]string{"media": "1"})
	c.s, c.r, c.x, c.sample, c.sqrtMean = 1000, 0.1, 200e3, 0.4, math.Sqrt(0.1)
	if got := c.Target().Media; got != 800*units.Kbps {
		t.Errorf("target %v, want 800 kbit/s", got)
	}
	c.q2 = 0
	if got := c.Target().Media; got != 1600*units.Kbps {
		t.Errorf("target %v without, want 1.6 Mbit/s", got)
	}
}

// Whatever feedback says, rates stay within the limits and finite.
func FuzzController(f *testing.F) {
	f.Add(uint64(1), []byte{0, 1, 2, 3, 255, 254, 128, 7, 9})
	f.Add(uint64(2), []byte{255, 255, 255, 255, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, seed uint64, data []byte) {
		c := start(t, nil)
		random := rng.New(seed).Stream("absurd")
		var now simtime.Time
		for i, b := range data {
			now = now.Add(time.Duration(b) * time.Millisecond)
			c.OnSent(now, ccontrol.Sent{Seq: uint64(i), Size: units.Bytes(b) * 7, Backlog: units.Bytes(b & 3)})
			r := &ccontrol.Report{RTT: time.Duration(int64(random.Uint64()) >> (b % 60))}
			for range b % 17 {
				r.Packets = append(r.Packets, ccontrol.PacketResult{
					Seq: random.Uint64() >> (b % 64), Size: units.Bytes(b), Received: random.Uint64()&1 == 0,
					Arrival: simtime.Time(int64(random.Uint64()) >> (b % 60)), ECN: packet.ECN(random.Uint64() & 3),
				})
			}
			c.OnFeedback(now, r)
			for n := 0; c.NextTimeout() <= now && n < 3; n++ {
				c.OnTimeout(now)
			}
			if g := c.Target(); g.Media < limits.Min || g.Media > limits.Max || g.Pacing < g.Media {
				t.Fatalf("after %d: %+v", i, g)
			}
			if math.IsNaN(c.x) || math.IsInf(c.x, 0) || c.p < 0 || c.p > 1 {
				t.Fatalf("after %d: X %v, p %v", i, c.x, c.p)
			}
		}
	})
}

func report(n int) (*controller, *ccontrol.Report) {
	c := start(&testing.T{}, nil)
	r := &ccontrol.Report{RTT: 50 * time.Millisecond}
	for i := range n {
		r.Packets = append(r.Packets, ccontrol.PacketResult{Size: 1200, Received: i%10 != 3})
	}
	return c, r
}

func step(c *controller, r *ccontrol.Report, i int) {
	now := simtime.At(time.Duration(i) * 50 * time.Millisecond)
	for j := range r.Packets {
		p := &r.Packets[j]
		p.Seq = uint64(i*len(r.Packets) + j)
		p.Sent = now.Add(-time.Duration(50-j) * time.Millisecond)
		p.Arrival = p.Sent.Add(25 * time.Millisecond)
		c.OnSent(p.Sent, ccontrol.Sent{Seq: p.Seq, Size: p.Size})
	}
	c.OnFeedback(now, r)
	c.Target()
}

func TestNoAllocation(t *testing.T) {
	c, r := report(15)
	i := 0
	if n := testing.AllocsPerRun(500, func() { i++; step(c, r, i) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkFeedback(b *testing.B) {
	c, r := report(15)
	b.ReportAllocs()
	for i := range b.N {
		step(c, r, i+1)
	}
}
