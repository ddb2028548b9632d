package topologies_test

import (
	"context"
	"testing"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/keying"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
	"rtpfabric/topologies"
)

// group is a relay at M with peers S, R and T, of whom those that are named send
// audio.
func group(senders ...string) topologies.Config {
	c := call()
	c.Type, c.Calls, c.Links = topologies.Relay, nil, nil
	c.Congestion.Feedback = endpoints.FeedbackNone
	c.Endpoints = []topologies.Endpoint{{Name: "S", At: "A"}, {Name: "R", At: "B"}, {Name: "T", At: "C"}}
	for _, e := range c.Endpoints {
		way := topologies.Direction{Rate: fabric.Unlimited, Delay: 10 * time.Millisecond}
		c.Links = append(c.Links, topologies.Link{Name: e.Name, From: e.At, To: "M", Forward: way, Backward: way})
	}
	rtcp := endpoints.RTCPConfig{AVPF: true, Bandwidth: 20 * units.Kbps, ReducedSize: true, Aggregate: true}
	session := topologies.GroupSession{RTCP: []endpoints.RTCPConfig{rtcp, rtcp, rtcp}}
	for _, name := range senders {
		session.Media = append(session.Media, topologies.Media{
			From: name, Name: "audio", Kind: endpoints.Audio, Rate: 20 * units.Kbps, Frame: 20 * time.Millisecond,
			PacketSize: 1200, Stop: simtime.Never,
		})
	}
	peers := []string{"S", "R", "T"}
	c.Groups = []topologies.Group{{
		Name: "relay", Peers: peers, Relays: []topologies.RelayConfig{{Name: "relay", At: "M", Peers: peers}}, Sessions: []topologies.GroupSession{session},
	}}
	return c
}

// Everybody has one SSRC a section, hears all others, and can read what they
// encrypt with the key of the group.
func TestRelayMakesAGroup(t *testing.T) {
	c := group("S", "R")
	c.Security.Profile = keying.AEADAES128GCM
	sim, err := topologies.Build(c)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]int{}
	sim.OnEvent(func(e endpoints.Event) {
		if e.Kind == endpoints.FrameRendered {
			shown[e.Session.Endpoint()]++
		}
	})
	if err := sim.Run(context.Background(), simtime.At(4*time.Second)); err != nil {
		t.Fatal(err)
	}
	for _, s := range sim.Sessions() {
		n := s.Counts()
		if n.AuthFailed+n.Replayed+n.Malformed+n.Early+n.UnknownRTCP+n.OwnCollisions+n.ThirdPartyLoops != 0 {
			t.Errorf("%s rejected packets: %+v", s.Name(), n)
		}
		if s.Members() != 3 || len(s.Sections()) != 1 {
			t.Errorf("%s knows %d members in %d sections", s.Name(), s.Members(), len(s.Sections()))
		}
		if name := s.Name(); name != s.Endpoint()+"-relay" {
			t.Errorf("a connection is called %s", name)
		}
	}
	// 50 frames a second; T sees two streams, the others one.
	for name, want := range map[string]int{"S": 190, "R": 190, "T": 380} {
		if got := shown[name]; got < want || got > want+30 {
			t.Errorf("%s shows %d frames, want about %d", name, got, want+5)
		}
	}
}

// copies counts what endpoints send and what relays make of it.
type copies struct {
	fabric.Observer
	sim   *topologies.Simulation
	t     *testing.T
	sent  map[string]*sent // by payload
	total int
}

type sent struct {
	from   packet.IPv4
	port   uint16
	dscp   uint8
	copies map[packet.IPv4]int
}

func (o *copies) PacketSent(_ simtime.Time, p *packet.Packet) {
	if !o.sim.FromRelay(p) {
		o.sent[string(p.Payload)] = &sent{p.Src.IP, p.Dst.Port, p.DSCP, map[packet.IPv4]int{}}
		return
	}
	s := o.sent[string(p.Payload)]
	if s == nil {
		o.t.Fatal("the relay sends something that nobody sent to it")
	}
	if s.copies[p.Dst.IP]++; p.Dst.IP == s.from || s.copies[p.Dst.IP] > 1 || p.DSCP != s.dscp || p.Src.Port != s.port {
		o.t.Errorf("a copy from port %d to %v with DSCP %d of a packet from %v to port %d with DSCP %d", p.Src.Port, p.Dst, p.DSCP, s.from, s.port, s.dscp)
	}
	o.total++
}

// A relay copies media unchanged, marking included, to everybody but who sent them,
// also where RTCP has ports of its own.
func TestRelayCopies(t *testing.T) {
	for _, port := range []bool{false, true} {
		c := group("S", "T")
		c.Groups[0].Sessions[0].RTCPPort = port
		c.Groups[0].Sessions[0].Media[0].DSCP = 46
		c.Marking = endpoints.AlwaysMark
		sim, err := topologies.Build(c)
		if err != nil {
			t.Fatal(err)
		}
		o := &copies{Observer: fabric.Nobody, sim: sim, t: t, sent: map[string]*sent{}}
		sim.Fabric.Observe(o)
		if err := sim.Run(context.Background(), simtime.At(3*time.Second)); err != nil {
			t.Fatal(err)
		}
		// A packet or two may not have come to the relay yet.
		if n := len(o.sent); n < 300 || o.total > 2*n || o.total < 2*(n-3) {
			t.Errorf("RTCP on its own port %v: %d copies of %d packets", port, o.total, n)
		}
	}
}

// In a group each peer is as far away as it is: round-trip times aren't mixed up.
func TestRelayRoundTrips(t *testing.T) {
	c := group("S", "R", "T")
	for i, d := range []time.Duration{5 * time.Millisecond, 30 * time.Millisecond, 100 * time.Millisecond} {
		c.Links[i].Forward.Delay, c.Links[i].Backward.Delay = d, d
	}
	sim, err := topologies.Build(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := sim.Run(context.Background(), simtime.At(20*time.Second)); err != nil {
		t.Fatal(err)
	}
	cname := map[string]string{}
	for _, s := range sim.Sessions() {
		cname[s.Connection().CNAME()] = s.Endpoint()
	}
	distance := map[string]time.Duration{"S": 5 * time.Millisecond, "R": 30 * time.Millisecond, "T": 100 * time.Millisecond}
	for _, f := range sim.Flows {
		reports := f.Sender.Main().Reports()
		if len(reports) != 2 {
			t.Errorf("%s: %d peers report", f.Flow(), len(reports))
		}
		for _, r := range reports {
			want := 2 * (distance[f.From] + distance[cname[r.CNAME]])
			if d := (r.RTT - want).Abs(); d > 2*time.Millisecond {
				t.Errorf("%s to %s: %v, want %v", f.From, cname[r.CNAME], r.RTT, want)
			}
		}
	}
}
