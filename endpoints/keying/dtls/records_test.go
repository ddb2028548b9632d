package dtls_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/sim/simtime"
)

// part is a record, or a handshake fragment that one in the clear has.
type part struct {
	typ     byte
	version uint16
	epoch   uint16
	seq     uint64
	message byte // type of handshake message
	mseq    uint16
	body    []byte
}

func parts(t *testing.T, b []byte) []part {
	t.Helper()
	var out []part
	for len(b) > 0 {
		n := 13 + int(binary.BigEndian.Uint16(b[11:]))
		p := part{
			typ: b[0], version: binary.BigEndian.Uint16(b[1:]), epoch: binary.BigEndian.Uint16(b[3:]),
			seq: binary.BigEndian.Uint64(b[3:]) & (1<<48 - 1), body: b[13:n],
		}
		if p.typ == 22 && p.epoch == 0 {
			p.message, p.mseq = b[13], binary.BigEndian.Uint16(b[17:])
		}
		out = append(out, p)
		b = b[n:]
	}
	return out
}

// §4.1, §4.2.2: records count from 0 in each epoch and never twice, also when a
// flight is sent again; messages count on over the flights and keep their number
// and epoch when they are sent again.
func TestNumbers(t *testing.T) {
	p := newPipe(t, 1, func(c []dtls.Config) { c[0].MTU, c[1].MTU = 300, 300 })
	lost := 0
	p.fate = func(d *datagram) []simtime.Time {
		// The beginning of flight 5, and something of flight 4.
		if flight5 := parts(t, d.payload)[0].message == 11 && d.from == 0; flight5 && lost < 2 || d.from == 1 && d.nth == 1 {
			lost++
			return nil
		}
		return deliver(d)
	}
	p.run(time.Hour)
	p.wantConnected()
	next := [2][2]uint64{}
	messages := [2]map[uint16]byte{{}, {}}
	finished := [2]int{}
	for _, d := range p.log {
		for _, r := range parts(t, d.payload) {
			if r.epoch > 1 || r.seq != next[d.from][r.epoch] {
				t.Fatalf("end %d: record %d of epoch %d, want %d", d.from, r.seq, r.epoch, next[d.from][r.epoch])
			}
			next[d.from][r.epoch]++
			switch {
			case r.epoch == 1 && r.typ == 22:
				finished[d.from]++
				if len(r.body) != 8+12+12+16 {
					t.Errorf("end %d: Finished in %d octets", d.from, len(r.body))
				}
			case r.epoch == 1 || r.typ == 20 && !bytes.Equal(r.body, []byte{1}):
				t.Errorf("end %d: record of type %d in epoch %d: %x", d.from, r.typ, r.epoch, r.body)
			case r.typ == 22:
				if was, ok := messages[d.from][r.mseq]; ok && was != r.message {
					t.Errorf("end %d: message %d is of type %d and %d", d.from, r.mseq, was, r.message)
				}
				messages[d.from][r.mseq] = r.message
			}
		}
	}
	for i, want := range []map[uint16]byte{{0: 1, 1: 11, 2: 16, 3: 15}, {0: 2, 1: 11, 2: 12, 3: 13, 4: 14}} {
		if fmt.Sprint(messages[i]) != fmt.Sprint(want) {
			t.Errorf("end %d sent messages %v, want %v", i, messages[i], want)
		}
	}
	if finished[0] < 2 {
		t.Errorf("flight 5 was sent %d times, want it more than once for this test", finished[0])
	}
}

// §4.2.1: the cookie exchange. The HelloVerifyRequest has the version of
// DTLS 1.0 and its request's record number, as has the first ServerHello; the
// second hello differs by the cookie alone.
func TestCookieExchange(t *testing.T) {
	p := newPipe(t, 1, func(c []dtls.Config) { c[1].CookieExchange = true })
	p.fate = func(d *datagram) []simtime.Time {
		if d.from == 1 && d.nth == 0 || d.from == 0 && d.nth == 2 { // the first HelloVerifyRequest and its answer
			return nil
		}
		return deliver(d)
	}
	p.run(time.Hour)
	p.wantConnected()
	p.wantAt(3*rtt+3*time.Second, 5*delay+3*time.Second)
	var hellos, verifies, servers []part
	for _, d := range p.log {
		switch r := parts(t, d.payload)[0]; r.message {
		case 1:
			hellos = append(hellos, r)
		case 3:
			verifies = append(verifies, r)
		case 2:
			servers = append(servers, r)
		}
	}
	if len(hellos) != 4 || len(verifies) != 2 || len(servers) != 1 {
		t.Fatalf("%d, %d and %d hellos", len(hellos), len(verifies), len(servers))
	}
	for i, v := range verifies {
		if v.seq != hellos[i].seq || v.mseq != 0 || v.version != 0xfeff || !bytes.HasPrefix(v.body[12:], []byte{0xfe, 0xff, 32}) {
			t.Errorf("HelloVerifyRequest %d: %+v", i, v)
		}
	}
	if !bytes.Equal(verifies[0].body, verifies[1].body) {
		t.Error("the same hello gets another cookie")
	}
	if hellos[1].mseq != 0 || hellos[3].mseq != 1 || servers[0].seq != hellos[3].seq || servers[0].mseq != 1 {
		t.Errorf("messages %d, %d; ServerHello is message %d in record %d, asked for in %d",
			hellos[1].mseq, hellos[3].mseq, servers[0].mseq, servers[0].seq, hellos[3].seq)
	}
	const atCookie = 12 + 2 + 32 + 1
	first, second := hellos[0].body, hellos[3].body
	cookie := verifies[0].body[12+3:]
	want := slices.Concat(first[12:atCookie], []byte{32}, cookie, first[atCookie+1:])
	if !bytes.Equal(second[12:], want) {
		t.Errorf("the second hello is\n%x, want\n%x", second[12:], want)
	}
}

// §4.2.1: a wrong cookie counts as none. Here it comes from another address.
func TestCookieIsForAnAddress(t *testing.T) {
	p := newPipe(t, 1, func(c []dtls.Config) { c[1].CookieExchange = true })
	p.drain()
	server := p.ends[1]
	hello := packetOf(p.flying[0])
	server.HandlePacket(p.now, hello)
	verify := datagram{from: 1, payload: server.PollPayload(p.now)}
	p.ends[0].HandlePacket(p.now, packetOf(verify))
	second := packetOf(datagram{payload: p.ends[0].PollPayload(p.now)})
	moved := *second
	moved.Src.Port++
	server.HandlePacket(p.now, &moved)
	if b := server.PollPayload(p.now); len(b) == 0 || parts(t, b)[0].message != 3 || server.Stats().Flights != 1 {
		t.Fatalf("a stolen cookie is answered with %x", b)
	}
	if server.NextTimeout() != simtime.Never {
		t.Error("the server keeps a timer for somebody it doesn't know")
	}
}

// A client whose second hello was spoilt is asked again, and succeeds.
func TestSpoiltCookie(t *testing.T) {
	p := newPipe(t, 1, func(c []dtls.Config) { c[1].CookieExchange = true })
	p.fate = func(d *datagram) []simtime.Time {
		if d.from == 0 && d.nth == 1 {
			d.payload[13+12+2+32+1+1+3] ^= 1
		}
		return deliver(d)
	}
	p.run(time.Hour)
	p.wantConnected()
	// The new HelloVerifyRequest brings the hello at once.
	p.wantAt(4*rtt, 7*delay)
}
