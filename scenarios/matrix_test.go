package scenarios

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rtpfabric/sim/record"
	"rtpfabric/sim/units"
)

func parse(t *testing.T, text string, set ...string) *File {
	t.Helper()
	f, err := Parse("test.yaml", []byte(text), Options{Set: set})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func names(f *File) []string {
	var list []string
	for _, r := range f.Runs {
		list = append(list, r.Name)
	}
	return list
}

const varied = callForTests + `
matrix:
  network.links.l.delay: [20ms, 30ms]
  seed: {from: 5, count: 3}
`

func TestMatrixMakesEveryCombinationLastAxisFastest(t *testing.T) {
	f := parse(t, varied)
	want := []string{"delay=20ms,seed=5", "delay=20ms,seed=6", "delay=20ms,seed=7", "delay=30ms,seed=5", "delay=30ms,seed=6", "delay=30ms,seed=7"}
	if diff := cmp.Diff(want, names(f)); diff != "" {
		t.Error(diff)
	}
	last := f.Runs[5]
	if s := last.Scenario; s.Seed != 7 || *s.Network.Links[0].Forward.Delay != 30*time.Millisecond || s.Matrix != nil {
		t.Errorf("the last run has seed %d, delay %v and matrix %v", s.Seed, *s.Network.Links[0].Forward.Delay, s.Matrix)
	}
	if first := f.Runs[0].Scenario; first.Seed != 5 || *first.Network.Links[0].Backward.Delay != 20*time.Millisecond {
		t.Error("making the last run changed the first")
	}
	settings := []record.Setting{{Path: "network.links.l.delay", Value: "30ms"}, {Path: "seed", Value: "7"}}
	if diff := cmp.Diff(settings, last.Variation); diff != "" {
		t.Error(diff)
	}
	axes := []Axis{{"network.links.l.delay", []string{"20ms", "30ms"}}, {"seed", []string{"5", "6", "7"}}}
	if diff := cmp.Diff(axes, f.Axes); diff != "" {
		t.Error(diff)
	}
}

func TestNoMatrixIsOneRun(t *testing.T) {
	f := parse(t, callForTests)
	if diff := cmp.Diff([]string{"default"}, names(f)); diff != "" {
		t.Error(diff)
	}
}

func TestMatrixReachesEveryKindOfPlace(t *testing.T) {
	f := parse(t, callForTests+`
matrix:
  media.0.encoder.max: [2Mbps]
  congestion.parameters.some.gain: [0.5]
  network.links.l.forward.queue: [{length: 20packets}]
  topology.peers: [[R, S]]
`)
	s := f.Runs[0].Scenario
	if s.Media[0].Encoder.Max != 2*units.Mbps {
		t.Errorf("encoder.max is %v", s.Media[0].Encoder.Max)
	}
	if diff := cmp.Diff([]Parameter{{"some.gain", "0.5"}}, s.Congestion.Parameters); diff != "" {
		t.Error(diff)
	}
	if l := s.Network.Links[0]; l.Forward.Queue.Length.Packets != 20 || l.Backward.Queue.Length.Time != 300*time.Millisecond {
		t.Errorf("queues are %v and %v", l.Forward.Queue.Length, l.Backward.Queue.Length)
	}
	if !slices.Equal(s.Topology.Peers, []string{"R", "S"}) {
		t.Errorf("peers are %v", s.Topology.Peers)
	}
}

func TestRunNamesAreUniqueFolders(t *testing.T) {
	f := parse(t, callForTests+`
matrix:
  network.links.l.forward.rate: [1Mbps, 2Mbit/s]
  network.links.l.backward.rate: [100kbps]
  network.links.l.loss: [0%, 0.5%]
  endpoints.S.clock-offset: [-1s, 1s]
  title: ["a/b", "A:B", "../.."]
  media.0: [{from: S, kind: video}, {from: S, kind: audio, name: video}]
`)
	safe := regexp.MustCompile(`^[A-Za-z0-9._+=,-]+$`)
	seen := map[string]bool{}
	for _, name := range names(f) {
		if !safe.MatchString(name) || len(name) > maxRunName || seen[strings.ToLower(name)] {
			t.Errorf("name %q is unsafe, too long or taken", name)
		}
		seen[strings.ToLower(name)] = true
	}
	if got, want := f.Runs[0].Name, "forward.rate=1Mbps,backward.rate=100kbps,loss=0pct,clock-offset=-1s,title=1_of_3,media.0=from_S_kind_video"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRunNamesOfNothing(t *testing.T) {
	f := parse(t, callForTests+`
matrix:
  extensions: [[], [audio-level]]
`)
	if diff := cmp.Diff([]string{"extensions=none", "extensions=audio-level"}, names(f)); diff != "" {
		t.Error(diff)
	}
}

func TestOverridesWin(t *testing.T) {
	f := parse(t, varied, "seed=9")
	if diff := cmp.Diff([]string{"delay=20ms", "delay=30ms"}, names(f)); diff != "" {
		t.Error(diff)
	}
	if f.Runs[1].Scenario.Seed != 9 {
		t.Errorf("seed is %d", f.Runs[1].Scenario.Seed)
	}
	f = parse(t, varied, "network.links.l={between: [A, B], rate: 3Mbps}", "network.links.l.rate=4Mbps")
	if diff := cmp.Diff([]string{"seed=5", "seed=6", "seed=7"}, names(f)); diff != "" {
		t.Error(diff)
	}
	if r := *f.Runs[0].Scenario.Network.Links[0].Forward.Rate; r != 4*units.Mbps {
		t.Errorf("rate is %v, want the later override's", r)
	}
}

// What is varied from outside comes last in the matrix, or takes the place of an axis; what
// is set isn't varied.
func TestVary(t *testing.T) {
	vary := func(text string, opt Options) []string {
		t.Helper()
		f, err := Parse("test.yaml", []byte(text), opt)
		if err != nil {
			t.Fatal(err)
		}
		return names(f)
	}
	for _, c := range []struct {
		text string
		opt  Options
		want []string
	}{
		{callForTests, Options{Vary: []string{"seed=[1, 2]"}}, []string{"seed=1", "seed=2"}},
		{callForTests, Options{Vary: []string{"seed=[1, 2]", "seed={from: 3, count: 1}"}}, []string{"seed=3"}},
		{varied, Options{Vary: []string{"seed=[9]"}}, []string{"delay=20ms,seed=9", "delay=30ms,seed=9"}},
		{varied, Options{Vary: []string{"duration=[20s]"}, Set: []string{"seed=1"}}, []string{"delay=20ms,duration=20s", "delay=30ms,duration=20s"}},
		{varied, Options{Vary: []string{"seed=[1, 2]"}, Set: []string{"seed=1"}}, []string{"delay=20ms", "delay=30ms"}},
	} {
		if diff := cmp.Diff(c.want, vary(c.text, c.opt)); diff != "" {
			t.Errorf("%+v: %s", c.opt, diff)
		}
	}
	for given, want := range map[string]string{
		"seed":      `--vary seed: there are no values; write "seed=[value, value]"`,
		"seed=5":    `--vary seed=5: matrix.seed: the single value "5" stands where the values of an axis are expected; write a list, like [50ms, 100ms], or {from: 1, count: 10}`,
		"seeds=[5]": `--vary seeds=[5]: matrix.seeds: there is no field "seeds" in the scenario; did you mean "seed"?`,
		"seed=[a]":  `--vary seed=[a]: seed: "a" is not a whole number`,
		"seed=[1":   `--vary seed=[1: "[1" is not a value; write it as in the file, like 50ms or [A, B]`,
	} {
		_, err := Parse("test.yaml", []byte(callForTests), Options{Set: []string{"title=x"}, Vary: []string{given}})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", given, err, want)
		}
	}
}

func TestOverridesMendAFile(t *testing.T) {
	broken := strings.Replace(callForTests, "10s", "ten", 1)
	if _, err := Parse("test.yaml", []byte(broken), Options{}); err == nil {
		t.Fatal("the file isn't broken")
	}
	parse(t, broken, "duration=20s")
}

func TestTheLargestMatrixLoads(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long: go test without -short runs it")
	}
	f := parse(t, callForTests+"matrix:\n  seed: {from: 1, count: 10000}\n")
	if len(f.Runs) != maxRuns || f.Runs[maxRuns-1].Scenario.Seed != maxRuns {
		t.Errorf("got %d runs", len(f.Runs))
	}
}

// "all" are the controllers that can work with the feedback of every run, wherever that
// is said.
func TestAllControllers(t *testing.T) {
	const all = "\nmatrix:\n  congestion.controller: all\n"
	for _, c := range []struct {
		text string
		set  []string
		want []string
	}{
		{all, nil, []string{"fixed", "nada"}},
		{"congestion: {feedback: none}" + all, nil, []string{"fixed"}},
		{"congestion: {feedback: remb}" + all, nil, []string{"remb"}},
		{"congestion: {feedback: remb}" + all, []string{"congestion.feedback=twcc"}, []string{"fixed", "nada"}},
		{"congestion: {feedback: none}" + all, []string{"congestion={feedback: rfc8888, controller: nada}"}, nil},
		{"congestion: {interval: 50ms}" + all + "  congestion.feedback: [none, twcc]\n", nil, []string{"fixed"}},
		{all + "  congestion.feedback: [none, twcc]\n", []string{"congestion.feedback=remb"}, []string{"remb"}},
	} {
		f, err := Parse("test.yaml", []byte(callForTests+c.text), Options{Set: c.set, Catalogue: catalogue{}})
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		var got []string
		for _, a := range f.Axes {
			if a.Path == "congestion.controller" {
				got = a.Values
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s with %v: %s", c.text, c.set, diff)
		}
	}
}

// What is wanted how often depends on what it is.
func TestFeedbackIntervalByDefault(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": 100 * time.Millisecond, "congestion: {feedback: twcc}": 100 * time.Millisecond, "congestion: {feedback: remb}": time.Second,
		"congestion: {feedback: remb, interval: 200ms}": 200 * time.Millisecond, "congestion: {feedback: remb, interval: asap}": 0,
		"congestion: {feedback: ecn}": 0, "congestion: {feedback: ecn, interval: 50ms}": 50 * time.Millisecond,
	} {
		s := parse(t, callForTests+text).Runs[0].Scenario
		if got := s.Congestion.Interval; got != (FeedbackInterval{"time", want}) {
			t.Errorf("%q: %+v, want %v", text, got, want)
		}
	}
}

// ECN feedback is of use to senders that mark.
func TestCodePointByDefault(t *testing.T) {
	for text, want := range map[string]string{
		"": "off", "congestion: {feedback: ecn}": "ect0", "congestion: {feedback: ecn, ecn: off}": "off",
		"congestion: {feedback: ecn, ecn: ect1}": "ect1", "congestion: {ecn: ect1}": "ect1",
	} {
		if got := parse(t, callForTests+text).Runs[0].Scenario.Congestion.ECN; got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
