package pion

import (
	"context"
	"crypto/tls"
	"fmt"
	"math"
	"net"
	"net/netip"
	"testing"
	"time"

	piondtls "github.com/pion/dtls/v3"

	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/hosted"
	"rtpfabric/sim/hosted/bubble"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// handshake is what one takes.
type handshake struct {
	time  time.Duration // until both ends are done
	bytes units.Bytes   // on the wire, of both
}

// path is a link between a client and a server.
type path struct {
	loop   engine.Loop
	fabric *fabric.Fabric
	random *rng.Source
	nodes  [2]*fabric.Node
	ports  [2]*fabric.Port
	sent   units.Bytes
}

func newPath(seed uint64, delay time.Duration, loss float64) *path {
	p := &path{random: rng.New(seed)}
	p.fabric = fabric.New(&p.loop, p.random)
	p.nodes = [2]*fabric.Node{p.fabric.AddNode("client"), p.fabric.AddNode("server")}
	for i := range p.nodes {
		p.fabric.AddLink(p.nodes[i], p.nodes[1-i], fabric.LinkConfig{
			Name: "from " + p.nodes[i].Name, Rate: fabric.Unlimited, Delay: delay, Loss: loss,
		})
	}
	return p
}

// addr returns the address of an end.
func addr(side int) packet.Addr { return packet.Addr{IP: 10<<24 + 1 + packet.IPv4(side), Port: 5000} }

// join puts the two ends at their nodes.
func (p *path) join(ends [2]fabric.Receiver) {
	for i, e := range ends {
		p.ports[i] = p.fabric.Attach(p.nodes[i], addr(i).IP, e)
	}
	p.fabric.Route()
}

func (p *path) send(now simtime.Time, from int, payload []byte) {
	q := p.fabric.Pool().New()
	copy(q.SetPayload(len(payload)), payload)
	q.Src, q.Dst = addr(from), addr(1-from)
	p.sent += q.Size
	p.ports[from].Send(now, q)
}

// passive is an end with our handshake.
type passive struct {
	path *path
	side int
	conn *dtls.Conn
	tick *engine.Timer
}

func (e *passive) Receive(now simtime.Time, q *packet.Packet) {
	e.conn.HandlePacket(now, q)
	e.path.fabric.Pool().Release(q)
	e.drain(now)
}

func (e *passive) Fire(now simtime.Time) {
	e.conn.HandleTimeout(now)
	e.drain(now)
}

func (e *passive) drain(now simtime.Time) {
	for b := e.conn.PollPayload(now); b != nil; b = e.conn.PollPayload(now) {
		e.path.send(now, e.side, b)
	}
	e.tick.Set(e.conn.NextTimeout())
}

// identities of the two ends.
func identities() [2]*dtls.Identity {
	r := rng.New(7)
	return [2]*dtls.Identity{dtls.NewIdentity(r.Stream("client")), dtls.NewIdentity(r.Stream("server"))}
}

// ours does a handshake of ours.
func ours(seed uint64, delay time.Duration, loss float64) handshake {
	p := newPath(seed, delay, loss)
	ids := identities()
	var ends [2]fabric.Receiver
	var all [2]*passive
	for i := range ends {
		e := &passive{path: p, side: i, conn: dtls.New(dtls.Config{
			Role: dtls.Role(i), Identity: ids[i], PeerFingerprint: ids[1-i].Fingerprint(), Random: p.random.Stream("dtls/" + string(rune('a'+i))),
			Profiles: []keying.Profile{keying.AES128CMSHA180},
		})}
		e.tick = p.loop.NewTimer(e)
		ends[i], all[i] = e, e
	}
	p.join(ends)
	for _, e := range all {
		e.drain(0)
	}
	_ = p.loop.Run(context.Background(), simtime.At(time.Hour))
	var h handshake
	for _, e := range all {
		at, _ := e.conn.ConnectedAt()
		h.time = max(h.time, at.Duration())
	}
	h.bytes = p.sent
	return h
}

// theirs does one of pion's, over sockets.
func theirs(t *testing.T, seed uint64, delay time.Duration, loss float64) (h handshake) {
	t.Helper()
	err := bubble.Run(time.Minute, func() error {
		p := newPath(seed, delay, loss)
		clock := hosted.NewClock(&p.loop)
		var hosts [2]*guestHost
		var ends [2]fabric.Receiver
		for i := range hosts {
			hosts[i] = &guestHost{path: p, side: i}
			hosts[i].host = hosted.NewHost(clock, addr(i).IP, nil)
			ends[i] = hosts[i]
			clock.OnWake(hosts[i].drain)
		}
		p.join(ends)
		began := time.Now()
		done := make(chan time.Duration, 2)
		ids := identities()
		var sockets [2]net.PacketConn
		for i := range hosts {
			c, err := hosts[i].host.ListenPacket("udp4", ":5000")
			if err != nil {
				return err
			}
			sockets[i] = c
			go func() {
				options := []piondtls.Option{
					piondtls.WithCertificates(tls.Certificate{Certificate: [][]byte{ids[i].Certificate()}, PrivateKey: ids[i].Signer(true)}),
					piondtls.WithInsecureSkipVerify(true), piondtls.WithSRTPProtectionProfiles(piondtls.SRTP_AES128_CM_HMAC_SHA1_80),
					piondtls.WithExtendedMasterSecret(piondtls.RequireExtendedMasterSecret), piondtls.WithLoggerFactory(quiet()),
				}
				peer := net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr(1-i).IP.Netip(), addr(1-i).Port))
				conn, err := begin(i, c, peer, options)
				if err == nil {
					err = conn.Handshake()
				}
				if err != nil {
					t.Errorf("end %d: %v", i, err)
				}
				done <- time.Since(began)
			}()
		}
		for len(done) < 2 && p.loop.Now() < simtime.At(time.Hour) {
			if err := clock.Run(context.Background(), p.loop.Now().Add(10*time.Millisecond)); err != nil {
				return err
			}
		}
		h = handshake{max(<-done, <-done), p.sent}
		for _, c := range sockets {
			_ = c.Close()
		}
		clock.Pass(time.Second)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// begin makes a client or a server, as the side has it.
func begin(side int, c net.PacketConn, peer net.Addr, options []piondtls.Option) (*piondtls.Conn, error) {
	if side == 0 {
		var all []piondtls.ClientOption
		for _, o := range options {
			all = append(all, o)
		}
		return piondtls.ClientWithOptions(c, peer, all...)
	}
	all := []piondtls.ServerOption{piondtls.WithClientAuth(piondtls.RequireAnyClientCert), piondtls.WithInsecureSkipVerifyHello(true)}
	for _, o := range options {
		all = append(all, o)
	}
	return piondtls.ServerWithOptions(c, peer, all...)
}

// guestHost joins sockets to the path.
type guestHost struct {
	path *path
	side int
	host *hosted.Host
}

func (g *guestHost) Receive(now simtime.Time, q *packet.Packet) {
	g.host.Deliver(q.Src, q.Dst, q.Payload)
	g.path.fabric.Pool().Release(q)
	g.drain(now)
}

func (g *guestHost) drain(now simtime.Time) {
	for _, d := range g.host.Sent() {
		g.path.send(now, g.side, d.Payload)
	}
}

// Our handshake, which is passive, takes as long as pion's and as many octets: the model is true to a stack
// that nobody here wrote, whatever the round-trip time, and on average with loss.
func TestHandshakeIsLikePions(t *testing.T) {
	compare := func(what string, a, b handshake) {
		t.Helper()
		if math.Abs(a.time.Seconds()/b.time.Seconds()-1) > 0.1 {
			t.Errorf("%s: ours takes %v, pion's %v", what, a.time, b.time)
		}
		if math.Abs(float64(a.bytes)/float64(b.bytes)-1) > 0.1 {
			t.Errorf("%s: ours takes %v, pion's %v", what, a.bytes, b.bytes)
		}
	}
	for _, rtt := range []time.Duration{20 * time.Millisecond, 100 * time.Millisecond, 400 * time.Millisecond} {
		a, b := ours(1, rtt/2, 0), theirs(t, 1, rtt/2, 0)
		t.Logf("round trip %v: ours %v, %v; pion's %v, %v", rtt, a.time, a.bytes, b.time, b.bytes)
		compare("round trip "+rtt.String(), a, b)
	}
	n := uint64(400)
	if testing.Short() {
		return
	}
	for _, loss := range []float64{0.02, 0.1} {
		var a, b handshake
		for seed := range n {
			x, y := ours(seed, 50*time.Millisecond, loss), theirs(t, seed+n, 50*time.Millisecond, loss)
			a, b = handshake{a.time + x.time, a.bytes + x.bytes}, handshake{b.time + y.time, b.bytes + y.bytes}
		}
		a, b = handshake{a.time / time.Duration(n), a.bytes / units.Bytes(n)}, handshake{b.time / time.Duration(n), b.bytes / units.Bytes(n)}
		t.Logf("loss %v: ours %v, %v; pion's %v, %v", loss, a.time, a.bytes, b.time, b.bytes)
		compare(fmt.Sprintf("loss %v", loss), a, b)
	}
}
