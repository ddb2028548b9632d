package cellular

import (
	"context"
	"fmt"
	"testing"
	"time"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// A net is a base station with a downlink to each of its users.
type net struct {
	t     testing.TB
	loop  *engine.Loop
	f     *fabric.Fabric
	cell  *Cell
	bs    *fabric.Node
	links []*fabric.Link
	ends  []*end
}

// An end is what stands at a user, and what sends to it.
type end struct {
	n      *net
	port   *fabric.Port // at the base station
	addr   packet.IPv4
	size   units.Bytes
	greedy bool // a packet that arrives brings another
	keep   bool
	got    []uint64
	sent   []simtime.Time
	at     []simtime.Time
	count  int
}

func newNet(t testing.TB, seed uint64, c Config) *net {
	n := &net{t: t, loop: &engine.Loop{}}
	source := rng.New(seed)
	n.f = fabric.New(n.loop, source)
	cell, err := NewCell(n.loop, source, c)
	if err != nil {
		t.Fatal(err)
	}
	n.cell, n.bs = cell, n.f.AddNode("bs")
	return n
}

func (n *net) user(u UserConfig) *end {
	i := len(n.ends)
	name := fmt.Sprintf("ue%d", i)
	if err := n.cell.SetUser(name, u); err != nil {
		n.t.Fatal(err)
	}
	node := n.f.AddNode(name)
	n.links = append(n.links, n.f.AddLink(n.bs, node, fabric.LinkConfig{
		Name: name + "/forward", Rate: 10 * units.Mbps, Medium: n.cell,
	}))
	e := &end{n: n, addr: packet.IPv4(1000 + i), size: 1200}
	e.port = n.f.Attach(n.bs, packet.IPv4(1+i), e)
	n.f.Attach(node, e.addr, e)
	n.ends = append(n.ends, e)
	return e
}

func (e *end) Receive(now simtime.Time, p *packet.Packet) {
	e.count++
	if e.keep {
		e.got, e.at, e.sent = append(e.got, p.ID), append(e.at, now), append(e.sent, p.SentAt)
	}
	e.n.f.Pool().Release(p)
	if e.greedy {
		e.send(now)
	}
}

func (e *end) send(now simtime.Time) {
	p := e.n.f.Pool().New()
	p.SetPayload(int(e.size - packet.HeaderIPv4UDP))
	p.Dst = packet.Addr{IP: e.addr}
	e.port.Send(now, p)
}

// saturate gives the user a backlog that never ends.
func (e *end) saturate(backlog int) *end {
	e.greedy = true
	e.n.loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
		for range backlog {
			e.send(now)
		}
	})).Set(0)
	return e
}

func (e *end) each(start, gap time.Duration, count int) {
	var tm *engine.Timer
	tm = e.n.loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
		e.send(now)
		if count--; count > 0 {
			tm.Set(now.Add(gap))
		}
	}))
	tm.Set(simtime.At(start))
}

func (n *net) run(until time.Duration) {
	n.t.Helper()
	n.f.Route()
	n.resume(until)
}

func (n *net) resume(until time.Duration) {
	n.t.Helper()
	if err := n.loop.Run(context.Background(), simtime.At(until)); err != nil {
		n.t.Fatal(err)
	}
	if err := n.f.CheckConservation(0); err != nil {
		n.t.Fatal(err)
	}
}

func (n *net) stats(i int) UserStats {
	s, ok := n.cell.UserStats(n.links[i].Name)
	if !ok {
		n.t.Fatalf("no user %d", i)
	}
	return s
}

func want(t *testing.T, what string, got, want, relative float64) {
	t.Helper()
	if d := got - want; d > relative*want || d < -relative*want {
		t.Errorf("%s: %.5g, want %.5g within %.2g %%", what, got, want, 100*relative)
	}
}

func wantTimes(t *testing.T, got []simtime.Time, want ...time.Duration) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d packets arrived, want %d: %v", len(got), len(want), got)
	}
	for i, w := range want {
		if got[i] != simtime.At(w) {
			t.Errorf("packet %d arrived at %v, want %v", i, got[i], w)
		}
	}
}

// plain is a cell without block errors.
func plain(s Scheduler) Config {
	c := Defaults()
	c.BLER, c.Scheduler = 0, s
	return c
}

const ms = time.Millisecond

// A packet goes in parts over several TTIs, which begin on the grid, and the next
// one begins in the TTI in which it ends.
func TestSegmentation(t *testing.T) {
	n := newNet(t, 1, plain(RoundRobin))
	e := n.user(UserConfig{Rate: units.Mbps}) // 125 bytes in a TTI
	e.keep, e.size = true, 1200               // 9.6 TTIs
	e.each(10*ms+300*time.Microsecond, 0, 1)
	e.each(10*ms+400*time.Microsecond, 0, 1)
	e.each(100*ms, 0, 1) // on the grid
	n.run(time.Second)
	wantTimes(t, e.at, 21*ms, 31*ms, 110*ms)
}

// Rates that give less than a byte in a TTI, or a broken number of them, add up.
func TestSlowRate(t *testing.T) {
	n := newNet(t, 1, plain(RoundRobin))
	e := n.user(UserConfig{Rate: 2500})
	e.keep, e.size = true, 50
	e.each(0, 0, 1)
	n.run(time.Second)
	wantTimes(t, e.at, 160*ms)
}

// Nothing ticks while there is nothing to do.
func TestIdleCellDoesNotTick(t *testing.T) {
	n := newNet(t, 1, Defaults())
	e := n.user(UserConfig{SNR: 20, Speed: 30})
	e.each(10*ms, 5*time.Second, 2)
	n.run(4 * time.Second)
	fired := n.loop.Fired()
	n.resume(5 * time.Second)
	if more := n.loop.Fired() - fired; more != 0 {
		t.Errorf("%d timers fired in an idle second", more)
	}
	n.resume(10 * time.Second)
	if e.count != 2 {
		t.Errorf("%d packets arrived", e.count)
	}
}

func TestTrace(t *testing.T) {
	f, err := Trace([]Step{{10 * ms, units.Mbps}, {20 * ms, 2 * units.Mbps}, {30 * ms, 0}}, 40*ms)
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Duration]units.BitRate{
		0: 0, 10 * ms: units.Mbps, 19 * ms: units.Mbps, 20 * ms: 2 * units.Mbps, 39 * ms: 0, 41 * ms: 0, 51 * ms: units.Mbps,
	} {
		if got := f(simtime.At(at)); got != want {
			t.Errorf("at %v %v, want %v", at, got, want)
		}
	}
	for _, list := range [][]Step{{{ms, 1}, {ms, 1}}, {{-1, 1}}, {{0, -1}}, {{50 * ms, 1}}} {
		if _, err := Trace(list, 40*ms); err == nil {
			t.Errorf("%v taken", list)
		}
	}
	n := newNet(t, 1, plain(ProportionalFair))
	e := n.user(UserConfig{Capacity: f}).saturate(50)
	e.size = 100
	n.run(4 * time.Second)
	want(t, "throughput", float64(n.stats(0).Sent)*8/4, 750e3, 0.001)
}

func TestDeterminism(t *testing.T) {
	digest := func() string {
		n := newNet(t, 5, Defaults())
		for i := range 8 {
			e := n.user(UserConfig{Distance: 50 + 30*float64(i), Speed: 30})
			e.size = units.Bytes(200 + 150*i)
			e.saturate(20)
		}
		n.run(2 * time.Second)
		return n.f.Digest()
	}
	if a, b := digest(), digest(); a != b {
		t.Errorf("%s and %s", a, b)
	}
}

// A further user changes nobody's channel.
func TestChannelsAreIndependent(t *testing.T) {
	power := func(users int) (p []float64) {
		n := newNet(t, 5, Defaults())
		for range users {
			n.user(UserConfig{SNR: 10, Speed: 3})
		}
		for _, u := range n.cell.users[:2] {
			p = append(p, u.fading.power(simtime.At(123*ms)))
		}
		return p
	}
	a, b := power(2), power(5)
	if a[0] != b[0] || a[1] != b[1] || a[0] == a[1] {
		t.Errorf("%v with two users, %v with five", a, b)
	}
}
