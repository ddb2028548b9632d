package traffic

import (
	"math"
	"testing"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/traffic/tcp"
	"rtpfabric/sim/units"
)

func bottleneck(rate units.BitRate, delay, queue time.Duration) fabric.LinkConfig {
	return fabric.LinkConfig{Rate: rate, Delay: delay, Queue: fabric.NewDropTail(fabric.Limit{Time: queue})}
}

func (n *net) sink() *TCPSink {
	n.t.Helper()
	s, err := NewTCPSink(tcp.Config{Local: right}, n.f.Pool())
	if err != nil {
		n.t.Fatal(err)
	}
	n.attach(n.b, right.IP, s)
	return s
}

// conformance: RFC8868-5.1
func TestLongTCP(t *testing.T) {
	n := newNet(t, 1, bottleneck(2*units.Mbps, 50*ms, 300*ms))
	sink := n.sink()
	l, err := NewLongTCP(LongTCPConfig{
		TCP:   tcp.Config{Local: left, Remote: right, Control: tcp.ControlCubic},
		Start: simtime.At(time.Second), Stop: simtime.At(20 * time.Second),
	}, n.f.Pool())
	if err != nil {
		t.Fatal(err)
	}
	n.attach(n.a, left.IP, l)
	n.run(999 * ms)
	if l.Conn() != nil || n.f.Sent() != 0 {
		t.Error("it begins early")
	}
	n.resume(20 * time.Second)
	if share := float64(sink.Received()) * 8 / 19 / 2e6; share < 0.9 {
		t.Errorf("%.3f of the capacity", share)
	}
	n.resume(21 * time.Second)
	if l.Conn().State() != tcp.TimeWait || l.Acked() != sink.Received() || len(sink.Host().Conns()) != 0 {
		t.Errorf("%v at the end, acknowledged %v of %v", l.Conn().State(), l.Acked(), sink.Received())
	}
}

// RFC 8868 §5.1: sizes uniform between 30 and 50 KB, idle periods exponential
// with a mean of 10 s, a connection for each download.
//
// conformance: RFC8868-5.1
func TestShortTCP(t *testing.T) {
	n := newNet(t, 1, bottleneck(20*units.Mbps, 10*ms, 300*ms))
	sink := n.sink()
	s, err := NewShortTCP(ShortTCPConfig{
		TCP: tcp.Config{Local: left, Remote: right}, StartOn: true, Random: rng.New(1).Stream("short"),
	}, n.f.Pool())
	if err != nil {
		t.Fatal(err)
	}
	n.attach(n.a, left.IP, s)
	n.run(50_000 * time.Second)
	d := s.Downloads()
	if d[0].Start != 0 {
		t.Errorf("the first download begins at %v", d[0].Start)
	}
	d = d[:len(d)-1] // complete
	var total units.Bytes
	size, size2, idle, idle2 := 0.0, 0.0, 0.0, 0.0
	for i, x := range d {
		if x.Size < 30_000 || x.Size > 50_000 || x.End == simtime.Never || x.End.Sub(x.Start) > time.Second {
			t.Fatalf("download %d: %+v", i, x)
		}
		total += x.Size
		size += float64(x.Size)
		size2 += float64(x.Size) * float64(x.Size)
		if i > 0 {
			gap := x.Start.Sub(d[i-1].End).Seconds()
			idle += gap
			idle2 += gap * gap
		}
	}
	k := float64(len(d))
	size, idle = size/k, idle/(k-1)
	sd, sdIdle := math.Sqrt(size2/k-size*size), math.Sqrt(idle2/(k-1)-idle*idle)
	t.Logf("%.0f downloads, size %.0f ± %.0f, idle %.3f ± %.3f s", k, size, sd, idle, sdIdle)
	// About 5000 downloads: 95 % of means are within 160 octets and 0.28 s, of
	// standard deviations within 1 % (uniform) and 4 % (exponential).
	if math.Abs(size-40_000) > 200 || math.Abs(sd-5773.5) > 90 {
		t.Errorf("sizes have mean %.0f and deviation %.0f", size, sd)
	}
	if math.Abs(idle-10) > 0.3 || math.Abs(sdIdle-10) > 0.5 {
		t.Errorf("idle periods have mean %.3f and deviation %.3f", idle, sdIdle)
	}
	if sink.Accepted() != len(s.Downloads()) || sink.Received() < total {
		t.Errorf("%d connections for %d downloads, %d of %d octets", sink.Accepted(), len(d), sink.Received(), total)
	}
}

// RFC 8867 §5.7: ten sources, of which two start on; and a burst of 30
// connections on one source, persistent or not.
func TestShortTCPSources(t *testing.T) {
	n := newNet(t, 1, bottleneck(2*units.Mbps, 50*ms, 300*ms))
	sink := n.sink()
	var sources []*ShortTCP
	for i := range 10 {
		local := packet.Addr{IP: left.IP + packet.IPv4(i)}
		s, err := NewShortTCP(ShortTCPConfig{
			TCP: tcp.Config{Local: local, Remote: right}, StartOn: i < 2, Random: rng.New(uint64(i)).Stream("short"),
			Stop: simtime.At(290 * time.Second),
		}, n.f.Pool())
		if err != nil {
			t.Fatal(err)
		}
		n.attach(n.a, local.IP, s)
		sources = append(sources, s)
	}
	n.run(400 * time.Second)
	at0, count, total := 0, 0, units.Bytes(0)
	for _, s := range sources {
		for _, d := range s.Downloads() {
			if d.Start == 0 {
				at0++
			}
			if d.End == simtime.Never || d.Start >= simtime.At(290*time.Second) {
				t.Errorf("%+v", d)
			}
			count++
			total += d.Size
		}
	}
	// 290 s / (10 s idle + about 0.7 s) · 10 is 270, ± 16.
	if at0 != 2 || count < 230 || count > 310 || sink.Received() != total {
		t.Errorf("%d begin at 0; %d downloads, %d of %d octets", at0, count, sink.Received(), total)
	}
}

func TestShortTCPBurst(t *testing.T) {
	for _, persistent := range []bool{false, true} {
		n := newNet(t, 1, bottleneck(2*units.Mbps, 50*ms, 300*ms))
		sink := n.sink()
		s, err := NewShortTCP(ShortTCPConfig{
			TCP: tcp.Config{Local: left, Remote: right, Control: tcp.ControlCubic}, Connections: 30, StartOn: true,
			Persistent: persistent, Random: rng.New(3).Stream("short"), Stop: simtime.At(200 * time.Second),
		}, n.f.Pool())
		if err != nil {
			t.Fatal(err)
		}
		n.attach(n.a, left.IP, s)
		n.run(300 * time.Second)
		d := s.Downloads()
		if len(d) < 60 || len(d)%30 != 0 {
			t.Fatalf("persistent %v: %d downloads", persistent, len(d))
		}
		total := units.Bytes(0)
		for i, x := range d {
			total += x.Size
			if x.Start != d[i/30*30].Start || x.End == simtime.Never {
				t.Errorf("persistent %v: download %d: %+v", persistent, i, x)
			}
		}
		want := len(d)
		if persistent {
			want = 30
		}
		if sink.Accepted() != want || sink.Received() != total {
			t.Errorf("persistent %v: %d connections, want %d; %d of %d octets", persistent, sink.Accepted(), want, sink.Received(), total)
		}
	}
}

// RFC 8836 §2, 1g: chunks of 4 s at 3 Mbit/s over 8 Mbit/s are on for well over
// a third of the time, off for the rest.
func TestChunkedTCP(t *testing.T) {
	n := newNet(t, 1, bottleneck(8*units.Mbps, 20*ms, 100*ms))
	sink := n.sink()
	s, err := NewChunkedTCP(ChunkedTCPConfig{
		TCP: tcp.Config{Local: left, Remote: right}, Rate: 3 * units.Mbps, Period: 4 * time.Second, Buffer: 3,
		Stop: simtime.At(60 * time.Second),
	}, n.f.Pool())
	if err != nil {
		t.Fatal(err)
	}
	n.attach(n.a, left.IP, s)
	n.run(100 * time.Second)
	c := s.Chunks()
	for i, x := range c {
		if x.Size != 1_500_000 || x.End == simtime.Never {
			t.Fatalf("chunk %d: %+v", i, x)
		}
		switch {
		case i > 0 && i <= 3 && x.Start != c[i-1].End:
			t.Errorf("chunk %d begins at %v, the one before ends at %v", i, x.Start, c[i-1].End)
		case i > 3 && x.Start != c[i-1].Start.Add(4*time.Second):
			t.Errorf("chunk %d begins at %v after %v", i, x.Start, c[i-1].Start)
		}
		if on := x.End.Sub(x.Start); on < 1500*ms || on > 3*time.Second {
			t.Errorf("chunk %d takes %v", i, on)
		}
	}
	if len(c) < 14 || sink.Received() != units.Bytes(len(c))*1_500_000 || s.Conn().State() == tcp.Established {
		t.Errorf("%d chunks, %d octets, %v", len(c), sink.Received(), s.Conn().State())
	}
}

// A run is the same when it is repeated.
func TestDeterminism(t *testing.T) {
	run := func() string {
		n := newNet(t, 9, bottleneck(2*units.Mbps, 50*ms, 300*ms))
		n.sink()
		s, err := NewShortTCP(ShortTCPConfig{
			TCP: tcp.Config{Local: left, Remote: right}, Connections: 5, MeanIdle: time.Second, Random: rng.New(1).Stream("s"),
		}, n.f.Pool())
		if err != nil {
			t.Fatal(err)
		}
		n.attach(n.a, left.IP, s)
		n.run(60 * time.Second)
		return n.f.Digest()
	}
	if a, b := run(), run(); a != b {
		t.Errorf("digests %s and %s", a, b)
	}
}

func TestTCPErrors(t *testing.T) {
	pool := &packet.Pool{}
	bad := tcp.Config{Local: left, Remote: right, Control: "vegas"}
	good := tcp.Config{Local: left, Remote: right}
	r := rng.New(1).Stream("")
	_, e1 := NewLongTCP(LongTCPConfig{TCP: bad}, pool)
	_, e2 := NewShortTCP(ShortTCPConfig{TCP: bad, Random: r}, pool)
	_, e3 := NewShortTCP(ShortTCPConfig{TCP: good}, pool)
	_, e4 := NewShortTCP(ShortTCPConfig{TCP: good, Random: r, MinSize: 5, MaxSize: 4}, pool)
	_, e5 := NewChunkedTCP(ChunkedTCPConfig{TCP: good}, pool)
	_, e6 := NewChunkedTCP(ChunkedTCPConfig{TCP: bad, Rate: 1, Period: 1}, pool)
	_, e7 := NewTCPSink(bad, pool)
	for i, err := range []error{e1, e2, e3, e4, e5, e6, e7} {
		if err == nil {
			t.Errorf("case %d is accepted", i+1)
		}
	}
}
