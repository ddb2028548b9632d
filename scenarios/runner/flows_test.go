package runner_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/scenarios"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

// flowWatch notes the UDP flows of RTP and RTCP on a link, and what middleboxes block.
type flowWatch struct {
	fabric.Observer
	link      string
	flows     map[[2]packet.Addr]int // packets of RTP and RTCP that came to the link
	delivered map[[2]packet.Addr]int // to hosts
	blocked   int
}

func media(p *packet.Packet) bool { return len(p.Payload) > 12 && p.Payload[0]>>6 == 2 }

func (w *flowWatch) PacketArrived(_ simtime.Time, l *fabric.Link, p *packet.Packet) {
	if l.Name == w.link && media(p) {
		w.flows[[2]packet.Addr{p.Src, p.Dst}]++
	}
}

func (w *flowWatch) PacketDelivered(_ simtime.Time, p *packet.Packet) {
	if media(p) {
		w.delivered[[2]packet.Addr{p.Src, p.Dst}]++
	}
}

func (w *flowWatch) PacketDropped(_ simtime.Time, _ *fabric.Link, p *packet.Packet, why fabric.DropReason) {
	if why == fabric.Blocked && media(p) {
		w.blocked++
	}
}

func watchFlows(t *testing.T, s *scenarios.Scenario, link string) (*flowWatch, *topologies.Simulation) {
	t.Helper()
	sim := build(t, s)
	w := &flowWatch{Observer: fabric.Nobody, link: link, flows: map[[2]packet.Addr]int{}, delivered: map[[2]packet.Addr]int{}}
	sim.Fabric.Observe(w)
	play(t, sim, s)
	return w, sim
}

func loadText(t *testing.T, text string, set ...string) *scenarios.Scenario {
	t.Helper()
	path := filepath.Join(t.TempDir(), "scenario.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return load(t, path, set...)[0].Scenario
}

const bothWays = `
title: Two media in both directions
duration: 10s
protection: size-only
network:
  links:
    home: {between: [H, N], delay: 5ms}
    path: {between: [N, B], delay: 15ms}
endpoints:
  S1: {at: H}
  R1: {at: B}
topology: {peers: [S1, R1]}
media:
  - {from: S1, kind: audio}
  - {from: R1, kind: audio}
  - {from: S1, kind: video, encoder: {max: 300kbps}}
  - {from: R1, kind: video, encoder: {max: 300kbps}}
`

// received returns how many packets of RTP an endpoint has taken.
func received(sim *topologies.Simulation, name string) (packets uint64) {
	for _, c := range sim.Endpoint(name).Connections() {
		for _, s := range c.Sessions() {
			packets += s.Counts().RTPReceived
		}
	}
	return packets
}

// A peer that rejects the bundle gets one RTP session for each medium, on its own flow,
// whoever of the two it is; otherwise there is one flow (RFC 8834 §4.4).
//
// conformance: SES-4.4-3
func TestBundleNeedsBoth(t *testing.T) {
	for set, want := range map[string]int{"seed=1": 1, "endpoints.R1.bundle=false": 2, "endpoints.S1.bundle=false": 2} {
		s := loadText(t, bothWays, set)
		w, sim := watchFlows(t, s, "path/forward")
		if len(w.flows) != want || len(sim.Sessions()) != 2*want {
			t.Errorf("%s: %d flows and %d ends of sessions, want %d and %d", set, len(w.flows), len(sim.Sessions()), want, 2*want)
		}
		for _, session := range sim.Sessions() {
			if n := session.Counts(); n.RTPReceived < 400 || len(session.Sections()) != 2/want {
				t.Errorf("%s: %s receives %d packets in %d sections", set, session.Name(), n.RTPReceived, len(session.Sections()))
			}
		}
	}
}

// Every endpoint sends from where it receives, for RTP and RTCP (RFC 4961, RFC 8834 §4.7):
// both directions of a flow have the same addresses, on either side of a NAT, and the NAT
// needs one mapping for each flow.
//
// conformance: SYM-4.7-1
func TestSymmetricRTP(t *testing.T) {
	t.Parallel()
	const natted = "network.nodes={N: {nat: {inside: [H]}}}"
	for _, set := range [][]string{
		{"seed=1"},
		{"rtcp.mux=false"},
		{natted},
		{natted, "rtcp.mux=false"},
		{natted, "endpoints.R1.bundle=false"},
		{"endpoints.R1.type=legacy-avpf", natted, "congestion.feedback=none", "congestion.controller=fixed"},
	} {
		s := loadText(t, bothWays, set...)
		for _, link := range []string{"home", "path"} {
			there, sim := watchFlows(t, s, link+"/forward")
			back, _ := watchFlows(t, s, link+"/backward")
			want := len(sim.Sessions()) / 2
			if !s.RTCP.Mux {
				want *= 2
			}
			if len(there.flows) != want || len(back.flows) != want {
				t.Errorf("%v, %s: %d flows there, %d back, want %d", set, link, len(there.flows), len(back.flows), want)
			}
			for f := range there.flows {
				if back.flows[[2]packet.Addr{f[1], f[0]}] == 0 {
					t.Errorf("%v, %s: nothing goes the other way of %v", set, link, f)
				}
			}
		}
	}
}

// Packets of an endpoint that sends from another port don't come through a NAT that lets
// in only those ports that its host has sent to. A NAT that doesn't look at ports lets
// them in, and without one nothing is wrong.
//
// conformance: SYM-4.7-1
func TestAsymmetricRTP(t *testing.T) {
	nat := func(filtering string) string {
		return "network.nodes={N: {nat: {inside: [H], filtering: " + filtering + "}}}"
	}
	for _, c := range []struct {
		set    []string
		passes bool
	}{
		{[]string{"seed=1"}, true},
		{[]string{nat("address-dependent")}, true},
		{[]string{nat("address-and-port-dependent")}, false},
	} {
		s := loadText(t, bothWays, append(c.set, "endpoints.R1.symmetric=false", "security.keying=preshared")...)
		w, sim := watchFlows(t, s, "path/backward")
		for f := range w.flows {
			if f[0].Port == sim.Endpoint("R1").Connections()[0].Sessions()[0].Flow().Port {
				t.Errorf("%v: R1 sends from the port that it receives on", c.set)
			}
		}
		if n := received(sim, "S1"); (n > 400) != c.passes || !c.passes && (n > 0 || w.blocked < 400) {
			t.Errorf("%v: S1 receives %d packets, %d were blocked", c.set, n, w.blocked)
		}
		if n := received(sim, "R1"); n < 400 {
			t.Errorf("%v: R1 receives %d packets", c.set, n)
		}
	}
}

const mesh = `
title: Three endpoints, each in two calls
duration: 120s
protection: size-only
network:
  links:
    a: {between: [A, M], delay: 5ms}
    b: {between: [B, M], delay: 5ms}
    c: {between: [C, M], delay: 5ms}
endpoints:
  X: {at: A}
  Y: {at: B}
  Z: {at: C}
topology: {pairs: [[X, Y], [X, Z], [Y, Z]]}
media:
  - {from: X, to: Y, kind: audio, name: xy}
  - {from: Y, to: X, kind: audio, name: xy}
  - {from: X, to: Z, kind: audio, name: xz}
  - {from: Z, to: X, kind: audio, name: xz}
  - {from: Y, to: Z, kind: audio, name: yz}
  - {from: Z, to: Y, kind: audio, name: yz}
rtcp: {bandwidth: 64kbps}
congestion: {feedback: none}
`

// A mesh is a session for each pair (RFC 8834 §12.1.1, RFC 7667 §3.4): no SSRC and no CNAME
// is in two of them, each has two members, and each has all RTCP bandwidth to itself.
//
// conformance: IMP-12.1-2
func TestMeshIsPairwise(t *testing.T) {
	s := loadText(t, mesh)
	sim := build(t, s)
	rtcp := map[*endpoints.Session]int64{}
	sim.OnEvent(func(e endpoints.Event) {
		if e.Kind == endpoints.RTCPSent && e.At > simtime.At(20*time.Second) {
			rtcp[e.Session] += int64(e.Size)
		}
	})
	play(t, sim, s)
	names, ssrcs := map[string]bool{}, map[uint32]bool{}
	for _, conn := range sim.Connections {
		session := conn.Sessions()[0]
		names[conn.CNAME()], ssrcs[session.Sections()[0].SSRC()] = true, true
		if session.Members() != 2 {
			t.Errorf("%s knows %d members", conn.Name(), session.Members())
		}
		// Half of 5 % of 64 kbit/s.
		if rate := float64(8*rtcp[session]) / 100; rate < 1440 || rate > 1760 {
			t.Errorf("%s sends %.0f bit/s of RTCP, want 1600", conn.Name(), rate)
		}
	}
	if len(sim.Connections) != 6 || len(names) != 6 || len(ssrcs) != 6 {
		t.Errorf("%d ends of connections have %d CNAMEs and %d SSRCs", len(sim.Connections), len(names), len(ssrcs))
	}
}

// Who believes that there is 5 % of 512 kbit/s for RTCP and who believes in 0.2 % don't time
// each other out but by the old rule, where a fast one waits five of its own intervals;
// now nobody waits less than 25 s (RFC 8108 §7.1.4, RFC 8834 §10).
//
// conformance: SIG-10-6
func TestViewsOfRTCPBandwidth(t *testing.T) {
	long(t)
	t.Parallel()
	timeouts := func(name string) (n int, first time.Duration) {
		s := load(t, library+"feedback/"+name)[0].Scenario
		sim := build(t, s)
		sim.OnEvent(func(e endpoints.Event) {
			if e.Kind == endpoints.ParticipantTimedOut {
				if n++; n == 1 {
					first = e.At.Duration()
				}
			}
		})
		if err := sim.Run(context.Background(), simtime.At(s.Duration)); err != nil {
			t.Fatal(err)
		}
		return n, first
	}
	if n, _ := timeouts("e49-views-of-bandwidth.yaml"); n != 0 {
		t.Errorf("%d members time out", n)
	}
	if n, first := timeouts("e49-views-old-time-out.yaml"); n < 100 || first > 25*time.Second {
		t.Errorf("%d members time out by the old rule, the first after %v", n, first)
	}
	// Half an end's RTCP bandwidth makes its reports so rare that 25 s aren't enough.
	if n, first := timeouts("e48-twenty-seconds.yaml"); n == 0 || first < 25*time.Second {
		t.Errorf("%d members time out that report every 20 s, the first after %v", n, first)
	}
}
