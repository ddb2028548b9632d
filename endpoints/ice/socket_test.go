package ice_test

import (
	"fmt"
	"testing"
	"time"

	"rtpfabric/endpoints/ice"
	"rtpfabric/endpoints/ice/turn"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// square is one caller and two ends that have got its offer, with a server. Everything takes 10 ms, and nothing is lost.
type square struct {
	t       *testing.T
	now     simtime.Time
	server  *turn.Server
	pool    packet.Pool
	sockets [3]*ice.Socket // of the caller, and of the two
	lines   [2]*ice.Transport
	ends    [2]*ice.Transport
	checks  [2][2]*ice.Full // of lines, and of ends
	creds   [3]ice.Credentials
	flying  []arrival
	heard   [2][]string // on lines
}

func newSquare(t *testing.T, relayOnly bool) *square {
	w := &square{t: t}
	w.server = turn.NewServer(turn.ServerConfig{
		Name: "server", Addr: serverAddr, Realm: "example.org", Users: map[string]string{"0": "a", "1": "b", "2": "c"}, Random: rng.New(1).Stream("server"), Pool: &w.pool,
	})
	for i := range w.sockets {
		random := rng.New(1).Stream(fmt.Sprint("socket ", i))
		w.creds[i] = ice.NewCredentials(random)
		w.sockets[i] = ice.NewSocket(ice.SocketConfig{
			Local: addr(i, 0), TURN: serverAddr, Username: fmt.Sprint(i), Password: string(rune('a' + i)), RelayOnly: relayOnly, Random: random,
		})
	}
	for i := range w.lines {
		w.lines[i], w.checks[0][i] = w.transport(0, true, fmt.Sprint("line ", i))
		w.ends[i], w.checks[1][i] = w.transport(i+1, false, fmt.Sprint("end ", i))
	}
	for _, s := range w.sockets {
		s.Gather(0)
	}
	w.run(time.Second)
	return w
}

func (w *square) transport(socket int, controlling bool, name string) (*ice.Transport, *ice.Full) {
	agent := ice.NewAgent(ice.Config{Controlling: controlling, Local: w.creds[socket], Random: rng.New(1).Stream(name)})
	checks := ice.NewFull(&greeting{step{said: true}}, agent, addr(socket, 0), addr(9, 9))
	t := ice.NewTransport(checks, w.sockets[socket], addr(9, 9))
	checks.Use(t)
	return t, checks
}

func (w *square) transports() []*ice.Transport { return append(w.lines[:], w.ends[:]...) }

func (w *square) send(p *packet.Packet) {
	w.flying = append(w.flying, arrival{at: w.now.Add(10 * time.Millisecond), p: p})
}

// run lets everything happen until a time.
func (w *square) run(until time.Duration) {
	for ; w.now < simtime.At(until); w.now = w.now.Add(time.Millisecond) {
		for len(w.flying) > 0 && w.flying[0].at <= w.now {
			p := w.flying[0].p
			w.flying = w.flying[1:]
			if p.Dst.IP == serverAddr.IP {
				w.server.HandlePacket(w.now, p)
				continue
			}
			for i, t := range w.transports() {
				if !t.Concerns(p) {
					continue
				}
				if t.Take(w.now, p) && i < len(w.lines) {
					w.heard[i] = append(w.heard[i], string(p.Payload))
				}
				break
			}
			w.pool.Release(p)
		}
		for p := w.server.PollPacket(w.now); p != nil; p = w.server.PollPacket(w.now) {
			w.send(p)
		}
		for _, t := range w.transports() {
			if t.NextTimeout() <= w.now {
				t.HandleTimeout(w.now)
			}
			for t.PollPayload(w.now) != nil {
				w.t.Error("nobody has anything to say")
			}
			for d, ok := t.PollDatagram(); ok; d, ok = t.PollDatagram() {
				p := w.pool.New()
				copy(p.SetPayload(len(d.Payload)), d.Payload)
				p.Src, p.Dst = d.From, d.To
				w.send(p)
			}
			for _, ok := t.PollNews(); ok; _, ok = t.PollNews() {
			}
		}
	}
}

// Several sessions on one port: each end's checks come to the line that is for it, also those that came before anybody knew whose
// they are, and so do its data, directly and over relays (RFC 8445 §7.3, RFC 7983 §7). Nobody refuses anything.
func TestSeveralOnOneSocket(t *testing.T) {
	for _, relayOnly := range []bool{false, true} {
		w := newSquare(t, relayOnly)
		for i := range w.ends { // they answer, and check; the second one's answer comes first
			w.checks[1][i].Begin(w.now, w.creds[0], w.sockets[0].Candidates()...)
			if relayOnly { // its server has to let them in
				for _, c := range w.sockets[i+1].Candidates() {
					w.checks[0][0].AddRemote(w.now, ice.Candidate{Addr: packet.Addr{IP: c.Addr.IP, Port: 1}})
				}
			}
		}
		w.run(1500 * time.Millisecond)
		for _, i := range []int{1, 0} {
			w.checks[0][i].Begin(w.now, w.creds[i+1], w.sockets[i+1].Candidates()...)
			w.run(w.now.Duration() + time.Second)
		}
		w.run(4 * time.Second)
		for i, line := range w.lines {
			flows := line.Flows()
			if len(flows) != 1 || !relayOnly && flows[0] != [2]packet.Addr{addr(0, 0), addr(i+1, 0)} {
				t.Fatalf("relay only: %v, line %d goes by %v", relayOnly, i, flows)
			}
			p := w.pool.New()
			copy(p.SetPayload(5), fmt.Sprintf("end %d", i))
			if !w.ends[i].Route(p) {
				t.Fatalf("relay only: %v, end %d has no way", relayOnly, i)
			}
			w.send(p)
		}
		w.run(5 * time.Second)
		for i := range w.lines {
			if len(w.heard[i]) != 1 || w.heard[i][0] != fmt.Sprintf("end %d", i) {
				t.Errorf("relay only: %v, line %d hears %q", relayOnly, i, w.heard[i])
			}
			for side := range w.checks {
				if c := w.checks[side][i].Agent().Counts(); c.Refused != 0 {
					t.Errorf("relay only: %v, side %d, %d: %d messages refused", relayOnly, side, i, c.Refused)
				}
			}
		}
		stranger := w.pool.New()
		copy(stranger.SetPayload(5), "hello")
		stranger.Src, stranger.Dst = addr(7, 7), addr(0, 0)
		for _, line := range w.lines {
			if line.Concerns(stranger) {
				t.Error("data of a stranger concern somebody")
			}
		}
		w.pool.Release(stranger)
	}
}

// Strangers' checks don't make a socket remember without end.
func TestPortersAreBounded(t *testing.T) {
	w := newSquare(t, false)
	var held int
	for i := range 1000 {
		agent := ice.NewAgent(ice.Config{Local: ice.NewCredentials(rng.New(uint64(i)).Stream("stranger")), Candidates: hosts(5, 1), Random: rng.New(uint64(i)).Stream("checks")})
		agent.Begin(w.now, w.creds[0], ice.HostCandidate(addr(0, 0)))
		agent.HandleTimeout(w.now)
		d, ok := agent.Poll()
		if !ok {
			t.Fatal("no check")
		}
		p := &packet.Packet{Src: d.From, Dst: d.To, Payload: d.Payload}
		if !w.lines[0].Concerns(p) || w.lines[0].Take(w.now, p) {
			t.Fatal("a stranger's check is for nobody, or for the session")
		}
		for out, ok := w.lines[0].PollDatagram(); ok; out, ok = w.lines[0].PollDatagram() {
			if out.To == d.From {
				held++
			}
		}
	}
	if held != 64 {
		t.Errorf("%d strangers have got an answer", held)
	}
}
