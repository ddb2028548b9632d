package tcp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// §3.5: the three segments of the handshake, data, and the FINs of both ends.
func TestHandshakeAndClose(t *testing.T) {
	n, fwd, back := newTapped(t, 50*ms)
	p := n.connect(0, 0, Config{ISS: 1000, DSCP: 10}, Config{ISS: 5000})
	p.snd.Write(3000)
	p.snd.Close()
	n.run(time.Second)
	type want struct {
		flags    Flags
		seq, ack uint32
		body     units.Bytes
		at       time.Duration
	}
	check := func(name string, x *tap, want []want) {
		t.Helper()
		if len(x.seen) != len(want) {
			t.Fatalf("%s: %d segments, want %d: %+v", name, len(x.seen), len(want), x.seen)
		}
		for i, w := range want {
			s := x.seen[i]
			if s.Flags != w.flags || s.Seq != w.seq || s.Ack != w.ack || s.body != w.body || s.at != simtime.At(w.at) {
				t.Errorf("%s %d: %x seq %d ack %d body %d at %v, want %+v", name, i, s.Flags, s.Seq, s.Ack, s.body, s.at, w)
			}
		}
	}
	check("forward", fwd, []want{
		{SYN, 1000, 0, 0, 0},
		{ACK, 1001, 5001, 1448, 100 * ms},
		{ACK, 2449, 5001, 1448, 100 * ms},
		{ACK | PSH | FIN, 3897, 5001, 104, 100 * ms},
		{ACK, 4002, 5002, 0, 200 * ms},
	})
	check("back", back, []want{
		{SYN | ACK, 5000, 1001, 0, 50 * ms},
		{ACK, 5001, 3897, 0, 150 * ms},             // every second segment
		{ACK | PSH | FIN, 5001, 4002, 0, 150 * ms}, // the FIN at once, with its own
	})
	if p.snd.State() != TimeWait || p.rcv.State() != Closed || p.rcv.Err() != nil {
		t.Errorf("states %v and %v", p.snd.State(), p.rcv.State())
	}
	if p.rcv.Received() != 3000 || p.snd.Acked() != 3000 || !p.rcv.PeerClosed() {
		t.Errorf("received %d, acknowledged %d", p.rcv.Received(), p.snd.Acked())
	}
	if s := fwd.seen[1]; s.size != 1500 || s.Window != 16<<20>>9 {
		t.Errorf("a full packet has %d octets and window %d", s.size, s.Window)
	}
	if s := fwd.seen[0]; s.MSS != 1460 || s.WindowScale != 9 || !s.SACKPermitted || !s.Timestamps {
		t.Errorf("options of the SYN: %+v", s.Header)
	}
	n.resume(2 * time.Minute)
	if p.snd.State() != Closed || p.snd.NextTimeout() != simtime.Never {
		t.Errorf("TIME-WAIT doesn't end: %v", p.snd.State())
	}
}

// §3.8.1 and RFC 6298 §5.7: a SYN is repeated after 1, 3, 7 s; the RTO is then
// 3 s; and after two repetitions the window one segment (RFC 6928 §2).
func TestSynRetransmission(t *testing.T) {
	n, fwd, _ := newTapped(t, 50*ms)
	fwd.fate = func(s tapped) fabric.Fate {
		if s.Flags&SYN != 0 && s.at < simtime.At(2*time.Second) || s.nth == 0 && s.at < simtime.At(4*time.Second) {
			return fabric.Lose
		}
		return fabric.Pass
	}
	p := n.connect(0, 0, Config{}, Config{})
	p.snd.Write(100_000)
	n.run(10 * time.Second)
	var syns, first []simtime.Time
	for _, s := range fwd.seen {
		if s.Flags&SYN != 0 {
			syns = append(syns, s.at)
		} else if s.Seq == 1 && s.body > 0 {
			first = append(first, s.at)
		}
	}
	sec := simtime.At(time.Second)
	if len(syns) != 3 || syns[1] != sec || syns[2] != 3*sec {
		t.Errorf("SYNs at %v", syns)
	}
	if len(first) != 2 || first[1]-first[0] != 3*sec {
		t.Errorf("first data at %v, want 3 s apart", first)
	}
	if n := fwd.dataIn(3*time.Second, 4*time.Second); n != 1 {
		t.Errorf("initial window of %d segments after two lost SYNs", n)
	}
	if p.rcv.Received() != 100_000 {
		t.Errorf("received %d", p.rcv.Received())
	}
}

func TestNobodyThere(t *testing.T) {
	n, fwd, _ := newTapped(t, 50*ms)
	fwd.fate = func(tapped) fabric.Fate { return fabric.Lose }
	p := n.connect(0, 0, Config{}, Config{})
	p.snd.Write(1)
	n.run(10 * time.Minute)
	if !errors.Is(p.snd.Err(), ErrTimeout) || p.snd.State() != Closed || p.snd.NextTimeout() != simtime.Never {
		t.Errorf("%v in state %v", p.snd.Err(), p.snd.State())
	}
}

// §3.4: sequence numbers wrap in the middle of the data, of both ends, with and
// without losses around it.
func TestSequenceWrap(t *testing.T) {
	for _, sack := range []bool{true, false} {
		for back := range uint32(40) {
			n, fwd, _ := newTapped(t, 10*ms)
			fwd.fate = drop(int(back), int(back)+2)
			iss := -(1448*20 + back*100)
			p := n.connect(0, 0, Config{ISS: iss, NoSACK: !sack, MinRTO: 200 * ms}, Config{ISS: ^uint32(0)})
			p.snd.Write(100_000)
			p.snd.Close()
			n.run(20 * time.Second)
			if p.rcv.Received() != 100_000 || p.snd.State() != TimeWait || p.rcv.State() != Closed {
				t.Fatalf("iss %d sack %v: received %d, %v, %v", iss, sack, p.rcv.Received(), p.snd.State(), p.rcv.State())
			}
		}
	}
}

// §3.10.4 and figure 5: both ends close, at once and one after the other.
func TestClose(t *testing.T) {
	for _, at := range []time.Duration{500 * ms, 510 * ms, 700 * ms} {
		n, _, _ := newTapped(t, 50*ms)
		p := n.connect(0, 0, Config{HalfClose: true, TimeWait: time.Second}, Config{HalfClose: true, TimeWait: time.Second})
		p.snd.Write(10_000)
		n.do(500*ms, p, p.snd.Close)
		n.do(at, p, func() {
			p.rcv.Write(20_000)
			p.rcv.Close()
			p.dst.drain(simtime.At(at))
		})
		n.run(5 * time.Second)
		if p.snd.State() != Closed || p.rcv.State() != Closed {
			t.Errorf("closed at %v: %v and %v", at, p.snd.State(), p.rcv.State())
		}
		if p.rcv.Received() != 10_000 || p.snd.Received() != 20_000 {
			t.Errorf("closed at %v: received %d and %d", at, p.rcv.Received(), p.snd.Received())
		}
	}
}

// §3.10.7.4: a RST ends the other end.
func TestAbort(t *testing.T) {
	n, _, _ := newTapped(t, 50*ms)
	p := n.connect(0, 0, Config{}, Config{})
	p.snd.Write(Unlimited)
	n.do(time.Second, p, p.snd.Abort)
	n.run(2 * time.Second)
	if !errors.Is(p.snd.Err(), ErrAborted) || !errors.Is(p.rcv.Err(), ErrReset) {
		t.Errorf("ends with %v and %v", p.snd.Err(), p.rcv.Err())
	}
}

// §3.1: the checksum makes the sum over pseudo header and segment all ones.
func TestChecksum(t *testing.T) {
	n, fwd, back := newTapped(t, 10*ms)
	bad := 0
	check := func(s tapped) fabric.Fate {
		p := s.p
		b := make([]byte, 12+len(p.Payload)+int(p.Body)+1)
		be := binary.BigEndian
		be.PutUint32(b[0:], uint32(p.Src.IP))
		be.PutUint32(b[4:], uint32(p.Dst.IP))
		b[9] = 6
		be.PutUint16(b[10:], uint16(len(p.Payload)+int(p.Body)))
		copy(b[12:], p.Payload)
		var sum uint32
		for i := 0; i+1 < len(b); i += 2 {
			sum += uint32(be.Uint16(b[i:]))
		}
		for sum>>16 != 0 {
			sum = sum&0xffff + sum>>16
		}
		if sum != 0xffff {
			bad++
		}
		if s.nth%7 == 3 {
			return fabric.Lose
		}
		return fabric.Pass
	}
	fwd.fate, back.fate = check, check
	p := n.connect(0, 0, Config{ISS: 0xdeadbeef}, Config{ISS: 77})
	p.snd.Write(300_001)
	p.snd.Close()
	n.run(100 * time.Second)
	if bad > 0 || p.rcv.Received() != 300_001 {
		t.Errorf("%d wrong checksums, %d received", bad, p.rcv.Received())
	}
	p = n.connect(100*time.Second, 0, Config{}, Config{}) // with content, of all lengths
	for i := range 100 {
		n.do(time.Duration(101+i)*time.Second, p, func() { p.snd.WriteContent(bytes.Repeat([]byte{0xa5}, 1+i)) })
	}
	n.run(300 * time.Second)
	if bad > 0 || p.rcv.Received() != 5050 {
		t.Errorf("with content %d wrong checksums, %d received", bad, p.rcv.Received())
	}
}

// Every header that can be put together is read as it was written.
func TestHeaderRoundTrip(t *testing.T) {
	for bits := range 1 << 7 {
		h := Header{Seq: 1 << 31, Ack: 7, Flags: ACK | AE | CWR, Window: 513, WindowScale: -1}
		if bits&1 != 0 {
			h.MSS = 1460
		}
		if bits&2 != 0 {
			h.WindowScale = 7
		}
		h.SACKPermitted = bits&4 != 0
		if bits&8 != 0 {
			h.Timestamps, h.TSVal, h.TSEcr = true, 0xfffffff0, 5
		}
		h.SACKBlocks = min(bits>>4&3, 3)
		for i := range h.SACKBlocks {
			h.SACK[i] = [2]uint32{uint32(i) << 28, uint32(i)<<28 + 9}
		}
		if h.Len() > headerMax {
			continue
		}
		b := make([]byte, h.Len())
		h.Put(b, 1, 2)
		var g Header
		if err := g.Parse(b); err != nil || g != h {
			t.Errorf("%+v read as %+v, %v", h, g, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	h := Header{Flags: SYN, MSS: 1460, WindowScale: 7, SACKPermitted: true, Timestamps: true}
	b := make([]byte, h.Len())
	h.Put(b, 1, 2)
	f.Add(b)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var h Header
		if h.Parse(b) == nil && (h.SACKBlocks > 4 || h.WindowScale > 14) {
			t.Errorf("%+v", h)
		}
		// A connection takes it in every state.
		pool := &packet.Pool{}
		c, _ := Listen(Config{}, pool)
		d, _ := Dial(Config{}, pool, 0)
		for range 2 {
			for _, x := range []*Conn{c, d} {
				p := pool.New()
				copy(p.SetSegment(len(b), 10), b)
				x.HandlePacket(1, p)
				for p := x.PollPacket(1); p != nil; p = x.PollPacket(1) {
					pool.Release(p)
				}
			}
		}
		if pool.Outstanding() != 0 {
			t.Error("a packet is missing")
		}
	})
}
