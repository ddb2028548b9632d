package turn_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"rtpfabric/endpoints/ice/turn"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// What is sent before there is a permission waits for it, in order, and the oldest make room.
func TestSendWaits(t *testing.T) {
	w := newWorld(t, 1, nil)
	c := w.ends[0]
	payload := []byte("0")
	c.Send(0, peerA, payload)
	w.run(time.Second)
	if len(w.log) != 0 {
		t.Error("it sends without an allocation")
	}
	c.Allocate(w.now)
	for i := 1; i < 70; i++ {
		c.Send(w.now, peerA, []byte(fmt.Sprint(i)))
	}
	payload[0] = 'b'
	c.Send(w.now, peerB, payload)
	payload[0] = 'x' // it is the caller's
	w.run(3 * time.Second)
	var want []string
	for i := 7; i < 70; i++ { // 64 wait
		want = append(want, fmt.Sprint(i))
	}
	var data []string
	for _, g := range w.arrived {
		if g.to == peerA {
			data = append(data, g.data)
		}
	}
	if !slices.Equal(data, want) || w.lastArrived() != fmt.Sprintf("%q from %v to %v", "b", c.relayed(t), peerB) {
		t.Errorf("%q, and %s", data, w.lastArrived())
	}
	if n := c.Counts(); n.Sent != 64 || n.Dropped != 7 || n.Requests != 4 {
		t.Errorf("%+v", n)
	}
	c.Send(w.now, peerA, []byte("at once"))
	if b := c.Poll(); len(b) != 36+8+8 {
		t.Errorf("%d octets", len(b))
	}
	c.Send(w.now, peerA, make([]byte, 65461)) // doesn't fit
	if c.Poll() != nil || c.Counts().Dropped != 8 {
		t.Errorf("%+v", c.Counts())
	}
}

// What the server refuses, or doesn't answer, is kept no more.
func TestRefusedPeers(t *testing.T) {
	w, c := allocated(t, nil)
	c.Bind(w.now, serverAddr) // 403
	c.Send(w.now, packet.Addr{IP: serverAddr.IP, Port: 1}, []byte("waits"))
	w.run(w.now.Duration() + time.Second)
	if n := c.Counts(); n.Refused != 1 || n.Dropped != 1 || n.Sent != 0 || c.Permitted(serverAddr.IP) || c.State() != turn.Allocated {
		t.Errorf("%+v, %v", n, c)
	}
	w.passes = func(*packet.Packet) bool { return false }
	c.Permit(w.now, peerA.IP)
	c.Bind(w.now, peerB)
	c.Send(w.now, peerA, []byte("waits"))
	w.run(w.now.Duration() + 40*time.Second)
	if n := c.Counts(); n.Refused != 3 || n.Dropped != 2 || c.Permitted(peerA.IP) || c.Permitted(peerB.IP) || c.State() != turn.Allocated {
		t.Errorf("%+v, %v", n, c)
	}
	w.passes = nil
	c.Permit(w.now, peerA.IP)
	c.Bind(w.now, peerB)
	w.run(w.now.Duration() + time.Second)
	if err := errors.Join(exchange(w, c, peerA, false), exchange(w, c, peerB, true)); err != nil {
		t.Errorf("when asked again: %v", err)
	}
}

// There are 4096 numbers for channels (RFC 8656 §12).
func TestChannelNumbers(t *testing.T) {
	client := newClient()
	client.Allocate(0)
	numbers := map[string]bool{}
	answer := func(_ simtime.Time, m *stun.Message) []byte {
		if v, err := m.Get(stun.AttrChannelNumber); err == nil {
			numbers[fmt.Sprintf("%x", v)] = true
		}
		return respond(m, stun.ClassSuccessResponse, xorRelayed(peerA), lifetimeAttr(time.Hour), mappedAttr)
	}
	converse(t, client, 0, 1, answer)
	for i := range 4100 {
		client.Bind(0, packet.Addr{IP: packet.IPv4(i), Port: 1})
	}
	converse(t, client, 0, 1, answer)
	if len(numbers) != 4096 || !numbers["40000000"] || !numbers["4fff0000"] || client.Counts().Refused != 4 {
		t.Errorf("%d numbers, %+v", len(numbers), client.Counts())
	}
}

// What comes from a server, and what doesn't count (RFC 8656 §11.4, §12.6).
func TestHandlePayload(t *testing.T) {
	w, c := allocated(t, nil)
	c.Permit(w.now, peerA.IP)
	c.Bind(w.now, peerB)
	w.run(w.now.Duration() + time.Second)
	kind := stun.NewType(stun.MethodData, stun.ClassIndication)
	data := func(set ...stun.Setter) []byte {
		return stun.MustBuild(append([]stun.Setter{kind, stun.TransactionID}, set...)...).Raw
	}
	broken := data(xorPeer(peerA), dataAttr("x"), stun.Fingerprint)
	broken[len(broken)-1] ^= 1
	for _, f := range []struct {
		name string
		b    []byte
		peer packet.Addr
		data string
		ok   bool
	}{
		{"indication", data(xorPeer(peerA), dataAttr("hello")), peerA, "hello", true},
		{"empty indication", data(xorPeer(peerA), dataAttr("")), peerA, "", true},
		{"with fingerprint", data(xorPeer(peerA), dataAttr("hello"), stun.Fingerprint), peerA, "hello", true},
		{"of a peer with channel", data(xorPeer(peerB), dataAttr("hello")), peerB, "hello", true},
		{"channel", channelData(0x4000, "hello"), peerB, "hello", true},
		{"empty channel", channelData(0x4000, ""), peerB, "", true},
		{"channel with padding", append(channelData(0x4000, "hello"), 0, 0, 0), peerB, "hello", true},
		{"wrong fingerprint", broken, packet.Addr{}, "", false},
		{"stranger", data(xorPeer{IP: 7, Port: 7}, dataAttr("hello")), packet.Addr{}, "", false},
		{"IPv6", data(xorPeer6{}, dataAttr("hello")), packet.Addr{}, "", false},
		{"no data", data(xorPeer(peerA)), packet.Addr{}, "", false},
		{"no peer", data(dataAttr("hello")), packet.Addr{}, "", false},
		{"unknown attribute", data(xorPeer(peerA), dataAttr("hello"), stun.RawAttribute{Type: 0x7001}), packet.Addr{}, "", false},
		{"Send indication", indication(xorPeer(peerA), dataAttr("hello")), packet.Addr{}, "", false},
		{"other channel", channelData(0x4001, "hello"), packet.Addr{}, "", false},
		{"cut channel", channelData(0x4000, "hello")[:8], packet.Addr{}, "", false},
		{"short", []byte{0x40}, packet.Addr{}, "", false},
		{"nothing", nil, packet.Addr{}, "", false},
		{"media", []byte("\x80 some RTP that came to the wrong place"), packet.Addr{}, "", false},
		{"a request", stun.MustBuild(stun.BindingRequest, stun.TransactionID).Raw, packet.Addr{}, "", false},
		{"an answer to nothing", stun.MustBuild(stun.BindingSuccess, stun.TransactionID).Raw, packet.Addr{}, "", false},
	} {
		before := c.Counts()
		peer, got, ok := c.HandlePayload(w.now, f.b)
		if peer != f.peer || string(got) != f.data || ok != f.ok {
			t.Errorf("%s: %q of %v, %t", f.name, got, peer, ok)
		}
		if n := c.Counts(); (n.Received == before.Received+1) != ok || (n.Ignored == before.Ignored+1) == ok {
			t.Errorf("%s: %+v", f.name, n)
		}
		if ok && len(got) > 0 {
			f.b[bytes.Index(f.b, []byte("hello"))] = 'H'
			if got[0] != 'H' {
				t.Errorf("%s: the data are a copy", f.name)
			}
		}
	}
}

// Wrap appends, in the sizes that are expected.
func TestWrap(t *testing.T) {
	w, c := allocated(t, nil)
	c.Bind(w.now, peerB)
	w.run(w.now.Duration() + time.Second)
	other := packet.Addr{IP: 7, Port: 7}
	c.Bind(w.now, other)
	if b := c.Wrap(nil, other, nil); len(b) != 44 {
		t.Errorf("%d octets before the channel is bound", len(b))
	}
	for n := range 9 {
		payload := []byte("12345678")[:n]
		b := c.Wrap(append([]byte("before"), "used before, and longer than what comes here now"...)[:6], peerA, payload)
		if got := strings.Trim(string(b[6+36+n:6+36+(n+3)/4*4]), "\x00"); got != "" {
			t.Errorf("padding %q", got)
		}
		m := stun.Message{Raw: b[6:]}
		if string(b[:6]) != "before" || m.Decode() != nil || stun.Fingerprint.Check(&m) != nil || len(b) != 6+44+(n+3)/4*4 {
			t.Fatalf("%q", b)
		}
		if got, err := m.Get(stun.AttrData); err != nil || string(got) != string(payload) || readAddr(t, &m, stun.AttrXORPeerAddress) != peerA {
			t.Errorf("%v", &m)
		}
		if b := c.Wrap([]byte("before"), peerB, payload); string(b) != "before"+string(channelData(0x4000, string(payload))) {
			t.Errorf("%q", b)
		}
	}
	a, b := stun.Message{Raw: c.Wrap(nil, peerA, nil)}, stun.Message{Raw: c.Wrap(nil, peerA, nil)}
	if a.Decode() != nil || b.Decode() != nil || a.TransactionID == b.TransactionID {
		t.Error("two indications have one identifier")
	}
}

// What a channel brings and what it doesn't: a permission that was asked for otherwise stays without it, and is asked for
// but once with it.
func TestChannelsAndPermissions(t *testing.T) {
	w := newWorld(t, 1, nil)
	c := w.ends[0]
	c.Bind(0, peerA)
	c.Permit(0, peerA.IP)
	c.Allocate(0)
	w.run(time.Second)
	if n := c.Counts(); n.Requests != 3 || !c.Permitted(peerA.IP) {
		t.Errorf("%+v", n)
	}
	c.Permit(w.now, peerB.IP)
	w.run(2 * time.Second)
	w.passes = func(p *packet.Packet) bool {
		return !isA(p, stun.MethodChannelBind) || w.now > simtime.At(45*time.Second)
	}
	c.Bind(w.now, peerB)
	other := packet.Addr{IP: 7, Port: 1}
	c.Bind(w.now, other)
	w.run(30 * time.Second)
	other.Port = 2
	c.Bind(w.now, other)
	w.run(44 * time.Second)
	if n := c.Counts(); n.Refused != 2 || !c.Permitted(peerB.IP) || c.Permitted(7) {
		t.Errorf("%+v, permissions: %t, %t", n, c.Permitted(peerB.IP), c.Permitted(7))
	}
	w.run(time.Minute)
	if n := c.Counts(); n.Refused != 2 || !c.Permitted(7) {
		t.Errorf("%+v, permission: %t", n, c.Permitted(7))
	}
	if err := errors.Join(exchange(w, c, peerA, true), exchange(w, c, peerB, false), exchange(w, c, other, true)); err != nil {
		t.Error(err)
	}
	w.run(20 * time.Minute)
	if err := errors.Join(exchange(w, c, peerA, true), exchange(w, c, peerB, false), exchange(w, c, other, true)); err != nil {
		t.Error(err)
	}
}

// A permission stays when the channel that has brought it is refused.
func TestChannelEndsBeforePermission(t *testing.T) {
	w, c := withPeers(t)
	w.passes = func(p *packet.Packet) bool { return !isA(p, stun.MethodChannelBind) }
	w.run(10 * time.Minute)
	if n := c.Counts(); n.Refused != 1 || !c.Permitted(peerB.IP) {
		t.Errorf("%+v, permission: %t", n, c.Permitted(peerB.IP))
	}
	w.run(11 * time.Minute)
	if err := exchange(w, c, peerB, false); err != nil {
		t.Error(err)
	}
}

// Who watches finds what is for the peer, on a channel and before there is one, and leaves everything else alone.
func TestUnwrap(t *testing.T) {
	w, c := allocated(t, nil)
	c.Bind(w.now, peerB)
	w.run(w.now.Duration() + time.Second)
	for _, peer := range []packet.Addr{peerA, peerB} {
		for n := range 9 {
			payload := "12345678"[:n]
			if got := turn.Unwrap(c.Wrap(nil, peer, []byte(payload))); string(got) != payload {
				t.Errorf("%q for %v is found as %q", payload, peer, got)
			}
		}
	}
	whole := c.Wrap(nil, peerA, []byte("12345678"))
	for n := range whole { // cut off, or something else
		if got := turn.Unwrap(whole[:n]); n < len(whole)-20 && len(got) != n {
			t.Errorf("%d octets of an indication are taken for one: %q", n, got)
		}
	}
	for _, b := range []string{"", "@", "@\x00\x00\x05abc", "\x80media", "\x00\x01\x00\x00" + strings.Repeat("x", 16)} {
		if got := turn.Unwrap([]byte(b)); string(got) != b {
			t.Errorf("%q becomes %q", b, got)
		}
	}
}
