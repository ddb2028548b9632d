package fabric

import (
	"testing"
	"time"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// A diamond: from A to D by B, which is listed first, or by C.
func newDiamond(t testing.TB) (*net, map[string]*Link) {
	n := &net{t: t, loop: &engine.Loop{}}
	n.f = New(n.loop, rng.New(1))
	nodes := map[string]*Node{}
	for _, name := range []string{"A", "B", "C", "D"} {
		nodes[name] = n.f.AddNode(name)
	}
	links := map[string]*Link{}
	for _, l := range []struct {
		name  string
		delay time.Duration
	}{{"AB", 10 * time.Millisecond}, {"BD", 10 * time.Millisecond}, {"AC", 1 * time.Millisecond}, {"CD", 1 * time.Millisecond}} {
		links[l.name] = n.f.AddLink(nodes[l.name[:1]], nodes[l.name[1:]], LinkConfig{Name: l.name, Rate: Unlimited, Delay: l.delay})
	}
	n.src = n.f.Attach(nodes["A"], srcAddr, n)
	n.f.Attach(nodes["D"], dstAddr, n)
	n.f.Route()
	return n, links
}

func TestRoutesFollowCosts(t *testing.T) {
	n, links := newDiamond(t)
	cost := 3
	links["AB"].Schedule([]Change{{At: simtime.At(20 * time.Millisecond), Cost: &cost}})
	n.send(15*time.Millisecond, 100) // by B; on its way when the route changes
	n.send(20*time.Millisecond, 100) // by C, and arrives before it
	n.run(time.Second)
	n.wantArrivals(22*time.Millisecond, 35*time.Millisecond)
	if n.got[0].id != 2 {
		t.Error("the second packet didn't overtake the first")
	}
}

func TestRoutesAvoidLinksThatAreDown(t *testing.T) {
	n, links := newDiamond(t)
	up, down := true, false
	links["BD"].Schedule([]Change{{At: simtime.At(10 * time.Millisecond), Up: &down}, {At: simtime.At(50 * time.Millisecond), Up: &up}})
	links["CD"].Schedule([]Change{{At: simtime.At(30 * time.Millisecond), Up: &down}})
	n.send(20*time.Millisecond, 100) // by C
	n.send(40*time.Millisecond, 100) // no route
	n.send(60*time.Millisecond, 100) // by B again
	n.run(time.Second)
	n.wantArrivals(22*time.Millisecond, 80*time.Millisecond)
	if n.f.unroutable != 1 {
		t.Errorf("%d packets without a route, want 1", n.f.unroutable)
	}
}
