package carrier_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"rtpfabric/endpoints/signalling/carrier"
	"rtpfabric/sim/rng"
)

// What clients send first says who they are, and which of their streams it is, as soon as the first line is whole.
func TestCaller(t *testing.T) {
	for _, name := range []string{"A", "living-room.2", "a b", "Ä/?%#", strings.Repeat("x", 64)} {
		for what, client := range map[string]carrier.End{
			"WebSocket": carrier.NewWebSocketClient(name, "hub", parse, rng.New(1).Stream("ws")), "polling": carrier.NewPollClient(name, "hub", parse, time.Second, 0),
			"long polling": carrier.NewPollClient(name, "hub", parse, 0, 0),
		} {
			client.Send(0, offer(1))
			open(0, client)
			for stream := range client.Streams() {
				b := client.Output(stream)
				end := strings.Index(string(b), "\r\n") + len("\r\n")
				for n := range len(b) {
					got, as, err := carrier.Caller(b[:n])
					if n < end && !errors.Is(err, carrier.ErrIncomplete) || n >= end && (got != name || as != stream || err != nil) {
						t.Fatalf("%s, stream %d, %q: %q, %d, %v", what, stream, b[:n], got, as, err)
					}
				}
			}
		}
	}
}

func TestNobodyCalls(t *testing.T) {
	for _, line := range []string{
		"", " ", "GET", "GET /signalling/A", "GET /signalling/A HTTP/1.0", "GET /signalling/A HTTP/1.1 ", "GET  /signalling/A HTTP/1.1", "get /signalling/A HTTP/1.1",
		"PUT /signalling/A HTTP/1.1", "GET /signalling/ HTTP/1.1", "GET /signalling HTTP/1.1", "GET /chat/A HTTP/1.1", "GET signalling/A HTTP/1.1",
		"GET /signalling/%4 HTTP/1.1", "GET http://hub/signalling/A HTTP/1.1", "INVITE sip:A@x SIP/2.0", "\x16\x03\x01\x02\x00", "GET /signalling/" + strings.Repeat("x", 8000) + " HTTP/1.1",
	} {
		if name, stream, err := carrier.Caller([]byte(line + "\r\n")); err == nil || errors.Is(err, carrier.ErrIncomplete) || len(err.Error()) > 500 {
			t.Errorf("%q: %q, %d, %v", line, name, stream, err)
		}
	}
	for n, want := range map[int]bool{8001: true, 8002: false} { // without an end
		if _, _, err := carrier.Caller(make([]byte, n)); errors.Is(err, carrier.ErrIncomplete) != want {
			t.Errorf("%d octets: %v", n, err)
		}
	}
}

// Whatever comes first, and in whatever pieces, it is decided once, within a bound, and what comes behind doesn't matter.
func FuzzCaller(f *testing.F) {
	f.Add("GET /signalling/A HTTP/1.1\r\nHost: x\r\n\r\n")
	f.Add("POST /signalling/%41 HTTP/1.1\r\n")
	f.Add("GET /signalling/\r\n")
	f.Add(strings.Repeat("\r", 9000))
	f.Add("GET /signalling/" + strings.Repeat("x", 8000-len("GET /signalling/ HTTP/1.1")) + " HTTP/1.1\r\n")
	f.Add("GET /signalling/" + strings.Repeat("x", 8001-len("GET /signalling/ HTTP/1.1")) + " HTTP/1.1\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		const most = 8000 + len("\r\n")
		for n := range min(len(text), most) + 1 {
			name, stream, err := carrier.Caller([]byte(text[:n]))
			if errors.Is(err, carrier.ErrIncomplete) {
				if n == most {
					t.Fatalf("undecided after %d octets", n)
				}
				continue
			}
			if err == nil && (name == "" || stream < 0 || stream > 1) {
				t.Fatalf("%q: %q, %d", text[:n], name, stream)
			}
			again, as, behind := carrier.Caller([]byte(text))
			if again != name || as != stream || (behind == nil) != (err == nil) {
				t.Fatalf("%q: %q, %d, %v; with what follows %q, %d, %v", text[:n], name, stream, err, again, as, behind)
			}
			return
		}
	})
}
