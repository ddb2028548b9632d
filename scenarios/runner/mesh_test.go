package runner_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

const meshes = library + "topologies/"

// N peers have N(N−1)/2 calls and N(N−1) streams, and N−1 copies leave each of them: 5 Mbit/s
// bear five of 1 Mbit/s, and no sixth.
//
// conformance: TOP-A.2-1, IMP-12.1-5
func TestMeshGrows(t *testing.T) {
	long(t)
	t.Parallel()
	const rate, uplink = 1e6, 5e6
	for n := 2; n <= 7; n++ {
		s := load(t, meshes+"mesh.yaml", fmt.Sprint("let.peers=", n), "duration=12s", "expect=[]")[0]
		sim := build(t, s.Scenario)
		if len(sim.Connections) != n*(n-1) || len(sim.Flows) != n*(n-1) {
			t.Errorf("%d peers have %d ends of calls and %d streams", n, len(sim.Connections), len(sim.Flows))
		}
		r := run(t, s)
		sent := 0.0
		for i := 2; i <= n; i++ {
			sent += mean(series(t, r, fmt.Sprint("P1/video>P", i), record.SendRate)[25:])
		}
		if want := float64(n-1) * rate; sent < 0.98*want || sent > 1.02*want {
			t.Errorf("%d peers: %.0f bit/s enter the first hop, want %.0f", n, sent, want)
		}
		carried, lost := mean(series(t, r, "access1/forward", record.Throughput)[25:]), sum(series(t, r, "access1/forward", record.Drops))
		if full := float64(n-1)*rate > uplink*0.97; full != (lost > 0) || carried > uplink*1.001 {
			t.Errorf("%d peers: %.0f bit/s get through, %.0f packets don't", n, carried, lost)
		}
	}
}

func mean(values []float64) float64 { return sum(values) / float64(len(values)) }

// A slow path to one peer is the affair of one stream if each has its encoder, and of both
// if they share it.
//
// conformance: TOP-A.2-2, IMP-12.1-4, IMP-12.3-1
func TestMeshWithSlowPath(t *testing.T) {
	long(t)
	t.Parallel()
	for file, other := range map[string]string{
		"topologies/mesh-slow-path.yaml":      "topology.encoders=shared",
		"topologies/mesh-shared-encoder.yaml": "topology.encoders=per-peer",
	} {
		if got := failing(t, file); len(got) > 0 {
			t.Errorf("%s misses %v", file, got)
		}
		if got := failing(t, file, other); !slices.Contains(got, "receive-rate") {
			t.Errorf("%s with %s misses only %v", file, other, got)
		}
	}
}

// What leaves a shared encoder is the same to the octet in both sessions, under SSRCs of
// their own, and a key frame that one peer asks for comes to the other as well.
//
// conformance: TOP-A.2-3
func TestSharedEncoderSendsTheSame(t *testing.T) {
	set := []string{
		"topology.encoders=shared", "duration=20s", "protection=none", "expect=[]", "repair={refresh: pli, decoder: true}",
		"network.links.ab.forward={rate: 3Mbps, impairments: [{type: outage, during: [10s..10.3s]}]}",
	}
	watch := func(set ...string) (sent map[uint32][]rtpSent, a, b *endpoints.Section, keys map[string]int) {
		s := load(t, meshes+"mesh-slow-path.yaml", set...)[0].Scenario
		sim := build(t, s)
		w := watchRTP(t, sim, "")
		keys = map[string]int{}
		for _, f := range sim.Flows {
			switch f.Flow() {
			case "A/video>B":
				a = f.Sender
			case "A/video>C":
				b = f.Sender
			}
		}
		sim.OnEvent(func(e endpoints.Event) {
			if e.Kind == endpoints.FrameEncoded && e.Key && e.At > simtime.At(5e9) {
				keys[e.Session.Endpoint()+"/"+e.Section.Name()]++
			}
		})
		play(t, sim, s)
		return w.sent, a, b, keys
	}
	sent, toB, toC, keys := watch(set...)
	one, other := sent[toB.SSRC()], sent[toC.SSRC()]
	// The slow path's pacer may hold some back at the end.
	if n := min(len(one), len(other)); n < 400 || !sameMedia(one[:n-20], other[:n-20]) {
		t.Errorf("%d and %d packets, which differ", len(one), len(other))
	}
	if keys["A/video>B"] == 0 || keys["A/video>B"] != keys["A/video>C"] {
		t.Errorf("key frames %v, of which B has asked for some", keys)
	}
	set[0] = "topology.encoders=per-peer"
	sent, toB, toC, keys = watch(set...)
	if one, other = sent[toB.SSRC()], sent[toC.SSRC()]; sameMedia(one[:100], other[:100]) || keys["A/video>C"] != 0 {
		t.Errorf("encoders of their own make the same packets, or key frames %v", keys)
	}
}

func sameMedia(a, b []rtpSent) bool {
	return slices.EqualFunc(a, b, func(a, b rtpSent) bool { return a.payload == b.payload })
}

// In a mesh nobody hears of what others hear of each other: no report at A is about C's
// stream to B, and B's reports on it reach C alone. Behind a relay, in one session, they
// do.
//
// conformance: IMP-12.1-3
func TestMeshKeepsReportsApart(t *testing.T) {
	known := func(file string, set ...string) (members int) {
		s := load(t, file, set...)[0].Scenario
		sim := build(t, s)
		play(t, sim, s)
		for _, c := range sim.Connections {
			if c.Sessions()[0].Endpoint() == "A" {
				members = max(members, c.Sessions()[0].Members())
			}
		}
		return members
	}
	if n := known(meshes+"mesh-slow-path.yaml", "duration=10s", "expect=[]"); n != 2 {
		t.Errorf("in a session of a mesh A knows %d members", n)
	}
	relayed := []string{
		"duration=10s", "expect=[]", "topology={type: relay, at: M, peers: [A, B, C]}", "congestion={controller: fixed, feedback: none}",
		"network.links={a: {between: [A, M]}, b: {between: [B, M]}, c: {between: [C, M]}}",
	}
	if n := known(meshes+"mesh-slow-path.yaml", relayed...); n != 3 {
		t.Errorf("in a session of all A knows %d members", n)
	}
}

// Who is stopped by a circuit breaker has no say in what others get: of an encoder that is
// shared, or of a source by way of a middlebox.
func TestBreakersWithdrawWishes(t *testing.T) {
	t.Parallel()
	for flow, set := range map[string][]string{
		"A/video>B": {"network.links.ac.backward={rate: 3Mbps, impairments: [{type: outage, during: [5s..60s]}]}"},
		"A/video": {
			"topology={type: sfm, at: M, peers: [A, B, C]}", "network.links.ab={between: [A, M], delay: 20ms}", "network.links.bc={between: [B, M], delay: 20ms}",
			"network.links.ac={between: [M, C], delay: 20ms, forward: {rate: 300kbps}, backward: {rate: 3Mbps, impairments: [{type: outage, during: [5s..60s]}]}}",
		},
	} {
		r := one(t, meshes+"mesh-shared-encoder.yaml", append(set, "expect=[]", "breakers={mode: enforce}")...)
		rate := series(t, r, flow, record.SendRate)
		before, after := mean(rate[75:90]), mean(rate[150:])
		if before > 310e3 || after < 900e3 {
			t.Errorf("%s: %.0f bit/s before the way back from C is found to be cut, %.0f after", flow, before, after)
		}
	}
}

// Two of a mesh who only listen have no peer connection, and get what others send.
func TestListenersInAMesh(t *testing.T) {
	t.Parallel()
	s := load(t, meshes+"mesh.yaml", "expect=[]", "duration=5s", "media=[{from: P1, kind: video, encoder: {max: 500kbps}}]")[0].Scenario
	sim := build(t, s)
	play(t, sim, s)
	if n := len(sim.Connections); n != 2*(len(s.Topology.Peers)-1) {
		t.Errorf("%d ends of peer connections for %d peers", n, len(s.Topology.Peers))
	}
	for _, f := range sim.Flows {
		if r := f.Sender.Main().Reports(); len(r) != 1 || r[0].Lost > 0 {
			t.Errorf("%s: reported as %+v", f.Flow(), r)
		}
	}
}

// aboutWatch counts the reports of somebody to somebody about an SSRC, in the clear.
type aboutWatch struct {
	fabric.Observer
	from, to packet.IPv4
	about    uint32
	n        int
}

func (w *aboutWatch) PacketDelivered(_ simtime.Time, p *packet.Packet) {
	if p.Src.IP != w.from || p.Dst.IP != w.to || !isRTCP(p.Payload) {
		return
	}
	list, err := rtcp.Unmarshal(p.Payload)
	if err != nil {
		return // feedback that pion doesn't know
	}
	for _, r := range list {
		if rr, ok := r.(*rtcp.ReceiverReport); ok && slices.ContainsFunc(rr.Reports, func(b rtcp.ReceptionReport) bool { return b.SSRC == w.about }) {
			w.n++
		}
	}
}

// A mesh may share one RTP session, in which each sends the same to all others: one SSRC, one RTCP bandwidth for
// all, and who sends sees how others hear each other. The slowest path makes the rate for all; with a session
// for each pair, B's doesn't change for D's.
//
// conformance: TOP-A.2-4, IMP-12.1-3, IMP-12.1-4
func TestJointMesh(t *testing.T) {
	long(t)
	t.Parallel()
	const file = meshes + "mesh-joint.yaml"
	s := load(t, file, "expect=[]", "protection=none")[0].Scenario
	sim, w := playRTP(t, s, "A", nil)
	if got := len(w.sent); got != 1 {
		t.Errorf("A sends %d SSRCs", got)
	}
	ssrc := sim.Flows[0].Sender.SSRC()
	to := map[packet.IPv4]int{}
	for _, p := range w.sent[ssrc] {
		to[p.to]++
	}
	if n := len(w.sent[ssrc]); len(to) != 3 || to[sim.Addr("B")] != n/3 || to[sim.Addr("D")] != n/3 {
		t.Errorf("%d packets go to %v", n, to)
	}
	for _, c := range sim.Connections {
		session := c.Sessions()[0]
		if n := session.Members(); n != 4 {
			t.Errorf("%s knows %d members", session.Endpoint(), n)
		}
	}
	sim = build(t, s)
	about := &aboutWatch{Observer: fabric.Nobody, from: sim.Addr("D"), to: sim.Addr("A"), about: sim.Flows[1].Sender.SSRC()}
	sim.Fabric.Observe(about)
	play(t, sim, s)
	if about.n < 20 {
		t.Errorf("D tells A %d times how it hears B", about.n)
	}
	sent := func(flow string, set ...string) float64 {
		r := run(t, load(t, file, append(set, "expect=[]")...)[0])
		return mean(series(t, r, flow, record.SendRate)[100:])
	}
	if joint, alone := sent("A/video"), sent("A/video>B", "topology.joint=false"); joint > 450e3 || alone < 950e3 {
		t.Errorf("A sends B %.0f bit/s in a joint session and %.0f in one of their own", joint, alone)
	}
}
