package runner_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/gonum/dsp/fourier"
	"gonum.org/v1/gonum/dsp/window"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/sound"
	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

const mixing = meshes + "mixer.yaml"

// hearing keeps what a receiver hears.
type hearing struct {
	player  sound.Player
	until   simtime.Time
	samples []int16
}

func (h *hearing) listen(now simtime.Time) {
	const frame = 20 * time.Millisecond
	for h.until.Add(frame) <= now {
		h.until = h.until.Add(frame)
		h.samples = append(h.samples, h.player.Read(h.until, make([]int16, 160)).Samples...)
	}
}

func (h *hearing) Play(_ uint32, f sound.Frame) {
	h.listen(f.At)
	h.player.Play(f)
}

func (h *hearing) Comfort(_ uint32, at simtime.Time, level uint8) {
	h.listen(at)
	h.player.Comfort(at, level)
}

// buildHearing makes the simulation of a scenario, with somebody who listens to each stream.
func buildHearing(t *testing.T, s *scenarios.Scenario) (*topologies.Simulation, map[string]*hearing) {
	t.Helper()
	c, err := runner.Config(s)
	if err != nil {
		t.Fatal(err)
	}
	heard := listenTo(&c)
	sim, err := topologies.Build(c)
	if err != nil {
		t.Fatal(err)
	}
	return sim, heard
}

// listenTo lets somebody listen to each stream.
func listenTo(c *topologies.Config) map[string]*hearing {
	heard := map[string]*hearing{}
	c.Listen = func(m *topologies.Media) sound.Ear {
		h := &hearing{}
		heard[m.Flow()] = h
		return h
	}
	return heard
}

// spectrum returns the levels of tones in some samples, dBov.
func spectrum(samples []int16, tones map[string]float64) map[string]float64 {
	x := make([]float64, len(samples))
	for i, s := range samples {
		x[i] = float64(s) / (4 * 8031)
	}
	gain := 0.0
	for _, w := range window.BlackmanHarris(ones(len(x))) {
		gain += w
	}
	c := fourier.NewFFT(len(x)).Coefficients(nil, window.BlackmanHarris(x))
	levels := map[string]float64{}
	for name, hertz := range tones {
		power := 0.0
		at := int(math.Round(hertz * float64(len(x)) / sound.Clock))
		for k := at - 8; k <= at+8; k++ {
			if a := math.Hypot(real(c[k]), imag(c[k])); a > power {
				power = a
			}
		}
		levels[name] = 20 * math.Log10(2*power/gain/math.Sqrt2)
	}
	return levels
}

func ones(n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = 1
	}
	return x
}

// hums are the tones of the scenario's participants, Hz.
var hums = map[string]float64{"A": 440, "B": 660, "C": 970, "D": 1300}

// Everybody hears the tones of all others as loud as they were spoken, at -26 dBov, and its own
// not at all; also when a packet in ten is lost on every way, which comes to two in ten.
//
// conformance: TOP-A.3.1-1, TOP-A.3-3
func TestMixIsTrue(t *testing.T) {
	long(t)
	t.Parallel()
	for _, tt := range []struct {
		loss        string
		least, most float64
	}{{"0%", -26.4, -25.6}, {"10%", -28, -25.6}} {
		set := []string{"expect=[]", "duration=40s"}
		for _, l := range []string{"a", "b", "c", "d"} {
			set = append(set, "network.links."+l+".loss="+tt.loss)
		}
		s := load(t, mixing, set...)[0].Scenario
		sim, heard := buildHearing(t, s)
		play(t, sim, s)
		for to := range hums {
			h := heard["mixer/audio>"+to]
			levels := spectrum(h.samples[len(h.samples)-30*sound.Clock:], hums)
			for from, level := range levels {
				switch {
				case from == to && level > tt.least-40:
					t.Errorf("loss of %s: %s hears itself at %.1f dBov", tt.loss, to, level)
				case from != to && (level < tt.least || level > tt.most):
					t.Errorf("loss of %s: %s hears %s at %.1f dBov, want %v to %v", tt.loss, to, from, level, tt.least, tt.most)
				}
			}
		}
	}
}

// conference is a scenario with a mixer and a number of participants who all talk.
func conference(participants, loudest int, more string) string {
	var links, ends, peers, media []string
	for i := range participants {
		name := fmt.Sprint("P", i+1)
		links = append(links, fmt.Sprintf("l%d: {between: [%s, M], delay: 20ms, rate: 10Mbps}", i+1, name))
		ends = append(ends, fmt.Sprintf("%s: {at: %s}", name, name))
		peers = append(peers, name)
		media = append(media, fmt.Sprintf("{from: %s, kind: audio, speech: {codec: pcmu, activity: always}}", name))
	}
	return fmt.Sprintf("title: A conference\nduration: 20s\nprotection: size-only\nnetwork: {links: {%s}}\nendpoints: {%s}\ntopology: {type: mixer, at: M, peers: [%s], loudest: %d}\nmedia: [%s]\n%s",
		strings.Join(links, ", "), strings.Join(ends, ", "), strings.Join(peers, ", "), loudest, strings.Join(media, ", "), more)
}

// Of P participants N are decoded and mixed, by the levels in their packets' headers. There are
// N mixes if all are in them, and N+1 otherwise: one for all who only listen. While one takes the
// place of another there is a moment without either.
//
// conformance: TOP-A.3.1-1
func TestMixesAndEncodes(t *testing.T) {
	long(t)
	t.Parallel()
	for _, p := range []int{3, 8} {
		for n := 1; n <= p; n++ {
			r := parsed(t, conference(p, n, "extensions: [audio-level]\n"))
			perFrame := func(metric string) float64 { return mean(series(t, r, "mixer", metric)[50:]) / 10 } // in bins of 200 ms
			want := float64(n + 1)
			if n == p {
				want = float64(n)
			}
			decodes, mixes, encodes := perFrame(record.Decodes), perFrame(record.Mixes), perFrame(record.Encodes)
			if math.Abs(decodes-float64(n)) > 0.12 || mixes > want || mixes < want-0.2 || encodes != mixes {
				t.Errorf("%d of %d: %.2f decodes, %.2f mixes and %.2f encodes a frame, want %d and %v", n, p, decodes, mixes, encodes, n, want)
			}
		}
	}
}

// A packet of a mixer names those whose sound it has, never the one that it goes to, and says
// how loud each of them is: as loud as they said themselves. The receiver's application knows
// it, too.
//
// conformance: HDR-5.2.3-1, TOP-A.3.1-4, IMP-12.5-1
func TestMixNamesContributors(t *testing.T) {
	long(t)
	s := load(t, mixing, "expect=[]", "duration=20s", "protection=none")[0].Scenario
	sim, w := playRTP(t, s, "mixer", nil)
	whose := map[uint32]string{}
	for _, f := range sim.Flows {
		if f.To == "mixer" {
			whose[f.Sender.SSRC()] = f.From
		}
	}
	for _, f := range sim.Flows {
		if f.From != "mixer" {
			continue
		}
		sent := w.sent[f.Sender.SSRC()]
		if len(sent) < 900 {
			t.Fatalf("%d packets to %s", len(sent), f.To)
		}
		for _, p := range sent[100:] {
			levels := p.head.GetExtension(8)
			if len(p.head.CSRC) != 3 || len(levels) != 3 {
				t.Fatalf("to %s at %v: %d sources and %d levels", f.To, p.at, len(p.head.CSRC), len(levels))
			}
			for i, csrc := range p.head.CSRC {
				if name := whose[csrc]; name == "" || name == f.To || levels[i] < 25 || levels[i] > 27 {
					t.Fatalf("to %s at %v: %s at -%d dBov", f.To, p.at, name, levels[i])
				}
			}
		}
		sources := f.Receiver.ContributingSources(simtime.At(20 * time.Second))
		if len(sources) != 3 {
			t.Fatalf("%s knows %d sources", f.To, len(sources))
		}
		for _, c := range sources {
			if !c.HasLevel || c.Level < 25 || c.Level > 27 || simtime.At(20*time.Second).Sub(c.At) > 200*time.Millisecond {
				t.Errorf("%s hears %s at -%d dBov, last at %v", f.To, whose[c.SSRC], c.Level, c.At)
			}
		}
	}
}

// Who falls silent is named no longer, and who speaks is named with the first packet that has
// their sound: the list follows from packet to packet.
//
// conformance: IMP-12.5-1
func TestContributorsChange(t *testing.T) {
	text := conference(4, 0, "")
	for i, talks := range []string{"[[1s..20s]]", "[[3s..6s], [9s..12s]]", "[[5s..10s]]", "[[0s..2s], [18s..20s]]"} {
		text = strings.Replace(text, fmt.Sprintf("{from: P%d, kind: audio, speech: {codec: pcmu, activity: always}}", i+1),
			fmt.Sprintf("{from: P%d, kind: audio, speech: {codec: pcmu, dtx: true, talks: %s}}", i+1, strings.NewReplacer("[[", "[", "]]", "]", "], [", ", ").Replace(talks)), 1)
	}
	s := loadText(t, text)
	sim, w := playRTP(t, s, "mixer", nil)
	whose := map[uint32]string{}
	for _, f := range sim.Flows {
		if f.To == "mixer" {
			whose[f.Sender.SSRC()] = f.From
		}
	}
	named := func(to string, at time.Duration) string {
		for _, f := range sim.Flows {
			if f.From != "mixer" || f.To != to {
				continue
			}
			for _, p := range w.sent[f.Sender.SSRC()] {
				if p.at >= simtime.At(at) {
					var names []string
					for _, c := range p.head.CSRC {
						names = append(names, whose[c])
					}
					slices.Sort(names)
					return strings.Join(names, " ")
				}
			}
		}
		return "nothing sent"
	}
	for _, tt := range []struct {
		at       time.Duration
		to, want string
	}{
		{2500 * time.Millisecond, "P2", "P1"},
		{4 * time.Second, "P4", "P1 P2"},
		{5500 * time.Millisecond, "P1", "P2 P3"},
		{5500 * time.Millisecond, "P4", "P1 P2 P3"},
		{7 * time.Second, "P3", "P1"},
		{7 * time.Second, "P1", "P3"},
		{13 * time.Second, "P2", "P1"},
		{19 * time.Second, "P1", "P4"},
		{19 * time.Second, "P4", "P1"},
	} {
		if got := named(tt.to, tt.at); got != tt.want {
			t.Errorf("at %v %s hears %s, want %s", tt.at, tt.to, got, tt.want)
		}
	}
}

// Where a mixer names nobody, there is none but the mixer: no CSRC, no level, no name of others
// in SDES. Only mixers name sources: the option is theirs alone.
//
// conformance: IMP-12.5-2, TOP-A.3.1-6
func TestMixWithoutNames(t *testing.T) {
	long(t)
	t.Parallel()
	for _, csrc := range []bool{true, false} {
		s := load(t, mixing, "expect=[]", "duration=20s", "protection=none", fmt.Sprint("topology.csrc=", csrc))[0].Scenario
		sim, w := playRTP(t, s, "mixer", nil)
		n := 0
		for _, list := range w.sent {
			for _, p := range list {
				n += len(p.head.CSRC) + len(p.head.GetExtension(8))
			}
		}
		if csrc != (n > 0) {
			t.Errorf("csrc: %v names %d sources and levels", csrc, n)
		}
		for _, c := range sim.Connections {
			session := c.Sessions()[0]
			if want := map[bool]int{true: 5, false: 2}[csrc]; session.Endpoint() == "A" && session.Members() != want {
				t.Errorf("csrc: %v: A knows %d members, want %d", csrc, session.Members(), want)
			}
		}
	}
	for _, other := range []string{"sfm", "relay", "mesh"} {
		at := ""
		if other != "mesh" {
			at = "at: M, "
		}
		_, err := scenarios.Parse("x.yaml", []byte(strings.Replace(conference(3, 0, ""), "{type: mixer, at: M, peers: [P1, P2, P3], loudest: 0}", "{type: "+other+", "+at+"peers: [P1, P2, P3], csrc: false}", 1)), scenarios.Options{Catalogue: runner.Catalogue{}})
		if err == nil || !strings.Contains(err.Error(), "csrc") {
			t.Errorf("csrc with %s: %v", other, err)
		}
	}
}

// When somebody leaves, the mixer says BYE for them to all others, who know one member less.
//
// conformance: TOP-A.3.1-5
func TestMixerPassesBye(t *testing.T) {
	long(t)
	t.Parallel()
	s := load(t, mixing, "expect=[]", "duration=30s", "endpoints.C={at: C, leaves: 15s}")[0].Scenario
	var gone []string
	before := map[string]int{}
	sim := build(t, s)
	var leaver uint32
	for _, f := range sim.Flows {
		if f.From == "C" {
			leaver = f.Sender.SSRC()
		}
	}
	sim.OnEvent(func(e endpoints.Event) {
		if e.Kind == endpoints.ByeReceived && e.SSRC == leaver {
			gone = append(gone, e.Session.Endpoint())
		}
		if e.At < simtime.At(15*time.Second) {
			before[e.Session.Endpoint()] = e.Session.Members()
		}
	})
	play(t, sim, s)
	slices.Sort(gone)
	if got := strings.Join(gone, " "); got != "A B D mixer" {
		t.Errorf("%s hear that C has left", got)
	}
	for _, c := range sim.Connections {
		session := c.Sessions()[0]
		if name := session.Endpoint(); name == "A" && (before[name] != 5 || session.Members() != 4) {
			t.Errorf("%s knew %d members before, and %d after C has left", name, before[name], session.Members())
		}
	}
}

// What a mixer adds to the delay: its jitter buffer, up to 15 ms of reserve, and a frame.
//
// conformance: TOP-A.3.1-3
func TestMixerDelays(t *testing.T) {
	t.Parallel()
	set := []string{"expect=[]", "duration=30s"}
	mixed := mean(series(t, run(t, load(t, mixing, set...)[0]), "mixer/audio>C", record.MouthToEar)[50:])
	direct := mean(series(t, parsed(t, `
title: Without a mixer
duration: 30s
network: {links: {path: {between: [A, C], delay: 50ms, rate: 1Mbps}}}
endpoints: {A: {at: A}, C: {at: C}}
topology: {peers: [A, C]}
media: [{from: A, kind: audio, speech: {codec: pcmu, activity: always}}]
`), "A/audio", record.MouthToEar)[50:])
	if added := mixed - direct; added < 20 || added > 90 {
		t.Errorf("%.0f ms through the mixer, %.0f without", mixed, direct)
	}
}
