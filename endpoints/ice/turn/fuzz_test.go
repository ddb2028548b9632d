package turn_test

import (
	"bytes"
	"testing"
	"time"

	"rtpfabric/endpoints/ice/turn"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// realMessages returns what a client and a server say to each other, and in which direction.
func realMessages() (payloads [][]byte, toServer []bool) {
	w, c := allocated(&testing.T{}, nil)
	c.Permit(w.now, peerA.IP)
	c.Bind(w.now, peerB)
	w.run(w.now.Duration() + time.Second)
	for _, peer := range []packet.Addr{peerA, peerB} {
		c.Send(w.now, peer, []byte("hello"))
		w.send(peer, w.log[len(w.log)-1].Dst, "")
		if relayed, ok := c.Relayed(); ok {
			w.send(peer, relayed, "hello back")
		}
	}
	c.Refresh(w.now)
	w.run(w.now.Duration() + time.Second)
	c.Release(w.now)
	w.run(w.now.Duration() + time.Second)
	for _, p := range w.log {
		payloads, toServer = append(payloads, p.Payload), append(toServer, p.Dst.IP == serverAddr.IP)
	}
	return payloads, toServer
}

// Whatever comes to a server, it answers or relays or drops it, loses no packet, and serves the next.
func FuzzServer(f *testing.F) {
	payloads, toServer := realMessages()
	for i, b := range payloads {
		f.Add(b, toServer[i], false)
		f.Add(b, true, true)
	}
	f.Fuzz(func(t *testing.T, b []byte, listening, stranger bool) {
		w, c := allocated(t, nil)
		c.Permit(w.now, peerA.IP)
		c.Bind(w.now, peerB)
		w.run(w.now.Duration() + time.Second)
		p := w.pool.New()
		copy(p.SetPayload(len(b)), b)
		p.Src, p.Dst = c.addr, serverAddr
		if stranger {
			p.Src = peerB
		}
		if !listening {
			p.Dst = c.relayed(t)
		}
		w.server.HandlePacket(w.now, p)
		w.settled()
		w.run(w.now.Duration() + time.Second)
		w.settled()
		for now := w.server.NextTimeout(); now != simtime.Never; now = w.server.NextTimeout() {
			w.server.HandleTimeout(now)
			if w.server.NextTimeout() <= now {
				t.Fatal("it doesn't come to an end")
			}
		}
		if m := newUser(t, w, 9).ask(1); m == nil { // Binding
			t.Error("it doesn't serve any more")
		}
	})
}

// Whatever comes to a client changes nothing for the worse, and the data that it finds are part of what came.
func FuzzClient(f *testing.F) {
	payloads, _ := realMessages()
	for _, b := range payloads {
		f.Add(b, uint8(0))
		f.Add(b, uint8(1))
		f.Add(b, uint8(2))
	}
	f.Fuzz(func(t *testing.T, b []byte, moment uint8) {
		w := newWorld(t, 1, nil)
		c := w.ends[0]
		c.Allocate(0)
		c.Permit(0, peerA.IP)
		c.Bind(0, peerB)
		w.run([]time.Duration{10 * ms, 50 * ms, time.Second}[moment%3])
		before := bytes.Clone(b)
		peer, data, ok := c.HandlePayload(w.now, b)
		if !bytes.Equal(b, before) {
			t.Error("it changes what came")
		}
		if !ok && (data != nil || peer != packet.Addr{}) || ok && !bytes.Contains(b, data) || ok && peer.IP != peerA.IP && peer != peerB {
			t.Errorf("%q of %v, %t", data, peer, ok)
		}
		w.run(w.now.Duration() + 3*time.Second)
		switch {
		case c.State() == turn.Allocated:
			still(t, w, c)
		case c.State() != turn.Failed || c.Err() == nil || moment%3 == 2: // who knows a transaction can end it (RFC 8489 §16.1.1)
			t.Errorf("%v: %v", c, c.Err())
		}
	})
}

// Messages with flipped bits, cut or longer, find everything as it should be afterwards.
func TestMangled(t *testing.T) {
	payloads, _ := realMessages()
	payloads = payloads[:len(payloads)-2] // without that of the end, which may come whole
	r := rng.New(5).Stream("mangle")
	w, c := withPeers(t)
	relayed := c.relayed(t)
	for range 20_000 {
		b := bytes.Clone(payloads[r.Uint32()%uint32(len(payloads))])
		for range 1 + r.Uint32()%4 {
			switch at := int(r.Uint32()) % (len(b) + 1); {
			case r.Bool(0.2):
				b = b[:at]
			case r.Bool(0.2):
				b = append(b, make([]byte, r.Uint32()%8)...)
			case at < len(b):
				b[at] ^= 1 << (r.Uint32() % 8)
			}
		}
		w.send(c.addr, serverAddr, string(b))
		w.deliver(w.flying[0].p)
		w.flying = nil
		for p := w.server.PollPacket(w.now); p != nil; p = w.server.PollPacket(w.now) {
			w.pool.Release(p)
		}
		c.HandlePayload(w.now, b)
		w.settled()
	}
	if got := c.relayed(t); got != relayed {
		t.Errorf("%v, then %v", relayed, got)
	}
	still(t, w, c)
}

// However a client's stream goes on, messages are cut out of it in the same way, whatever is behind them, and the server lives with
// what they are.
func FuzzStream(f *testing.F) {
	payloads, toServer := realMessages()
	var all []byte
	for i, b := range payloads {
		if toServer[i] {
			all = append(all, b...)
			all = append(all, make([]byte, -len(b)&3)...)
		}
	}
	f.Add(all)
	f.Add(append(channelData(0x4001, "hello"), 0, 0, 0, 9, 9, 9, 9, 9))
	f.Fuzz(func(t *testing.T, b []byte) {
		w := newWorld(t, 0, nil)
		for {
			length, taken, ok := turn.NextMessage(b)
			if !ok || taken == 0 || taken > len(b) {
				break
			}
			if l, n, again := turn.NextMessage(b[:taken]); l != length || n != taken || !again || length > taken || taken > length+3 {
				t.Fatalf("% x: %d of %d, and by itself %d of %d", b[:4], length, taken, l, n)
			}
			p := w.pool.New()
			copy(p.SetPayload(length), b)
			p.Src, p.Dst = clientAddr(0), serverAddr
			w.server.HandleStream(w.now, p)
			for out := w.server.PollStream(); out != nil; out = w.server.PollStream() {
				w.pool.Release(out)
			}
			b = b[taken:]
		}
		w.server.Hangup(w.now, clientAddr(0))
		w.run(w.now.Duration() + time.Second)
		w.settled()
	})
}
