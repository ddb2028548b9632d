package dtls

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"testing"

	"rtpfabric/endpoints/keying"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// RFC 5246 §5, with the vector that implementers of TLS 1.2 test P_SHA256 by.
func TestPRF(t *testing.T) {
	secret, _ := hex.DecodeString("9bbe436ba940f017b17652849a71db35")
	seed, _ := hex.DecodeString("a0ba9f936cda311827a6f796ffd5198c")
	const want = "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af" +
		"0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187347b66"
	if got := hex.EncodeToString(prf(100, secret, "test label", seed[:5], seed[5:])); got != want {
		t.Errorf("got %s", got)
	}
	for n := range 100 {
		if got := prf(n, secret, "test label", seed); hex.EncodeToString(got) != want[:2*n] {
			t.Fatalf("%d octets aren't the first of more", n)
		}
	}
}

// RFC 5764 §4.2: the order of the exported keys, from the client's side.
func TestExportOrder(t *testing.T) {
	h := handshake{master: make([]byte, masterLen), clientRandom: []byte{1}, serverRandom: []byte{2}}
	block := prf(2*(16+14), h.master, "EXTRACTOR-dtls_srtp", []byte{1, 2})
	client := keying.Material{Key: block[:16], Salt: block[32:46]}
	server := keying.Material{Key: block[16:32], Salt: block[46:60]}
	for r, want := range map[Role][2]keying.Material{Client: {client, server}, Server: {server, client}} {
		k := h.exportKeys(r, 16, 14)
		for i, m := range []keying.Material{k.Local, k.Remote} {
			if !bytes.Equal(m.Key, want[i].Key) || !bytes.Equal(m.Salt, want[i].Salt) {
				t.Errorf("%v, direction %d: %x, %x", r, i, m.Key, m.Salt)
			}
		}
	}
}

// Finished is verified for what was said, by whom (RFC 5246 §7.4.9).
func TestVerifyData(t *testing.T) {
	client := handshake{client: true, master: make([]byte, masterLen), transcript: []byte("what was said")}
	server := client
	server.client = false
	ofClient := client.verifyData(true)
	if len(ofClient) != 12 || !server.checkFinished(ofClient) || client.checkFinished(ofClient) {
		t.Error("the client's Finished isn't taken by the server alone")
	}
	server.transcript = []byte("what was heard")
	if server.checkFinished(ofClient) {
		t.Error("another transcript makes no difference")
	}
	server.transcript = client.transcript
	server.master = bytes.Repeat([]byte{1}, masterLen)
	if server.checkFinished(ofClient) || server.checkFinished(nil) {
		t.Error("another secret makes no difference")
	}
}

// RFC 6347 §4.2.3: fragments in any order, overlapping and repeated.
func TestAssembler(t *testing.T) {
	r := rng.New(1).Stream("fragments")
	for range 300 {
		var a assembler
		var want []message
		var fragments []fragment
		for seq := range uint16(5) {
			m := message{typ: messageType(seq + 11), seq: seq, body: make([]byte, r.Uint32()%200)}
			_, _ = r.Read(m.body)
			want = append(want, m)
			for at := 0; ; {
				// Some octets of the last fragment once more.
				from := max(0, at-int(r.Uint32()%20))
				end := min(len(m.body), at+1+int(r.Uint32()%80))
				f, rest, ok := parseFragment(m.appendFragment(nil, from, end))
				if !ok || len(rest) > 0 {
					t.Fatalf("octets %d to %d of %d can't be read", from, end, len(m.body))
				}
				fragments = append(fragments, f)
				if r.Bool(0.2) {
					fragments = append(fragments, f)
				}
				if at = end; at == len(m.body) {
					break
				}
			}
		}
		for i := range fragments {
			j := i + int(r.Uint32())%(len(fragments)-i)
			fragments[i], fragments[j] = fragments[j], fragments[i]
		}
		var got []message
		for _, f := range fragments {
			if v := a.add(f); v == bad {
				t.Fatalf("fragment %+v is refused", f)
			}
			for m, ok := a.take(); ok; m, ok = a.take() {
				got = append(got, m)
			}
		}
		if !slices.EqualFunc(got, want, func(x, y message) bool {
			return x.typ == y.typ && x.seq == y.seq && bytes.Equal(x.body, y.body)
		}) {
			t.Fatalf("got %d messages, want %d", len(got), len(want))
		}
	}
}

func TestAssemblerVerdicts(t *testing.T) {
	part := func(typ messageType, seq uint16, total, offset, n int) fragment {
		return fragment{typ: typ, seq: seq, total: total, offset: offset, length: n, body: make([]byte, n)}
	}
	var a assembler
	for i, c := range []struct {
		f    fragment
		want verdict
	}{
		{part(1, 0, 10, 0, 5), taken},
		{part(1, 0, 10, 0, 5), known},
		{part(1, 0, 10, 3, 2), known},
		{part(2, 0, 10, 5, 5), bad},    // another type
		{part(1, 0, 11, 5, 5), bad},    // another length
		{part(14, 2, 0, 0, 0), taken},  // ahead, and empty
		{part(14, 2, 0, 0, 0), known},  //
		{part(14, 8, 0, 0, 0), bad},    // too far ahead
		{part(14, 7, 0, 0, 0), taken},  //
		{part(1, 0, 10, 4, 6), taken},  // overlapping
		{part(1, 65535, 0, 0, 0), bad}, // not the one before 0
	} {
		if got := a.add(c.f); got != c.want {
			t.Errorf("fragment %d: verdict %d, want %d", i, got, c.want)
		}
	}
	if m, ok := a.take(); !ok || m.typ != 1 || len(m.body) != 10 {
		t.Errorf("message %+v, %v", m, ok)
	}
	if got := a.add(part(1, 0, 10, 0, 5)); got != stale {
		t.Errorf("a message that was taken: verdict %d", got)
	}
	if _, ok := a.take(); ok {
		t.Error("a message that didn't come is handed out")
	}
}

// RFC 6347 §4.2.2: what a handshake header can't say.
func TestParseFragmentRefuses(t *testing.T) {
	m := message{typ: certificate, seq: 3, body: make([]byte, 10)}
	good := m.appendFragment(nil, 2, 8)
	for n := range good {
		if _, _, ok := parseFragment(good[:n]); ok {
			t.Errorf("the first %d octets are accepted", n)
		}
	}
	for name, change := range map[string]func([]byte){
		"longer than the message": func(b []byte) { b[3] = 7 },
		"empty part":              func(b []byte) { b[11] = 0 },
		"huge message":            func(b []byte) { b[1] = 1 },
	} {
		b := slices.Clone(good)
		change(b)
		if f, _, ok := parseFragment(b); ok {
			t.Errorf("%s: accepted as %+v", name, f)
		}
	}
}

// RFC 6347 §4.1.2.6: a window of 64.
func TestReplayWindow(t *testing.T) {
	var w replayWindow
	for i, c := range []struct {
		seq   uint64
		fresh bool
	}{
		{0, true},
		{0, false},
		{3, true},
		{1, true},
		{3, false},
		{2, true},
		{1, false},
		{66, true},
		{3, false},
		{4, true},
		{67, true},
		{4, false},
		{3, false},
		{1000, true},
		{937, true},
		{936, false},
		{67, false},
		{1000, false},
		{1<<48 - 1, true},
		{1<<48 - 1, false},
		{1000, false},
		{1<<48 - 64, true},
	} {
		if got := w.fresh(c.seq); got != c.fresh {
			t.Errorf("step %d: record %d is fresh: %v", i, c.seq, got)
		}
		if w.fresh(c.seq) {
			w.saw(c.seq)
		}
	}
	var l recentRecords
	for seq := range uint64(100) {
		if l.seen(seq) {
			t.Fatalf("record %d was seen before", seq)
		}
	}
	if !l.seen(99) || !l.seen(36) || l.seen(1<<47) || l.seen(5) {
		t.Error("of epoch 0 the last 64 are known, and nothing else")
	}
}

// RFC 6347 §4.1.2.1, RFC 5288 §3: a protected record says nothing to another
// key, and may not be changed anywhere, header included.
func TestProtection(t *testing.T) {
	p := newProtection(make([]byte, keyLen), make([]byte, implicitNonce))
	other := newProtection(bytes.Repeat([]byte{1}, keyLen), make([]byte, implicitNonce))
	salted := newProtection(make([]byte, keyLen), []byte{0, 0, 0, 1})
	r := record{typ: handshakeRecord, version: version12, epoch: 1, seq: 5}
	body := p.seal(&r, []byte("content"))
	if len(body) != len("content")+protectionOverhead {
		t.Fatalf("%d octets", len(body))
	}
	r.body = body
	if got, ok := p.open(&r); !ok || string(got) != "content" {
		t.Fatalf("%q, %v", got, ok)
	}
	for name, q := range map[string]*protection{"another key": other, "another salt": salted} {
		if _, ok := q.open(&r); ok {
			t.Errorf("%s opens it", name)
		}
	}
	for name, change := range map[string]func(*record){
		"type":    func(r *record) { r.typ = alertRecord },
		"version": func(r *record) { r.version = version10 },
		"epoch":   func(r *record) { r.epoch = 0 },
		"number":  func(r *record) { r.seq++ },
		"nonce":   func(r *record) { r.body = slices.Clone(body); r.body[0] ^= 1 },
		"content": func(r *record) { r.body = slices.Clone(body); r.body[9] ^= 1 },
		"tag":     func(r *record) { r.body = slices.Clone(body); r.body[len(body)-1] ^= 1 },
		"length":  func(r *record) { r.body = body[:len(body)-1] },
		"nothing": func(r *record) { r.body = nil },
	} {
		q := r
		if change(&q); func() bool { _, ok := p.open(&q); return ok }() {
			t.Errorf("another %s: opened", name)
		}
	}
}

// An illegal transition names both states.
func TestIllegalTransition(t *testing.T) {
	random := rng.New(1)
	c := New(Config{Role: Server, Identity: NewIdentity(random.Stream("a")), Random: random.Stream("b")})
	defer func() {
		if got, want := recover(), "dtls: server goes from CLOSED to SENDING"; got != want {
			t.Errorf("panic %v, want %s", got, want)
		}
	}()
	c.to(Closed)
	c.to(Sending)
}

// Messages out of their order are the other end's mistake.
func TestUnexpectedMessage(t *testing.T) {
	random := rng.New(1)
	for _, role := range []Role{Client, Server} {
		for _, typ := range []messageType{0, certificate, serverHelloDone, certificateVerify, clientHello, serverHello} {
			if role == Client && typ == serverHello || role == Server && typ == clientHello {
				continue
			}
			c := New(Config{Role: role, Identity: NewIdentity(random.Stream("a")), Random: random.Stream("b")})
			c.HandleTimeout(0)
			var s sender
			m := message{typ: typ}
			r, _, _ := parseRecord(s.record(nil, handshakeRecord, version12, 0, m.appendWhole(nil)))
			c.handleRecord(0, r, packet.Addr{})
			var e *AlertError
			if !errors.As(c.Err(), &e) || e.Alert != UnexpectedMessage || e.FromPeer {
				t.Errorf("%v, message %d: %v", role, typ, c.Err())
			}
		}
	}
}

// RFC 5764 §4.1.1, §4.1.3: a server may choose one profile of those offered, and
// no MKI, which nobody offers.
func TestServersChoice(t *testing.T) {
	random := rng.New(1)
	for _, c := range []struct {
		name    string
		useSRTP []byte
		ok      bool
	}{
		{"one", []byte{0, 2, 0, 1, 0}, true},
		{"with MKI", []byte{0, 2, 0, 1, 1, 7}, false},
		{"two", []byte{0, 4, 0, 1, 0, 2, 0}, false},
		{"none", []byte{0, 0, 0}, false},
		{"not offered", []byte{0, 2, 0, 2, 0}, false},
		{"too long", []byte{0, 2, 0, 1, 0, 0}, false},
	} {
		conn := New(Config{Identity: NewIdentity(random.Stream("a")), Random: random.Stream("b")})
		conn.HandleTimeout(0)
		body := append([]byte{0xfe, 0xfd}, make([]byte, randomLen+1)...)
		body = append(body, 0xc0, 0x2b, 0)
		body = appendVector(body, appendExtension(nil, extensionUseSRTP, c.useSRTP), 2)
		conn.clientServerHello(0, message{typ: serverHello, body: body}, record{}, packet.Addr{})
		if (conn.Err() == nil) != c.ok {
			t.Errorf("%s: %v", c.name, conn.Err())
		}
	}
}

// Finished in the clear is no Finished, nor is anything else protected.
func TestFinishedIsProtected(t *testing.T) {
	random := rng.New(1)
	for epoch, typ := range []messageType{finished, clientHello} {
		c := New(Config{Role: Server, Identity: NewIdentity(random.Stream("a")), Random: random.Stream("b")})
		m := message{typ: typ}
		r := record{typ: handshakeRecord, version: version12, epoch: uint16(epoch)}
		c.handleContent(0, r, m.appendWhole(nil), packet.Addr{})
		if c.stats.BadRecords != 1 || c.Err() != nil {
			t.Errorf("message %d in epoch %d: %d bad records, %v", typ, epoch, c.stats.BadRecords, c.Err())
		}
	}
}

// A Finished with anything else in it than that fails the handshake.
func TestWrongFinished(t *testing.T) {
	random := rng.New(1)
	for role, step := range map[Role]func(*Conn, simtime.Time, message, record, packet.Addr){
		Client: (*Conn).clientFinished, Server: (*Conn).serverFinished,
	} {
		c := New(Config{Role: role, Identity: NewIdentity(random.Stream("a")), Random: random.Stream("b")})
		c.HandleTimeout(0)
		c.shake.master = make([]byte, masterLen)
		wrong := c.shake.verifyData(role == Server)
		wrong[11] ^= 1
		step(c, 0, message{typ: finished, body: wrong}, record{}, packet.Addr{})
		var e *AlertError
		if !errors.As(c.Err(), &e) || e.Alert != DecryptError || c.State() != Failed {
			t.Errorf("%v is %v, %v", role, c.State(), c.Err())
		}
	}
}

// RFC 5246 §7.2.2: a fatal alert ends the handshake, a warning doesn't.
func TestAlertLevels(t *testing.T) {
	random := rng.New(1)
	for _, c := range []struct {
		body []byte
		want State
	}{
		{[]byte{1, 90}, Waiting}, // user_canceled; close_notify follows
		{[]byte{2, 40}, Failed},
		{[]byte{1, 0}, Closed},
		{[]byte{3, 40}, Waiting},
		{[]byte{2}, Waiting},
		{[]byte{2, 40, 0}, Waiting},
	} {
		conn := New(Config{Role: Server, Identity: NewIdentity(random.Stream("a")), Random: random.Stream("b")})
		conn.handleAlert(0, c.body)
		if conn.State() != c.want || (conn.Err() != nil) != (c.want == Failed) {
			t.Errorf("alert %x: %v, %v; want %v", c.body, conn.State(), conn.Err(), c.want)
		}
	}
}
