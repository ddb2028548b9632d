package signalling

import (
	"fmt"
	"slices"
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

// history is all that happens in a run: lines such as "0.25 A>GW OFFER 1 (17)" for what arrives and "0.25 A glare".
type history []string

func (h *history) observe(w *Wires) {
	passed, happened := w.Passed, w.Happened
	w.Passed = func(p Passage) {
		title := "nothing that can be read"
		if p.Message != nil {
			title = p.Message.Title()
		}
		*h = append(*h, fmt.Sprintf("%.3f %s>%s %s", p.Arrived.Seconds(), p.From, p.To, title))
		passed(p)
	}
	w.Happened = func(e signalling.Event) {
		*h = append(*h, strings.TrimSpace(fmt.Sprintf("%.3f %s %v %s", e.At.Seconds(), e.Node, e.Kind, e.Reason)))
		happened(e)
	}
}

// times returns when lines with these words happen.
func (h history) times(words string) []float64 {
	var list []float64
	for _, line := range h {
		at, rest, _ := strings.Cut(line, " ")
		if strings.HasPrefix(rest, words) {
			var t float64
			if _, err := fmt.Sscan(at, &t); err != nil {
				panic(err)
			}
			list = append(list, t)
		}
	}
	return list
}

func (h history) want(t *testing.T, words string, at ...float64) {
	t.Helper()
	if got := h.times(words); !slices.Equal(got, at) {
		t.Errorf("%q happens at %v, not at %v:\n%s", words, got, at, strings.Join(h, "\n"))
	}
}

// won runs an experiment with a seed with which the first offer that is accepted is the named end's.
func won(t *testing.T, x Experiment, winner string) (Outcome, history) {
	t.Helper()
	for seed := range uint64(100) {
		var h history
		if o := x.Run(seed, h.observe); o.Winner == winner {
			return o, h
		}
	}
	t.Fatalf("%s never wins", winner)
	return Outcome{}, nil
}

// finished fails unless both ends have what they wanted, and the same session.
func finished(t *testing.T, x Experiment, seed uint64, o Outcome) {
	t.Helper()
	if o.Done == simtime.Never || !o.Same || !o.Idle || len(o.Failed) > 0 {
		t.Errorf("seed %d, %+v: %+v", seed, x, o)
	}
}

const ms = time.Millisecond

// offers are the times of A's and B's.
func offers(a, b time.Duration) *[2]time.Duration { return &[2]time.Duration{a, b} }

// conformance: GLR-2
func TestValues(t *testing.T) {
	random := rng.New(1).Stream("values")
	for bits := range 9 {
		seen := map[uint32]bool{}
		for range 20_000 {
			v := glare.Draw(random, bits)
			if v == 0 || v == glare.Max || bits > 1 && v >= 1<<bits-1 {
				t.Fatalf("%d bits: drew %d", bits, v)
			}
			seen[v] = true
		}
		if bits > 1 && len(seen) != 1<<bits-2 {
			t.Errorf("%d bits: %d values", bits, len(seen))
		}
	}
	// A new one for each offer.
	a := roap.NewAgent(roap.AgentConfig{Session: "A", Peer: "B", Resolution: glare.TieBreaker, Random: random})
	var values []uint32
	for range 3 {
		a.Change(0)
		_, m := a.PollMessage()
		o := m.(*roap.Message)
		values = append(values, o.TieBreaker)
		for _, kind := range []roap.MessageType{roap.TypeAnswer, roap.TypeAccept} {
			a.HandleMessage(0, 0, &roap.Message{Type: kind, Offerer: "A", Seq: o.Seq})
		}
	}
	if values[0] == values[1] || values[1] == values[2] {
		t.Errorf("values %v", values)
	}
}

// conformance: GLR-3, GLR-4
func TestGreaterValueWins(t *testing.T) {
	crossed := 0
	for seed := range uint64(2000) {
		var winners [3]string
		for i, x := range []Experiment{
			{Path: Direct}, {Path: ByServer}, {Path: ByServer, ServerResolves: true},
		} {
			x.Resolution, x.Latency, x.Window = glare.TieBreaker, 200*ms, 500*ms
			var h history
			o := x.Run(seed, h.observe)
			finished(t, x, seed, o)
			if o.Rounds == 0 {
				continue
			}
			crossed++
			if o.Rounds != 1 {
				t.Errorf("seed %d: glare came %d times", seed, o.Rounds)
			}
			winners[i] = o.Winner
			if x.ServerResolves && (len(h.times("S glare")) != 1 || len(h.times("S offer-discarded")) != 1) {
				t.Errorf("seed %d: the server hasn't decided:\n%s", seed, strings.Join(h, "\n"))
			}
			if n := len(h.times("A offer-accepted")) + len(h.times("B offer-accepted")); n != 2 { // the loser's comes again
				t.Errorf("seed %d: %d offers were accepted", seed, n)
			}
			var a, b uint32
			for _, line := range h {
				var seq int
				if _, rest, ok := strings.Cut(line, " A>"); ok && a == 0 {
					_, _ = fmt.Sscanf(rest[1:], " OFFER %d (%d)", &seq, &a)
				}
				if _, rest, ok := strings.Cut(line, " B>"); ok && b == 0 {
					_, _ = fmt.Sscanf(rest[1:], " OFFER %d (%d)", &seq, &b)
				}
			}
			if (a > b) != (o.Winner == "A") {
				t.Errorf("seed %d: %s has won with values %d and %d", seed, o.Winner, a, b)
			}
		}
		if winners[1] != winners[2] {
			t.Errorf("seed %d: %v win by where they compare", seed, winners)
		}
	}
	if crossed < 1000 {
		t.Errorf("only %d times did offers cross", crossed)
	}
}

// conformance: GLR-5
func TestEqualValues(t *testing.T) {
	for _, resolves := range []bool{false, true} {
		x := Experiment{
			Path: ByServer, Resolution: glare.TieBreaker, ServerResolves: resolves, Latency: 50 * ms, Offers: offers(0, 10*ms), TieBreakerBits: 1,
		}
		again, most := 0, 0
		for seed := range uint64(500) {
			var h history
			o := x.Run(seed, h.observe)
			finished(t, x, seed, o)
			most = max(most, o.Rounds)
			if o.Rounds < 2 {
				continue
			}
			again++
			for _, end := range []string{"A", "B"} {
				if said := h.times("S>" + end + " ERROR 1 DOUBLECONFLICT"); resolves && (len(said) == 0 || said[0] > 0.061) { // as soon as both are there
					t.Fatalf("%s is told at %v:\n%s", end, said, strings.Join(h, "\n"))
				}
				if len(h.times("S>"+end+" ERROR 1 DOUBLECONFLICT")) == 0 || len(h.times(end+" offer-withdrawn the values are equal")) == 0 {
					t.Fatalf("%s wasn't told:\n%s", end, strings.Join(h, "\n"))
				}
			}
		}
		if again < 200 || again > 300 || most < 4 { // half of the pairs of one bit are equal
			t.Errorf("resolves %v: %d of 500 were equal, %d times at most", resolves, again, most)
		}
	}
}

// crossing is a gateway between wires of 100 ms.
func crossing(a, b time.Duration) Experiment {
	return Experiment{
		Path: ByGateway, Resolution: glare.TieBreaker, Near: 100 * ms, Far: 100 * ms, Offers: offers(a, b),
		UserAgent: sip.Config{HeedsRetryAfter: true, Owner: true},
	}
}

// conformance: GLR-6
func TestPolicies(t *testing.T) {
	for policy, wins := range map[gateway.Policy][2]int{gateway.Wins: {0, 0}, gateway.Loses: {500, 500}, gateway.Random: {200, 300}} {
		x := crossing(150*ms, 0) // case 1: B's offer has got its value before anybody knows of a glare
		x.Gateway.Policy = policy
		won := 0
		for seed := range uint64(500) {
			o := x.Run(seed)
			finished(t, x, seed, o)
			if o.Winner == "A" {
				won++
			}
		}
		if won < wins[0] || won > wins[1] {
			t.Errorf("%v: A has won %d of 500", policy, won)
		}
	}
}

// Two gateways that both want to win, as 002 doesn't think of, draw values after the first time.
// conformance: GLR-6
func TestTwoGatewaysThatWin(t *testing.T) {
	for _, resolves := range []bool{false, true} {
		twoGateways(t, resolves)
	}
}

func twoGateways(t *testing.T, resolves bool) {
	t.Helper()
	w := &Wires{}
	random := rng.New(1)
	described := [2]*descriptions{{name: "A"}, {name: "B"}}
	var phones [2]*sip.UserAgent
	s := roap.NewServer("S", resolves)
	for i, name := range []string{"A", "B"} {
		callID := "call-" + name
		g := gateway.New(gateway.Config{
			Name: "GW-" + name, Session: name, Peer: []string{"B", "A"}[i], CallID: callID, Local: "gw@x;tag=1", Remote: "p@x;tag=2",
			Resolution: glare.TieBreaker, Policy: gateway.Wins, Random: random.Stream("GW" + name),
		})
		phones[i] = sip.NewUserAgent(sip.Config{
			Name: name, CallID: callID, Local: "p@x;tag=2", Remote: "gw@x;tag=1", Random: random.Stream(name), Describe: described[i], HeedsRetryAfter: true,
		})
		w.Connect(&Wire{Ends: [2]End{{g, gateway.Browser}, {s, i}}, Latency: 50 * ms})
		w.Connect(&Wire{Ends: [2]End{{g, gateway.SIP}, {phones[i], 0}}, Latency: 50 * ms})
		w.Do(simtime.At(time.Duration(i)*ms), phones[i], phones[i].Change)
	}
	w.Run(simtime.At(60 * time.Second))
	if described[0].session != described[1].session || phones[0].Wishes()+phones[1].Wishes() > 0 {
		t.Errorf("sessions %q and %q, %d and %d changes left", described[0].session, described[1].session, phones[0].Wishes(), phones[1].Wishes())
	}
}

// conformance: GLR-7
func TestValueInSIP(t *testing.T) {
	x := crossing(0, time.Second)
	x.Gateway.TieBreaker, x.UserAgent.TieBreaker = true, true
	var h history
	x.Run(1, h.observe)
	for _, title := range []string{"GW>B INVITE (", "B>GW INVITE (", "GW>A OFFER 2 ("} {
		if len(h.times(title)) != 1 {
			t.Errorf("no %q in\n%s", title, strings.Join(h, "\n"))
		}
	}
	m := sip.NewRequest(sip.Invite, "c", "a@x", "b@x", 1)
	m.Glare = 4_000_000_000
	read, _, err := sip.Parse(m.Marshal())
	if err != nil || read.Glare != m.Glare {
		t.Errorf("read %+v, %v", read, err)
	}
}

// B's offer is between the gateway and A when A's leaves.
// conformance: GLR-C1-A, GLR-C1-GW
func TestCase1(t *testing.T) {
	x := crossing(150*ms, 0)
	o, h := won(t, x, "A")
	finished(t, x, 0, o)
	h.want(t, "A glare", 0.2)
	h.want(t, "A offer-discarded its value is less", 0.2)
	h.want(t, "GW glare", 0.25)
	h.want(t, "GW>B 491 Request Pending, retry after 4s", 0.35)
	h.want(t, "B offer-accepted", 0.4)                     // 50 ms behind the refusal
	if retry := h.times("B offer-sent")[1]; retry <= 0.4 { // which is later than A's offer
		t.Errorf("B offers again at %v", retry)
	}
	if n := len(h.times("GW>B ")) + len(h.times("B>GW ")); n != 11 { // INVITE 100 491 ACK; INVITE 200 ACK; INVITE 100 200 ACK
		t.Errorf("%d messages of SIP:\n%s", n, strings.Join(h, "\n"))
	}

	o, h = won(t, x, "B")
	finished(t, x, 0, o)
	h.want(t, "A offer-withdrawn its value is less", 0.2)
	h.want(t, "A offer-accepted", 0.2)
	h.want(t, "GW offer-discarded", 0.25) // A's; its answer comes just behind
	h.want(t, "GW>B 200 OK", 0.4)
	h.want(t, "A offer-sent", 0.15, 0.2) // the change comes again at once
}

// A's offer has passed the gateway when B's, from a user agent of plain SIP, comes there.
// conformance: GLR-C2-GW, GLR-C2-B
func TestCase2(t *testing.T) {
	x := crossing(0, 150*ms)
	o, h := won(t, x, "B")
	finished(t, x, 0, o)
	h.want(t, "GW glare", 0.25)
	h.want(t, "GW>B 491 Request Pending, retry after 0s", 0.35)
	h.want(t, "B offer-discarded Request Pending", 0.2) // by SIP's own rule
	h.want(t, "B>GW 491 Request Pending", 0.3)
	h.want(t, "B>GW INVITE", 0.25, 0.45)
	h.want(t, "GW>B ACK", 0.4, 0.95)                                     // of B's refusal, and of its answer to A's next offer
	h.want(t, fmt.Sprintf("GW>A OFFER 2 (%d)", uint32(glare.Max)), 0.55) // a round trip to B and the way to A
	h.want(t, "A offer-accepted", 0.55)
	if errs := h.times("GW>A ERROR"); len(errs) > 0 {
		t.Errorf("A has heard of it at %v", errs)
	}
	for seed := range uint64(100) {
		if o := x.Run(seed); o.Winner != "B" {
			t.Errorf("seed %d: %s has won", seed, o.Winner)
		}
	}
}

// A user agent that wanted a change, and doesn't want it any more, doesn't keep A waiting.
func TestCase2WithoutReturn(t *testing.T) {
	x := crossing(0, 150*ms)
	x.Gateway.Patience = 300 * ms
	x.UserAgent.HeedsRetryAfter = false // it comes after 2.1 s at the earliest
	o, h := won(t, x, "A")
	finished(t, x, 0, o)
	h.want(t, "B offer-accepted", 0.65) // 0.25 + patience + the way to B
}

// Both offers are at the gateway.
// conformance: GLR-C3
func TestCase3(t *testing.T) {
	x := crossing(0, 20*ms)
	x.Gateway.Processing = 50 * ms
	for _, first := range []*[2]time.Duration{offers(0, 20*ms), offers(20*ms, 0)} {
		x.Offers = first
		o, h := won(t, x, "B")
		finished(t, x, 0, o)
		if len(h.times("GW>B 491")) > 0 || len(h.times("B glare")) > 0 {
			t.Errorf("B has heard of it:\n%s", strings.Join(h, "\n"))
		}
		if n := len(h.times("A offer-withdrawn")); n != 1 {
			t.Errorf("A has given way %d times:\n%s", n, strings.Join(h, "\n"))
		}
		for seed := range uint64(50) {
			if o := x.Run(seed); o.Winner != "B" {
				t.Errorf("seed %d: %s has won", seed, o.Winner)
			}
		}
	}
}

// As case 2, but B knows values.
// conformance: GLR-C4-GW, GLR-C4-B
func TestCase4(t *testing.T) {
	for _, path := range []Path{ByGateway, ByGatewayAndProxy} {
		x := crossing(0, 150*ms)
		x.Path = path
		x.Gateway.TieBreaker, x.UserAgent.TieBreaker = true, true
		near := map[Path]string{ByGateway: "GW", ByGatewayAndProxy: "P"}[path]

		o, h := won(t, x, "A")
		if !o.Same || !o.Idle || o.Cancelled != 1 {
			t.Errorf("%+v", o)
		}
		h.want(t, "B offer-accepted", 0.2) // as if B had nothing outstanding; the proxy doesn't mind
		h.want(t, near+">B 491 Request Pending", 0.35)
		h.want(t, "B offer-sent", 0.15) // and not again
		h.want(t, "A offer-agreed", 0.4)

		o, h = won(t, x, "B")
		finished(t, x, 0, o)
		h.want(t, "B>"+near+" 491 Request Pending", map[Path]float64{ByGateway: 0.3, ByGatewayAndProxy: 0.25}[path])
		h.want(t, "B>"+near+" INVITE", map[Path]float64{ByGateway: 0.25, ByGatewayAndProxy: 0.2}[path])
		h.want(t, "A offer-accepted", 0.35)
		h.want(t, "B offer-agreed", 0.55)
		if n := len(h.times("GW>" + map[Path]string{ByGateway: "B", ByGatewayAndProxy: "P"}[path] + " ACK")); n != 2 { // of the refusal, and of A's next offer
			t.Errorf("%d ACKs:\n%s", n, strings.Join(h, "\n"))
		}
	}
}

// conformance: GLR-8
func TestOneWinnerInEverySchedule(t *testing.T) {
	schedules := 100_000
	if testing.Short() {
		schedules = 5000
	}
	random := rng.New(8).Stream("schedules")
	upTo := func(most time.Duration) time.Duration { return time.Duration(random.Uniform(0, float64(most))) }
	rounds := 0
	for seed := range uint64(schedules) {
		x := Experiment{
			Path: Path(random.Uint32() % 4), Resolution: glare.TieBreaker, ServerResolves: random.Bool(0.5),
			Near: 1 + upTo(300*ms), Far: 1 + upTo(300*ms), Window: upTo(600 * ms), Changes: 1 + int(random.Uint32()%3), TieBreakerBits: int(random.Uint32() % 5),
			Gateway: gateway.Config{
				Policy: gateway.Policy(random.Uint32() % 3), NoOverride: random.Bool(0.3), TieBreaker: random.Bool(0.5), Processing: upTo(100 * ms),
			},
			UserAgent: sip.Config{Owner: random.Bool(0.5), TieBreaker: random.Bool(0.5), HeedsRetryAfter: random.Bool(0.5)},
		}
		x.Latency = x.Near + x.Far
		for i := range x.Delivery {
			switch random.Uint32() % 4 {
			case 0:
				x.Delivery[i].Poll = 1 + upTo(time.Second)
			case 1:
				x.Delivery[i].LongPoll = 10 * time.Second
			}
		}
		o := x.Run(seed)
		finished(t, x, seed, o)
		rounds += o.Rounds
		if t.Failed() {
			return
		}
	}
	if rounds < schedules/4 {
		t.Errorf("offers have crossed only %d times", rounds)
	}
}

// Whatever wires do to messages, nobody waits for ever: a change is agreed on, or has failed for a reason.
func TestUnreliableWires(t *testing.T) {
	runs := 10_000
	if testing.Short() {
		runs = 1000
	}
	random := rng.New(9).Stream("runs")
	failures := map[string]int{}
	agreed := 0
	for seed := range uint64(runs) {
		x := Experiment{
			Path: Path(random.Uint32() % 4), Resolution: glare.Resolution(random.Uint32() % 3), ServerResolves: random.Bool(0.5),
			Latency: 1 + time.Duration(random.Uniform(0, float64(300*ms))), Window: 600 * ms, Changes: 1 + int(random.Uint32()%3),
			Gateway:   gateway.Config{TieBreaker: random.Bool(0.5), Processing: 20 * ms},
			UserAgent: sip.Config{Owner: random.Bool(0.5), TieBreaker: random.Bool(0.5), HeedsRetryAfter: random.Bool(0.5)},
			Limit:     time.Hour,
			Faults:    &Faults{},
		}
		f := x.Faults
		for _, p := range []*float64{&f.Lost, &f.Repeated, &f.Damaged} {
			if random.Bool(0.5) {
				*p = random.Uniform(0, 0.2)
			}
		}
		if random.Bool(0.5) {
			f.Late = time.Duration(random.Uniform(0, float64(500*ms)))
		}
		o := x.Run(seed)
		if !o.Idle {
			t.Fatalf("seed %d, %+v waits for ever: %+v", seed, x, o)
		}
		if f.Damaged < 1e-9 && !o.Same && len(o.Failed) == 0 {
			t.Fatalf("seed %d, %+v: unlike sessions without a reason: %+v", seed, x, o)
		}
		if o.Done != simtime.Never && len(o.Failed) == 0 {
			agreed++
		}
		for _, why := range o.Failed {
			failures[why]++
		}
	}
	if agreed < runs/10 || failures["A: nobody answers"] == 0 || failures["B: 408 Request Timeout"] == 0 {
		t.Errorf("%d of %d have agreed; %d kinds of failures", agreed, runs, len(failures))
	}
}
