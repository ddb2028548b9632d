package rfc8836_test

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "rtpfabric/ccontrol/builtin"

	"rtpfabric/ccontrol"
	"rtpfabric/scenarios"
	"rtpfabric/scenarios/rfc8836"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

const library = ".."

// Each requirement of §2 and each of its sub-items is there, and says what shows it or
// that nothing does.
//
// conformance: CC-7.1-1
func TestEveryRequirementIsAnswered(t *testing.T) {
	var ids []string
	for _, r := range rfc8836.Requirements() {
		ids = append(ids, r.ID)
		if r.Text == "" || len(r.Figures)+len(r.Tests) == 0 && !strings.HasPrefix(r.Note, "Not shown") {
			t.Errorf("%s: nothing shows it, and nobody says so", r.ID)
		}
	}
	want := strings.Fields("1 1a 1b 1c 1d 1e 1f 1g 2 2a 3 3a 4 4a 5 5a 6 6a 6b 7 7a 8 8a 8b 8c 9 10 11 security")
	if !slices.Equal(ids, want) {
		t.Errorf("requirements %v, want %v", ids, want)
	}
}

// load returns the only run of a variation with a controller.
func load(v rfc8836.Variation, controller string) ([]*scenarios.Run, error) {
	f, err := scenarios.Load(filepath.Join(library, v.File), scenarios.Options{
		Set: append(slices.Clone(v.Set), "seed=1", "congestion.controller="+controller), Catalogue: runner.Catalogue{},
	})
	if err != nil {
		return nil, err
	}
	return f.Runs, nil
}

// Every scenario, every value and every expectation that the table names exists, for every
// controller but those that can't be coupled.
//
// conformance: CC-7.1-1
func TestFiguresExist(t *testing.T) {
	for _, r := range rfc8836.Requirements() {
		for _, f := range r.Figures {
			for _, c := range []string{"gcc", "nada", "scream", "scream-v2", "tfrc", "rr-loss"} {
				runs, err := load(f.Variation, c)
				if err != nil {
					if !strings.Contains(err.Error(), "coupled") {
						t.Errorf("%s: %v", r.ID, err)
					}
					continue
				}
				if len(runs) != 1 {
					t.Errorf("%s: %s has %d runs for %s, want one", r.ID, f.Variation, len(runs), c)
				}
				if _, err := f.Expectation(runs[0].Scenario); err != nil {
					t.Errorf("%s: %v", r.ID, err)
				}
			}
		}
	}
}

// What isn't in a scenario isn't found, and neither is what is there twice.
func TestExpectationIsTheOnlyOne(t *testing.T) {
	ten := scenarios.Interval{To: 10e9}
	loss := scenarios.Expect{Metric: "loss", Flow: "S1/video", During: &ten}
	whole := loss
	whole.During = nil
	f := rfc8836.Figure{Metric: "loss", Of: "S1/video", During: ten.String()}
	for name, tt := range map[string]struct {
		expect []scenarios.Expect
		want   int // -1 is an error
	}{
		"there":                {[]scenarios.Expect{whole, loss}, 1},
		"over the whole run":   {[]scenarios.Expect{whole}, -1},
		"twice":                {[]scenarios.Expect{loss, loss}, -1},
		"nothing is expected":  {nil, -1},
		"something else of it": {[]scenarios.Expect{{Metric: "send-rate", Flow: "S1/video", During: &ten}}, -1},
	} {
		i, err := f.Expectation(&scenarios.Scenario{Expect: tt.expect})
		if (err != nil) != (tt.want < 0) || err == nil && i != tt.want {
			t.Errorf("%s: %d, %v", name, i, err)
		}
	}
}

// The tests that the table names exist.
func TestTestsExist(t *testing.T) {
	for _, r := range rfc8836.Requirements() {
		for _, name := range r.Tests {
			folder, test, _ := strings.Cut(name, ".")
			if !slices.Contains(testsIn(t, filepath.Join("../..", folder)), test) {
				t.Errorf("%s: there is no test %s", r.ID, name)
			}
		}
	}
}

// testsIn returns the names of the functions in a folder's tests.
func testsIn(t *testing.T, folder string) []string {
	t.Helper()
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(folder, f.Name()), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for name := range parsed.Scope.Objects {
			names = append(names, name)
		}
	}
	return names
}

// RTP packets of controllers that feedback about every packet is enough for have no header
// extension, and so no time of sending. With transport-wide numbers they have one, which
// shows that the test would find it.
//
// conformance: CC-7.1-1
func TestControllersNeedNoTimesInPackets(t *testing.T) {
	for feedback, want := range map[string]bool{"rfc8888": false, "twcc": true} {
		for _, name := range ccontrol.Names() {
			spec, _ := ccontrol.Lookup(name)
			if spec.Baseline || spec.Needs == ccontrol.NeedsEstimate {
				continue
			}
			runs, err := load(rfc8836.Variation{File: "rfc8836/start.yaml", Set: []string{
				"media.0.encoder.start=150kbps", "duration=6s", "congestion.feedback=" + feedback,
			}}, name)
			if err != nil {
				t.Fatal(err)
			}
			c, err := runner.Config(runs[0].Scenario)
			if err != nil {
				t.Fatal(err)
			}
			sim, err := topologies.Build(c)
			if err != nil {
				t.Fatal(err)
			}
			w := &extensionWatch{Observer: fabric.Nobody}
			sim.Fabric.Observe(w)
			if err := sim.Run(t.Context(), simtime.At(runs[0].Scenario.Duration)); err != nil {
				t.Fatal(err)
			}
			if w.packets < 50 || w.extended != want {
				t.Errorf("%s with %s: %d packets, extensions: %v", name, feedback, w.packets, w.extended)
			}
		}
	}
}

// extensionWatch looks for header extensions in what is sent.
type extensionWatch struct {
	fabric.Observer
	packets  int
	extended bool
}

// PacketSent looks at RTP alone: version 2, and no payload type of RTCP (RFC 5761 §4).
func (w *extensionWatch) PacketSent(_ simtime.Time, p *packet.Packet) {
	const version, extension = 0x80, 0x10
	b := p.Payload
	if len(b) < 12 || b[0]&0xc0 != version || b[1] >= 192 && b[1] <= 223 {
		return
	}
	w.packets++
	w.extended = w.extended || b[0]&extension != 0
}
