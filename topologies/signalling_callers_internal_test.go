package topologies

import (
	"errors"
	"strings"
	"testing"
	"time"

	"rtpfabric/endpoints/signalling"
	"rtpfabric/endpoints/signalling/carrier"
	"rtpfabric/endpoints/signalling/gateway"
	"rtpfabric/endpoints/signalling/roap"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/traffic/tcp"
)

// callers is a server with clients A, to which it pushes, and B, which polls, and a host behind a NAT, from where anybody may call.
type callers struct {
	t      *testing.T
	now    simtime.Time
	pool   packet.Pool
	server *signallingHost
	home   *tcp.Host
	lost   []string
}

func newCallers(t *testing.T) *callers {
	c := &callers{t: t}
	c.server, c.home = newSignallingHost("server", 1, &c.pool), tcp.NewHost(2, &c.pool)
	c.server.node = roap.NewServer("server", false)
	c.server.happened = func(e signalling.Event) { c.lost = append(c.lost, e.Reason) }
	for i, end := range []carrier.End{carrier.NewWebSocketServer(parseROAP), carrier.NewPollServer(parseROAP, 0)} {
		peer := &signallingHost{name: string(rune('A' + i))}
		peer.setLeg(0, &signallingLeg{end: end})
		c.server.setLeg(i, &signallingLeg{end: end, peer: peer, protocol: "ROAP"})
	}
	if err := c.server.tcp.Listen(portHTTP, tcp.Config{}); err != nil {
		t.Fatal(err)
	}
	return c
}

// call opens a connection that begins with a text.
func (c *callers) call(text string) *tcp.Conn {
	c.t.Helper()
	conn, err := c.home.Dial(c.now, tcp.Config{Remote: packet.Addr{IP: 1, Port: portHTTP}})
	if err != nil {
		c.t.Fatal(err)
	}
	conn.WriteContent([]byte(text))
	c.exchange()
	return conn
}

// exchange takes packets from host to host until nothing moves any more for a second.
func (c *callers) exchange() {
	for end := c.now.Add(time.Second); c.now < end; {
		for moved := true; moved; {
			moved = false
			for p := c.home.PollPacket(c.now); p != nil; p = c.home.PollPacket(c.now) {
				moved = true
				c.server.HandlePacket(c.now, p)
			}
			for p := c.server.PollPacket(c.now); p != nil; p = c.server.PollPacket(c.now) {
				moved = true
				c.home.HandlePacket(c.now, p)
			}
		}
		c.now = min(end, max(c.now+1, min(c.home.NextTimeout(), c.server.tcp.NextTimeout())))
		c.home.HandleTimeout(c.now)
		c.server.HandleTimeout(c.now)
	}
}

func (c *callers) want(what string, conn *tcp.Conn, taken bool) {
	c.t.Helper()
	if open := conn.Err() == nil && conn.Established(); open != taken || !taken && !errors.Is(conn.Err(), tcp.ErrReset) {
		c.t.Errorf("%s: taken: %t, %v", what, open, conn.Err())
	}
	if n := len(c.server.callers); n > 0 {
		c.t.Errorf("%s: %d connections are nobody's", what, n)
	}
}

const (
	shakes = " HTTP/1.1\r\nHost: server\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: a\r\nSec-WebSocket-Version: 13\r\n\r\n"
	asks   = " HTTP/1.1\r\nHost: server\r\n\r\n"
)

// Connections from one address, and from any ports, go to whom they say they are of; one that says nothing of that, or that is there
// already, is reset, and disturbs nobody.
func TestServerKnowsCallers(t *testing.T) {
	c := newCallers(t)
	c.want("polls of B", c.call("GET /signalling/B"+asks), true)
	a := c.call("GET /signalling/A" + shakes)
	c.want("A", a, true)
	if b := string(a.ReadContent()); !strings.HasPrefix(b, "HTTP/1.1 101 ") {
		t.Errorf("A gets %q", b)
	}
	for _, text := range []string{
		"GET /signalling/A" + shakes, "GET /signalling/B" + asks, // both are there
		"POST /signalling/A" + asks, // A has one stream
		"GET /signalling/C" + asks, "GET /signalling/server" + asks, "GET /signalling/" + asks, "GET /" + asks, "\r\n", "\x00\x01\x02\r\n",
		strings.Repeat("x", 100_000), "GET /signalling/" + strings.Repeat("A", 9_000), "INVITE sip:A@x SIP/2.0\r\n\r\n",
	} {
		c.want(text[:min(40, len(text))], c.call(text), false)
	}
	told := c.call("POST /signalling/B HTTP/1.1\r\nHost: server\r\nContent-Length: 2\r\n\r\n[]")
	c.want("what B tells", told, true)
	if b := string(told.ReadContent()); !strings.HasPrefix(b, "HTTP/1.1 204 ") {
		t.Errorf("B gets %q", b)
	}
	if len(c.lost) > 0 {
		t.Errorf("the server has lost %q", c.lost)
	}
	// Who says that he is A, and then talks nonsense, ends A's connection.
	a.WriteContent([]byte("\x81\x01{"))
	c.exchange()
	c.want("nonsense", a, false)
	if len(c.lost) != 1 {
		t.Errorf("the server has lost %q", c.lost)
	}
}

// A first line may come in pieces, and slowly. Meanwhile the connection is nobody's, and stays bounded.
func TestServerWaitsForTheFirstLine(t *testing.T) {
	c := newCallers(t)
	conn := c.call("GET /sign")
	for _, text := range []string{"", "alling/A HTTP/1.", "1\r"} {
		conn.WriteContent([]byte(text))
		c.exchange()
		if len(c.server.callers) != 1 || c.server.legs[0].conns[0] != nil {
			t.Fatalf("%q decides", text)
		}
	}
	conn.WriteContent([]byte("\n"))
	c.exchange()
	c.want("A", conn, true)
	if l := c.server.legs[0]; l.conns[0] == nil || !l.opened[0] {
		t.Error("A has no connection")
	}
	gone := c.call("GET /signalling/B")
	gone.Abort()
	c.exchange()
	if n := len(c.server.callers); n > 0 {
		t.Errorf("%d connections of nobody after their ends", n)
	}
	slow := c.call("")
	for n := 0; n < 10_000 && slow.Err() == nil; n += 500 {
		slow.WriteContent(make([]byte, 500))
		c.exchange()
		for _, s := range c.server.callers {
			if len(s.said) > 8100 {
				t.Fatalf("%d octets are kept", len(s.said))
			}
		}
	}
	c.want("without an end", slow, false)
	if n := c.pool.Outstanding(); n != 0 {
		t.Errorf("%d packets belong to nobody", n)
	}
}

// Addresses of nodes of signalling, and who is where.
func TestSignallingAddrs(t *testing.T) {
	call := Config{
		Endpoints:  []Endpoint{{Name: "B", At: "home"}, {Name: "A", At: "home"}},
		Calls:      []Call{{A: "A", B: "B"}},
		Signalling: &Signalling{At: "M"},
	}
	fork := Config{
		Type:       Fork,
		Endpoints:  []Endpoint{{Name: "A", At: "a"}, {Name: "B", At: "home"}, {Name: "C", At: "home"}},
		Calls:      []Call{{A: "A", B: "C"}, {A: "A", B: "B"}},
		Signalling: &Signalling{At: "M"},
	}
	phone := call
	phone.Signalling = &Signalling{At: "M", Gateway: &gateway.Config{}}
	for _, x := range []struct {
		c    *Config
		node string
		want string
	}{
		{&call, "home", "[10.0.0.1 10.0.0.2 10.4.0.1 10.4.0.2]"},
		{&call, "M", "[10.4.0.3]"},
		{&call, "N", "[]"},
		{&phone, "home", "[10.0.0.1 10.0.0.2 10.4.0.1 10.4.0.2]"},
		{&phone, "M", "[10.4.0.3]"},
		{&fork, "a", "[10.0.0.1 10.4.0.1]"},
		{&fork, "M", "[10.4.0.2]"},
		{&fork, "home", "[10.0.0.2 10.0.0.3 10.4.0.3 10.4.0.4]"},
		{&Config{}, "home", "[]"},
	} {
		var got []string
		for _, a := range x.c.AddrsAt(x.node) {
			got = append(got, a.String())
		}
		if list := "[" + strings.Join(got, " ") + "]"; list != x.want {
			t.Errorf("at %s: %s, not %s", x.node, list, x.want)
		}
	}
}
