package runner_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/sound"
	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

// Everybody hears the three on their side and the three beyond as loud as they speak, and not themselves.
//
// conformance: CNF-5.1-6
func TestCascadedMixersAreTrue(t *testing.T) {
	long(t)
	t.Parallel()
	s := load(t, meshes+"mixer-cascade.yaml", "expect=[]")[0].Scenario
	sim, heard := buildHearing(t, s)
	play(t, sim, s)
	for flow, h := range heard {
		_, to, _ := strings.Cut(flow, ">")
		checkHeard(t, s.Title, to, h.levels(4, 24, tonesOf(s)), 0.5)
	}
}

// levels returns how loud tones are between two seconds, dBov: the median of stretches of 5 s, as one in which
// play-out becomes slower or faster has a step in the phase.
func (h *hearing) levels(from, to int, tones map[string]float64) map[string]float64 {
	all := map[string][]float64{}
	for at := from; at < to; at += 5 {
		for name, level := range spectrum(h.samples[at*sound.Clock:(at+5)*sound.Clock], tones) {
			all[name] = append(all[name], level)
		}
	}
	levels := map[string]float64{}
	for name, list := range all {
		slices.Sort(list)
		levels[name] = list[len(list)/2]
	}
	return levels
}

// tonesOf returns the tones of the scenario's participants, Hz.
func tonesOf(s *scenarios.Scenario) map[string]float64 {
	tones := map[string]float64{}
	for i := range s.Media {
		tones[s.Media[i].From] = *s.Media[i].Speech.Tone
	}
	return tones
}

// checkHeard checks that somebody hears all others as loud as they hum, at -26 dBov, and their own
// tone 40 dB lower at least.
func checkHeard(t *testing.T, what, to string, levels map[string]float64, within float64) {
	t.Helper()
	for from, level := range levels {
		switch {
		case from == to && level > -66:
			t.Errorf("%s: %s hears itself at %.1f dBov", what, to, level)
		case from != to && (level < -26-within || level > -26+within):
			t.Errorf("%s: %s hears %s at %.1f dBov", what, to, from, level)
		}
	}
}

// The second mixer names those whom the first has named, not the first; so does SDES. Who leaves at one
// is gone at the other (RFC 3550 §7.3, §7.4).
//
// conformance: CNF-5.1-6
func TestCascadedMixersNameSources(t *testing.T) {
	long(t)
	t.Parallel()
	s := load(t, meshes+"mixer-cascade.yaml", "expect=[]", "protection=none")[0].Scenario
	left := map[string]simtime.Time{}
	sim, w := playRTP(t, s, "", func(e endpoints.Event) {
		if e.Kind == endpoints.ByeReceived {
			left[e.Session.Endpoint()] = e.At
		}
	})
	whose := map[uint32]string{}
	for _, f := range sim.Flows {
		if !s.Topology.Stands(f.From) {
			whose[f.Sender.SSRC()] = f.From
		}
	}
	for _, f := range sim.Flows {
		if !s.Topology.Stands(f.From) {
			continue
		}
		var want []string
		for _, p := range s.Topology.Behind(f.From, f.To) {
			if p != f.To {
				want = append(want, p)
			}
		}
		for _, p := range w.sent[f.Sender.SSRC()] {
			var names []string
			for _, csrc := range p.head.CSRC {
				names = append(names, whose[csrc])
			}
			slices.Sort(names)
			if p.at > simtime.At(3*time.Second) && p.at < simtime.At(25*time.Second) && !slices.Equal(names, sorted(want)) {
				t.Fatalf("%s at %v names %v, want %v", f.Flow(), p.at, names, want)
			}
		}
	}
	for _, c := range sim.Connections {
		session := c.Sessions()[0]
		for ssrc, name := range whose {
			cname := ""
			for _, f := range sim.Flows {
				if f.From == name {
					cname = f.Session.Connection().CNAME()
				}
			}
			if e := session.Endpoint(); e != name && name != "F" && !s.Topology.Stands(e) && e != "F" && session.CNAMEOf(ssrc) != cname {
				t.Errorf("%s knows %s as %q, want %q", e, name, session.CNAMEOf(ssrc), cname)
			}
		}
	}
	for _, name := range []string{"A", "B", "C", "D", "P"} {
		if at := left[name]; at < simtime.At(25*time.Second) || at > simtime.At(28*time.Second) {
			t.Errorf("%s hears that F has left at %v", name, at)
		}
	}
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}

// In a circle of mixers that name sources everybody is heard by all others, once, and nobody hears
// themselves. Where they name nobody, what somebody says goes round: it is heard louder than it was said, by
// who said it, too, and no mixer finds that.
//
// conformance: CNF-5.1-6, CNF-5.1-3, TOP-A.3.1-6
func TestMixersInACircle(t *testing.T) {
	long(t)
	t.Parallel()
	for _, set := range []string{"topology.csrc=true", "topology.csrc=false", "topology.bind=false"} {
		s := load(t, meshes+"mixer-circle.yaml", "expect=[]", set)[0].Scenario
		sim, heard := buildHearing(t, s)
		play(t, sim, s)
		suppressed := uint64(0)
		for _, name := range sim.Mixers() {
			suppressed += sim.Mixes(name).Suppressed
		}
		broken := set == "topology.csrc=true"
		if (suppressed > 0) != broken {
			t.Errorf("%s: %d frames are suppressed", set, suppressed)
		}
		for flow, h := range heard {
			_, to, _ := strings.Cut(flow, ">")
			for _, at := range []int{3, 13} {
				levels := h.levels(at, at+15, tonesOf(s))
				if broken {
					checkHeard(t, fmt.Sprint(set, " at ", at, " s"), to, levels, 1)
				} else if levels[to] < -40 {
					t.Errorf("%s at %d s: %s hears itself at %.1f dBov only", set, at, to, levels[to])
				}
			}
		}
	}
}

// Two may have the same SSRC behind two mixers. That looks like a circle until one of them has given it up.
func TestCollisionBehindCascadedMixers(t *testing.T) {
	long(t)
	t.Parallel()
	s := load(t, meshes+"mixer-cascade.yaml", "expect=[]")[0].Scenario
	c, err := runner.Config(s)
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.Calls {
		for k := range c.Calls[i].Sessions[0].Media {
			if m := &c.Calls[i].Sessions[0].Media[k]; m.From == "A" || m.From == "D" {
				m.SSRC = 4711
			}
		}
	}
	heard := listenTo(&c)
	sim, err := topologies.Build(c)
	if err != nil {
		t.Fatal(err)
	}
	play(t, sim, s)
	for flow, h := range heard {
		_, to, _ := strings.Cut(flow, ">")
		checkHeard(t, "after a collision", to, h.levels(5, 20, tonesOf(s)), 1)
	}
}

// circleWatch counts how often somebody gets the same packet of media again.
type circleWatch struct {
	fabric.Observer
	sim   *topologies.Simulation
	got   map[string]bool
	twice int
}

func (w *circleWatch) PacketDelivered(_ simtime.Time, p *packet.Packet) {
	b := p.Payload
	if len(b) < 12 || b[0]>>6 != 2 || isRTCP(b) {
		return
	}
	for _, name := range []string{"A", "B", "C", "D"} {
		if p.Dst.IP == w.sim.Addr(name) {
			key := fmt.Sprint(name, binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint16(b[2:]))
			if w.got[key] {
				w.twice++
			}
			w.got[key] = true
		}
	}
}

// Relays that stand in a circle copy what comes a second time to nobody, so that everybody gets each packet
// once, and who sends has nothing of its own back. Relays that don't look fill their links, and each
// endpoint gives up one SSRC, once, as it is in use.
//
// conformance: TOP-A.4.3-13, IMP-12.4-4
func TestRelaysInACircle(t *testing.T) {
	long(t)
	t.Parallel()
	for _, bind := range []bool{true, false} {
		s := load(t, meshes+"relay-cascade.yaml", "expect=[]", "duration=15s", fmt.Sprint("topology.bind=", bind))[0].Scenario
		sim := build(t, s)
		w := &circleWatch{Observer: fabric.Nobody, sim: sim, got: map[string]bool{}}
		sim.Fabric.Observe(w)
		changed := map[string]int{}
		sim.OnEvent(func(e endpoints.Event) {
			if e.Kind == endpoints.SSRCChanged {
				changed[e.Session.Endpoint()]++
			}
		})
		play(t, sim, s)
		busiest := uint64(0)
		for _, l := range sim.Fabric.Links() {
			busiest = max(busiest, l.Stats().Delivered)
		}
		// Four send 50 packets a second and their reports.
		if bind && (w.twice > 0 || len(changed) > 0 || busiest > 15*220) {
			t.Errorf("%d packets come twice, %v change their SSRC, and a link carries %d", w.twice, changed, busiest)
		}
		if !bind && (w.twice < 10_000 || busiest < 15*5000) {
			t.Errorf("unbound: %d packets come twice, and a link carries %d", w.twice, busiest)
		}
		for name, n := range changed {
			if n != 1 {
				t.Errorf("%s changes its SSRC %d times", name, n)
			}
		}
		if !bind && len(changed) != 4 {
			t.Errorf("unbound: %v change their SSRC", changed)
		}
	}
}

// When the way fails on which an SSRC was heard first, relays in a circle take the other one after a while;
// also where RTCP has a port of its own.
func TestRelaysInACircleHeal(t *testing.T) {
	long(t)
	t.Parallel()
	for _, mux := range []bool{true, false} {
		s := load(t, meshes+"relay-cascade.yaml", "expect=[]", "duration=60s", fmt.Sprint("rtcp.mux=", mux),
			"network.links.ne.impairments=[{type: outage, during: [10s..60s]}]")[0].Scenario
		sim := build(t, s)
		heard := map[string]bool{}
		sim.OnEvent(func(e endpoints.Event) {
			if e.Kind == endpoints.FrameRendered && e.At > simtime.At(45*time.Second) {
				heard[fmt.Sprint(e.Session.Endpoint(), e.SSRC)] = true
			}
		})
		play(t, sim, s)
		for _, c := range sim.Connections {
			if session := c.Sessions()[0]; session.Members() != 4 {
				t.Errorf("mux %v: %s knows %d members", mux, session.Endpoint(), session.Members())
			}
		}
		if len(heard) != 4*3 {
			t.Errorf("mux %v: %d of 12 are heard", mux, len(heard))
		}
	}
}

// What video loses on a trunk is asked for again by the middlebox at its end, and comes late to who
// watches beyond: next to nothing is lost for good there.
func TestCascadedSFMs(t *testing.T) {
	long(t)
	t.Parallel()
	s := load(t, meshes+"sfm-cascade.yaml", "expect=[]", "network.links.west-mid.loss=1%")[0].Scenario
	sim := build(t, s)
	play(t, sim, s)
	reports, lost := 0, int32(0)
	for _, f := range sim.Flows {
		for _, r := range f.Sender.Main().Reports() {
			reports++
			trunk := f.From == "west" && f.To == "mid" || f.From == "mid" && f.To == "west"
			if !trunk && f.Kind == endpoints.Video && r.Lost > 2 {
				t.Errorf("%s: %d packets are reported lost", f.Flow(), r.Lost)
			}
			if trunk {
				lost += r.Lost
			}
		}
	}
	if reports < 30 || lost < 50 {
		t.Errorf("%d reports, %d packets lost on the trunk", reports, lost)
	}
}

// Rates are asked for from middlebox to middlebox: a source sends what the slowest sees who sees it. Who
// doesn't see it, or has left, has no say, wherever they are; nor has a middlebox without anybody.
func TestRatesAcrossSFMs(t *testing.T) {
	long(t)
	t.Parallel()
	const (
		video = "media=[{from: A, kind: video, encoder: {min: 100kbps, max: 1Mbps}}]"
		slow  = "network.links.f.backward={rate: 400kbps}"
	)
	for _, tt := range []struct {
		what        string
		set         []string
		least, most float64 // of A's video from 30 s on
	}{
		{"all paths bear more", nil, 0.9e6, 1.1e6},
		{"F, beyond two trunks, gets 400 kbit/s", []string{slow}, 0.1e6, 0.42e6},
		{"F has left", []string{slow, "endpoints.F.leaves=20s"}, 0.9e6, 1.1e6},
		{"all at east have left", []string{"endpoints.F.leaves=20s", "endpoints.P.leaves=20s"}, 0.9e6, 1.1e6},
		{"a middlebox has nobody", []string{
			"topology.cascade={west: {at: W, peers: [A, B]}, mid: {at: M, peers: [C, D]}, east: {at: E}}",
			"endpoints={A: {at: A}, B: {at: B}, C: {at: C}, D: {at: D}}",
		}, 0.9e6, 1.1e6},
	} {
		r := run(t, load(t, meshes+"sfm-cascade.yaml", append(tt.set, video, "expect=[]", "duration=50s")...)[0])
		if sent := mean(series(t, r, "A/video", record.SendRate)[150:]); sent < tt.least || sent > tt.most {
			t.Errorf("%s: A sends %.0f bit/s, want %.0f to %.0f", tt.what, sent, tt.least, tt.most)
		}
	}
}

// Over a trunk goes whom anybody beyond sees, and no more: with B speaking, and A before, those at west see
// one of the two each, and D beyond sees B.
func TestSpeakersAcrossSFMs(t *testing.T) {
	t.Parallel()
	const two = "topology={type: sfm, last-n: 1, cascade: {west: {at: W, peers: [A, B]}, mid: {at: M, peers: [C, D]}}}"
	var media []string
	for _, name := range []string{"A", "B", "C", "D"} {
		media = append(media, fmt.Sprintf("{from: %s, kind: video, encoder: {min: 100kbps, max: 500kbps}}", name))
	}
	media = append(media, "{from: A, kind: audio, stop: 5s}", "{from: B, kind: audio, start: 5s}")
	r := run(t, load(t, meshes+"sfm-cascade.yaml", two, "endpoints={A: {at: A}, B: {at: B}, C: {at: C}, D: {at: D}}",
		"media=["+strings.Join(media, ", ")+"]", "expect=[]", "duration=30s")[0])
	for flow, goes := range map[string]bool{
		"A/video>mid": false, "B/video>mid": true, "B/video>D": true, "B/video>A": true, "A/video>B": true, "C/video>west": false,
	} {
		if rate := mean(series(t, r, flow, record.ReceiveRate)[75:]); (rate > 400e3) != goes || !goes && rate > 0 {
			t.Errorf("%s has %.0f bit/s", flow, rate)
		}
	}
}

// What stands for lost packets is named like what was before, and silence has nobody's name: the mixer in
// between never appears.
func TestCascadedMixersWithLossAndSilence(t *testing.T) {
	long(t)
	t.Parallel()
	s := load(t, meshes+"mixer-cascade.yaml", "expect=[]", "protection=none", "network.links.trunk.loss=10%",
		"media.0.pauses=[0s..5s]", "media.1.pauses=[0s..5s]", "media.2.pauses=[0s..5s]")[0].Scenario
	sim, w := playRTP(t, s, "", nil)
	mixers, n := map[uint32]bool{}, 0
	for _, f := range sim.Flows {
		if s.Topology.Stands(f.From) {
			mixers[f.Sender.SSRC()] = true
		}
	}
	for ssrc := range mixers {
		for _, p := range w.sent[ssrc] {
			n += len(p.head.CSRC)
			if slices.ContainsFunc(p.head.CSRC, func(c uint32) bool { return mixers[c] }) {
				t.Fatalf("at %v a mixer is named as a source", p.at)
			}
		}
	}
	if n < 10_000 {
		t.Errorf("%d names", n)
	}
}
