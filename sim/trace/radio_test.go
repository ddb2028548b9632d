package trace

import (
	"fmt"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"rtpfabric/sim/rng"
	"rtpfabric/sim/units"
)

func stream() *rng.Stream { return rng.New(1).Stream("trace") }

// long is how much the statistical tests draw: with the 5 s of coherence of LTE
// more than a thousand independent samples of the slow variation.
const long = 20_000 * time.Second

func TestWalk(t *testing.T) {
	w := Walk{
		Mean: 3 * units.Mbps, Min: 100 * units.Kbps, Max: 60 * units.Mbps,
		Variation: Variation{CV: 0.5, Coherence: 2 * time.Second},
	}
	tr, err := w.Generate(long, stream())
	if err != nil {
		t.Fatal(err)
	}
	s, err := tr.Measure(100 * time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	// 20 000 s hold 20 000/(2·2) = 5000 independent samples: the mean's standard
	// error is 0.5/√5000 = 0.7 %, and three of them are 2.1 %. The CV's is about
	// twice that relative to it, for the tail of the log-normal.
	if d := math.Abs(float64(s.Mean)/3e6 - 1); d > 0.021 {
		t.Errorf("mean %v, want 3 Mbit/s ± 2.1 %%", s.Mean)
	}
	if math.Abs(s.CV-0.5) > 0.03 {
		t.Errorf("CV %.3f, want 0.5 ± 0.03", s.CV)
	}
	// The rate's autocorrelation is (exp(σ²ρ)−1)/(exp(σ²)−1) with that of its
	// logarithm, ρ, and falls a little faster: to 1/e at 1.9 s.
	if s.Coherence < 1700*time.Millisecond || s.Coherence > 2100*time.Millisecond {
		t.Errorf("coherence %v, want 1.9 s ± 0.2 s", s.Coherence)
	}
	// One step to the next: σ·√(2(1−ρ)) in the logarithm, with σ² = ln 1.25.
	var square float64
	for i := 1; i < len(tr.Steps); i++ {
		d := math.Log(float64(*tr.Steps[i].Rate) / float64(*tr.Steps[i-1].Rate))
		square += d * d
	}
	got := math.Sqrt(square / float64(len(tr.Steps)-1))
	want := math.Sqrt(math.Log(1.25) * 2 * (1 - math.Exp(-0.05)))
	// A standard deviation of 200 000 samples is right within 0.5 % (3σ).
	if math.Abs(got/want-1) > 0.006 {
		t.Errorf("step of %.5f in the logarithm, want %.5f", got, want)
	}
}

func TestBounds(t *testing.T) {
	w := Walk{
		Mean: units.Mbps, Min: 500 * units.Kbps, Max: 1500 * units.Kbps,
		Variation: Variation{CV: 1, Coherence: time.Second},
	}
	tr, err := w.Generate(1000*time.Second, stream())
	if err != nil {
		t.Fatal(err)
	}
	s, err := tr.Measure(100 * time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if s.Min != w.Min || s.Max != w.Max {
		t.Errorf("between %v and %v, want the bounds to be reached and kept", s.Min, s.Max)
	}
}

// The presets have the mean and the variation that their parameters promise.
func TestPresets(t *testing.T) {
	for _, c := range []struct {
		name string
		// tolerances: three standard errors of 20 000 s, from the number of
		// independent samples of the slowest part, and what the bounds cut
		mean, cv               float64
		coherenceMin, Max      time.Duration
		gapShareMin, gapShare2 float64
	}{
		// Gaps: 0.5 s every 10.5 s, 4.8 %; of the 1900 gaps, three standard
		// errors are 8 %.
		{"lte", 0.05, 0.08, 1 * time.Second, 4 * time.Second, 0.043, 0.052},
		// Gaps: 0.3 s every 60.3 s, 0.5 %; 330 gaps.
		{"5g", 0.05, 0.05, 1 * time.Second, 4 * time.Second, 0.0038, 0.0062},
		// Gaps: 0.2 s every 30.2 s, 0.66 %; 660 gaps.
		{"wifi", 0.06, 0.05, 500 * time.Millisecond, 4 * time.Second, 0.0055, 0.0078},
		// Gaps: at every 150th step the middle, 50 ms in, lies in three of four
		// gaps, and the next one's 150 ms in, in one of four: 0.67 %.
		{"leo", 0.06, 0.05, 3 * time.Second, 12 * time.Second, 0.006, 0.0074},
		{"geo", 0.06, 0.05, 15 * time.Second, 60 * time.Second, 0, 0},
	} {
		g, err := Preset(c.name)
		if err != nil {
			t.Fatal(err)
		}
		tr, err := g.Generate(long, stream())
		if err != nil {
			t.Fatal(err)
		}
		if err := tr.Check(); err != nil {
			t.Error(err)
		}
		s, err := tr.Measure(g.Interval)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %+v, CV %.3f promised", c.name, s, g.CV())
		if d := math.Abs(float64(s.Mean)/float64(g.Mean) - 1); d > c.mean {
			t.Errorf("%s: mean %v, want %v ± %v", c.name, s.Mean, g.Mean, c.mean)
		}
		if math.Abs(s.CV-g.CV()) > c.cv {
			t.Errorf("%s: CV %.3f, want %.3f ± %v", c.name, s.CV, g.CV(), c.cv)
		}
		if s.Coherence < c.coherenceMin || s.Coherence > c.Max {
			t.Errorf("%s: coherence %v, want %v to %v", c.name, s.Coherence, c.coherenceMin, c.Max)
		}
		if s.ZeroShare < c.gapShareMin || s.ZeroShare > c.gapShare2 {
			t.Errorf("%s: %.4f of the time without capacity, want %v to %v", c.name, s.ZeroShare, c.gapShareMin, c.gapShare2)
		}
		if s.Max > g.Max || s.Min < g.Min && s.Min != 0 {
			t.Errorf("%s: %v to %v is out of bounds", c.name, s.Min, s.Max)
		}
	}
}

// A terminal in low orbit gets another delay and level every 15 s at 12, 27, 42
// and 57 s, and loses more right after.
func TestHandovers(t *testing.T) {
	g := LEO()
	g.Slow, g.Fast = Variation{}, Variation{}
	tr, err := g.Generate(10*time.Minute, stream())
	if err != nil {
		t.Fatal(err)
	}
	changes := 0
	var before Step
	for i, s := range tr.Steps {
		phase := (s.At + 3*time.Second) % (15 * time.Second)
		after := s.At >= 12*time.Second && phase < 15*time.Second
		if want := 0.001; after && phase < 500*time.Millisecond {
			want = 0.03
			if *s.Loss != want {
				t.Errorf("at %v: loss %v, want %v", s.At, *s.Loss, want)
			}
		} else if *s.Loss != want {
			t.Errorf("at %v: loss %v, want %v", s.At, *s.Loss, want)
		}
		if *s.Delay < 10*time.Millisecond || *s.Delay > 22*time.Millisecond {
			t.Errorf("at %v: delay %v, want 10 to 22 ms", s.At, *s.Delay)
		}
		if i > 0 && *s.Delay != *before.Delay {
			changes++
			if phase != 0 {
				t.Errorf("at %v: the delay changes", s.At)
			}
		}
		if i > 0 && *s.Rate != *before.Rate && phase > 200*time.Millisecond {
			t.Errorf("at %v: the level changes", s.At)
		}
		before = s
	}
	if changes != 40 {
		t.Errorf("%d handovers in 10 minutes, want 40", changes)
	}
}

func TestSpells(t *testing.T) {
	s := Spells{Every: time.Second, Min: 100 * time.Millisecond, Max: 300 * time.Millisecond}
	p := s.start(stream())
	in, n := 0, 10_000_000
	for i := range n {
		if p.in(time.Duration(i) * time.Millisecond) {
			in++
		}
	}
	// 10 000 s hold 8300 spells; the share's relative standard error is about
	// 1/√8300 = 1.1 %.
	if got, want := float64(in)/float64(n), 0.2/1.2; math.Abs(got/want-1) > 0.034 || s.share() != want {
		t.Errorf("share %.4f, promised %.4f, want %.4f", got, s.share(), want)
	}
}

func TestGeneratorsAreDeterministic(t *testing.T) {
	for _, name := range PresetNames() {
		g, _ := Preset(name)
		a, _ := g.Generate(time.Minute, rng.New(5).Stream("a"))
		b, _ := g.Generate(time.Minute, rng.New(5).Stream("a"))
		c, _ := g.Generate(time.Minute, rng.New(6).Stream("a"))
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s: two traces from one stream differ", name)
		}
		if reflect.DeepEqual(a, c) {
			t.Errorf("%s: another seed gives the same trace", name)
		}
	}
}

func TestRadioRefuses(t *testing.T) {
	for name, change := range map[string]func(*Radio){
		"interval":       func(g *Radio) { g.Interval = 1 },
		"mean":           func(g *Radio) { g.Mean = 0 },
		"min, max":       func(g *Radio) { g.Min = g.Mean + 1 },
		"blocked":        func(g *Radio) { g.Blocked = 2 },
		"delay, jitter":  func(g *Radio) { g.Delay = -1 },
		"loss":           func(g *Radio) { g.Loss = math.NaN() },
		"gaps: they":     func(g *Radio) { g.Gaps = Spells{Every: 1, Min: 1, Max: 100} },
		"slow: cv":       func(g *Radio) { g.Slow.CV = -1 },
		"fast: coherenc": func(g *Radio) { g.Fast = Variation{CV: 1} },
		"blockages":      func(g *Radio) { g.Blockages.Max = 0 },
		"handover":       func(g *Radio) { g.Handover.Period = -1 },
	} {
		g := FiveG()
		change(&g)
		if _, err := g.Generate(time.Minute, stream()); err == nil || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("want an error about %s, got %v", name, err)
		}
	}
	for _, length := range []time.Duration{0, -1, MaxLength + 1, MaxLength} {
		if _, err := LTE().Generate(length, stream()); err == nil {
			t.Errorf("a length of %v was taken", length)
		}
	}
	if _, err := Preset("6g"); err == nil {
		t.Error("6g is not a preset")
	}
}

// The table in docs/traces.md is what the generators make.
func TestDocumentedStatistics(t *testing.T) {
	doc, err := os.ReadFile("../../docs/traces.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range PresetNames() {
		g, _ := Preset(name)
		tr, err := g.Generate(time.Hour, rng.New(1).Stream("docs/"+name))
		if err != nil {
			t.Fatal(err)
		}
		s, err := tr.Measure(g.Interval)
		if err != nil {
			t.Fatal(err)
		}
		mbps := func(r units.BitRate) string { return fmt.Sprintf("%.1f", float64(r)/1e6) }
		row := fmt.Sprintf("| `%s` | %s | %.2f | %s | %s | %s | %.1f s | %.1f | %.1f s |", name, mbps(s.Mean), s.CV,
			mbps(s.P5), mbps(s.P95), mbps(s.Max), s.Coherence.Seconds(), float64(s.Gaps)/60, s.LongestGap.Seconds())
		if !strings.Contains(string(doc), row+"\n") {
			t.Errorf("docs/traces.md lacks the row\n%s", row)
		}
	}
}
