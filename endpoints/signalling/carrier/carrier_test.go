package carrier_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"rtpfabric/endpoints/signalling"
	"rtpfabric/endpoints/signalling/carrier"
	"rtpfabric/endpoints/signalling/roap"
	"rtpfabric/endpoints/signalling/sip"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

func parse(b []byte) (signalling.Message, error) {
	m, err := roap.Parse(b)
	if err != nil {
		return nil, err // rather than a nil in an interface
	}
	return m, nil
}

func offer(seq uint32) signalling.Message {
	return &roap.Message{Type: roap.TypeOffer, Offerer: "A", Seq: seq, SDP: strings.Repeat("a=x\r\n", int(seq)*20)}
}

// pump takes octets from end to end, in pieces, until nothing moves.
func pump(t *testing.T, now simtime.Time, client, server carrier.End, piece int) (wire [2]string) {
	t.Helper()
	for moved := true; moved; {
		moved = false
		for stream := range client.Streams() {
			for i, ends := range [][2]carrier.End{{client, server}, {server, client}} {
				b := ends[0].Output(stream)
				wire[i] += string(b)
				for ; len(b) > 0; b = b[min(piece, len(b)):] {
					moved = true
					if err := ends[1].Feed(now, stream, b[:min(piece, len(b))]); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	return wire
}

func open(now simtime.Time, ends ...carrier.End) {
	for _, e := range ends {
		for stream := range e.Streams() {
			e.Open(now, stream)
		}
	}
}

func wantMessages(t *testing.T, e carrier.End, want ...signalling.Message) {
	t.Helper()
	var got []signalling.Message
	for m := e.PollMessage(); m != nil; m = e.PollMessage() {
		got = append(got, m)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%d messages came, not %d: %+v", len(got), len(want), got)
	}
}

func TestWebSocket(t *testing.T) {
	for _, piece := range []int{1, 3, 100, 100_000} {
		client := carrier.NewWebSocketClient("A", "hub", parse, rng.New(1).Stream("ws"))
		server := carrier.NewWebSocketServer(parse)
		client.Send(0, offer(1)) // before there is a stream
		if b := client.Output(0); b != nil {
			t.Errorf("%q goes out too early", b)
		}
		open(0, client, server)
		wire := pump(t, 0, client, server, piece)
		wantMessages(t, server, offer(1))
		if !strings.HasPrefix(wire[0], "GET /signalling/A HTTP/1.1\r\nHost: hub\r\nUpgrade: websocket\r\n") || strings.Contains(wire[0], "OFFER") {
			t.Errorf("the client sends %q", wire[0])
		}
		for seq := range uint32(200) { // lengths of 7, 16 and more than 16 bits
			client.Send(0, offer(seq+1))
			server.Send(0, offer(seq+1))
		}
		server.Send(0, offer(1000))
		pump(t, 0, client, server, piece)
		var list []signalling.Message
		for seq := range uint32(200) {
			list = append(list, offer(seq+1))
		}
		wantMessages(t, server, list...)
		wantMessages(t, client, append(list, offer(1000))...)
	}
}

// The example of RFC 6455 §1.3.
func TestWebSocketHandshake(t *testing.T) {
	server := carrier.NewWebSocketServer(parse)
	open(0, server)
	if err := server.Feed(0, 0, []byte("GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if got := string(server.Output(0)); !strings.Contains(got, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") {
		t.Errorf("%s", got)
	}
}

func TestShortPolling(t *testing.T) {
	client := carrier.NewPollClient("A", "hub", parse, time.Second, simtime.At(300*time.Millisecond))
	server := carrier.NewPollServer(parse, 0)
	open(simtime.At(100*time.Millisecond), client, server)
	for _, at := range []time.Duration{300, 1300, 2300} {
		now := simtime.At(at * time.Millisecond)
		if client.NextTimeout() != now {
			t.Fatalf("it asks at %v, not %v", client.NextTimeout(), now)
		}
		server.Send(now, offer(1))
		server.Send(now, offer(2))
		client.HandleTimeout(now)
		pump(t, now, client, server, 7)
		wantMessages(t, client, offer(1), offer(2))
	}
	now := simtime.At(2500 * time.Millisecond)
	client.Send(now, offer(3))
	client.Send(now, offer(4))
	wire := pump(t, now, client, server, 7)
	wantMessages(t, server, offer(3), offer(4))
	if n := strings.Count(wire[0], "POST"); n != 1 {
		t.Errorf("%d requests", n)
	}
	client.HandleTimeout(simtime.At(3300 * time.Millisecond)) // and an answer that is late by three periods
	if client.NextTimeout() != simtime.Never {
		t.Error("it asks without waiting for an answer")
	}
	pump(t, simtime.At(6500*time.Millisecond), client, server, 100)
	if at := client.NextTimeout(); at != simtime.At(7300*time.Millisecond) {
		t.Errorf("it asks at %v", at)
	}
}

func TestLongPolling(t *testing.T) {
	client, server := carrier.NewPollClient("A", "hub", parse, 0, 0), carrier.NewPollServer(parse, 30*time.Second)
	open(0, client, server)
	pump(t, 0, client, server, 100)
	if server.NextTimeout() != simtime.At(30*time.Second) {
		t.Errorf("the request waits until %v", server.NextTimeout())
	}
	for at := range 3 {
		now := simtime.At(time.Duration(1+at) * time.Second)
		server.Send(now, offer(1))
		server.Send(now, offer(2))
		pump(t, now, client, server, 100)
		wantMessages(t, client, offer(1), offer(2))
	}
	now := server.NextTimeout()
	server.HandleTimeout(now)
	if wire := pump(t, now, client, server, 100); now != simtime.At(33*time.Second) || !strings.HasPrefix(wire[1], "HTTP/1.1 204") || !strings.HasPrefix(wire[0], "GET") {
		t.Errorf("at %v: %q", now, wire)
	}
}

func TestSIP(t *testing.T) {
	a, b := &carrier.SIP{}, &carrier.SIP{}
	open(0, a, b)
	m := sip.NewRequest(sip.Invite, "c", "a@x", "b@x", 1)
	m.Body = "v=0\r\n"
	a.Send(0, m)
	a.Send(0, m.Respond(sip.OK))
	pump(t, 0, a, b, 11)
	wantMessages(t, b, m, m.Respond(sip.OK))
}

func TestMalformedStreams(t *testing.T) {
	handshake := "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n\r\n"
	for text, end := range map[string]carrier.End{
		"hello\r\n\r\n":                                                        carrier.NewWebSocketServer(parse),
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n":                                    carrier.NewWebSocketServer(parse),
		strings.Repeat("x", 20_000):                                            carrier.NewWebSocketServer(parse),
		handshake + "\x81\x01{":                                                carrier.NewWebSocketServer(parse), // not masked
		handshake + "\x81\x81\x00\x00\x00\x00{":                                carrier.NewWebSocketServer(parse), // not JSON
		handshake + "\x01\x81\x00\x00\x00\x00{":                                carrier.NewWebSocketServer(parse), // a fragment
		handshake + "\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00": carrier.NewWebSocketServer(parse),
		"PUT / HTTP/1.1\r\nHost: x\r\n\r\n":                                    carrier.NewPollServer(parse, 0),
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n":        carrier.NewPollServer(parse, 0),
		"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n":                         carrier.NewPollClient("A", "x", parse, 0, 0),
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}":                       carrier.NewPollClient("A", "x", parse, 0, 0),
		"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n[{}]":                     carrier.NewPollClient("A", "x", parse, 0, 0),
		"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n":                         carrier.NewWebSocketClient("A", "x", parse, rng.New(1).Stream("ws")),
		"SIP/3.0 200 OK\r\n\r\n":                                               &carrier.SIP{},
	} {
		open(0, end)
		if err := end.Feed(0, 0, []byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func FuzzFeed(f *testing.F) {
	f.Add("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n\r\n\x81\x81\x00\x00\x00\x00{", uint8(0), uint8(3))
	f.Add("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n[{}]", uint8(1), uint8(100))
	f.Add("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n[]", uint8(2), uint8(1))
	f.Add("INVITE sip:b@x SIP/2.0\r\n\r\n", uint8(3), uint8(9))
	f.Fuzz(func(_ *testing.T, text string, kind, piece uint8) {
		end := []carrier.End{
			carrier.NewWebSocketServer(parse), carrier.NewPollClient("A", "x", parse, 0, 0), carrier.NewPollServer(parse, time.Second), &carrier.SIP{},
			carrier.NewWebSocketClient("A", "x", parse, rng.New(1).Stream("ws")),
		}[kind%5]
		open(0, end)
		for b := []byte(text); len(b) > 0; {
			n := min(int(piece)+1, len(b))
			if end.Feed(0, int(piece)%end.Streams(), b[:n]) != nil {
				return
			}
			b = b[n:]
			end.Output(0)
			end.PollMessage()
		}
	})
}
