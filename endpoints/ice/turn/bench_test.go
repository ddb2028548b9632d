package turn_test

import (
	"testing"

	"github.com/pion/stun/v4"

	"rtpfabric/sim/packet"
)

// bound returns a server with a client that has a channel to peerB and a permission for peerA.
func bound(t *testing.T) (w *world, client, relayed packet.Addr) {
	w = newWorld(t, 0, nil)
	u := newUser(t, w, 0)
	relayed = u.allocate()
	u.ask(stun.MethodChannelBind, channelAttr(0x4000), xorPeer(peerB))
	u.ask(stun.MethodCreatePermission, xorPeer(peerA))
	return w, u.addr, relayed
}

// relay lets one packet through.
func relay(w *world, from, to packet.Addr, payload []byte) {
	p := w.pool.New()
	copy(p.SetPayload(len(payload)), payload)
	p.Src, p.Dst = from, to
	w.server.HandlePacket(w.now, p)
	if p = w.server.PollPacket(w.now); p == nil {
		w.t.Fatal("nothing is relayed")
	}
	w.pool.Release(p)
}

// Relaying allocates nothing, in either direction, through a channel or not.
func TestRelayAllocates(t *testing.T) {
	w, client, relayed := bound(t)
	data := make([]byte, 1200)
	inChannel, inIndication := channelData(0x4000, string(data)), indication(xorPeer(peerA), dataAttr(string(data)))
	for name, f := range map[string]func(){
		"from a channel":       func() { relay(w, client, serverAddr, inChannel) },
		"to a channel":         func() { relay(w, peerB, relayed, data) },
		"in a Send indication": func() { relay(w, client, serverAddr, inIndication) },
		"in a Data indication": func() { relay(w, peerA, relayed, data) },
	} {
		if n := testing.AllocsPerRun(100, f); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkRelay(b *testing.B) {
	data := make([]byte, 1200)
	for _, c := range []struct {
		name string
		run  func(w *world, client, relayed packet.Addr) func()
	}{
		{"channel to peer", func(w *world, client, _ packet.Addr) func() {
			payload := channelData(0x4000, string(data))
			return func() { relay(w, client, serverAddr, payload) }
		}},
		{"peer to channel", func(w *world, _, relayed packet.Addr) func() { return func() { relay(w, peerB, relayed, data) } }},
		{"indication to peer", func(w *world, client, _ packet.Addr) func() {
			payload := indication(xorPeer(peerA), dataAttr(string(data)))
			return func() { relay(w, client, serverAddr, payload) }
		}},
		{"peer to indication", func(w *world, _, relayed packet.Addr) func() { return func() { relay(w, peerA, relayed, data) } }},
	} {
		b.Run(c.name, func(b *testing.B) {
			w, client, relayed := bound(&testing.T{})
			f := c.run(w, client, relayed)
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
}

// A client's packet into its channel, as its host sends it.
func BenchmarkWrap(b *testing.B) {
	w, c := allocated(&testing.T{}, nil)
	c.Bind(w.now, peerB)
	w.run(w.now.Duration() + 1000*ms)
	data, buffer := make([]byte, 1200), make([]byte, 0, 1500)
	b.ReportAllocs()
	for b.Loop() {
		buffer = c.Wrap(buffer[:0], peerB, data)
	}
}
