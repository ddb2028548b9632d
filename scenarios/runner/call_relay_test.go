package runner_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// tollgate sees what comes to a relay and what leaves it.
type tollgate struct {
	fabric.Observer
	relay   packet.IPv4
	waiting map[packet.Addr][][]byte // by who is to get it
	came    int
	left    int
	kinds   map[string]int
	bad     []string
}

func newTollgate(relay packet.IPv4) *tollgate {
	return &tollgate{Observer: fabric.Nobody, relay: relay, waiting: map[packet.Addr][][]byte{}, kinds: map[string]int{}}
}

func (g *tollgate) PacketDelivered(_ simtime.Time, p *packet.Packet) {
	if p.Dst.IP == g.relay {
		g.came++
		g.waiting[p.Src] = append(g.waiting[p.Src], slices.Clone(p.Payload))
		switch b := p.Payload[0]; {
		case b < 4:
			g.kinds["stun"]++
		case b < 64:
			g.kinds["dtls"]++
		case packet.IsRTCP(p.Payload):
			g.kinds["rtcp"]++
		default:
			g.kinds["rtp"]++
		}
	}
}

func (g *tollgate) PacketSent(_ simtime.Time, p *packet.Packet) {
	if p.Src.IP != g.relay {
		return
	}
	g.left++
	for from, list := range g.waiting { // two have a flow: from whom it is not for
		if from != p.Dst && len(list) > 0 && bytes.Equal(list[0], p.Payload) {
			g.waiting[from] = list[1:]
			return
		}
	}
	g.bad = append(g.bad, p.Dst.String())
}

// A relay between two ends changes nothing above UDP: checks, handshake, media and reports go through it as they are, and
// both ends may be anybody's.
//
// conformance: TOP-A.4.3-1
func TestRelayBetweenTwoChangesNothing(t *testing.T) {
	t.Parallel()
	for _, set := range [][]string{
		{"endpoints.B.stack=rtpfabric"},
		{"endpoints.B.stack=pion"},
		{"endpoints.A.stack=pion", "endpoints.B.stack=rtpfabric"},
		{"endpoints.A.stack=pion", "endpoints.B.stack=pion"},
		{"endpoints.B.stack=rtpfabric", "rtcp.mux=false"},
		{"endpoints.B.stack=rtpfabric", "security.ice=pion", "security.keying=pion"},
		{"endpoints.B.stack=rtpfabric", "topology.sessions=per-media"},
	} {
		t.Run(strings.Join(set, " "), func(t *testing.T) {
			t.Parallel()
			r := load(t, library+"topologies/call-by-relay.yaml", append(set, "duration=8s", "expect=[]")...)[0]
			g := newTollgate(10<<24 + 2<<16 + 1)
			rec, err := runner.Run(context.Background(), r, runner.Options{Observer: g})
			if err != nil {
				t.Fatal(err)
			}
			if len(g.bad) > 0 || g.came != g.left {
				t.Errorf("%d packets came and %d left, %d of them otherwise than they came", g.came, g.left, len(g.bad))
			}
			for _, kind := range []string{"stun", "dtls", "rtp", "rtcp"} {
				if g.kinds[kind] == 0 {
					t.Errorf("no %s has passed: %v", kind, g.kinds)
				}
			}
			for _, flow := range []string{"A/video", "B/video"} {
				if n := value(rec, flow, "frames-rendered"); n < 160 {
					t.Errorf("%v frames of %s were shown", n, flow)
				}
				sent, received, lost := value(rec, flow, "packets-sent"), value(rec, flow, "packets-received"), value(rec, flow, "packets-lost")
				if lost < 0.01*sent || lost > 0.035*sent || sent-received-lost > 20 || received+lost > sent {
					t.Errorf("of %v packets of %s %v arrived at the other end and %v were lost", sent, flow, received, lost)
				}
				if owd := value(rec, flow, "one-way-delay"); owd < 40 || owd > 60 {
					t.Errorf("%s is %v ms under way, over two ways of 40 ms together", flow, owd)
				}
			}
		})
	}
}

// NATs that filter by address and port let in what comes from the relay, as each end has sent something there itself.
func TestRelayBetweenTwoBehindNATs(t *testing.T) {
	t.Parallel()
	s := loadText(t, `
title: A relay between two NATs
duration: 8s
network:
  links:
    home1: {between: [H1, N1], delay: 2ms}
    net1: {between: [N1, R], delay: 20ms}
    net2: {between: [R, N2], delay: 20ms}
    home2: {between: [N2, H2], delay: 2ms}
  nodes:
    N1: {nat: {inside: [H1], filtering: address-and-port-dependent}}
    N2: {nat: {inside: [H2], filtering: address-and-port-dependent}}
endpoints: {A: {at: H1}, B: {at: H2}}
topology: {peers: [A, B], relay: R}
media: [{from: A, kind: video}, {from: B, kind: audio}]
congestion: {controller: nada}
`)
	rec := run(t, &scenarios.Run{Name: "default", Scenario: s})
	if v, a := value(rec, "A/video", "frames-rendered"), value(rec, "B/audio", "frames-rendered"); v < 200 || a < 300 {
		t.Errorf("%v frames of video and %v of audio arrived", v, a)
	}
}
