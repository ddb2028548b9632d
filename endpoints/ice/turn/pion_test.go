package turn_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/logging"
	"github.com/pion/transport/v4"
	pion "github.com/pion/turn/v5"

	"rtpfabric/endpoints/ice/turn"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// quiet keeps pion's stack so.
var quiet = &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled, ScopeLevels: map[string]logging.LogLevel{}}

// resolver is all that pion's client needs of a network beside its socket.
type resolver struct{ transport.Net }

func (resolver) ResolveUDPAddr(network, address string) (*net.UDPAddr, error) {
	return net.ResolveUDPAddr(network, address)
}

// serve runs our server, and counts the ChannelData and STUN messages that come and go at its own port.
func serve(w *wire, change func(c *turn.ServerConfig)) (h *host, s *turn.Server, channels *int) {
	pool := &packet.Pool{}
	c := config(pool)
	if change != nil {
		change(&c)
	}
	s, channels = turn.NewServer(c), new(int)
	count := func(a packet.Addr, b []byte) {
		if a == serverAddr && len(b) > 0 && b[0] >= 0x40 {
			*channels++
		}
	}
	h = w.run(serverAddr.IP, passive{
		handle: func(now simtime.Time, d datagram) {
			count(d.to, d.payload)
			p := pool.New()
			copy(p.SetPayload(len(d.payload)), d.payload)
			p.Src, p.Dst = d.from, d.to
			s.HandlePacket(now, p)
		},
		timeout: s.HandleTimeout,
		poll: func(now simtime.Time) (datagram, bool) {
			p := s.PollPacket(now)
			if p == nil {
				return datagram{}, false
			}
			count(p.Src, p.Payload)
			d := datagram{p.Src, p.Dst, append([]byte(nil), p.Payload...)}
			pool.Release(p)
			return d, true
		},
		next: s.NextTimeout,
	})
	return h, s, channels
}

// pionClient returns a client of pion's that listens.
func pionClient(t *testing.T, w *wire, user, password string) (*pion.Client, *socket) {
	t.Helper()
	conn := w.listen(clientAddr(0))
	c, err := pion.NewClient(&pion.ClientConfig{
		STUNServerAddr: serverAddr.String(), TURNServerAddr: serverAddr.String(), Username: user, Password: password, Conn: conn, Net: resolver{}, LoggerFactory: quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Listen(); err != nil {
		t.Fatal(err)
	}
	return c, conn
}

// pion's client uses our server as any other: it learns its address, gets an allocation, permissions and channels, and keeps
// them for hours, with nonces that grow old or don't.
func TestPionClient(t *testing.T) {
	for _, nonces := range []time.Duration{0, 3 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			w := newWire()
			h, s, channels := serve(w, func(c *turn.ServerConfig) { c.NonceLifetime = nonces })
			client, conn := pionClient(t, w, "alice", "secret")
			peer := w.listen(peerA)
			defer func() {
				client.Close()
				_ = conn.Close()
				_ = peer.Close()
				close(h.quit)
			}()
			if a, err := client.SendBindingRequest(); err != nil || fromUDP(a) != clientAddr(0) {
				t.Errorf("mapped address %v: %v", a, err)
			}
			relay, err := client.Allocate()
			if err != nil {
				t.Fatal(err)
			}
			relayed := fromUDP(relay.LocalAddr())
			if err := client.CreatePermission(udp(peerA), udp(peerB)); err != nil {
				t.Error(err)
			}
			buffer := make([]byte, 2000)
			exchange := func(text string) {
				t.Helper()
				if _, err := relay.WriteTo([]byte(text), udp(peerA)); err != nil {
					t.Error(err)
				}
				synctest.Wait()
				if got, from := peer.read(); got != text || from != relayed {
					t.Errorf("%q came from %v", got, from)
				}
				_, _ = peer.WriteTo([]byte(text+" back"), udp(relayed))
				synctest.Wait()
				_ = relay.SetReadDeadline(w.began.Add(w.now().Duration() + time.Second))
				n, from, err := relay.ReadFrom(buffer)
				if err != nil || string(buffer[:n]) != text+" back" || fromUDP(from) != peerA {
					t.Errorf("%q came back from %v: %v", buffer[:n], from, err)
				}
			}
			exchange("before there is a channel")
			synctest.Wait()
			before := *channels
			exchange("by channel")
			if *channels != before+2 {
				t.Errorf("%d messages of a channel, then %d", before, *channels)
			}
			exchange(strings.Repeat("x", 1400))
			for range 150 {
				pass(time.Minute)
				exchange(fmt.Sprint("at ", w.now()))
			}
			if *channels != before+2*152 {
				t.Errorf("%d messages of channels", *channels)
			}
			if err := relay.Close(); err != nil {
				t.Error(err)
			}
			synctest.Wait()
			h.do(func(simtime.Time) {
				n := s.Counts()
				if n.Allocations != 1 || n.Deleted != 1 || n.Expired != 0 || n.NoPermission != 0 || n.Ignored != 0 || n.Refused != 0 || (n.Challenged > 20) != (nonces != 0) {
					t.Errorf("%+v", n)
				}
			})
		})
	}
}

// pion's client hears no in a way that it understands.
func TestPionClientRefused(t *testing.T) {
	for _, c := range []struct {
		name, user, password, want string
		change                     func(c *turn.ServerConfig)
	}{
		{"wrong password", "alice", "guess", "401", nil},
		{"nobody", "mallory", "secret", "401", nil},
		{"no port", "alice", "secret", "508", func(c *turn.ServerConfig) { c.FirstPort, c.LastPort = turn.Port, turn.Port }},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWire()
			h, _, _ := serve(w, c.change)
			client, conn := pionClient(t, w, c.user, c.password)
			relay, err := client.Allocate()
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v", c.name, err)
			}
			if relay != nil {
				_ = relay.Close()
			}
			client.Close()
			_ = conn.Close()
			close(h.quit)
		})
	}
}

// generator gives pion's server relayed addresses.
type generator struct {
	w    *wire
	next uint16
}

func (*generator) Validate() error { return nil }

func (g *generator) AllocatePacketConn(pion.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	g.next++
	s := g.w.listen(packet.Addr{IP: serverAddr.IP, Port: 50000 + g.next})
	return s, s.LocalAddr(), nil
}

func (*generator) AllocateListener(pion.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	return nil, nil, errors.ErrUnsupported
}

func (*generator) AllocateConn(pion.AllocateConnConfig) (net.Conn, error) {
	return nil, errors.ErrUnsupported
}

func pionServer(t *testing.T, w *wire, change func(c *pion.ServerConfig)) *pion.Server {
	t.Helper()
	c := pion.ServerConfig{
		Realm: "pion.ly", LoggerFactory: quiet,
		AuthHandler: func(a *pion.RequestAttributes) (string, []byte, bool) {
			return a.Username, pion.GenerateAuthKey(a.Username, a.Realm, "secret"), a.Username == "alice"
		},
		PacketConnConfigs: []pion.PacketConnConfig{{PacketConn: w.listen(serverAddr), RelayAddressGenerator: &generator{w: w}}},
	}
	if change != nil {
		change(&c)
	}
	s, err := pion.NewServer(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ours runs a client, which hears of nothing but the server.
func ours(w *wire, c *turn.Client, heard func(peer packet.Addr, data string)) *host {
	return w.run(clientAddr(0).IP, passive{
		handle: func(now simtime.Time, d datagram) {
			if peer, data, ok := c.HandlePayload(now, d.payload); ok {
				heard(peer, string(data))
			}
		},
		timeout: c.HandleTimeout,
		poll: func(simtime.Time) (datagram, bool) {
			b := c.Poll()
			return datagram{clientAddr(0), serverAddr, b}, b != nil
		},
		next: c.NextTimeout,
	})
}

// Our client uses pion's server: an allocation, a permission and a channel are kept for hours, longer than its nonces.
func TestPionServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		server := pionServer(t, w, nil)
		one, two := w.listen(peerA), w.listen(peerB)
		c := newClient()
		var from packet.Addr
		var last string
		h := ours(w, c, func(peer packet.Addr, data string) { from, last = peer, data })
		h.do(func(now simtime.Time) {
			c.Allocate(now)
			c.Send(now, peerA, []byte("early"))
			c.Bind(now, peerB)
		})
		relayed, ok := c.Relayed()
		mapped, _ := c.Mapped()
		if !ok || relayed != (packet.Addr{IP: serverAddr.IP, Port: 50001}) || mapped != clientAddr(0) || !c.Permitted(peerA.IP) || !c.Permitted(peerB.IP) {
			t.Fatalf("%v, %v: %v", relayed, mapped, c.Err())
		}
		if got, by := one.read(); got != "early" || by != relayed {
			t.Errorf("%q came from %v", got, by)
		}
		if n := len(c.Wrap(nil, peerB, []byte("x"))); n != 5 {
			t.Errorf("%d octets around 1", n-1)
		}
		for range 150 {
			for _, peer := range []*socket{one, two} {
				text := fmt.Sprint("at ", w.now())
				h.do(func(now simtime.Time) { c.Send(now, peer.addr, []byte(text)) })
				if got, by := peer.read(); got != text || by != relayed {
					t.Fatalf("%q came from %v", got, by)
				}
				_, _ = peer.WriteTo([]byte(text+" back"), udp(relayed))
				synctest.Wait()
				h.do(func(simtime.Time) {
					if last != text+" back" || from != peer.addr {
						t.Errorf("%q came back from %v", last, from)
					}
				})
			}
			pass(time.Minute)
		}
		h.do(func(now simtime.Time) {
			n := c.Counts()
			if n.Retransmitted != 0 || n.Refused != 0 || n.Lost != 0 || n.Ignored != 0 || n.Unprotected != 0 || n.Allocations != 1 {
				t.Errorf("%+v", n)
			}
			c.Release(now)
		})
		if n := server.AllocationCount(); n != 0 {
			t.Errorf("%d allocations after the release", n)
		}
		h.do(func(now simtime.Time) { c.Allocate(now) })
		if c.State() != turn.Allocated || server.AllocationCount() != 1 {
			t.Errorf("%v: %v", c, c.Err())
		}
		close(h.quit)
		_ = server.Close()
	})
}

// pion's server says nothing to a Refresh of nobody's, and refuses without proof that it is the server: with time, the client
// finds out both.
func TestPionServerRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		server := pionServer(t, w, nil)
		c := newClient()
		h := ours(w, c, func(packet.Addr, string) {})
		h.do(c.Allocate)
		_ = server.Close()
		synctest.Wait()
		server = pionServer(t, w, nil)
		h.do(c.Refresh)
		pass(45 * time.Second)
		if c.State() != turn.Allocated || c.Counts().Lost != 1 {
			t.Errorf("%v: %v", c, c.Err())
		}
		close(h.quit)
		_ = server.Close()
	})
	for _, f := range []struct {
		name, user, password string
		change               func(c *pion.ServerConfig)
		want                 string
		as                   error
	}{
		{"wrong password", "alice", "guess", nil, "one that has none says: the server refuses Allocate: 400 Bad Request", turn.ErrUnprotected},
		{"quota", "alice", "secret", func(c *pion.ServerConfig) { c.QuotaHandler = func(string, string, net.Addr) bool { return false } }, "486 Allocation Quota Reached", turn.ErrUnprotected},
		{"no users", "alice", "secret", func(c *pion.ServerConfig) { c.AuthHandler = nil }, "400 Bad Request", turn.ErrUnprotected},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWire()
			server := pionServer(t, w, f.change)
			c := turn.NewClient(turn.ClientConfig{Local: clientAddr(0), Server: serverAddr, Username: f.user, Password: f.password, Random: rng.New(1).Stream("x")})
			h := ours(w, c, func(packet.Addr, string) {})
			h.do(c.Allocate)
			pass(time.Minute)
			if err := c.Err(); !errors.Is(err, f.as) || !strings.Contains(err.Error(), f.want) {
				t.Errorf("%s: %v: %v", f.name, c, err)
			}
			close(h.quit)
			_ = server.Close()
		})
	}
}

// A Binding request works with pion's server as well.
func TestPionServerBinding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		server := pionServer(t, w, nil)
		b := newBinding()
		h := w.run(clientAddr(0).IP, passive{
			handle:  func(now simtime.Time, d datagram) { b.HandlePayload(now, d.payload) },
			timeout: b.HandleTimeout,
			poll: func(simtime.Time) (datagram, bool) {
				p := b.Poll()
				return datagram{clientAddr(0), serverAddr, p}, p != nil
			},
			next: b.NextTimeout,
		})
		h.do(b.Ask)
		if a, ok := b.Mapped(); !ok || a != clientAddr(0) {
			t.Errorf("%v, %t", a, ok)
		}
		close(h.quit)
		_ = server.Close()
	})
}
