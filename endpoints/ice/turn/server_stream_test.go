package turn_test

import (
	"testing"

	"github.com/pion/stun/v4"

	"rtpfabric/endpoints/ice/turn"
	"rtpfabric/sim/packet"
)

// Messages are told apart in a stream by their lengths, however much of it is there (RFC 8656 §2.1, §12.5).
func TestNextMessage(t *testing.T) {
	message := stun.MustBuild(stun.BindingRequest, stun.TransactionID, stun.Fingerprint).Raw
	for _, c := range []struct {
		name          string
		b             []byte
		length, taken int
		ok            bool
	}{
		{"nothing", nil, 0, 0, true},
		{"the beginning", message[:3], 0, 0, true},
		{"a part", message[:9], 28, 28, true},
		{"a message and more", append(append([]byte(nil), message...), 1, 2, 3), 28, 28, true},
		{"no multiple of four", []byte{0, 1, 0, 9}, 29, 29, false},
		{"data", channelData(0x4001, "hello"), 9, 12, true},
		{"no data", channelData(0x4fff, ""), 4, 4, true},
		{"another channel", channelData(0x5000, ""), 0, 0, false},
		{"words", []byte("POST / HTTP/1.1"), 0, 0, false},
		{"one octet", []byte{0x16}, 0, 0, false},
	} {
		if length, taken, ok := turn.NextMessage(c.b); length != c.length || taken != c.taken || ok != c.ok {
			t.Errorf("%s: %d, %d, %v", c.name, length, taken, ok)
		}
	}
}

// A client by a stream is another one than that with the same address by datagrams; its allocation ends with the stream.
func TestStreamClient(t *testing.T) {
	w := newWorld(t, 0, nil)
	u, datagrams := newUser(t, w, 0), newUser(t, w, 0)
	u.stream = true
	relayed, other := u.allocate(), datagrams.allocate()
	if relayed == other || !w.server.Streamed(relayed) || w.server.Streamed(other) {
		t.Fatalf("%v and %v", relayed, other)
	}
	if m := u.ask(stun.MethodChannelBind, channelAttr(0x4001), xorPeer(peerA)); code(m) != 0 {
		t.Fatal(m)
	}
	u.put(channelData(0x4001, "hello"))
	if len(w.arrived) != 1 || w.arrived[0].data != "hello" || w.arrived[0].from != relayed || w.arrived[0].to != peerA || w.arrived[0].packet.Passed {
		t.Errorf("%+v", w.arrived)
	}
	if p := relayedPacket(w, peerA, relayed, []byte("world"), nil); p != nil {
		t.Errorf("%v goes by itself", p)
	}
	p := w.server.PollStream()
	if p == nil || p.Dst != u.addr || string(p.Payload) != string(channelData(0x4001, "world")) || w.server.Held() != 0 {
		t.Fatalf("%+v", p)
	}
	w.pool.Release(p)
	w.server.Hangup(w.now, u.addr)
	w.server.Hangup(w.now, packet.Addr{IP: 7, Port: 7})
	if c := w.server.Counts(); c.Deleted != 1 || w.server.Streamed(relayed) {
		t.Errorf("%+v", c)
	}
	if m := datagrams.ask(stun.MethodRefresh, lifetimeAttr(0)); code(m) != 0 {
		t.Errorf("the other one: %v", m)
	}
}
