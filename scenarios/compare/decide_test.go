package compare

import (
	"fmt"
	"math"
	"testing"

	"rtpfabric/scenarios"
	"rtpfabric/sim/rng"
)

// pairs makes a sample of 100 to begin with and of what differences are added, of which lower is better.
func pairs(differences ...float64) Sample {
	s := Sample{Better: scenarios.Lower, Least: 1}
	for _, d := range differences {
		s.A, s.B = append(s.A, 100), append(s.B, 100+d)
	}
	return s
}

var (
	worse  = []float64{10, 11, 12, 13, 14, 15, 16, 17}
	better = []float64{-10, -11, -12, -13, -14, -15, -16, -17}
)

func TestVerdicts(t *testing.T) {
	higher := pairs(worse...)
	higher.Better = scenarios.Higher
	neither := pairs(worse...)
	neither.Better = scenarios.Neither
	unnoticed := pairs(worse...)
	unnoticed.Least = 20
	fromNothing := Sample{Better: scenarios.Lower, Least: 1, A: make([]float64, 8), B: worse}
	negative := Sample{Better: scenarios.Lower, Least: 1}
	for range 8 {
		negative.A, negative.B = append(negative.A, -100), append(negative.B, -105.1)
	}
	for _, c := range []struct {
		what   string
		sample Sample
		want   Verdict
	}{
		{"all are worse", pairs(worse...), Regression},
		{"all are better", pairs(better...), Improvement},
		{"all are higher, which is better", higher, Improvement},
		{"all are higher, which is neither", neither, Changed},
		{"there was nothing before, and a share of that isn't anything", fromNothing, Regression},
		{"all are worse, by less than 5 %", pairs(1, 2, 3, 4, 4, 3, 2, 1), Same},
		{"all are worse, by what nobody notices", unnoticed, Same},
		{"one is far worse", pairs(-0.1, -0.1, -0.1, -0.1, -0.1, -0.1, -0.1, 99), Unclear},
		{"one is far worse, and all others are better", pairs(-1, -2, -3, -4, -5, -6, -7, -8, -9, -10, -11, -12, -13, -14, -15, -16, -17, -18, -19, 900), Unclear},
		{"half are worse", pairs(30, -10, 30, -10, 30, -10, 30, -10), Unclear},
		{"nothing has changed", pairs(0, 0, 0, 0, 0, 0, 0, 0), Same},
		{"all are worse by little more than 5 %", pairs(5.1, 5.1, 5.1, 5.1, 5.1, 5.1, 5.1, 5.1), Regression},
		{"all are lower by little more than 5 %, and negative", negative, Improvement},
		{"all of five are worse", pairs(worse[:5]...), TooFew},
		{"one is worse", pairs(50), TooFew},
		{"all of six are worse", pairs(worse[:6]...), Regression},
		{"only two differ", pairs(0, 0, 0, 0, 0, 0, 60, 60), Unclear},
	} {
		got := Decide([]Sample{c.sample}, 0.05, nil).Of[0]
		if got.Verdict != c.want {
			t.Errorf("%s: %s, want %s (%+v)", c.what, got.Verdict, c.want, got)
		}
	}
}

// With the eight seeds of a regression six tests are still fine, as 2^-7·6 is below 5 %, and seven are too many.
func TestMoreTestsNeedMoreSeeds(t *testing.T) {
	for _, c := range []struct {
		tests, counted, seeds int
		want                  Verdict
	}{
		{1, 1, 6, Regression}, {6, 6, 8, Regression}, {7, 0, 9, TooFew},
	} {
		var samples []Sample
		for range c.tests {
			samples = append(samples, pairs(worse...))
		}
		// What can't change by enough doesn't count.
		for range 20 {
			samples = append(samples, pairs(1, 2, 3, 4, 4, 3, 2, 1), pairs(make([]float64, 8)...))
		}
		got := Decide(samples, 0.05, nil)
		if got.Tests != c.counted || got.Seeds != c.seeds || got.Of[0].Verdict != c.want {
			t.Errorf("%d tests: %s, %d counted, %d seeds needed; want %+v", c.tests, got.Of[0].Verdict, got.Tests, got.Seeds, c)
		}
		if want := float64(c.counted) / 128; c.counted > 0 && got.Of[0].Corrected != want {
			t.Errorf("%d tests: corrected to %v, want %v", c.tests, got.Of[0].Corrected, want)
		}
		if last := got.Of[len(samples)-1]; last.Verdict != Same || !math.IsNaN(last.Corrected) {
			t.Errorf("what hasn't changed: %+v", last)
		}
	}
}

func TestDescription(t *testing.T) {
	d := Decide([]Sample{{Name: "x", A: []float64{10, 20, 30, 10, 20, 30}, B: []float64{11, 23, 35, 11, 23, 35}}}, 0.05, rng.New(0)).Of[0]
	if d.MeanA != 20 || d.MeanB != 23 || d.Change != 3 || math.Abs(d.Relative-0.15) > 1e-12 {
		t.Errorf("%+v", d)
	}
	if !(1 <= d.Low && d.Low < 3 && 3 < d.High && d.High <= 5) {
		t.Errorf("the change is 3, between %v and %v", d.Low, d.High)
	}
	if d = Decide([]Sample{{A: []float64{0, 0}, B: []float64{1, 1}}}, 0.05, nil).Of[0]; !math.IsNaN(d.Relative) || !math.IsNaN(d.Low) {
		t.Errorf("%+v", d)
	}
}

// Two folders of runs that differ by chance alone: of 200 comparisons at most 5 % may find a regression, and at most as many a
// change of either kind that the effect isn't asked of, as Holm promises. Figures of a comparison depend on each other, some are skewed, some
// are mostly zero, some are counts.
func TestFalseAlarms(t *testing.T) {
	const comparisons, figures, seeds = 200, 24, 12
	r := rng.New(1).Stream("false alarms")
	for _, effect := range []float64{0, 0.05} {
		alarms, changes, uncorrected := 0, 0, 0
		for range comparisons {
			samples := make([]Sample, figures)
			for seed := range seeds {
				a, b := run(r), run(r)
				for i := range samples {
					s := &samples[i]
					s.Better = scenarios.Lower
					s.A, s.B = append(s.A, a[i%len(a)]+r.Normal()/10), append(s.B, b[i%len(b)]+r.Normal()/10)
					if i%6 == 5 {
						s.A[seed], s.B[seed] = math.Floor(s.A[seed]), math.Floor(s.B[seed])
					}
				}
			}
			var worse, changed, raw bool
			for _, d := range Decide(samples, effect, nil).Of {
				worse = worse || d.Verdict == Regression
				changed = changed || d.Verdict == Regression || d.Verdict == Improvement
				raw = raw || d.Test.P < Level && d.Change > 0
			}
			alarms, changes, uncorrected = alarms+count(worse), changes+count(changed), uncorrected+count(raw)
		}
		t.Logf("effect %v: %d alarms, %d changes; without correction %d alarms", effect, alarms, changes, uncorrected)
		const limit = comparisons * 5 / 100
		if alarms > limit || changes > limit {
			t.Errorf("effect %v: in %d of %d comparisons of equals something is worse, in %d it has changed; want at most %d", effect, alarms, comparisons, changes, limit)
		}
		if uncorrected < 2*limit {
			t.Errorf("without correction only %d of %d would be alarms: this test shows nothing", uncorrected, comparisons)
		}
	}
}

// run makes figures of a run, of which some depend on each other.
func run(r *rng.Stream) [6]float64 {
	common := r.Normal()
	freeze := 0.0
	if r.Bool(0.3) {
		freeze = r.Exponential(5)
	}
	return [6]float64{20 + common, 20 - common + r.Normal(), 10 + r.Exponential(3), freeze, 20 + 3*r.Laplace(1), 2 + r.Exponential(2)}
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// What is worse in one figure is found there, and nowhere else.
func TestARegressionIsFound(t *testing.T) {
	r := rng.New(1).Stream("power")
	found, elsewhere := 0, 0
	const comparisons = 50
	for range comparisons {
		samples := make([]Sample, 24)
		for range 12 {
			a, b := run(r), run(r)
			for i := range samples {
				samples[i].Better = scenarios.Lower
				samples[i].A, samples[i].B = append(samples[i].A, a[i%6]+r.Normal()), append(samples[i].B, b[i%6]+r.Normal())
			}
			samples[0].B[len(samples[0].B)-1] += 6
		}
		for i, d := range Decide(samples, 0.05, nil).Of {
			switch {
			case d.Verdict != Regression:
			case i == 0:
				found++
			default:
				elsewhere++
			}
		}
	}
	if found < comparisons*9/10 || elsewhere > comparisons/20+1 {
		t.Errorf("a figure that is worse is found %d times of %d, others %d times", found, comparisons, elsewhere)
	}
}

// Whoever adds a figure leaves the intervals of the others as they were.
func TestIntervalsDontDependOnOtherFigures(t *testing.T) {
	a, b := pairs(worse...), pairs(1, -20, 30, -5, 60, 3, 2, 1)
	a.Name, b.Name = "a", "b"
	alone := Decide([]Sample{b}, 0.05, rng.New(0)).Of[0]
	beside := Decide([]Sample{a, b}, 0.05, rng.New(0)).Of[1]
	if alone.Low != beside.Low || alone.High != beside.High {
		t.Error(fmt.Sprint(alone.Low, alone.High, " becomes ", beside.Low, beside.High))
	}
}
