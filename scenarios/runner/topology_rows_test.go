package runner_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

// reporterWatch notes who reports on whom, by the way that the packet takes.
type reporterWatch struct {
	fabric.Observer
	by map[[2]packet.IPv4]map[[2]uint32]int
}

func (w *reporterWatch) PacketSent(_ simtime.Time, p *packet.Packet) {
	if b := p.Payload; len(b) < 8 || b[1] < 192 || b[1] > 223 {
		return
	}
	messages, err := rtcp.Unmarshal(p.Payload)
	if err != nil {
		return
	}
	way := [2]packet.IPv4{p.Src.IP, p.Dst.IP}
	if w.by[way] == nil {
		w.by[way] = map[[2]uint32]int{}
	}
	for _, m := range messages {
		switch m := m.(type) {
		case *rtcp.SenderReport:
			w.by[way][[2]uint32{m.SSRC, 0}]++
			for _, r := range m.Reports {
				w.by[way][[2]uint32{m.SSRC, r.SSRC}]++
			}
		case *rtcp.ReceiverReport:
			w.by[way][[2]uint32{m.SSRC, 0}]++
			for _, r := range m.Reports {
				w.by[way][[2]uint32{m.SSRC, r.SSRC}]++
			}
		}
	}
}

// No report about a stream goes through a middlebox: on each leg it is the middlebox and the
// endpoint who report, by SSRCs of that leg, on streams of that leg. The middlebox is an
// endpoint on each, with reports and a controller of its own.
//
// conformance: IMP-12.7-3, IMP-12.3-3
func TestReportsEndAtMiddleboxes(t *testing.T) {
	long(t)
	t.Parallel()
	for _, file := range []string{"mixer.yaml", "switching-mixer.yaml", "sfm.yaml"} {
		s := load(t, meshes+file, "expect=[]", "protection=none", "repair={nack: false, rtx: false, refresh: pli, decoder: true}")[0].Scenario
		sim := build(t, s)
		w := &reporterWatch{Observer: fabric.Nobody, by: map[[2]packet.IPv4]map[[2]uint32]int{}}
		sim.Fabric.Observe(w)
		play(t, sim, s)
		of := map[string][]uint32{} // SSRCs of an endpoint, or of the middlebox on the leg to it
		for _, c := range sim.Connections {
			for _, session := range c.Sessions() {
				name := session.Endpoint()
				if name == s.Topology.Box() {
					name = "to " + strings.TrimPrefix(c.Name(), name+"-")
				}
				for _, section := range session.Sections() {
					of[name] = append(of[name], section.SSRC())
				}
				if name != session.Endpoint() && !session.HasController() {
					t.Errorf("%s: nothing controls the leg %s", file, name)
				}
			}
		}
		box, legs := sim.Addr(s.Topology.Box()), 0
		for _, peer := range s.Topology.Peers {
			for way, reporters := range map[[2]packet.IPv4][2]string{{box, sim.Addr(peer)}: {"to " + peer, peer}, {sim.Addr(peer), box}: {peer, "to " + peer}} {
				for r, n := range w.by[way] {
					if !slices.Contains(of[reporters[0]], r[0]) || r[1] != 0 && !slices.Contains(of[reporters[1]], r[1]) && !slices.Contains(of[reporters[0]], r[1]) {
						t.Errorf("%s: %d reports by %08x on %08x from %s", file, n, r[0], r[1], reporters[0])
					}
					legs++
				}
			}
		}
		if legs < 8 {
			t.Errorf("%s: %d reporters", file, legs)
		}
	}
}

// What comes down to each of five who talk: one stream from a mixer, four in a mesh and from a
// relay. What goes up: one, but in a mesh four.
//
// conformance: TOP-A.3-1, TOP-A.4.3-2
func TestStreamsPerEndpoint(t *testing.T) {
	long(t)
	t.Parallel()
	rates := func(kind string) (up, down float64) {
		text := conference(5, 0, "congestion: {feedback: none}\n")
		kind = strings.Replace(kind, "PEERS", "peers: [P1, P2, P3, P4, P5]", 1)
		r := parsed(t, strings.Replace(text, "{type: mixer, at: M, peers: [P1, P2, P3, P4, P5], loudest: 0}", kind, 1))
		return mean(series(t, r, "l1/forward", record.Throughput)[50:]), mean(series(t, r, "l1/backward", record.Throughput)[50:])
	}
	const one = 80e3 + 8*10*50 // PCMU with headers and the tag, bit/s
	for kind, want := range map[string][2]float64{
		"{type: mixer, at: M, PEERS}": {1, 1}, "{type: mesh, PEERS}": {4, 4}, "{type: relay, at: M, PEERS}": {1, 4}, "{type: sfm, at: M, PEERS}": {1, 4},
	} {
		up, down := rates(kind)
		// Packets of mixers name sources, and RTCP comes on top of all.
		if up < 0.98*want[0]*one || up > 1.2*want[0]*one || down < 0.98*want[1]*one || down > 1.4*want[1]*one {
			t.Errorf("%s: %.0f bit/s up and %.0f down, want %.0f and %.0f", kind, up, down, want[0]*one, want[1]*one)
		}
	}
}

// Behind a relay there is one session of all: everybody knows all members, and the RTCP of all
// together is what one session may use.
//
// conformance: TOP-A.4.3-3
func TestRelayIsOneSession(t *testing.T) {
	long(t)
	t.Parallel()
	const peers = 8
	r := parsed(t, strings.Replace(strings.Replace(conference(peers, 0, "congestion: {feedback: none}\nrtcp: {fraction: 1%}\n"),
		"type: mixer", "type: relay", 1), "duration: 20s", "duration: 120s", 1))
	total, share := 0.0, 0.0
	for i := range peers {
		name := fmt.Sprint("P", i+1)
		if n := mean(series(t, r, name+"-relay", record.Members)[100:]); n != peers {
			t.Errorf("%s knows %.2f members", name, n)
		}
		total += mean(series(t, r, name, record.RTCPRate)[100:])
		share += mean(series(t, r, name, record.RTCPShare)[100:])
	}
	if total > 1.1*share || total < 0.6*share || share > 0.011*peers*104e3 {
		t.Errorf("RTCP of %.0f bit/s, of which %.0f are allowed", total, share)
	}
}

// A mixer that switches asks the new source once for a key frame, by FIR.
//
// conformance: CNF-5.1.1-2
func TestMixerAsksOnceASwitch(t *testing.T) {
	long(t)
	t.Parallel()
	asked, switches := 0, 0
	sim, w := playRTP(t, loadText(t, restless(100)), "mixer", func(e endpoints.Event) {
		if e.Kind == endpoints.RefreshRequested && e.Session.Endpoint() == "mixer" {
			asked++
		}
	})
	seen := map[uint32]bool{}
	for _, f := range sim.Flows {
		if f.From != "mixer" || f.Kind != endpoints.Video {
			continue
		}
		last := uint32(0)
		for _, p := range w.sent[f.Sender.SSRC()] {
			if len(p.head.CSRC) == 1 && p.head.CSRC[0] != last {
				last = p.head.CSRC[0]
				switches++
				seen[last] = true
			}
		}
	}
	// Each change of speaker is a switch on two legs, and one request.
	if changes := float64(switches) / 2; len(seen) != 3 || float64(asked) < 0.7*changes || float64(asked) > 1.2*changes {
		t.Errorf("%d key frames are asked for in %.0f changes of speaker", asked, changes)
	}
}

// Without any of the messages of conferences everybody sees everybody as long as nothing is lost.
//
// conformance: CNF-5.1-5
func TestConferenceWithoutFeedback(t *testing.T) {
	r := run(t, load(t, meshes+"sfm.yaml", "expect=[]", "repair={nack: false, rtx: false, refresh: none, decoder: true}", "topology.limits=false",
		"congestion={controller: fixed, feedback: none}", "media=[{from: A, kind: video, encoder: {max: 500kbps}}, {from: B, kind: video, encoder: {max: 500kbps}}, {from: C, kind: audio, rate: 32kbps}]")[0])
	for _, flow := range []string{"A/video>B", "A/video>C", "B/video>A", "B/video>C"} {
		if fps := mean(series(t, r, flow, record.FrameRate)[25:]); fps < 29 {
			t.Errorf("%s: %.1f pictures a second", flow, fps)
		}
	}
	if n := mean(series(t, r, "C/audio>A", record.Concealed)[25:]); n > 0 {
		t.Errorf("A misses %.1f ms of audio in 200", n)
	}
}

// An endpoint that has the SSRC of a mixer's stream to it by chance gives it up, as the mixer
// does; that is between the two, and others hear all of it.
//
// conformance: TOP-A.3.1-8
func TestCollisionOnOneLeg(t *testing.T) {
	t.Parallel()
	s := load(t, mixing, "expect=[]", "duration=20s", "topology.csrc=false")[0].Scenario
	c, err := runner.Config(s)
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.Calls {
		for j := range c.Calls[i].Sessions[0].Media {
			if c.Calls[i].A == "C" {
				c.Calls[i].Sessions[0].Media[j].SSRC = 0x0badcafe
			}
		}
	}
	sim, err := topologies.Build(c)
	if err != nil {
		t.Fatal(err)
	}
	changed := map[string]bool{}
	concealed := time.Duration(0)
	sim.OnEvent(func(e endpoints.Event) {
		switch e.Kind {
		case endpoints.SSRCChanged:
			changed[e.Session.Name()] = true
		case endpoints.FrameConcealed:
			if name := e.Session.Endpoint(); name == "A" || name == "B" {
				concealed += e.Media
			}
		default:
		}
	})
	play(t, sim, s)
	if len(changed) == 0 || concealed > 0 {
		t.Errorf("%v change their SSRC, and A and B miss %v", changed, concealed)
	}
	for name := range changed {
		if name != "C-mixer" && name != "mixer-C" {
			t.Errorf("%s changes its SSRC", name)
		}
	}
}
