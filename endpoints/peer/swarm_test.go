package peer_test

import (
	"fmt"
	"testing"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/ice"
	"rtpfabric/endpoints/jsep"
	"rtpfabric/endpoints/peer"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/units"
)

// world is a pool and connections that are made, cloned and closed at random.
type world struct {
	*testing.T
	*rng.Stream
	pool        *peer.Pool
	strict      bool
	connections []*peer.Connection
	seed        uint64
	log         []string
	reached     map[string]int
}

func (w *world) n(n int) int { return int(w.Uniform(0, float64(n))) }

func (w *world) fail(format string, arguments ...any) {
	w.Helper()
	w.Fatalf("seed %d: %s after %v", w.seed, fmt.Sprintf(format, arguments...), w.log)
}

func (w *world) direction() peer.Direction { return peer.Direction(w.n(4)) }

// remote is a description of the other end's for the sections of d.
func (w *world) remote(d *peer.Description) *peer.Description {
	if d == nil {
		d = cameraAlone()
	}
	directions := make([]peer.Direction, 1+len(d.Sections))
	for i := range directions {
		directions[i] = w.direction()
	}
	return answer(d, byte(w.n(2)), directions...)
}

// operations are what can happen to a connection.
var operations = []struct {
	name string
	do   func(w *world, c *peer.Connection) error
}{
	{"offer", func(_ *world, c *peer.Connection) error {
		d, err := c.CreateOffer()
		if err != nil {
			return err
		}
		return c.SetLocal(jsep.Offer, d)
	}},
	{"answer", func(w *world, c *peer.Connection) error { return c.SetRemote(jsep.Answer, w.remote(c.Local())) }},
	{"pranswer", func(w *world, c *peer.Connection) error { return c.SetRemote(jsep.Pranswer, w.remote(c.Local())) }},
	{"rollback", func(_ *world, c *peer.Connection) error { return c.SetRemote(jsep.Rollback, nil) }},
	{"get offer", func(w *world, c *peer.Connection) error {
		d := w.remote(c.Local())
		if w.Bool(0.5) {
			d.Sections = append(d.Sections, jsep.Section{Kind: endpoints.Audio, MID: fmt.Sprint("foreign ", w.n(3)), Sends: true, Receives: true})
		}
		return c.SetRemote(jsep.Offer, d)
	}},
	{"give answer", func(w *world, c *peer.Connection) error {
		d, err := c.CreateAnswer()
		if err != nil {
			return err
		}
		return c.SetLocal([]jsep.Type{jsep.Pranswer, jsep.Answer}[w.n(2)], d)
	}},
	{"add", func(w *world, c *peer.Connection) error {
		kind := []endpoints.Kind{endpoints.Audio, endpoints.Video}[w.n(2)]
		return c.AddStream(peer.Stream{ID: fmt.Sprint("s", w.n(4)), Kind: kind, Rate: rate * units.BitRate(w.n(3)), Direction: w.direction()})
	}},
	{"remove", func(w *world, c *peer.Connection) error { return c.RemoveStream(fmt.Sprint("s", w.n(4))) }},
	{"turn", func(w *world, c *peer.Connection) error {
		if s := c.Streams(); len(s) > 0 {
			return c.SetDirection(s[w.n(len(s))].ID, w.direction())
		}
		return nil
	}},
	{"check", func(w *world, c *peer.Connection) error {
		if w.Bool(0.9) {
			return c.SetICE(peer.ICEState(2 + w.n(4)))
		}
		return c.SetICE(peer.ICEClosed)
	}},
	{"clone", func(w *world, c *peer.Connection) error { return w.add(c.Clone("B")) }},
	{"clone transport", func(w *world, c *peer.Connection) error { return w.add(c.CloneTransport("C")) }},
	{"close", func(w *world, c *peer.Connection) error {
		if w.Bool(0.3) {
			c.Close()
		}
		return nil
	}},
}

func (w *world) add(c *peer.Connection, err error) error {
	if err == nil {
		w.connections = append(w.connections, c)
	}
	return err
}

// step does something to one of the connections, and looks at all of them.
func (w *world) step() {
	i := w.n(len(w.connections))
	c := w.connections[i]
	if w.Bool(0.1) { // which is of all connections at the port
		w.log = append(w.log, fmt.Sprint(i, " gather"))
		c.Transport().Gather()
		w.check()
	}
	if w.Bool(0.3) {
		w.log = append(w.log, fmt.Sprint(i, " gathered"))
		c.Transport().Gathered(ice.HostCandidate(here))
		w.check()
	}
	before := make([]shown, len(w.connections))
	for j, o := range w.connections {
		before[j] = shows(o)
		for _, ok := o.PollEvent(); ok; _, ok = o.PollEvent() {
		}
	}
	o := operations[w.n(len(operations))]
	err := o.do(w, c)
	w.log = append(w.log, fmt.Sprint(i, " ", o.name, " ", err))
	if err == nil {
		w.reached[o.name]++
	}
	for j, s := range before {
		if after := shows(w.connections[j]); j != i && after != s || j == i && err != nil && after != s {
			w.fail("connection %d went from %+v to %+v", j, s, after)
		}
		if _, ok := w.connections[j].PollEvent(); ok && j != i {
			w.fail("connection %d has an event", j)
		}
	}
	w.check()
}

func (w *world) check() {
	if got, want := w.pool.InUse(), peer.Granted(w.connections); got != want {
		w.fail("the pool has given %+v, there is %+v", got, want)
	}
	if ill := peer.Ill(w.connections); ill != "" {
		w.fail("%s", ill)
	}
	limit := w.pool.Capacity()
	for _, u := range []peer.Resources{w.pool.InUse(), w.pool.Peak()} {
		if limit.Encoders > 0 && u.Encoders > limit.Encoders || limit.Decoders > 0 && u.Decoders > limit.Decoders ||
			limit.Ports > 0 && u.Ports > limit.Ports || limit.Uplink > 0 && u.Uplink > limit.Uplink {
			w.fail("%+v of %+v", u, limit)
		}
	}
	for j, c := range w.connections {
		if !legal(c) {
			w.fail("connection %d is %+v", j, shows(c))
		}
	}
}

// legal reports whether a connection's states go together.
func legal(c *peer.Connection) bool {
	local, remote := c.Local() != nil, c.Remote() != nil
	var want peer.State
	switch c.JSEP() {
	case jsep.Closed:
		return c.State() == peer.Closed && c.ICE() == peer.ICEClosed && c.Resources() == peer.Resources{} && c.Used() == peer.Resources{}
	case jsep.Stable:
		want = map[bool]peer.State{false: peer.New, true: peer.Active}[local]
		if local != remote {
			return false
		}
	case jsep.HaveLocalOffer, jsep.HaveRemoteOffer:
		want = map[bool]peer.State{false: peer.Opening, true: peer.Active}[local && remote]
	default:
		want = peer.Active
	}
	unchecked := c.ICE() == peer.ICEWaiting || c.ICE() == peer.ICEGathering || c.ICE() == peer.ICEClosed
	return c.State() == want && (want == peer.Active && c.ICE() != peer.ICEWaiting || want != peer.Active && unchecked)
}

// Whatever is done to connections and clones of them, in whatever order: the pool's books are right, it gives no more than it
// has, nothing is left in the end, states go together, an error changes nothing, and nothing that is done to one shows at another.
//
// conformance: CLN-3, CLN-10, CLN-18
func TestSwarm(t *testing.T) {
	reached := map[string]int{}
	for seed := range uint64(10_000) {
		w := &world{T: t, Stream: rng.New(seed).Stream("swarm"), seed: seed, reached: reached}
		w.strict = w.Bool(0.3)
		w.pool = peer.NewPool(peer.Resources{Encoders: w.n(4), Decoders: w.n(4), Ports: 2, Uplink: rate * units.BitRate(w.n(6))})
		for range 2 {
			c, err := peer.NewConnection(peer.Config{Name: "A", Pool: w.pool, Transport: transport(), Strict: w.strict})
			if w.add(c, err) != nil {
				w.fail("%v", err)
			}
			c.Transport().Gathered(ice.HostCandidate(here))
		}
		for range 10 + w.n(30) {
			w.step()
		}
		for len(w.connections) > 0 {
			i := w.n(len(w.connections))
			w.connections[i].Close()
			w.connections = append(w.connections[:i], w.connections[i+1:]...)
			w.check()
		}
		if w.pool.InUse() != (peer.Resources{}) {
			w.fail("left: %+v", w.pool.InUse())
		}
	}
	for _, o := range operations {
		if reached[o.name] < 1000 {
			t.Errorf("%s succeeded %d times", o.name, reached[o.name])
		}
	}
}
