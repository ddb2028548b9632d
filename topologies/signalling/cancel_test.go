package signalling

import (
	"strings"
	"testing"
	"time"

	"rtpfabric/endpoints/signalling"
	"rtpfabric/endpoints/signalling/gateway"
	"rtpfabric/endpoints/signalling/glare"
	"rtpfabric/endpoints/signalling/roap"
	"rtpfabric/endpoints/signalling/sip"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// givingUp are the times at which B gives up what it has outstanding, and at which A leaves; 0 if it doesn't.
type givingUp struct {
	by     []time.Duration
	leaves time.Duration
}

func (g givingUp) observe(w *Wires) {
	for _, s := range w.stations {
		switch n := s.node.(type) {
		case *sip.UserAgent:
			for _, at := range g.by {
				w.Do(simtime.At(at), n, n.GiveUp)
			}
		case *roap.Agent:
			if g.leaves > 0 {
				w.Do(simtime.At(g.leaves), n, n.Shutdown)
			}
		}
	}
}

// B rings, and A doesn't wait for it any more: B hears of it through gateway and proxy, and both ends have the session of before.
func TestRingsForEver(t *testing.T) {
	x := crossing(0, DefaultLimit+time.Second) // B wants nothing in this run
	x.Path, x.UserAgent.Rings = ByGatewayAndProxy, time.Hour
	var h history
	o := x.Run(1, h.observe)
	h.want(t, "GW>A ANSWER 1, more coming", 0.4)
	h.want(t, "P>B CANCEL", 181.3) // timer C of the proxy, to which the 180 came first
	h.want(t, "B offer-discarded Request Terminated", 181.3)
	h.want(t, "B>P 200 OK", 181.35)
	h.want(t, "B>P 487 Request Terminated", 181.35)
	h.want(t, "GW>P CANCEL", 181.35) // the gateway's, on its hop
	h.want(t, "P>GW 200 OK", 181.4)
	h.want(t, "P>GW 487 Request Terminated", 181.4)
	h.want(t, "P>B ACK", 181.4)
	h.want(t, "GW>P ACK", 181.45)
	h.want(t, "A negotiation-failed nobody answers", 181.4)
	h.want(t, "GW>A ERROR 1 TIMEOUT", 181.5)
	h.want(t, "B offer-accepted")
	if !o.Same || len(o.Failed) != 1 {
		t.Errorf("%+v:\n%s", o, strings.Join(h, "\n"))
	}
}

// B gives its change up while A is between polls: A hears of it behind the offer, which it has accepted by then, and says so.
func TestGivesUpBetweenPolls(t *testing.T) {
	x := crossing(DefaultLimit+time.Second, 0)
	x.Delivery[0] = Delivery{Poll: 10 * time.Second, Phase: 5 * time.Second}
	var h history
	x.Run(1, h.observe, givingUp{by: []time.Duration{time.Second}}.observe)
	h.want(t, "B>GW CANCEL", 1.1)
	h.want(t, "GW>B 487 Request Terminated", 1.2)
	h.want(t, "B change-cancelled given up", 1.2)
	h.want(t, "A offer-accepted", 5.2)
	h.want(t, "A offer-given-up TIMEOUT", 5.2)
	h.want(t, "B offer-agreed")
}

// Whoever gives up, whenever it does, and whatever wires do: nobody waits for ever, and both ends believe in the same session, or
// one of them knows that the other doesn't.
func TestGivingUp(t *testing.T) {
	runs := 20_000
	if testing.Short() {
		runs = 2000
	}
	random := rng.New(10).Stream("runs")
	upTo := func(most time.Duration) time.Duration { return time.Duration(random.Uniform(0, float64(most))) }
	seen := map[string]int{}
	for seed := range uint64(runs) {
		x := Experiment{
			Path: ByGateway + Path(random.Uint32()%2), Resolution: glare.Resolution(random.Uint32() % 3),
			Near: 1 + upTo(time.Second), Far: 1 + upTo(time.Second), Window: upTo(20 * time.Second), Changes: 1 + int(random.Uint32()%3),
			Gateway: gateway.Config{
				Policy: gateway.Policy(random.Uint32() % 3), NoOverride: random.Bool(0.3), TieBreaker: random.Bool(0.5), Processing: upTo(time.Second),
			},
			UserAgent: sip.Config{Owner: random.Bool(0.5), TieBreaker: random.Bool(0.5), HeedsRetryAfter: random.Bool(0.5)},
			Limit:     time.Hour,
		}
		switch random.Uint32() % 4 {
		case 0:
			x.UserAgent.Rings = upTo(time.Second)
		case 1:
			x.UserAgent.Rings = sip.TimerC + upTo(4*time.Second) // it accepts when it is given up
		case 2:
			x.UserAgent.Rings = upTo(400 * time.Second)
		}
		if random.Bool(0.5) && x.Resolution != glare.Timers { // which polls outlast
			x.Delivery[0].Poll = 1 + upTo(10*time.Second)
		}
		g := givingUp{}
		for range random.Uint32() % 8 {
			g.by = append(g.by, upTo(30*time.Second))
		}
		if random.Bool(0.2) {
			g.leaves = 1 + upTo(200*time.Second)
		}
		if random.Bool(0.5) {
			x.Faults = &Faults{}
			for _, p := range []*float64{&x.Faults.Lost, &x.Faults.Repeated, &x.Faults.Damaged} {
				if random.Bool(0.5) {
					*p = random.Uniform(0, 0.2)
				}
			}
			if random.Bool(0.5) {
				x.Faults.Late = upTo(2 * time.Second)
			}
		}
		known := false
		o := x.Run(seed, g.observe, func(w *Wires) {
			passed, happened := w.Passed, w.Happened
			w.Passed = func(p Passage) {
				passed(p)
				if m, ok := p.Message.(*sip.Message); ok && m.Method == sip.Cancel {
					seen[p.From+" "+m.Title()]++
				}
			}
			w.Happened = func(e signalling.Event) {
				happened(e)
				if e.Kind == signalling.OfferGivenUp {
					known = true
					seen[e.Node+" "+e.Kind.String()]++
				}
			}
		})
		if !o.Idle {
			t.Fatalf("seed %d, %+v waits for ever: %+v", seed, x, o)
		}
		if o.Same || g.leaves > 0 {
			continue
		}
		seen["unlike"]++
		reason := known
		if x.Faults != nil { // who would know hears nothing
			reason = known || len(o.Failed)+o.Cancelled > 0 || x.Faults.Damaged > 1e-9
		} else {
			seen["unlike on reliable wires"]++
		}
		if !reason {
			t.Fatalf("seed %d, %+v, %+v: unlike sessions without a reason: %+v", seed, x, g, o)
		}
	}
	t.Logf("%v", seen)
	for _, what := range []string{"GW CANCEL", "B CANCEL", "P CANCEL", "GW 200 OK", "B 200 OK", "P 200 OK", "GW offer-given-up", "A offer-given-up"} {
		if seen[what] < runs/100 {
			t.Errorf("%s: only %d times", what, seen[what])
		}
	}
}
