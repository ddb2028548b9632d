package tcp

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// §3.8.6: a reader that doesn't read shuts the window, whose right edge never moves to the left; the sender asks for it, less
// and less often, and goes on when it opens, also if what tells it so is lost. No more than the buffer waits.
func TestBackpressure(t *testing.T) {
	const buffer = 40_000
	for _, lossy := range []bool{false, true} {
		n, _, back := newTapped(t, 20*ms)
		edge, open := uint32(0), false
		var probes []time.Duration
		back.fate = func(s tapped) fabric.Fate {
			if s.Flags&SYN != 0 {
				return fabric.Pass
			}
			right := s.Ack + uint32(s.Window)
			if int32(right-edge) < 0 && edge != 0 {
				t.Errorf("at %v the right edge is %d, and was %d", s.at, right, edge)
			}
			edge = right
			if s.Window == 0 {
				probes = append(probes, s.at.Duration())
			}
			if lossy && s.Window > 0 && len(probes) > 0 && !open {
				open = true
				return fabric.Lose
			}
			return fabric.Pass
		}
		p := n.connect(0, 0, Config{MinRTO: 200 * ms}, Config{Backpressure: true, ReceiveWindow: buffer})
		sent := bytes.Repeat([]byte("0123456789"), 20_000)
		p.snd.WriteContent(sent)
		p.snd.Close()
		n.run(10 * time.Second)
		if p.rcv.Unread() < buffer-1448 || p.rcv.Unread() > buffer {
			t.Errorf("%d octets wait, of %d", p.rcv.Unread(), buffer)
		}
		if len(probes) < 5 || len(probes) > 9 {
			t.Errorf("the window was told to be shut at %v", probes)
		}
		var got []byte
		b := make([]byte, 3000)
		for i := range 400 { // a slow reader
			n.do(10*time.Second+time.Duration(i)*10*ms, p, func() {
				got = append(got, b[:p.rcv.Read(b)]...)
				p.dst.drain(n.loop.Now())
			})
		}
		n.resume(30 * time.Second)
		if !bytes.Equal(got, sent) || !p.rcv.PeerClosed() {
			t.Errorf("%d of %d octets came, closed: %v", len(got), len(sent), p.rcv.PeerClosed())
		}
		if s := p.snd.Stats(); s.Probes < 3 || s.Timeouts > 1 {
			t.Errorf("%+v", s)
		}
	}
}

// Whatever the network does, and in whatever pieces it is read, all comes.
func TestBackpressureWithLosses(t *testing.T) {
	for seed := range uint64(10) {
		link := fabric.LinkConfig{Rate: 10 * units.Mbps, Delay: 20 * ms, Loss: 0.05}
		n := newNet(t, seed, link, link)
		p := n.connect(0, 0, Config{MinRTO: 200 * ms}, Config{Backpressure: true, ReceiveWindow: 8000})
		random := rng.New(seed).Stream("content")
		sent := make([]byte, 200_000)
		_, _ = random.Read(sent)
		p.snd.WriteContent(sent)
		var got []byte
		b := make([]byte, 6000)
		for at := time.Duration(0); at < 5*time.Minute; at += time.Duration(random.Uniform(1, 60)) * ms {
			n.do(at, p, func() {
				got = append(got, b[:p.rcv.Read(b[:1+int(random.Uniform(0, 5999))])]...)
				p.dst.drain(n.loop.Now())
			})
		}
		n.run(5 * time.Minute)
		if !bytes.Equal(got, sent) {
			t.Fatalf("seed %d: %d of %d octets came", seed, len(got), len(sent))
		}
	}
}

// §3.7.4: what doesn't fill a segment waits for what is outstanding, but for the end.
func TestNagle(t *testing.T) {
	count := func(nagle bool) int {
		n, fwd, _ := newTapped(t, 50*ms)
		p := n.connect(0, 0, Config{}, Config{DelayedAck: -1})
		p.snd.Nagle(nagle)
		for i := range 20 {
			n.do(time.Second+time.Duration(i)*5*ms, p, func() { p.snd.Write(10) })
		}
		n.do(2*time.Second, p, func() { p.snd.Write(10); p.snd.Close() })
		n.run(3 * time.Second)
		if p.rcv.Received() != 210 || !p.rcv.PeerClosed() {
			t.Errorf("%d octets came", p.rcv.Received())
		}
		return fwd.dataIn(0, 4*time.Second)
	}
	if with, without := count(true), count(false); with != 3 || without != 21 {
		t.Errorf("%d segments with, %d without", with, without)
	}
}

// §3.8.4: an idle connection is asked whether there is anybody; one that gets no answer ends.
func TestKeepAlive(t *testing.T) {
	n, fwd, back := newTapped(t, 50*ms)
	cut := false
	back.fate = func(tapped) fabric.Fate {
		if cut {
			return fabric.Lose
		}
		return fabric.Pass
	}
	p := n.connect(0, 0, Config{}, Config{})
	n.do(time.Second, p, func() { p.snd.KeepAlive(n.loop.Now(), 15*time.Second) })
	n.run(time.Minute)
	if len(fwd.seen) != 2+3 || p.snd.Stats().Probes != 3 || p.snd.State() != Established {
		t.Errorf("%d segments in a minute, %v", len(fwd.seen), p.snd.State())
	}
	cut = true
	n.resume(5 * time.Minute)
	if !errors.Is(p.snd.Err(), ErrTimeout) || p.snd.Stats().Probes != 3+9 {
		t.Errorf("%v after %d probes", p.snd.Err(), p.snd.Stats().Probes)
	}
}

// §3.10.7.1: a host answers what belongs to no connection with a RST that the other end believes, and a RST with nothing.
func TestRefusal(t *testing.T) {
	n := newNet(t, 1, pipe(10*ms), pipe(10*ms))
	client, server := NewHost(1, n.f.Pool()), NewHost(2, n.f.Pool())
	src, dst := attach(t, n.loop, n.f, n.a, 1), attach(t, n.loop, n.f, n.b, 2)
	src.obj, dst.obj = client, server
	server.Refuse, client.Refuse = true, true
	if err := server.Listen(80, Config{}); err != nil {
		t.Fatal(err)
	}
	var accepted []*Conn
	server.Accepted = func(_ simtime.Time, c *Conn) { accepted = append(accepted, c) }
	server.Admit = func(_, remote packet.Addr) bool { return remote.Port != 7 }
	n.f.Route()
	dial := func(from, port uint16) *Conn {
		c, err := client.Dial(n.loop.Now(), Config{Local: packet.Addr{Port: from}, Remote: packet.Addr{IP: 2, Port: port}, ISS: 0xffffffff})
		if err != nil {
			t.Fatal(err)
		}
		src.drain(n.loop.Now())
		n.resume(n.loop.Now().Duration() + 100*ms)
		return c
	}
	if c := dial(5, 81); !errors.Is(c.Err(), ErrReset) {
		t.Errorf("nobody listens: %v, %v", c.State(), c.Err())
	}
	if c := dial(7, 80); c.State() != SynSent {
		t.Errorf("the backlog is full: %v, %v", c.State(), c.Err())
	}
	c := dial(6, 80)
	if c.State() != Established || len(accepted) != 1 {
		t.Fatalf("%v, %d accepted", c.State(), len(accepted))
	}
	server.Unlisten(80)
	accepted[0].fail(ErrAborted) // without a word
	c.WriteContent([]byte("x"))
	src.drain(n.loop.Now())
	n.resume(3 * time.Second) // the second time
	if !errors.Is(c.Err(), ErrReset) || slices.Contains(client.Conns(), c) {
		t.Errorf("the other end has forgotten: %v, %v", c.State(), c.Err())
	}
	if c := dial(8, 80); !errors.Is(c.Err(), ErrReset) {
		t.Errorf("nobody listens any more: %v", c.Err())
	}
}
