package ice_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rtpfabric/endpoints/ice"
	"rtpfabric/endpoints/ice/turn"
	"rtpfabric/endpoints/keying"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// home is how one end reaches others: directly, or by a NAT that maps and filters by address and port if it is symmetric, and
// otherwise filters only (RFC 4787 §4.1, §5).
type home uint8

const (
	open home = iota
	cone
	symmetric
)

func (h home) String() string { return [...]string{"open", "cone", "symmetric"}[h] }

// binding is a mapping of a NAT, with whom it lets in.
type binding struct {
	inside, outside, towards packet.Addr
	lets                     []packet.Addr
}

// street is two ends at home, with a server that relays between them.
type street struct {
	t        *testing.T
	now      simtime.Time
	ends     [2]*ice.Transport
	sockets  [2]*ice.Socket
	checks   [2]*ice.Full
	creds    [2]ice.Credentials
	homes    [2]home
	bindings [2][]*binding
	server   *turn.Server
	pool     packet.Pool
	loss     float64
	random   *rng.Stream
	flying   []arrival
	count    int
	news     [2][]keying.News
	told     [2]int // how many candidates the other end has been told
	heard    [2][]string
	at       [2][]packet.Addr // where what was heard came from
	dead     bool             // the server
}

type arrival struct {
	at    simtime.Time
	order int
	p     *packet.Packet
}

var (
	serverAddr = packet.Addr{IP: 30<<24 + 1, Port: 3478}
	sessionsOf = [2]packet.Addr{{IP: 10<<24 + 1<<8, Port: 5000}, {IP: 10<<24 + 2<<8, Port: 5000}}
)

// greeting is a step that says hello as soon as it may.
type greeting struct{ step }

func (*greeting) NextTimeout() simtime.Time { return simtime.Never }

// newStreet returns two ends that say hello as soon as they may.
func newStreet(t *testing.T, seed uint64, homes [2]home, relayOnly bool) *street {
	w := &street{t: t, homes: homes, random: rng.New(seed).Stream("street")}
	w.server = turn.NewServer(turn.ServerConfig{
		Name: "server", Addr: serverAddr, Realm: "example.org", Users: map[string]string{"0": "a", "1": "b"}, Random: rng.New(seed).Stream("server"), Pool: &w.pool,
	})
	for i := range w.ends {
		random := rng.New(seed).Stream(fmt.Sprint("end ", i))
		w.creds[i] = ice.NewCredentials(random)
		w.checks[i] = ice.NewFull(&greeting{}, w.agent(i, 0, i == 0), sessionsOf[i], sessionsOf[1-i])
		w.sockets[i] = ice.NewSocket(ice.SocketConfig{
			Local: sessionsOf[i], STUN: serverAddr, TURN: serverAddr, Username: fmt.Sprint(i), Password: string(rune('a' + i)),
			RelayOnly: relayOnly, Random: random,
		})
		w.ends[i] = ice.NewTransport(w.checks[i], w.sockets[i], sessionsOf[1-i])
		w.checks[i].Use(w.ends[i])
	}
	for i := range w.ends {
		w.sockets[i].Gather(0)
		w.checks[i].Begin(0, w.creds[1-i])
	}
	return w
}

func (w *street) agent(i, generation int, controlling bool) *ice.Agent {
	c := ice.Config{Controlling: controlling, Local: w.creds[i], Random: rng.New(uint64(generation)).Stream(fmt.Sprint("agent ", i))}
	if w.sockets[i] != nil {
		c.Candidates = w.sockets[i].Candidates()
	}
	return ice.NewAgent(c)
}

// send lets a packet leave a host, or the server.
func (w *street) send(p *packet.Packet) {
	if w.random.Bool(w.loss) {
		w.pool.Release(p)
		return
	}
	for i, h := range w.homes {
		if p.Src.IP == sessionsOf[i].IP && h != open {
			p.Src = w.outside(i, p.Src, p.Dst)
		}
	}
	w.count++
	w.flying = append(w.flying, arrival{w.now.Add(20 * time.Millisecond), w.count, p})
	slices.SortFunc(w.flying, func(a, b arrival) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.order, b.order)) })
}

// outside maps an address, and lets the one that it is for in from now on.
func (w *street) outside(i int, inside, towards packet.Addr) packet.Addr {
	for _, b := range w.bindings[i] {
		if b.inside == inside && (w.homes[i] == cone || b.towards == towards) {
			b.lets = append(b.lets, towards)
			return b.outside
		}
	}
	b := &binding{inside, packet.Addr{IP: packet.IPv4(20<<24 + i + 1), Port: uint16(6000 + len(w.bindings[i]))}, towards, []packet.Addr{towards}}
	w.bindings[i] = append(w.bindings[i], b)
	return b.outside
}

// deliver takes a packet to where it is for.
func (w *street) deliver(p *packet.Packet) {
	if p.Dst.IP == serverAddr.IP {
		if w.dead {
			w.pool.Release(p)
			return
		}
		w.server.HandlePacket(w.now, p)
		return
	}
	defer w.pool.Release(p)
	for i := range w.homes {
		if p.Dst == sessionsOf[i] && w.homes[i] == open {
			w.arrive(i, p)
		}
		for _, b := range w.bindings[i] {
			if p.Dst == b.outside && slices.Contains(b.lets, p.Src) {
				p.Dst = b.inside
				w.arrive(i, p)
				return
			}
		}
	}
}

func (w *street) arrive(i int, p *packet.Packet) {
	from := p.Src
	if w.ends[i].Take(w.now, p) {
		if p.Src != sessionsOf[1-i] || p.Dst != sessionsOf[i] {
			w.t.Errorf("end %d gets a packet from %v to %v", i, p.Src, p.Dst)
		}
		w.heard[i], w.at[i] = append(w.heard[i], string(p.Payload)), append(w.at[i], from)
	}
}

// run lets everything happen until a time. Candidates are known to the other end at once.
func (w *street) run(until time.Duration) {
	w.t.Helper()
	for end := simtime.At(until); ; {
		for i := range w.ends {
			w.drain(i)
		}
		for p := w.server.PollPacket(w.now); p != nil; p = w.server.PollPacket(w.now) {
			w.send(p)
		}
		at := min(w.server.NextTimeout(), w.ends[0].NextTimeout(), w.ends[1].NextTimeout())
		if len(w.flying) > 0 {
			at = min(at, w.flying[0].at)
		}
		if at > end {
			w.now = end
			return
		}
		if at < w.now {
			w.t.Fatalf("at %v something was due at %v", w.now, at)
		}
		w.now = at
		for len(w.flying) > 0 && w.flying[0].at <= w.now {
			p := w.flying[0].p
			w.flying = w.flying[1:]
			w.deliver(p)
		}
		if w.server.NextTimeout() <= w.now {
			w.server.HandleTimeout(w.now)
		}
		for _, e := range w.ends {
			if e.NextTimeout() <= w.now {
				e.HandleTimeout(w.now)
			}
			if at := e.NextTimeout(); at <= w.now {
				w.t.Fatalf("at %v the next timeout, %v, isn't in the future", w.now, at)
			}
		}
	}
}

func (w *street) drain(i int) {
	e := w.ends[i]
	for b := e.PollPayload(w.now); b != nil; b = e.PollPayload(w.now) {
		w.say(i, string(b))
	}
	for d, ok := e.PollDatagram(); ok; d, ok = e.PollDatagram() {
		p := w.pool.New()
		copy(p.SetPayload(len(d.Payload)), d.Payload)
		p.Src, p.Dst = d.From, d.To
		w.send(p)
	}
	for n, ok := e.PollNews(); ok; n, ok = e.PollNews() {
		w.news[i] = append(w.news[i], n)
	}
	for ; w.told[i] < len(w.sockets[i].Candidates()); w.told[i]++ {
		c := w.sockets[i].Candidates()[w.told[i]]
		c.Base = c.Addr
		w.checks[1-i].AddRemote(w.now, c)
	}
}

// say sends something as the session does.
func (w *street) say(i int, text string) bool {
	p := w.pool.New()
	copy(p.SetPayload(len(text)), text)
	p.Src, p.Dst = sessionsOf[i], sessionsOf[1-i]
	if !w.ends[i].Route(p) {
		w.pool.Release(p)
		return false
	}
	w.send(p)
	return true
}

// pair is how an end's packets go, in words; "" if they don't.
func (w *street) pair(i int) string {
	pair := ""
	for _, n := range w.news[i] {
		if n.Kind == keying.PairSelected {
			pair = n.Text
		}
	}
	words := strings.Fields(pair)
	if len(words) != 5 {
		return pair
	}
	return words[0] + " to " + words[3]
}

// RFC 8445 §5.1.1: with candidates of servers ends reach each other out of any two homes, and over the relay only where nothing
// else works (§5.1.2). What the session sends goes by the pair that was nominated (§12.1), and comes from it.
func TestHomes(t *testing.T) {
	for _, c := range []struct {
		homes [2]home
		pairs [2]string
	}{
		{[2]home{open, open}, [2]string{"host to host", "host to host"}},
		{[2]home{cone, open}, [2]string{"host to host", "host to srflx"}},
		{[2]home{cone, cone}, [2]string{"host to srflx", "host to srflx"}},
		{[2]home{symmetric, open}, [2]string{"host to host", "host to prflx"}},
		{[2]home{symmetric, cone}, [2]string{"host to relay", "relay to prflx"}},
		// Of the two ways over a relay the better one is that of which the host candidate is the controlling end's (§6.1.2.3).
		{[2]home{cone, symmetric}, [2]string{"host to relay", "relay to srflx"}},
		{[2]home{symmetric, symmetric}, [2]string{"host to relay", "relay to prflx"}},
	} {
		t.Run(fmt.Sprint(c.homes), func(t *testing.T) {
			w := newStreet(t, 1, c.homes, false)
			w.run(3 * time.Second)
			w.pairs(c.pairs)
			w.talk("media")
		})
	}
}

// pairs fails unless the ends use these pairs.
func (w *street) pairs(want [2]string) {
	w.t.Helper()
	for i := range w.ends {
		if got := w.pair(i); got != want[i] {
			w.t.Errorf("end %d: %q instead of %q", i, got, want[i])
		}
		if relayed := strings.HasPrefix(want[i], "relay"); relayed != w.ends[i].Relayed() {
			w.t.Errorf("end %d: relayed is %v", i, w.ends[i].Relayed())
		}
	}
}

// talk fails unless both ends hear each other.
func (w *street) talk(text string) {
	w.t.Helper()
	for i := range w.ends {
		if !w.say(i, text) {
			w.t.Errorf("end %d has no way", i)
		}
	}
	w.run(w.now.Duration() + time.Second)
	for i := range w.ends {
		if !slices.Contains(w.heard[i], text) {
			w.t.Errorf("end %d hears %q", i, w.heard[i])
		}
	}
}

// With policy "relay" nobody learns of other addresses (RFC 8829 §3.5.3), and nothing goes but over the server.
func TestRelayOnly(t *testing.T) {
	w := newStreet(t, 1, [2]home{open, open}, true)
	w.run(3 * time.Second)
	w.pairs([2]string{"relay to relay", "relay to relay"})
	w.talk("media")
	for i, e := range w.sockets {
		if list := e.Candidates(); len(list) != 1 || list[0].Type != ice.Relayed {
			t.Errorf("end %d has %v", i, list)
		}
		p := &packet.Packet{Payload: []byte("media"), Size: 33}
		if !w.ends[i].Route(p) || p.Size != 33+4 {
			t.Errorf("end %d: %d octets become %d on a channel (RFC 8656 §12.4)", i, 33, p.Size)
		}
		for _, from := range w.at[i] {
			if from != serverAddr {
				t.Errorf("end %d hears from %v", i, from)
			}
		}
	}
}

// A relayed candidate's related address is the mapped one, a reflexive one's its base (RFC 8839 §5.1).
func TestRelatedAddresses(t *testing.T) {
	w := newStreet(t, 1, [2]home{cone, open}, false)
	w.run(time.Second)
	list := w.sockets[0].Candidates()
	if len(list) != 3 {
		t.Fatal(list)
	}
	for i, want := range []string{" typ host", " typ srflx raddr 10.0.1.0 rport 5000", " typ relay raddr 20.0.0.1 rport 6000"} {
		if got := list[i].String(); !strings.HasSuffix(got, want) {
			t.Errorf("%s instead of …%s", got, want)
		}
	}
	if list := w.sockets[1].Candidates(); len(list) != 2 { // nobody translates it, and its reflexive address is its own (RFC 8445 §5.1.3)
		t.Error(list)
	}
}

// An end whose servers don't answer has what it has, and says why there isn't more.
func TestDeadServer(t *testing.T) {
	w := newStreet(t, 1, [2]home{open, open}, false)
	w.dead = true
	w.run(3 * time.Second)
	w.pairs([2]string{"host to host", "host to host"})
	if w.sockets[0].Complete() {
		t.Error("gathering is over though nobody has answered")
	}
	w.run(45 * time.Second)
	failed := 0
	for _, n := range w.news[0] {
		if n.Kind == keying.GatheringFailed {
			failed++
		}
	}
	if last := w.news[0][len(w.news[0])-1]; failed != 2 || last.Kind != keying.GatheringComplete || !w.sockets[0].Complete() {
		t.Errorf("%v", w.news[0])
	}
	w.talk("media")
}

// restart lets both ends begin anew, the second one a second later.
func (w *street) restart(generation int) {
	for i := range w.ends {
		w.creds[i] = ice.NewCredentials(rng.New(uint64(generation)).Stream(fmt.Sprint("credentials ", i)))
	}
	for i := range w.ends {
		w.checks[i].Restart(w.agent(i, generation, w.checks[i].Agent().Controlling()))
		w.run(w.now.Duration() + time.Second)
	}
	for i := range w.ends {
		w.checks[i].Begin(w.now, w.creds[1-i], w.sockets[1-i].Candidates()...)
	}
}

// RFC 8445 §9, §12.1: until a restart has another pair the one of before is used, and roles stay. Out of a home that has
// another NAT by then there is a new one.
func TestRestart(t *testing.T) {
	w := newStreet(t, 1, [2]home{cone, open}, false)
	w.run(2 * time.Second)
	w.restart(1)
	for i := range w.ends {
		if !w.checks[i].Restarting() || w.checks[i].Closed() || w.checks[i].Err() != nil {
			t.Errorf("end %d doesn't restart", i)
		}
	}
	w.talk("during")
	w.pairs([2]string{"host to host", "host to srflx"})
	for i, e := range w.checks {
		if e.Restarting() || e.Agent().Controlling() != (i == 0) {
			t.Errorf("end %d: restarting is %v, controlling %v", i, e.Restarting(), e.Agent().Controlling())
		}
	}
	selections := 0
	for _, n := range w.news[0] {
		if n.Kind == keying.PairSelected {
			selections++
		}
	}
	if selections != 2 {
		t.Errorf("%d selections", selections)
	}

	w.bindings[0] = []*binding{{outside: packet.Addr{Port: 1}}, {outside: packet.Addr{Port: 2}}} // it has forgotten all
	before := w.sockets[0].Candidates()
	for i := range w.ends {
		w.sockets[i].Gather(w.now)
	}
	w.run(w.now.Duration() + 2*time.Second)
	after := w.sockets[0].Candidates()
	if slices.Equal(before, after) || len(after) != 3 {
		t.Errorf("after the NAT has begun anew there are %v, before %v", after, before)
	}
	w.restart(2)
	w.run(w.now.Duration() + 2*time.Second)
	w.talk("after")
	w.pairs([2]string{"host to host", "host to srflx"})
}

// A restart that comes to nothing takes the pair of before with it only when that fails as well (RFC 8445 §9), and one that is
// withdrawn leaves no trace.
func TestRestartFails(t *testing.T) {
	for _, withdrawn := range []bool{true, false} {
		w := newStreet(t, 1, [2]home{open, open}, false)
		w.run(2 * time.Second)
		w.checks[0].Restart(w.agent(0, 1, true))
		if withdrawn {
			w.checks[0].Withdraw()
		} else { // the other end knows nothing of it
			w.checks[0].Begin(w.now, ice.Credentials{Fragment: "none", Password: strings.Repeat("x", 24)}, w.sockets[1].Candidates()...)
		}
		w.run(100 * time.Second)
		w.talk("media")
		if w.checks[0].Restarting() == withdrawn {
			t.Errorf("withdrawn: %v, restarting: %v", withdrawn, !withdrawn)
		}
		if state := w.checks[0].Agent().State(); (state == ice.Connected) != withdrawn {
			t.Errorf("withdrawn: %v, the agent is %v", withdrawn, state)
		}
	}
}

// A restart that is withdrawn before the checks of before are over lets those go on.
func TestEarlyRestart(t *testing.T) {
	w := newStreet(t, 1, [2]home{cone, cone}, false)
	w.run(100 * time.Millisecond)
	w.checks[0].Restart(w.agent(0, 1, true))
	w.run(200 * time.Millisecond)
	w.checks[0].Withdraw()
	w.run(3 * time.Second)
	w.pairs([2]string{"host to srflx", "host to srflx"})
	w.talk("media")
}

// A second restart that is withdrawn leaves the first one as it was.
func TestSecondRestartWithdrawn(t *testing.T) {
	w := newStreet(t, 1, [2]home{open, open}, false)
	w.run(2 * time.Second)
	first := w.agent(0, 1, true)
	w.checks[0].Restart(first)
	w.checks[0].Begin(w.now, ice.Credentials{Fragment: "abcd", Password: strings.Repeat("x", 24)}) // agreed, and checks go on
	w.checks[0].Restart(w.agent(0, 2, true))
	w.checks[0].Withdraw()
	if w.checks[0].Agent() != first || !w.checks[0].Restarting() {
		t.Error("the first restart's agent is gone")
	}
}

// When the server has forgotten the relayed address, nothing goes past it: with policy "relay" nobody is to be seen.
func TestRelayLost(t *testing.T) {
	w := newStreet(t, 1, [2]home{symmetric, open}, true)
	w.run(3 * time.Second)
	w.pairs([2]string{"relay to relay", "relay to relay"})
	w.bindings[0] = []*binding{{outside: packet.Addr{Port: 1}}, {outside: packet.Addr{Port: 2}}, {outside: packet.Addr{Port: 3}}} // the NAT as well
	w.sockets[0].Gather(w.now)
	unroutable := 0
	for range 200 {
		w.run(w.now.Duration() + 20*time.Millisecond)
		p := w.pool.New()
		copy(p.SetPayload(5), "media")
		p.Src, p.Dst = sessionsOf[0], sessionsOf[1]
		if !w.ends[0].Route(p) {
			unroutable++
		} else if p.Src != sessionsOf[0] || p.Dst != serverAddr {
			t.Fatalf("at %v a packet goes from %v to %v", w.now, p.Src, p.Dst)
		}
		w.pool.Release(p)
		for _, a := range w.flying {
			if a.p.Src.IP != serverAddr.IP && a.p.Dst.IP != serverAddr.IP {
				t.Fatalf("at %v something goes from %v to %v", w.now, a.p.Src, a.p.Dst)
			}
		}
	}
	if unroutable == 0 {
		t.Error("the allocation isn't lost")
	}
}

// On bad networks every two homes come together or say why not, and nothing is lost of packets that somebody owns.
func TestStreetSwarm(t *testing.T) {
	seeds := uint64(400)
	if testing.Short() {
		seeds = 40
	}
	together := 0
	for seed := range seeds {
		random := rng.New(seed).Stream("swarm")
		homes := [2]home{home(random.Uint64() % 3), home(random.Uint64() % 3)}
		w := newStreet(t, seed, homes, random.Bool(0.2))
		w.loss = random.Uniform(0, 0.3) // of 6 requests for consent over two relays, none may be answered
		w.run(20 * time.Second)
		if random.Bool(0.3) {
			w.restart(1)
		}
		w.run(150 * time.Second)
		w.loss = 0
		ok := true
		for i, e := range w.checks {
			if s := e.Agent().State(); s != ice.Connected && s != ice.Failed && s != ice.Disconnected {
				t.Errorf("seed %d, %v: end %d is %v", seed, homes, i, s)
			}
			ok = ok && e.Agent().State() == ice.Connected
		}
		if ok {
			together++
			w.talk("media")
		}
		if held := w.server.Held() + len(w.flying); w.pool.Outstanding() != held {
			t.Errorf("seed %d: %d packets have an owner, %d are known", seed, w.pool.Outstanding(), held)
		}
		if t.Failed() {
			t.Fatalf("seed %d, %v", seed, homes)
		}
	}
	if together < int(seeds)*2/3 {
		t.Errorf("%d of %d came together", together, seeds)
	}
}
