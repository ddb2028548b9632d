package plots

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

var nan = math.NaN()

func series(values ...float64) *record.Series {
	return &record.Series{Step: 500 * time.Millisecond, Values: values}
}

func TestPointsAreShort(t *testing.T) {
	got, err := json.Marshal(points{{0.1, 1.23456}, {1.0 / 3, nan}, {2, math.Inf(1)}, {3, -0.0001}, {4, 1e6}})
	if want := `[[0.1,1.235],[0.333,null],[2,null],[3,0],[4,1000000]]`; err != nil || string(got) != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

func TestAggregation(t *testing.T) {
	for _, c := range []struct {
		name string
		got  points
		want string
	}{
		{"means skip bins without a value", means(series(1, 3, nan, 5, nan, nan, 7), time.Second), "[[0.5 2] [1.5 5] [2.5 NaN] [3.25 7]]"},
		{"a width below the step keeps the bins", means(series(1, 3), 0), "[[0.25 1] [0.75 3]]"},
		{"sums", sums(series(1, 3, nan, 5, nan, nan), time.Second), "[[0.5 4] [1.5 5] [2.5 NaN]]"},
		{"percentages", percentages(series(1, 1, 0, 0, 3, 0), series(5, 5, 0, 0, 0, 0), time.Second), "[[0.5 20] [1.5 NaN] [2.5 100]]"},
		{"steps", steps(series(1, 1, 2, 2, nan, nan, 2)), "[[0 1] [1 2] [2 NaN] [3 2] [3.5 2]]"},
		{"nothing", append(append(means(nil, 0), steps(nil)...), percentages(nil, series(1), 0)...), "[]"},
	} {
		if got := fmt.Sprint([][2]float64(c.got)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestCumulativeEndsAtAll(t *testing.T) {
	d := record.NewDistribution("l", record.QueueDelays, time.Second)
	for i := range 10_000 {
		d.Add(simtime.At(time.Duration(i)*time.Millisecond), time.Duration(i)*10*time.Microsecond)
	}
	p := cumulative(d)
	if first, last := p[0], p[len(p)-1]; first[1] != 0 || last[1] != 100 || math.Abs(last[0]-100) > 1 {
		t.Errorf("the curve goes from %v to %v", first, last)
	}
	if len(p) > 402 {
		t.Errorf("%d points, more than can be seen", len(p))
	}
	for i := 1; i < len(p); i++ {
		if p[i][0] < p[i-1][0] || p[i][1] < p[i-1][1] {
			t.Fatalf("the curve falls at %v", p[i])
		}
		if math.Abs(p[i][1]-p[i][0]) > 1.5 { // uniform from 0 to 100 ms
			t.Fatalf("%v %% at %v ms", p[i][1], p[i][0])
		}
	}
}

func TestQuantity(t *testing.T) {
	for _, c := range []struct {
		value float64
		unit  string
		want  string
	}{
		{0.9134, "1", "91.34\u00a0%"},
		{1, "1", "100\u00a0%"},
		{1_012_345, "bit/s", "1.012\u00a0Mbit/s"},
		{999, "bit/s", "999\u00a0bit/s"},
		{2.5e9, "bit/s", "2.5\u00a0Gbit/s"},
		{41.7749, "ms", "41.77\u00a0ms"},
		{0.012345, "ms", "0.01235\u00a0ms"},
		{12893, "count", "12\u202f893"},
		{1234567.8, "bytes", "1\u202f234\u202f568\u00a0bytes"},
		{-1500, "ms", "−1500\u00a0ms"},
		{0, "ms", "0\u00a0ms"},
		{math.Copysign(0, -1), "ms", "0\u00a0ms"},
		{nan, "ms", noValue},
		{math.Inf(1), "1", noValue},
	} {
		if got := quantity(c.value, c.unit); got != c.want {
			t.Errorf("quantity(%v, %q) = %q, want %q", c.value, c.unit, got, c.want)
		}
	}
}

func TestShortPath(t *testing.T) {
	all := []string{"congestion.controller", "network.links.a.delay", "network.links.b.delay", "delay"}
	for path, want := range map[string]string{
		"congestion.controller": "controller", "network.links.a.delay": "a.delay", "delay": "delay",
	} {
		if got := shortPath(path, all); got != want {
			t.Errorf("shortPath(%s) = %s, want %s", path, got, want)
		}
	}
}

func BenchmarkPage(b *testing.B) {
	r := synthetic(1)
	for b.Loop() {
		if err := Page(discard{}, r); err != nil {
			b.Fatal(err)
		}
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// A spike and a gap of one point each are seen however long the line is.
func TestThinnedKeepsExtremesAndGaps(t *testing.T) {
	const n = 123_457
	p := make(points, n)
	for i := range p {
		p[i] = [2]float64{float64(i), 10 + math.Sin(float64(i)/7)}
	}
	p[40_001][1], p[80_003][1], p[100_000][1] = 99, -99, math.NaN()
	thin := p.thinned(pointsShown)
	if len(thin) > pointsShown {
		t.Errorf("%d points, want at most %d", len(thin), pointsShown)
	}
	for _, want := range []float64{0, 40_001, 80_003, 100_000, n - 1} {
		if !slices.ContainsFunc(thin, func(xy [2]float64) bool { return xy[0] == want }) {
			t.Errorf("the point at %v is gone", want)
		}
	}
	if !slices.IsSortedFunc(thin, func(a, b [2]float64) int { return cmp.Compare(a[0], b[0]) }) {
		t.Error("the points are out of order")
	}
	if got := p[:100].thinned(pointsShown); len(got) != 100 {
		t.Errorf("%d of 100 points, want all", len(got))
	}
}

// What is left of a run after its last whole second is no second.
func TestLastSecondIsWhole(t *testing.T) {
	s := &record.Series{Step: bin, Values: []float64{1, 1, 1, 1, 1, 1, 1}}
	if p := perSecond(s); len(p) != 2 || p[0][1] != 5 || p[1][1] != 5 {
		t.Errorf("seven bins with one each are %v per second, want 5 and 5", p)
	}
}
