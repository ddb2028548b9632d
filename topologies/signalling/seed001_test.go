package signalling

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rtpfabric/endpoints/signalling"
	"rtpfabric/endpoints/signalling/forking"
	"rtpfabric/endpoints/signalling/roap"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// switchboard is the caller's lines, which notes what it is told.
type switchboard struct {
	log     []string
	open    map[string]string // the answers of lines, by device
	talks   string            // to whom, and what
	refuses string            // an answer
}

func (*switchboard) Offer(simtime.Time) string { return "offer" }

func (s *switchboard) Prepare(now simtime.Time, device, answer string) (string, error) {
	s.log = append(s.log, fmt.Sprintf("%.2f prepare %s %s", now.Seconds(), device, answer))
	if answer == s.refuses {
		return "", errors.New("it doesn't fit")
	}
	s.open[device] = answer
	return "", nil
}

func (s *switchboard) Agree(now simtime.Time, device, answer string) (string, error) {
	if _, err := s.Prepare(now, device, answer); err != nil {
		return "", err
	}
	s.talks += device + " " + answer
	return "", nil
}

func (s *switchboard) Close(now simtime.Time, device string, _ bool) {
	s.log = append(s.log, fmt.Sprintf("%.2f close %s", now.Seconds(), device))
	delete(s.open, device)
}

// handset is a device's line.
type handset struct {
	name             string
	accepted, closed bool
}

func (h *handset) Answer(_ simtime.Time, offer string, count int) (string, error) {
	if offer != "offer" {
		return "", errors.New("not an offer")
	}
	return fmt.Sprintf("%s%d", h.name[:1], count), nil
}

func (h *handset) Accept(simtime.Time) { h.accepted = true }

func (h *handset) Close(simtime.Time) { h.closed = true }

// call is alice, who calls somebody with several devices at 0.
type call struct {
	Wires
	caller  *forking.Caller
	devices []*forking.Device
	board   switchboard
	sets    []*handset
	history history
}

// dial begins a call over wires that take 100 ms to the server and 100 ms from it.
func dial(caller forking.CallerConfig, server forking.ServerConfig, devices ...forking.DeviceConfig) *call {
	return dialOver(nil, caller, server, devices...)
}

func dialOver(faults *Faults, caller forking.CallerConfig, server forking.ServerConfig, devices ...forking.DeviceConfig) *call {
	c := &call{board: switchboard{open: map[string]string{}}}
	c.Passed, c.Happened = func(Passage) {}, func(signalling.Event) {}
	caller.Name, caller.Session, caller.Lines, server.Name = "alice", "alice", &c.board, "server"
	for i := range devices {
		server.Devices = append(server.Devices, devices[i].Name)
	}
	c.caller = forking.NewCaller(caller)
	s := forking.NewServer(server)
	const latency = 100 * time.Millisecond
	c.Connect(&Wire{Ends: [2]End{{c.caller, 0}, {s, 0}}, Latency: latency, Faults: faults})
	for i, d := range devices {
		set := &handset{name: d.Name}
		d.Session, d.Line = d.Name, set
		device := forking.NewDevice(d)
		c.sets, c.devices = append(c.sets, set), append(c.devices, device)
		c.Connect(&Wire{Ends: [2]End{{device, 0}, {s, i + 1}}, Latency: latency, Faults: faults})
	}
	c.history.observe(&c.Wires)
	c.Do(0, c.caller, c.caller.Call)
	return c
}

// ring lets a call go on for ten minutes, after which nobody waits for anything.
func (c *call) ring() *call {
	c.Run(simtime.At(10 * time.Minute))
	return c
}

// want fails unless alice talks to a device as its answer has it, nobody else thinks that they talk, and there is no other line.
func (c *call) want(t *testing.T, talks string) {
	t.Helper()
	device, _, _ := strings.Cut(talks, " ")
	if c.board.talks != talks || c.caller.Chosen() != device {
		t.Errorf("alice talks to %q as of %q, not %q:\n%s", c.caller.Chosen(), c.board.talks, talks, strings.Join(c.history, "\n"))
	}
	for i, d := range c.devices {
		if d.Accepted() != (d.Name() == device) || c.sets[i].closed == (d.Name() == device) {
			t.Errorf("%s talks: %t; its line is closed: %t:\n%s", d.Name(), d.Accepted(), c.sets[i].closed, strings.Join(c.history, "\n"))
		}
	}
	if len(c.board.open) > 1 || device != "" && c.board.open[device] == "" {
		t.Errorf("open lines: %v", c.board.open)
	}
}

func device(name string, accepts time.Duration) forking.DeviceConfig {
	return forking.DeviceConfig{Name: name, Answers: true, Accepts: accepts}
}

const second = time.Second

// conformance: FRK-0.3, FRK-7
func TestForkInParallelAndInTurn(t *testing.T) {
	devices := []forking.DeviceConfig{device("desktop", 0), device("tablet", 0), device("phone", 4*second)}
	parallel := dial(forking.CallerConfig{}, forking.ServerConfig{}, devices...).ring()
	parallel.want(t, "phone p0")
	for _, d := range devices {
		parallel.history.want(t, "server>"+d.Name+" OFFER 1", 0.2)
	}
	turn := dial(forking.CallerConfig{}, forking.ServerConfig{Rings: 5 * second}, devices...).ring()
	turn.want(t, "phone p0")
	for i, d := range devices {
		turn.history.want(t, "server>"+d.Name+" OFFER 1", 0.2+5*float64(i))
	}
	turn.history.want(t, "server>desktop SHUTDOWN", 5.2)
	turn.history.want(t, "server>alice ERROR 1 TIMEOUT", 5.2, 10.2) // those lines aren't wanted any more
	turn.history.want(t, "alice line-closed TIMEOUT", 5.2, 10.2)
}

// The device is ready before its ACCEPT leaves.
//
// conformance: FRK-6
func TestForkReadyBeforeAccept(t *testing.T) {
	line := &order{}
	d := forking.NewDevice(forking.DeviceConfig{Name: "desktop", Session: "desktop", Accepts: second, Line: line})
	line.device = d
	d.HandleMessage(0, 0, &roap.Message{Type: roap.TypeOffer, Offerer: "alice", Seq: 1, SDP: "offer"})
	d.HandleTimeout(simtime.At(second))
	if got, want := line.waiting, []string{"ANSWER 1"}; !slices.Equal(got, want) {
		t.Errorf("as the line gets ready %q have been said, not %q", got, want)
	}
	if _, m := d.PollMessage(); m == nil || m.Title() != "ACCEPT 1" {
		t.Errorf("%v after that", m)
	}
}

// order is a line that looks at what its device has said when it gets ready.
type order struct {
	handset
	device  *forking.Device
	waiting []string
}

func (o *order) Answer(simtime.Time, string, int) (string, error) { return "answer", nil }

func (o *order) Accept(simtime.Time) {
	for _, m := o.device.PollMessage(); m != nil; _, m = o.device.PollMessage() {
		o.waiting = append(o.waiting, m.Title())
	}
}

// Whoever hangs up, all lines end, and everybody hears of it.
func TestForkHangUp(t *testing.T) {
	devices := []forking.DeviceConfig{device("desktop", 2*second), device("tablet", 0)}
	for name, x := range map[string]struct {
		at   time.Duration
		node func(*call) signalling.Node
		act  func(*call, simtime.Time)
		want []string
	}{
		"alice before": {
			second, func(c *call) signalling.Node { return c.caller }, func(c *call, now simtime.Time) { c.caller.Shutdown(now) },
			[]string{"1.200 server>desktop SHUTDOWN 1", "1.200 server>tablet SHUTDOWN 1", "1.000 alice negotiation-failed shut down"},
		},
		"alice later": {
			5 * second, func(c *call) signalling.Node { return c.caller }, func(c *call, now simtime.Time) { c.caller.Shutdown(now) },
			[]string{"5.200 server>desktop SHUTDOWN 1", "2.600 server>tablet SHUTDOWN 1"},
		},
		"the desktop": {
			5 * second, func(c *call) signalling.Node { return c.devices[0] }, func(c *call, now simtime.Time) { c.devices[0].Shutdown(now) },
			[]string{"5.200 server>alice SHUTDOWN 1", "2.600 server>tablet SHUTDOWN 1"},
		},
		"the desktop, before others are closed": {
			2500 * ms, func(c *call) signalling.Node { return c.devices[0] }, func(c *call, now simtime.Time) { c.devices[0].Shutdown(now) },
			[]string{"2.700 server>alice SHUTDOWN 1", "2.600 server>tablet SHUTDOWN 1"},
		},
	} {
		c := dial(forking.CallerConfig{}, forking.ServerConfig{}, devices...)
		c.Do(simtime.At(x.at), x.node(c), func(now simtime.Time) { x.act(c, now) })
		c.ring()
		for _, line := range x.want {
			if !slices.Contains(c.history, line) {
				t.Errorf("%s: no line %q in\n%s", name, line, strings.Join(c.history, "\n"))
			}
		}
		if len(c.board.open) > 0 || c.devices[0].Accepted() {
			t.Errorf("%s: open lines %v:\n%s", name, c.board.open, strings.Join(c.history, "\n"))
		}
	}
	// While others ring the chosen device leaves: nobody is left waiting.
	c := dial(forking.CallerConfig{Closes: 10 * second}, forking.ServerConfig{KeepRinging: true}, devices...)
	c.Do(simtime.At(4*second), c.devices[0], func(now simtime.Time) { c.devices[0].Shutdown(now) })
	c.ring()
	if at := c.history.times("alice line-closed"); len(c.board.open) > 0 || !slices.Equal(at, []float64{4.2, 4.2}) {
		t.Errorf("lines are closed at %v:\n%s", at, strings.Join(c.history, "\n"))
	}
	// The only one that has accepted leaves before the caller has decided, and all others have refused.
	leaves := dial(forking.CallerConfig{Choice: forking.Last, Decides: 3 * second}, forking.ServerConfig{},
		device("desktop", second), forking.DeviceConfig{Name: "phone", Answers: true, Declines: 2 * second})
	leaves.Do(simtime.At(1500*ms), leaves.devices[0], func(now simtime.Time) { leaves.devices[0].Shutdown(now) })
	leaves.ring()
	leaves.history.want(t, "alice negotiation-failed REFUSED", 2.4)
}

// Nobody accepts: when the time is over all devices are told.
func TestForkTimeIsOver(t *testing.T) {
	c := dial(forking.CallerConfig{}, forking.ServerConfig{}, device("desktop", 0), device("tablet", 0))
	c.Run(simtime.At(181*second + 150*ms))
	c.history.want(t, "alice>server SHUTDOWN", 181.1)
}

// Messages of use to nobody change nothing.
func TestForkUselessMessages(t *testing.T) {
	c := dial(forking.CallerConfig{}, forking.ServerConfig{}, device("desktop", 2*second), device("tablet", 0))
	say := func(at time.Duration, n signalling.Node, m roap.Message) {
		m.Offerer, m.Seq = "alice", max(m.Seq, 1)
		c.Do(simtime.At(at), n, func(now simtime.Time) { n.HandleMessage(now, 0, &m) })
	}
	say(1*second, c.devices[0], roap.Message{Type: roap.TypeShutdown, Answerer: "tablet"})
	say(1*second, c.devices[0], roap.Message{Type: roap.TypeOffer})
	say(1*second, c.devices[0], roap.Message{Type: roap.TypeAnswer, Answerer: "desktop"})
	say(1*second, c.devices[0], roap.Message{Type: roap.TypeShutdown, Seq: 2})
	say(1*second, c.caller, roap.Message{Type: roap.TypeAnswer, SDP: "nobody's"})
	say(1*second, c.caller, roap.Message{Type: roap.TypeAnswer, Answerer: "desktop", SDP: "another offer's", Seq: 2})
	say(3*second, c.caller, roap.Message{Type: roap.TypeAnswer, Answerer: "desktop", SDP: "later than ACCEPT"})
	say(3*second, c.caller, roap.Message{Type: roap.TypeAccept, Answerer: "desktop"})
	say(3*second, c.devices[0], roap.Message{Type: roap.TypeOffer, Seq: 2})
	c.ring().want(t, "desktop d0")
	c.history.want(t, "desktop signalling-ignored", 1, 1, 1, 1, 3)
	c.history.want(t, "alice signalling-ignored", 1, 1, 3, 3)
}

// A refusal lets the device after the one that rings ring, not the one after somebody who has rung before; and when the caller has
// shut down nobody rings any more.
//
// conformance: FRK-7
func TestForkTurns(t *testing.T) {
	late := device("desktop", 0)
	late.Declines = 7 * second // its time to ring is over by then
	c := dial(forking.CallerConfig{}, forking.ServerConfig{Rings: 5 * second}, late, device("tablet", 0), device("phone", 0)).ring()
	c.history.want(t, "server>phone OFFER", 10.2)
	c = dial(forking.CallerConfig{}, forking.ServerConfig{Rings: 5 * second}, device("desktop", 0), device("tablet", 0))
	c.Do(simtime.At(3*second), c.caller, c.caller.Shutdown)
	c.ring()
	c.history.want(t, "server>tablet OFFER")
	c.history.want(t, "server>desktop SHUTDOWN", 3.2)
	// An answer that the caller refuses is over: the next device rings.
	c = dial(forking.CallerConfig{}, forking.ServerConfig{Rings: 5 * second}, device("desktop", 0), device("tablet", second))
	c.board.refuses = "d0"
	c.ring().want(t, "tablet t0")
	c.history.want(t, "server>tablet OFFER", 0.6)
}

// A device that refuses lets the next one ring at once, and when there is none left the call has failed.
func TestForkRefused(t *testing.T) {
	refuses := func(name string) forking.DeviceConfig {
		return forking.DeviceConfig{Name: name, Answers: name != "phone", Declines: second}
	}
	for _, rings := range []time.Duration{0, 5 * second} {
		c := dial(forking.CallerConfig{}, forking.ServerConfig{Rings: rings}, refuses("desktop"), refuses("phone")).ring()
		c.want(t, "")
		at := 1.4
		if rings > 0 {
			at = 2.6
		}
		c.history.want(t, "alice negotiation-failed REFUSED", at)
		c.history.want(t, "alice line-closed REFUSED", 1.4)
	}
	nobody := dial(forking.CallerConfig{}, forking.ServerConfig{}, device("desktop", 0)).ring()
	nobody.want(t, "")
	nobody.history.want(t, "alice negotiation-failed nobody accepts", 181)
}

// conformance: FRK-0.4
func TestForkChoice(t *testing.T) {
	devices := []forking.DeviceConfig{device("desktop", 2*second), device("tablet", 2500*ms), device("phone", 2800*ms), device("watch", 9*second)}
	for _, x := range []struct {
		name   string
		caller forking.CallerConfig
		talks  string
		at     float64
	}{
		{"first", forking.CallerConfig{}, "desktop d0", 2.4},
		{"last", forking.CallerConfig{Choice: forking.Last, Decides: second}, "phone p0", 3.4},
		{"the best comes in time", forking.CallerConfig{Choice: forking.Best, Prefers: []string{"tablet", "desktop"}, Decides: second}, "tablet t0", 2.9},
		{"the second best", forking.CallerConfig{Choice: forking.Best, Prefers: []string{"watch", "phone"}, Decides: second}, "phone p0", 3.4},
		{"none of those", forking.CallerConfig{Choice: forking.Best, Prefers: []string{"watch"}, Decides: second}, "desktop d0", 3.4},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := dial(x.caller, forking.ServerConfig{}, devices...).ring()
			c.want(t, x.talks)
			c.history.want(t, "alice offer-agreed", x.at)
		})
	}
}

// What was accepted is the last answer of whoever accepts, not that of somebody else, nor an earlier one.
//
// conformance: FRK-0.6
func TestForkAcceptsTheRightAnswer(t *testing.T) {
	desktop, phone := device("desktop", 3*second), device("phone", 0)
	desktop.Replaces, phone.Replaces = []time.Duration{2 * second, 3 * second}, []time.Duration{2500 * ms}
	c := dial(forking.CallerConfig{}, forking.ServerConfig{}, desktop, phone).ring()
	c.want(t, "desktop d2")
	c.history.want(t, "alice signalling-ignored")

	// An ACCEPT of a device that hasn't answered is of no use.
	c = dial(forking.CallerConfig{}, forking.ServerConfig{}, device("desktop", 0))
	c.Do(simtime.At(second), c.caller, func(now simtime.Time) {
		c.caller.HandleMessage(now, 0, &roap.Message{Type: roap.TypeAccept, Offerer: "alice", Answerer: "tablet", Seq: 1})
	})
	c.ring().want(t, "")
	c.history.want(t, "alice signalling-ignored ACCEPT: accepted without an answer", 1)

	// One that doesn't fit makes room for another line.
	full := dial(forking.CallerConfig{Limit: 1}, forking.ServerConfig{}, device("desktop", 0), forking.DeviceConfig{Name: "phone", Answers: true, Processing: ms, Accepts: second})
	full.board.refuses = "d0"
	full.ring().want(t, "phone p0")
	if want := []string{"0.40 prepare desktop d0", "0.40 prepare phone p0", "1.40 prepare phone p0"}; !slices.Equal(full.board.log, want) {
		t.Errorf("%q", full.board.log)
	}

	replaced := device("desktop", 0)
	replaced.Replaces = []time.Duration{second}
	full = dial(forking.CallerConfig{Limit: 1}, forking.ServerConfig{}, replaced, forking.DeviceConfig{Name: "phone", Answers: true, Processing: ms, Accepts: 5 * second})
	full.board.refuses = "d1"
	full.ring().want(t, "phone p0")
	if want := []string{"0.40 prepare desktop d0", "1.40 prepare desktop d1", "1.40 close desktop", "1.40 prepare phone p0", "5.40 prepare phone p0"}; !slices.Equal(full.board.log, want) {
		t.Errorf("%q", full.board.log)
	}

	// An answer that doesn't fit is refused when it comes, or when it is accepted.
	for _, strategy := range []forking.Strategy{forking.Eager, forking.Lazy} {
		c = dial(forking.CallerConfig{Strategy: strategy}, forking.ServerConfig{}, device("desktop", second), device("phone", 2*second))
		c.board.refuses = "d0"
		c.ring().want(t, "phone p0")
		c.history.want(t, "server>desktop ERROR 1 NOMATCH", []float64{0.6, 1.6}[strategy])
	}
}

// conformance: FRK-4
func TestForkStrategies(t *testing.T) {
	desktop, tablet, phone := device("desktop", 0), device("tablet", 4*second), device("phone", 0)
	desktop.Declines, tablet.Processing, phone.Processing = 2*second, 200*ms, 400*ms
	for _, x := range []struct {
		name   string
		caller forking.CallerConfig
		log    []string
	}{
		{"eager", forking.CallerConfig{}, []string{
			"0.40 prepare desktop d0", "0.60 prepare tablet t0", "0.80 prepare phone p0", "2.40 close desktop", "4.40 prepare tablet t0", "4.40 close phone",
		}},
		{"two", forking.CallerConfig{Limit: 2}, []string{ // the third when there is room again
			"0.40 prepare desktop d0", "0.60 prepare tablet t0", "2.40 close desktop", "2.40 prepare phone p0", "4.40 prepare tablet t0", "4.40 close phone",
		}},
		{"lazy", forking.CallerConfig{Strategy: forking.Lazy}, []string{"4.40 prepare tablet t0"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := dial(x.caller, forking.ServerConfig{}, desktop, tablet, phone).ring()
			c.want(t, "tablet t0")
			if !slices.Equal(c.board.log, x.log) {
				t.Errorf("lines: %q, not %q", c.board.log, x.log)
			}
		})
	}
}

// conformance: FRK-5
func TestForkClosesTheRest(t *testing.T) {
	devices := []forking.DeviceConfig{device("desktop", 2*second), device("tablet", 0), device("phone", 2050*ms)}
	c := dial(forking.CallerConfig{Closes: 3 * second}, forking.ServerConfig{}, devices...).ring()
	c.want(t, "desktop d0")
	// The phone's acceptance comes when another one is talked to: it is sent away at once, the tablet after the time.
	c.history.want(t, "server>phone SHUTDOWN", 2.65)
	c.history.want(t, "server>tablet SHUTDOWN", 5.6)
	if want := []string{"2.45 close phone", "5.40 close tablet"}; !slices.Equal(c.board.log[len(c.board.log)-2:], want) {
		t.Errorf("%q", c.board.log)
	}
	// A device that hasn't answered goes on ringing where the server lets it, and is sent away when it does.
	late := forking.DeviceConfig{Name: "late", Accepts: 20 * second}
	c = dial(forking.CallerConfig{}, forking.ServerConfig{KeepRinging: true}, device("desktop", 2*second), late).ring()
	c.want(t, "desktop d0")
	c.history.want(t, "server>late SHUTDOWN", 20.6)
	c = dial(forking.CallerConfig{}, forking.ServerConfig{}, device("desktop", 2*second), late).ring()
	c.want(t, "desktop d0")
	c.history.want(t, "server>late SHUTDOWN", 2.4)
}

// The caller gets one ANSWER and ACCEPT, or several ANSWERs and one or more ACCEPTs: in the end it talks to one device, or to
// nobody.
//
// conformance: FRK-8
func TestForkCombinations(t *testing.T) {
	for i := range 4 * 4 * 2 * 2 * 2 {
		answers, accepts := i&3, i>>2&3 // how many devices answer at once, and how many accept
		together, only, keep := i>>4&1 > 0, i>>5&1 > 0, i>>6&1 > 0
		var devices []forking.DeviceConfig
		for j, name := range []string{"desktop", "tablet", "phone"} {
			d := forking.DeviceConfig{Name: name, Answers: j < answers}
			if j < accepts {
				d.Accepts = 2 * second
				if !together {
					d.Accepts += time.Duration(j) * 50 * ms
				}
			}
			devices = append(devices, d)
		}
		c := dial(forking.CallerConfig{}, forking.ServerConfig{AcceptedOnly: only, KeepRinging: keep}, devices...).ring()
		talks := ""
		if accepts > 0 {
			talks = "desktop d0"
		}
		c.want(t, talks)
		gets, acceptances := max(answers, accepts), accepts
		switch {
		case only && keep:
			gets = accepts
		case only:
			gets, acceptances = min(accepts, 1), min(accepts, 1)
		case !keep: // the server stops those whose answers alice hasn't got
			gets, acceptances = max(answers, min(accepts, 1)), min(accepts, max(answers, 1))
		}
		got := [2]int{len(c.history.times("server>alice ANSWER")), len(c.history.times("server>alice ACCEPT"))}
		if got != [2]int{gets, acceptances} {
			t.Errorf("%d answer, %d accept, together %t, only %t, keep %t: alice gets %v:\n%s", answers, accepts, together, only, keep, got, strings.Join(c.history, "\n"))
		}
	}
}

// On wires that lose, repeat, delay and damage messages a call ends with one device or none, and nobody waits for ever.
func TestForkSwarm(t *testing.T) {
	random := rng.New(1).Stream("swarm")
	upTo := func(n int) int { return int(random.Uniform(0, float64(n))) }
	for i := range 10_000 {
		caller := forking.CallerConfig{
			Strategy: forking.Strategy(upTo(2)), Limit: upTo(3), Choice: forking.Choice(upTo(3)), Prefers: []string{"d1"},
			Decides: time.Duration(upTo(3)) * second, Closes: time.Duration(upTo(3)) * second,
		}
		server := forking.ServerConfig{AcceptedOnly: random.Bool(0.3), KeepRinging: random.Bool(0.3)}
		if random.Bool(0.3) {
			server.Rings = time.Duration(1+upTo(5)) * second
		}
		var devices []forking.DeviceConfig
		for j := range 1 + upTo(4) {
			d := forking.DeviceConfig{Name: fmt.Sprintf("d%d", j), Answers: random.Bool(0.7), Processing: time.Duration(upTo(1000)) * ms}
			switch upTo(4) {
			case 0:
				d.Declines = time.Duration(1+upTo(10_000)) * ms
			case 1:
			default:
				d.Accepts = time.Duration(1+upTo(10_000)) * ms
			}
			if d.Answers && random.Bool(0.3) {
				d.Replaces = []time.Duration{time.Duration(1000+upTo(3000)) * ms}
			}
			devices = append(devices, d)
		}
		faults := &Faults{Lost: 0.05, Repeated: 0.05, Damaged: 0.05, Late: 500 * ms, Random: random}
		c := dialOver(faults, caller, server, devices...)
		c.Damage = (&Experiment{}).damage
		hangsUp := time.Duration(upTo(60)) * second
		c.Do(simtime.At(hangsUp), c.caller, c.caller.Shutdown)
		c.ring()
		for _, d := range c.devices {
			if d.NextTimeout() != simtime.Never {
				t.Fatalf("run %d: %s waits for %v:\n%s", i, d.Name(), d.NextTimeout(), strings.Join(c.history, "\n"))
			}
		}
		if len(c.board.open) > 0 || c.caller.NextTimeout() != simtime.Never {
			t.Fatalf("run %d: open lines %v, and alice waits for %v:\n%s", i, c.board.open, c.caller.NextTimeout(), strings.Join(c.history, "\n"))
		}
	}
}
