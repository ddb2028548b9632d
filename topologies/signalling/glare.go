package signalling

import (
	"fmt"
	"strconv"
	"time"

	"rtpfabric/endpoints/signalling"
	"rtpfabric/endpoints/signalling/gateway"
	"rtpfabric/endpoints/signalling/glare"
	"rtpfabric/endpoints/signalling/roap"
	"rtpfabric/endpoints/signalling/sip"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// Path is what stands between the two ends, which are called A and B.
type Path uint8

const (
	// Direct is a wire between two browsers.
	Direct Path = iota
	// ByServer is a server between two browsers.
	ByServer
	// ByGateway is a gateway between A, a browser, and B, a user agent of SIP.
	ByGateway
	// ByGatewayAndProxy has a proxy between the gateway and the user agent besides.
	ByGatewayAndProxy
)

// Experiment is two ends that both want to change their session at nearly the same time (E44, E45).
type Experiment struct {
	Path       Path
	Resolution glare.Resolution // of browsers
	// ServerResolves lets the server compare values.
	ServerResolves bool
	// Latency is how long a message takes from end to end, without what polling adds.
	Latency time.Duration
	// Delivery is how messages get from the server to A and B. Phases that are 0 are drawn.
	Delivery [2]Delivery
	// Window is how long after the start changes are wanted, each at a random time.
	Window time.Duration
	// Changes is how many each end wants; 0 is one.
	Changes int
	// Offers, if not nil, are the times of one change at A and one at B.
	Offers *[2]time.Duration
	// TieBreakerBits is how many bits values have; 0 is 32.
	TieBreakerBits int
	// Gateway describes the gateway; names, ids and randomness are set here.
	Gateway gateway.Config
	// UserAgent describes B behind a gateway in the same way.
	UserAgent sip.Config
	// Near and Far are how long messages take between A and the gateway, and between that and B; 0 is half of Latency.
	Near, Far time.Duration
	// Limit is when a run is given up; 0 is 580 s.
	Limit time.Duration
	// Faults of all wires.
	Faults *Faults
}

// DefaultLimit is when a run is given up.
const DefaultLimit = 580 * time.Second

// Outcome is what became of a run.
type Outcome struct {
	// Rounds is how often offers have crossed.
	Rounds int
	// Settled is when the first offer was accepted where it came to, Agreed when its sender heard of it, and Done when
	// both ends had what they wanted, or had given it up; simtime.Never if that didn't happen.
	Settled, Agreed, Done simtime.Time
	// Winner is who made the first offer that was accepted.
	Winner string
	// Cancelled are changes that were given up for the other end's, Failed those that came to nothing.
	Cancelled int
	Failed    []string
	// Same says that both ends have the same session in the end.
	Same bool
	// Idle says that neither end waits for the other in the end, nor has a wish left.
	Idle bool
	// Messages is how many were delivered.
	Messages int
}

// descriptions are those of an end: which offer it has taken.
type descriptions struct {
	name    string
	offered int
	pending string // the own offer
	session string
}

func (d *descriptions) Offer(simtime.Time) string {
	d.offered++
	d.pending = d.name + "/" + strconv.Itoa(d.offered)
	return d.pending
}

func (d *descriptions) Answer(_ simtime.Time, offer string) (string, error) {
	d.session = offer
	return "answer to " + offer, nil
}

func (d *descriptions) Agree(_ simtime.Time, answer string) error {
	if answer != "answer to "+d.pending {
		return fmt.Errorf("%q is no answer to %s", answer, d.pending)
	}
	d.session, d.pending = d.pending, ""
	return nil
}

func (d *descriptions) Rollback(simtime.Time) { d.pending = "" }

// end is a party that wants a change.
type end interface {
	signalling.Node
	Change(now simtime.Time)
	Wishes() int
	Idle() bool
}

// Run runs the experiment once. Everything random comes from the seed.
func (x *Experiment) Run(seed uint64, observe ...func(*Wires)) Outcome {
	random := rng.New(seed)
	w := &Wires{Damage: x.damage}
	described := [2]*descriptions{{name: "A"}, {name: "B"}}
	ends := x.connect(w, random, described)
	o := Outcome{Settled: simtime.Never, Agreed: simtime.Never, Done: simtime.Never}
	rounds := map[string]int{}
	w.Passed = func(Passage) { o.Messages++ }
	w.Happened = func(e signalling.Event) {
		switch e.Kind {
		case signalling.Glare:
			rounds[e.Node]++
			o.Rounds = max(o.Rounds, rounds[e.Node])
		case signalling.OfferAccepted:
			if o.Settled == simtime.Never {
				o.Settled, o.Winner = e.At, map[string]string{"A": "B", "B": "A"}[e.Node]
			}
		case signalling.Agreed:
			o.Agreed = min(o.Agreed, e.At)
		case signalling.ChangeCancelled:
			o.Cancelled++
		case signalling.Failed:
			o.Failed = append(o.Failed, e.Node+": "+e.Reason)
		case signalling.OfferSent, signalling.OfferWithdrawn, signalling.OfferDiscarded, signalling.RetryScheduled, signalling.OfferGivenUp,
			signalling.Disconnected, signalling.Ignored, signalling.Answered, signalling.LineOpened, signalling.LineClosed, signalling.Conflict, signalling.Cloned:
		}
		if o.Done == simtime.Never && o.Settled != simtime.Never && ends[0].Wishes()+ends[1].Wishes() == 0 {
			o.Done = e.At
		}
	}
	for _, f := range observe {
		f(w)
	}
	times := random.Stream("offers")
	for i, e := range ends {
		if x.Offers != nil {
			w.Do(simtime.At(x.Offers[i]), e, e.Change)
			continue
		}
		for range max(x.Changes, 1) {
			w.Do(simtime.At(time.Duration(times.Uniform(0, float64(x.Window)))), e, e.Change)
		}
	}
	limit := x.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	w.Run(simtime.At(limit))
	o.Idle = ends[0].Idle() && ends[1].Idle() && ends[0].Wishes()+ends[1].Wishes() == 0
	o.Same = described[0].session == described[1].session
	return o
}

// connect makes the two ends and what stands between them.
func (x *Experiment) connect(w *Wires, random *rng.Source, described [2]*descriptions) [2]end {
	phases := random.Stream("phases")
	delivery := x.Delivery
	for i := range delivery {
		d := &delivery[i]
		phase := time.Duration(phases.Uniform(0, float64(d.Poll)))
		if d.LongPoll > 0 { // it has asked before the start
			phase = -time.Duration(phases.Uniform(0, float64(d.LongPoll)))
		}
		if d.Phase == 0 {
			d.Phase = phase
		}
	}
	browser := func(name string, i int, peer string) *roap.Agent {
		return roap.NewAgent(roap.AgentConfig{
			Name: name, Session: name, Peer: peer, Resolution: x.Resolution, Owner: i == 0 && (x.Path < ByGateway || !x.UserAgent.Owner),
			Polite: i == 1 || x.Path >= ByGateway,
			Random: random.Stream("signalling/" + name), TieBreakerBits: x.TieBreakerBits, Describe: described[i],
		})
	}
	wire := func(a, b End, latency time.Duration, delivery ...Delivery) {
		wire := &Wire{Ends: [2]End{a, b}, Latency: latency, Faults: x.faults(random, a.Node.Name()+"-"+b.Node.Name())}
		copy(wire.Delivery[:], delivery)
		w.Connect(wire)
	}
	near, far := x.Near, x.Far
	if near == 0 {
		near = x.Latency / 2
	}
	if far == 0 {
		far = x.Latency - near
	}
	switch x.Path {
	case Direct:
		a, b := browser("A", 0, "B"), browser("B", 1, "A")
		wire(End{a, 0}, End{b, 0}, x.Latency)
		return [2]end{a, b}
	case ByServer:
		a, b, s := browser("A", 0, "B"), browser("B", 1, "A"), roap.NewServer("S", x.ServerResolves)
		wire(End{a, 0}, End{s, 0}, near, delivery[0])
		wire(End{s, 1}, End{b, 0}, far, Delivery{}, delivery[1])
		return [2]end{a, b}
	case ByGateway, ByGatewayAndProxy:
	}
	a := browser("A", 0, "GW")
	g := gateway.New(x.gateway(random.Stream("signalling/gateway")))
	b := sip.NewUserAgent(x.userAgent(random.Stream("signalling/B"), described[1]))
	wire(End{a, 0}, End{g, gateway.Browser}, near, delivery[0])
	if x.Path == ByGateway {
		wire(End{g, gateway.SIP}, End{b, 0}, far)
		return [2]end{a, b}
	}
	p := sip.NewProxy("P")
	wire(End{g, gateway.SIP}, End{p, 0}, far/2)
	wire(End{p, 1}, End{b, 0}, far-far/2)
	return [2]end{a, b}
}

// The dialog of the SIP side, in which A's end has made the Call-ID.
const (
	callID    = "glare@gateway.example"
	dialogGW  = "a@gateway.example;tag=gw"
	dialogOfB = "b@phone.example;tag=b"
)

func (x *Experiment) gateway(random *rng.Stream) gateway.Config {
	c := x.Gateway
	c.Name, c.Session, c.Peer = "GW", "GW", "A"
	c.CallID, c.Local, c.Remote = callID, dialogGW, dialogOfB
	c.Random, c.TieBreakerBits, c.Owner = random, x.TieBreakerBits, !x.UserAgent.Owner
	c.Resolution = x.Resolution
	return c
}

func (x *Experiment) userAgent(random *rng.Stream, d *descriptions) sip.Config {
	c := x.UserAgent
	c.Name, c.CallID, c.Local, c.Remote = "B", callID, dialogOfB, dialogGW
	c.Random, c.TieBreakerBits, c.Describe = random, x.TieBreakerBits, d
	return c
}

func (x *Experiment) faults(random *rng.Source, name string) *Faults {
	if x.Faults == nil {
		return nil
	}
	f := *x.Faults
	f.Random = random.Stream("faults/" + name)
	return &f
}

// damage flips an octet of a message, and reads what that makes.
func (x *Experiment) damage(m signalling.Message, random *rng.Stream) signalling.Message {
	b := m.Marshal()
	b[int(random.Uniform(0, float64(len(b))))] ^= byte(1 + random.Uniform(0, 255))
	if _, ok := m.(*roap.Message); ok {
		if read, err := roap.Parse(b); err == nil {
			return read
		}
		return nil
	}
	if read, _, err := sip.Parse(b); err == nil {
		return read
	}
	return nil
}
