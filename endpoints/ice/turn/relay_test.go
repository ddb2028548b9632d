package turn_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"rtpfabric/endpoints/ice/turn"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// indication builds a Send indication as pion has it, without a fingerprint.
func indication(set ...stun.Setter) []byte {
	return stun.MustBuild(append([]stun.Setter{stun.NewType(stun.MethodSend, stun.ClassIndication), stun.TransactionID}, set...)...).Raw
}

func channelData(number uint16, data string) []byte {
	b := binary.BigEndian.AppendUint16(nil, number)
	return append(binary.BigEndian.AppendUint16(b, uint16(len(data))), data...)
}

// relayedPacket lets a packet come to the server, and returns what it makes of that; nil if nothing.
func relayedPacket(w *world, from, to packet.Addr, payload []byte, change func(p *packet.Packet)) *packet.Packet {
	w.t.Helper()
	p := w.pool.New()
	copy(p.SetPayload(len(payload)), payload)
	p.Src, p.Dst = from, to
	if change != nil {
		change(p)
	}
	w.server.HandlePacket(w.now, p)
	out := w.server.PollPacket(w.now)
	if out != nil && out != p {
		w.t.Error("it is another packet")
	}
	return out
}

// Which peers data may come from, and go to (RFC 8656 §9, §10.2).
func TestCreatePermission(t *testing.T) {
	for _, c := range []struct {
		name   string
		set    []stun.Setter
		code   int
		allows [2]bool // peerA and peerB
	}{
		{"one", []stun.Setter{xorPeer(peerA)}, 0, [2]bool{true, false}},
		{"two", []stun.Setter{xorPeer(peerA), xorPeer(peerB)}, 0, [2]bool{true, true}},
		{"the port doesn't matter", []stun.Setter{xorPeer{IP: peerB.IP}}, 0, [2]bool{false, true}},
		{"none", nil, 400, [2]bool{}},
		{"malformed", []stun.Setter{stun.RawAttribute{Type: stun.AttrXORPeerAddress, Value: []byte{0, 1, 2}}}, 400, [2]bool{}},
		{"no family", []stun.Setter{stun.RawAttribute{Type: stun.AttrXORPeerAddress, Value: []byte{0, 3, 1, 2, 3, 4, 5, 6}}}, 400, [2]bool{}},
		{"IPv6", []stun.Setter{xorPeer6{}}, 443, [2]bool{}},
		{"all or none", []stun.Setter{xorPeer(peerA), xorPeer6{}}, 443, [2]bool{}},
		{"the server itself", []stun.Setter{xorPeer(peerA), xorPeer(serverAddr)}, 403, [2]bool{}},
		{"unknown attribute", []stun.Setter{xorPeer(peerA), stun.RawAttribute{Type: 0x7001}}, 420, [2]bool{}},
	} {
		w := newWorld(t, 0, nil)
		u := newUser(t, w, 0)
		relayed := u.allocate()
		m := u.ask(stun.MethodCreatePermission, c.set...)
		if code(m) != c.code {
			t.Errorf("%s: %v", c.name, m)
		}
		if err := stun.NewLongTermIntegrity("alice", "example.org", "secret").Check(m); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		for i, peer := range []packet.Addr{peerA, peerB} {
			out := relayedPacket(w, peer, relayed, []byte("in"), nil)
			back := relayedPacket(w, u.addr, serverAddr, indication(xorPeer(peer), dataAttr("out")), nil)
			if (out != nil) != c.allows[i] || (back != nil) != c.allows[i] {
				t.Errorf("%s: %v may send %t, may get %t", c.name, peer, out != nil, back != nil)
			}
		}
	}
}

// The server remembers as much as it has to, and then refuses.
func TestTooManyPermissions(t *testing.T) {
	w := newWorld(t, 0, nil)
	u := newUser(t, w, 0)
	u.allocate()
	some := func(from, n int) (set []stun.Setter) {
		for i := range n {
			set = append(set, xorPeer{IP: packet.IPv4(from + i)})
		}
		return set
	}
	for i := range 4 {
		if m := u.ask(stun.MethodCreatePermission, some(1024*i, 1024)...); code(m) != 0 {
			t.Fatal(m)
		}
	}
	for _, c := range []struct{ from, n, code int }{{0, 1024, 0}, {4096, 1, 508}, {4095, 2, 508}} {
		if m := u.ask(stun.MethodCreatePermission, some(c.from, c.n)...); code(m) != c.code {
			t.Errorf("%d from %d: %v", c.n, c.from, m)
		}
	}
	if m := u.ask(stun.MethodChannelBind, channelAttr(0x4000), xorPeer(peerA)); code(m) != 508 {
		t.Errorf("a channel: %v", m)
	}
	w.now = simtime.At(turn.PermissionLifetime)
	if m := u.ask(stun.MethodCreatePermission, some(4096, 1)...); code(m) != 0 {
		t.Errorf("when others have ended: %v", m)
	}
}

// Which channels can be bound (RFC 8656 §12.2).
func TestChannelBind(t *testing.T) {
	w := newWorld(t, 0, nil)
	u := newUser(t, w, 0)
	u.allocate()
	for _, c := range []struct {
		name string
		set  []stun.Setter
		code int
	}{
		{"below the range", []stun.Setter{channelAttr(0x3FFF), xorPeer(peerA)}, 400},
		{"the first", []stun.Setter{channelAttr(0x4000), xorPeer(peerA)}, 0},
		{"again", []stun.Setter{channelAttr(0x4000), xorPeer(peerA)}, 0},
		{"the last", []stun.Setter{channelAttr(0x4FFF), xorPeer(peerB)}, 0},
		{"above the range", []stun.Setter{channelAttr(0x5000), xorPeer{IP: 9, Port: 9}}, 400},
		{"of RFC 5766", []stun.Setter{channelAttr(0x7FFF), xorPeer{IP: 9, Port: 9}}, 400},
		{"same number, another peer", []stun.Setter{channelAttr(0x4000), xorPeer{IP: 9, Port: 9}}, 400},
		{"another number, same peer", []stun.Setter{channelAttr(0x4001), xorPeer(peerA)}, 400},
		{"both of others", []stun.Setter{channelAttr(0x4000), xorPeer(peerB)}, 400},
		{"another port of a peer", []stun.Setter{channelAttr(0x4001), xorPeer{IP: peerA.IP, Port: 1}}, 0},
		{"no number", []stun.Setter{xorPeer(peerA)}, 400},
		{"malformed number", []stun.Setter{stun.RawAttribute{Type: stun.AttrChannelNumber, Value: []byte{0x40, 2}}, xorPeer(peerA)}, 400},
		{"no peer", []stun.Setter{channelAttr(0x4002)}, 400},
		{"no port", []stun.Setter{channelAttr(0x4002), xorPeer{IP: 9}}, 400},
		{"malformed peer", []stun.Setter{channelAttr(0x4002), stun.RawAttribute{Type: stun.AttrXORPeerAddress, Value: []byte{0, 1}}}, 400},
		{"IPv6", []stun.Setter{channelAttr(0x4002), xorPeer6{}}, 443},
		{"the server itself", []stun.Setter{channelAttr(0x4002), xorPeer(serverAddr)}, 403},
		{"another port of the server", []stun.Setter{channelAttr(0x4002), xorPeer{IP: serverAddr.IP, Port: 50000}}, 0},
	} {
		if m := u.ask(stun.MethodChannelBind, c.set...); code(m) != c.code {
			t.Errorf("%s: %v", c.name, m)
		}
	}
	w.now = simtime.At(turn.ChannelLifetime - 1) // the allocation is still there
	if m := u.ask(stun.MethodRefresh); code(m) != 0 {
		t.Fatal(m)
	}
	w.now = simtime.At(turn.ChannelLifetime)
	for _, set := range [][]stun.Setter{{channelAttr(0x4000), xorPeer(peerB)}, {channelAttr(0x4FFF), xorPeer(peerA)}} {
		if m := u.ask(stun.MethodChannelBind, set...); code(m) != 0 {
			t.Errorf("after the end of the others: %v", m)
		}
	}
}

// The sizes of what is relayed, and what stays of it: everything but addresses and what is around the data. The packet is
// the one that came.
func TestRelays(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 4, 1000, 1472, 3000} {
		data := strings.Repeat("x", n)
		w := newWorld(t, 0, nil)
		u := newUser(t, w, 0)
		relayed := u.allocate()
		u.ask(stun.MethodCreatePermission, xorPeer(peerA))
		u.ask(stun.MethodChannelBind, channelAttr(0x4001), xorPeer(peerB))
		mark := func(p *packet.Packet) {
			p.ID, p.DSCP, p.ECN, p.Flow, p.SentAt, p.Drawn, p.Damaged, p.Copied, p.Origin = 7, 46, packet.CE, 3, 5, true, true, true, 9
		}
		around := 36 + (n+3)/4*4 + 8 // XOR-PEER-ADDRESS, DATA with padding, FINGERPRINT
		for _, c := range []struct {
			name     string
			from, to packet.Addr
			payload  []byte
			wantFrom packet.Addr
			wantTo   packet.Addr
			wantSize int // of the payload
		}{
			{"Send indication", u.addr, serverAddr, indication(xorPeer(peerA), dataAttr(data)), relayed, peerA, n},
			{"Send indication, turned round", u.addr, serverAddr, indication(dataAttr(data), xorPeer(peerA)), relayed, peerA, n},
			{"Send indication that isn't to be fragmented", u.addr, serverAddr, indication(xorPeer(peerA), dataAttr(data), stun.RawAttribute{Type: stun.AttrDontFragment}), relayed, peerA, n},
			{"ChannelData", u.addr, serverAddr, channelData(0x4001, data), relayed, peerB, n},
			{"ChannelData with padding", u.addr, serverAddr, append(channelData(0x4001, data), 1, 2, 3), relayed, peerB, n},
			{"Send indication beside a channel", u.addr, serverAddr, indication(xorPeer(peerB), dataAttr(data)), relayed, peerB, n},
			{"of a peer", peerA, relayed, []byte(data), serverAddr, u.addr, around},
			{"of a peer with a channel", peerB, relayed, []byte(data), serverAddr, u.addr, n + 4},
			{"of another port of it", packet.Addr{IP: peerB.IP, Port: 1}, relayed, []byte(data), serverAddr, u.addr, around},
		} {
			before := w.server.Counts().Relayed
			p := relayedPacket(w, c.from, c.to, c.payload, mark)
			if p == nil {
				t.Fatalf("%d octets, %s: nothing", n, c.name)
			}
			if p.Src != c.wantFrom || p.Dst != c.wantTo || len(p.Payload) != c.wantSize || int(p.Size) != c.wantSize+28 || w.server.Counts().Relayed != before+1 {
				t.Errorf("%d octets, %s: %d octets, %d in all, from %v to %v", n, c.name, len(p.Payload), p.Size, p.Src, p.Dst)
			}
			got := *p
			got.Src, got.Dst, got.Payload, got.Size = packet.Addr{}, packet.Addr{}, nil, 0
			var want packet.Packet
			mark(&want)
			want.Passed = true
			if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
				t.Errorf("%d octets, %s: %+v", n, c.name, got)
			}
			var inside []byte
			switch c.wantSize {
			case n:
				inside = p.Payload
			case n + 4:
				if !bytes.Equal(p.Payload, channelData(0x4001, data)) {
					t.Errorf("%d octets, %s: %q", n, c.name, p.Payload)
				}
				inside = p.Payload[4:]
			default:
				m := stun.Message{Raw: p.Payload}
				if err := m.Decode(); err != nil || stun.Fingerprint.Check(&m) != nil || m.Type != stun.NewType(stun.MethodData, stun.ClassIndication) {
					t.Errorf("%d octets, %s: %v, %v", n, c.name, &m, err)
				}
				if a := readAddr(t, &m, stun.AttrXORPeerAddress); a != c.from {
					t.Errorf("%d octets, %s: peer %v", n, c.name, a)
				}
				inside, _ = m.Get(stun.AttrData)
			}
			if string(inside) != data {
				t.Errorf("%d octets, %s: other data", n, c.name)
			}
			w.pool.Release(p)
		}
		w.settled()
	}
}

// What nobody has asked for is dropped (RFC 8656 §9, §11.2, §11.3, §12.6), and counted as what it is.
func TestNotRelayed(t *testing.T) {
	w := newWorld(t, 0, nil)
	u, other := newUser(t, w, 0), newUser(t, w, 1)
	relayed := u.allocate()
	theirs := other.allocate()
	u.ask(stun.MethodChannelBind, channelAttr(0x4000), xorPeer(peerA))
	u.ask(stun.MethodCreatePermission, xorPeer{IP: serverAddr.IP}) // for other relayed addresses
	stranger := packet.Addr{IP: 99, Port: 99}
	for _, c := range []struct {
		name     string
		from, to packet.Addr
		payload  []byte
		counts   turn.ServerCounts
	}{
		{"good channel", u.addr, serverAddr, channelData(0x4000, "x"), turn.ServerCounts{Relayed: 1}},
		{"a peer without permission", peerB, relayed, []byte("x"), turn.ServerCounts{NoPermission: 1}},
		{"a peer at another one's port", peerA, theirs, []byte("x"), turn.ServerCounts{NoPermission: 1}},
		{"to a peer without permission", u.addr, serverAddr, indication(xorPeer(peerB), dataAttr("x")), turn.ServerCounts{NoPermission: 1}},
		{"to another one's peer", other.addr, serverAddr, indication(xorPeer(peerA), dataAttr("x")), turn.ServerCounts{NoPermission: 1}},
		{"to the server itself", u.addr, serverAddr, indication(xorPeer(serverAddr), dataAttr("x")), turn.ServerCounts{NoPermission: 1}},
		{"to no port", u.addr, serverAddr, indication(xorPeer{IP: peerA.IP}, dataAttr("x")), turn.ServerCounts{Ignored: 1}},
		{"another channel", u.addr, serverAddr, channelData(0x4001, "x"), turn.ServerCounts{Ignored: 1}},
		{"another one's channel", other.addr, serverAddr, channelData(0x4000, "x"), turn.ServerCounts{Ignored: 1}},
		{"channel of nobody", stranger, serverAddr, channelData(0x4000, "x"), turn.ServerCounts{Ignored: 1}},
		{"another port of the client", packet.Addr{IP: u.addr.IP, Port: 1}, serverAddr, channelData(0x4000, "x"), turn.ServerCounts{Ignored: 1}},
		{"channel data cut short", u.addr, serverAddr, channelData(0x4000, "xyz")[:6], turn.ServerCounts{Ignored: 1}},
		{"indication of nobody", stranger, serverAddr, indication(xorPeer(peerA), dataAttr("x")), turn.ServerCounts{Ignored: 1}},
		{"indication without data", u.addr, serverAddr, indication(xorPeer(peerA)), turn.ServerCounts{Ignored: 1}},
		{"indication without a peer", u.addr, serverAddr, indication(dataAttr("x")), turn.ServerCounts{Ignored: 1}},
		{"indication to IPv6", u.addr, serverAddr, indication(xorPeer6{}, dataAttr("x")), turn.ServerCounts{Ignored: 1}},
		{"unknown attribute", u.addr, serverAddr, indication(xorPeer(peerA), dataAttr("x"), stun.RawAttribute{Type: 0x7001}), turn.ServerCounts{Ignored: 1}}, // RFC 8489 §6.3.2
		{"a Data indication", u.addr, serverAddr, stun.MustBuild(stun.NewType(stun.MethodData, stun.ClassIndication), stun.TransactionID, xorPeer(peerA), dataAttr("x")).Raw, turn.ServerCounts{Ignored: 1}},
		{"more than fits", peerA, relayed, make([]byte, 65500), turn.ServerCounts{Ignored: 1}},
	} {
		before := w.server.Counts()
		p := relayedPacket(w, c.from, c.to, c.payload, nil)
		after := w.server.Counts()
		got := turn.ServerCounts{
			Relayed: after.Relayed - before.Relayed, NoPermission: after.NoPermission - before.NoPermission, Ignored: after.Ignored - before.Ignored,
		}
		if got != c.counts || (p != nil) != (c.counts.Relayed == 1) {
			t.Errorf("%s: %+v", c.name, got)
		}
		if p != nil {
			w.pool.Release(p)
		}
		w.settled()
	}
}

// A permission holds for 5 minutes (RFC 8656 §9), a channel for 10 (§12), and after its end for nothing. A channel brings a
// permission, which ends before it does.
func TestPermissionsAndChannelsEnd(t *testing.T) {
	w := newWorld(t, 0, nil)
	u := newUser(t, w, 0)
	relayed := u.allocate(lifetimeAttr(time.Hour))
	u.ask(stun.MethodChannelBind, channelAttr(0x4000), xorPeer(peerA))
	flows := func() string {
		s := ""
		for _, c := range []struct {
			name     string
			from, to packet.Addr
			payload  []byte
		}{
			{"send", u.addr, serverAddr, indication(xorPeer(peerA), dataAttr("x"))},
			{"channel", u.addr, serverAddr, channelData(0x4000, "x")},
			{"peer", peerA, relayed, []byte("x")},
		} {
			p := relayedPacket(w, c.from, c.to, c.payload, nil)
			if p == nil {
				continue
			}
			s += c.name
			if p.Dst == u.addr && len(p.Payload) == 5 {
				s += " by channel"
			}
			s += ", "
			w.pool.Release(p)
		}
		return s
	}
	const all, one, none = "send, channel, peer by channel, ", "channel, ", ""
	for _, c := range []struct {
		at   time.Duration
		do   func() *stun.Message
		want string
	}{
		{0, nil, all},
		{5*time.Minute - 1, nil, all},
		{5 * time.Minute, nil, one}, // §12.6 asks for no permission
		{6 * time.Minute, func() *stun.Message { return u.ask(stun.MethodCreatePermission, xorPeer(peerA)) }, all},
		{10*time.Minute - 1, nil, all},
		{10 * time.Minute, nil, "send, peer, "},
		{11*time.Minute - 1, nil, "send, peer, "},
		{11 * time.Minute, nil, none},
		{12 * time.Minute, func() *stun.Message { return u.ask(stun.MethodChannelBind, channelAttr(0x4000), xorPeer(peerA)) }, all},
		{16 * time.Minute, func() *stun.Message { return u.ask(stun.MethodChannelBind, channelAttr(0x4000), xorPeer(peerA)) }, all},
		{21*time.Minute - 1, nil, all},
		{21 * time.Minute, nil, one},
		{25 * time.Minute, func() *stun.Message { return u.ask(stun.MethodCreatePermission, xorPeer(peerA)) }, all},
		{26 * time.Minute, nil, "send, peer, "},
		{27 * time.Minute, func() *stun.Message { return u.ask(stun.MethodRefresh, lifetimeAttr(0)) }, none},
	} {
		w.now = simtime.At(c.at)
		if c.do != nil {
			if m := c.do(); code(m) != 0 {
				t.Fatal(m)
			}
		}
		if got := flows(); got != c.want {
			t.Errorf("at %v: %q, want %q", c.at, got, c.want)
		}
	}
}

// Two clients of one server reach each other by their relayed addresses: the data go from the server to itself on the way.
func TestRelayToRelay(t *testing.T) {
	w := newWorld(t, 2, nil)
	a, b := w.ends[0], w.ends[1]
	a.Allocate(0)
	b.Allocate(0)
	w.run(time.Second)
	a.Permit(w.now, serverAddr.IP)
	b.Bind(w.now, a.relayed(t))
	w.run(2 * time.Second)
	a.Send(w.now, b.relayed(t), []byte("there"))
	b.Send(w.now, a.relayed(t), []byte("and back"))
	w.run(3 * time.Second)
	if got, want := b.lastGot(), fmt.Sprintf("%q of %v", "there", a.relayed(t)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := a.lastGot(), fmt.Sprintf("%q of %v", "and back", b.relayed(t)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	w.settled()
}
