package turn_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"rtpfabric/endpoints/ice/turn"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

const ms = time.Millisecond

// The addresses of the tests.
var (
	serverAddr = packet.Addr{IP: 10<<24 + 1, Port: turn.Port}
	peerA      = packet.Addr{IP: 10<<24 + 2<<8 + 1, Port: 6001}
	peerB      = packet.Addr{IP: 10<<24 + 2<<8 + 2, Port: 6002}
)

func clientAddr(n int) packet.Addr {
	return packet.Addr{IP: packet.IPv4(10<<24 + 1<<8 + n + 1), Port: uint16(5000 + n)}
}

// world is a server, clients and peers, and the wire between them.
type world struct {
	t       *testing.T
	now     simtime.Time
	pool    *packet.Pool
	server  *turn.Server
	ends    []*end
	delay   time.Duration
	jitter  time.Duration // above delay, uniform: packets overtake each other
	loss    float64
	double  float64
	random  *rng.Stream
	flying  []flight
	events  []event
	passes  func(p *packet.Packet) bool // nil lets all pass
	log     []packet.Packet             // all that was sent
	times   []simtime.Time              // of log
	arrived []got                       // at peers, that is anywhere else
}

type flight struct {
	at simtime.Time
	p  *packet.Packet
}

type event struct {
	at simtime.Time
	do func(now simtime.Time)
}

// got is a datagram that somebody got.
type got struct {
	at       simtime.Time
	from, to packet.Addr
	data     string
	packet   packet.Packet
}

// end is a client and the address by which the server sees it.
type end struct {
	*turn.Client
	addr packet.Addr
	got  []got
}

// config is that of a server with two users.
func config(pool *packet.Pool) turn.ServerConfig {
	return turn.ServerConfig{
		Name: "relay", Addr: serverAddr, Users: map[string]string{"alice": "secret", "bob": "hidden"}, Realm: "example.org",
		Random: rng.New(1).Stream("server"), Pool: pool,
	}
}

// newWorld returns a world with so many clients of alice's. The configuration may be changed before.
func newWorld(t *testing.T, clients int, change func(c *turn.ServerConfig)) *world {
	w := &world{t: t, pool: &packet.Pool{}, delay: 20 * ms, random: rng.New(2).Stream("world")}
	c := config(w.pool)
	if change != nil {
		change(&c)
	}
	w.server = turn.NewServer(c)
	for n := range clients {
		w.add(n, "alice", "secret")
	}
	return w
}

// add adds a client.
func (w *world) add(n int, user, password string) *end {
	a := clientAddr(n)
	e := &end{addr: a, Client: turn.NewClient(turn.ClientConfig{
		Local: a, Server: serverAddr, Username: user, Password: password, Random: w.random,
	})}
	w.ends = append(w.ends, e)
	return e
}

// allocated returns a world with one client that has an allocation.
func allocated(t *testing.T, change func(c *turn.ServerConfig)) (*world, *end) {
	t.Helper()
	w := newWorld(t, 1, change)
	w.ends[0].Allocate(w.now)
	w.run(w.now.Duration() + 200*ms)
	if s := w.ends[0].State(); s != turn.Allocated {
		t.Fatalf("%v: %v", s, w.ends[0].Err())
	}
	return w, w.ends[0]
}

// at lets something happen at a time.
func (w *world) at(d time.Duration, do func(now simtime.Time)) {
	w.events = append(w.events, event{simtime.At(d), do})
	slices.SortStableFunc(w.events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
}

// send sends a datagram of a peer, or of anybody.
func (w *world) send(from, to packet.Addr, data string) {
	p := w.pool.New()
	copy(p.SetPayload(len(data)), data)
	p.Src, p.Dst = from, to
	w.put(p)
}

// put puts a packet on the wire.
func (w *world) put(p *packet.Packet) {
	c := *p
	c.Payload = slices.Clone(p.Payload)
	w.log, w.times = append(w.log, c), append(w.times, w.now)
	if w.passes != nil && !w.passes(p) || w.random.Bool(w.loss) {
		w.pool.Release(p)
		return
	}
	if w.random.Bool(w.double) {
		w.fly(w.pool.Copy(p))
	}
	w.fly(p)
}

func (w *world) fly(p *packet.Packet) {
	at := w.now.Add(w.delay + time.Duration(w.random.Uniform(0, float64(w.jitter+1))))
	w.flying = append(w.flying, flight{at, p})
	slices.SortStableFunc(w.flying, func(a, b flight) int { return cmp.Compare(a.at, b.at) })
}

// drain puts on the wire what there is to send.
func (w *world) drain() {
	for p := w.server.PollPacket(w.now); p != nil; p = w.server.PollPacket(w.now) {
		w.put(p)
	}
	if n := w.server.Held(); n != 0 {
		w.t.Fatalf("the server holds %d packets after it was drained", n)
	}
	for _, e := range w.ends {
		for b := e.Poll(); b != nil; b = e.Poll() {
			w.send(e.addr, serverAddr, string(b))
		}
	}
}

// run lets everything happen until a time.
func (w *world) run(until time.Duration) {
	w.t.Helper()
	for stop := simtime.At(until); ; {
		w.drain()
		at := w.server.NextTimeout()
		for _, e := range w.ends {
			at = min(at, e.NextTimeout())
		}
		if len(w.flying) > 0 {
			at = min(at, w.flying[0].at)
		}
		if len(w.events) > 0 {
			at = min(at, w.events[0].at)
		}
		if at > stop {
			w.now = stop
			return
		}
		if at < w.now {
			w.t.Fatalf("at %v something was due at %v", w.now, at)
		}
		w.now = at
		for len(w.events) > 0 && w.events[0].at <= w.now {
			do := w.events[0].do
			w.events = w.events[1:]
			do(w.now)
		}
		for len(w.flying) > 0 && w.flying[0].at <= w.now {
			p := w.flying[0].p
			w.flying = w.flying[1:]
			w.deliver(p)
		}
		w.timeouts()
	}
}

func (w *world) timeouts() {
	w.t.Helper()
	if w.server.NextTimeout() <= w.now {
		w.server.HandleTimeout(w.now)
	}
	if next := w.server.NextTimeout(); next <= w.now {
		w.t.Fatalf("at %v: the server's next timeout, %v, isn't in the future", w.now, next)
	}
	for _, e := range w.ends {
		if e.NextTimeout() <= w.now {
			e.HandleTimeout(w.now)
		}
		if next := e.NextTimeout(); next <= w.now {
			w.t.Fatalf("at %v: the next timeout of %v, %v, isn't in the future", w.now, e, next)
		}
	}
}

// deliver gives a packet to who it is for.
func (w *world) deliver(p *packet.Packet) {
	if p.Dst.IP == serverAddr.IP {
		w.server.HandlePacket(w.now, p)
		return
	}
	if i := slices.IndexFunc(w.ends, func(e *end) bool { return e.addr == p.Dst }); i >= 0 {
		e := w.ends[i]
		if peer, data, ok := e.HandlePayload(w.now, p.Payload); ok {
			e.got = append(e.got, got{at: w.now, from: peer, to: p.Dst, data: string(data), packet: *p})
		}
	} else {
		w.arrived = append(w.arrived, got{at: w.now, from: p.Src, to: p.Dst, data: string(p.Payload), packet: *p})
	}
	w.pool.Release(p)
}

// lastGot returns the data that a client got last, and whose they are.
func (e *end) lastGot() string {
	if len(e.got) == 0 {
		return "nothing"
	}
	g := e.got[len(e.got)-1]
	return fmt.Sprintf("%q of %v", g.data, g.from)
}

// lastArrived returns what came anywhere else last, with its addresses.
func (w *world) lastArrived() string {
	if len(w.arrived) == 0 {
		return "nothing"
	}
	g := w.arrived[len(w.arrived)-1]
	return fmt.Sprintf("%q from %v to %v", g.data, g.from, g.to)
}

// relayed returns the relayed address of a client that has one.
func (e *end) relayed(t *testing.T) packet.Addr {
	t.Helper()
	a, ok := e.Relayed()
	if !ok {
		t.Fatalf("%v, without a relayed address", e)
	}
	return a
}

// settled fails if packets have got lost of which nobody knows.
func (w *world) settled() {
	w.t.Helper()
	if n := w.pool.Outstanding(); n != len(w.flying)+w.server.Held() {
		w.t.Errorf("%d packets have an owner, %d are on their way and %d in the server", n, len(w.flying), w.server.Held())
	}
}
