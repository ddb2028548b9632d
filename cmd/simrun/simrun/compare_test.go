package simrun

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/compare"
	"rtpfabric/sim/record"
)

// stored writes a record without data into a folder of results.
func stored(t *testing.T, folder, scenario, run, digest string, seed uint64, variation ...record.Setting) {
	t.Helper()
	r := &record.Record{
		Manifest: record.Manifest{
			Scenario: scenario, Run: run, Seed: seed, Digest: digest, Status: record.Complete, Variation: variation,
			Resolved: "seed: " + fmt.Sprint(seed),
		},
		Summary: []record.Metric{{Entity: "S1/video", Metric: "goodput", Stat: "mean", Value: float64(len(digest)), Unit: "bit/s"}},
	}
	if err := record.Write(filepath.Join(folder, nameOf(scenario, 2), run), r); err != nil {
		t.Fatal(err)
	}
}

// titles names the groups of a comparison with how many pairs each has.
func (c *comparison) titles() string {
	var list []string
	for _, g := range c.groups {
		list = append(list, fmt.Sprintf("%s: %d", g.title(), len(g.pairs)))
	}
	return strings.Join(list, "; ")
}

func TestPairing(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	rate := record.Setting{Path: "network.links.l.forward.rate", Value: "1Mbps"}
	delay := func(v string) record.Setting { return record.Setting{Path: "network.links.l.delay", Value: v} }
	seed := func(v string) record.Setting { return record.Setting{Path: "seed", Value: v} }
	// Another copy of the source, another order of axes, and of the numbers 9 and 10.
	for i, n := range []string{"10", "9"} {
		stored(t, a, "scenarios/x/5.1.yaml", "delay=5ms,seed="+n, "d", uint64(10-i), delay("5ms"), rate, seed(n))
		stored(t, b, "/src/scenarios/x/5.1.yaml", "seed="+n+",delay=5ms", "d", uint64(10-i), seed(n), rate, delay("5ms"))
	}
	stored(t, a, "scenarios/x/5.1.yaml", "delay=7ms,seed=1", "d", 1, delay("7ms"), seed("1"))
	stored(t, b, "/src/scenarios/x/5.1.yaml", "seed=1,delay=7ms", "e", 1, seed("1"), delay("7ms"))
	// Of the same name as another one, but only in A.
	stored(t, a, "scenarios/y/5.1.yaml", "delay=5ms,seed=9", "d", 9, delay("5ms"), seed("9"))
	// A seed that was set has no name.
	stored(t, a, "scenarios/z.yaml", "default", "d", 3)
	stored(t, b, "/src/scenarios/z.yaml", "seed=3", "d", 3, seed("3"))
	c, err := pairUp(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.titles(), "x-5.1, delay=5ms: 2; x-5.1, delay=7ms: 1; z: 1"; got != want {
		t.Errorf("groups are %q, want %q", got, want)
	}
	if len(c.onlyA) != 1 || !strings.Contains(c.onlyA[0], "y-5.1") || len(c.onlyB) != 0 {
		t.Errorf("alone are %q and %q", c.onlyA, c.onlyB)
	}
	if c.groups[0].pairs[0].b.Manifest.Seed != 9 || !c.groups[0].identical() || c.groups[1].identical() || c.identical() {
		t.Errorf("pairs are wrong: %+v", c.groups[0])
	}
}

// The same packets may be played in another way.
func TestRunsWithTheSameDigestMayDiffer(t *testing.T) {
	of := func(digest string, values ...float64) *record.Record {
		r := &record.Record{Manifest: record.Manifest{Digest: digest}}
		for i, v := range values {
			r.Summary = append(r.Summary, record.Metric{Entity: "S1/video", Metric: "frame-delay", Stat: fmt.Sprint(i), Value: v})
		}
		return r
	}
	for _, c := range []struct {
		a, b *record.Record
		want bool
	}{
		{of("d", 1, math.NaN()), of("d", 1, math.NaN()), true},
		{of("d", 1), of("e", 1), false},
		{of("d", 1, 2), of("d", 1, 3), false},
		{of("d", 1), of("d", math.NaN()), false},
		{of("d", 1), of("d", 1, 7), true}, // a metric that there wasn't
	} {
		if got := sameRun(c.a, c.b); got != c.want {
			t.Errorf("%+v and %+v: the same is %v", c.a.Summary, c.b.Summary, got)
		}
	}
}

// Baselines control nothing: that they have changed is said, and no reason to fail.
func TestBaselinesArentMeasured(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	fixed := record.Setting{Path: "congestion.controller", Value: "fixed"}
	stored(t, a, "x.yaml", "controller=fixed", "d", 1, fixed)
	stored(t, b, "x.yaml", "controller=fixed", "e", 1, fixed)
	c, err := pairUp(a, b)
	if err != nil {
		t.Fatal(err)
	}
	c.measure(&compareOptions{share: 0.05})
	var out strings.Builder
	c.print(&screen{Writer: &out}, &compareOptions{})
	if !strings.Contains(out.String(), "a baseline, which controls nothing") || c.groups[0].problem != "" || len(c.groups[0].figures) > 0 || c.count(compare.Regression) > 0 {
		t.Error(out.String())
	}
}

func TestSettingsThatArentTheSame(t *testing.T) {
	run := func(resolved string) *storedRun {
		return &storedRun{"", &record.Record{Manifest: record.Manifest{Resolved: resolved}}}
	}
	got := settingChanges(
		run("title: x\nlinks:\n  l: {delay: 5ms, rate: 1Mbps}\nmedia: [{from: A}, {from: B, kind: video}]\nexpect: [{max: 1}]"),
		run("title: y\nlinks:\n  l: {rate: 2Mbps, delay: 5ms}\nmedia: [{from: A}, {from: B, kind: audio}, {from: C}]\nexpect: [{max: 2}]"),
	)
	want := []settingChange{
		{"links.l.rate", "1Mbps", "2Mbps"}, {"media.1.kind", "video", "audio"}, {"media.2.from", "", "C"},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("changed are %v, want %v", got, want)
	}
}

// A figure that one side has no data for is said to be so, and tested where both have.
func TestFiguresOfOneSide(t *testing.T) {
	file, err := scenarios.Load("../../../scenarios/quickstart.yaml", scenarios.Options{})
	if err != nil {
		t.Fatal(err)
	}
	figures := scenarios.Figures(file.Runs[0].Scenario, &record.Record{})
	none := math.NaN()
	g := &pairGroup{scenario: "x"}
	g.add(figures[0], 0, [][2][]float64{{{1}, {2}}, {{3}, {none}}, {{none}, {none}}, {{5}, {6}}})
	g.add(figures[1], 0, [][2][]float64{{{none}, {none}}})
	g.add(figures[2], 0, [][2][]float64{{{1}, {none}}})
	if len(g.figures) != 1 || !slices.Equal(g.figures[0].sample.A, []float64{1, 5}) || !slices.Equal(g.figures[0].sample.B, []float64{2, 6}) {
		t.Errorf("compared are %+v", g.figures)
	}
	want := []string{figures[0].String() + ": no data in 1 of A and 2 of B", figures[2].String() + ": no data in 0 of A and 1 of B"}
	if !slices.Equal(g.missing, want) {
		t.Errorf("missing are %q, want %q", g.missing, want)
	}
}

func TestWhatIsOpen(t *testing.T) {
	with := func(v compare.Verdict) *comparison {
		return &comparison{groups: []*pairGroup{{figures: []*comparedFigure{{decision: compare.Decision{Verdict: v}}}}}}
	}
	for _, c := range []struct {
		comparison *comparison
		want       bool
	}{
		{with(compare.TooFew), true},
		{with(compare.Unclear), false},
		{with(compare.Regression), false},
		{&comparison{onlyA: []string{"x"}}, true},
		{&comparison{onlyB: []string{"x"}}, true},
		{&comparison{leftOut: []leftOut{{"x", "y"}}}, true},
	} {
		if got := c.comparison.open(); got != c.want {
			t.Errorf("%+v: %v", c.comparison, got)
		}
	}
}
