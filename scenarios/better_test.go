package scenarios

import (
	"slices"
	"strings"
	"testing"
)

// Whoever adds a metric says what is better of it.
func TestEveryMetricIsInOneListOfWhatIsBetter(t *testing.T) {
	lists := [][]string{lowerIsBetter, higherIsBetter, neitherIsBetter}
	var used []string
	for _, m := range metricNames() {
		found := 0
		for _, l := range lists {
			for _, n := range l {
				start, star := strings.CutSuffix(n, "*")
				if n == m || star && strings.HasPrefix(m, start) {
					used = append(used, n)
					found++
				}
			}
		}
		if found != 1 {
			t.Errorf("%s is in %d lists of better.go", m, found)
		}
	}
	for _, n := range slices.Concat(lists...) {
		if !slices.Contains(used, n) {
			t.Errorf("%s in better.go is no metric", n)
		}
	}
}

func TestWhatAnExpectationFindsBetter(t *testing.T) {
	bound := "1"
	for _, c := range []struct {
		expect Expect
		want   Better
	}{
		{Expect{Metric: "loss", Max: &bound}, Lower},
		{Expect{Metric: "goodput", Min: &bound}, Higher},
		{Expect{Metric: "goodput"}, Higher},
		{Expect{Metric: "loss", Min: &bound, Max: &bound}, Lower},
		{Expect{Metric: "loss", Min: &bound}, Neither},         // it shows that there is loss
		{Expect{Metric: "receive-rate", Max: &bound}, Neither}, // it keeps somebody down
		{Expect{Metric: "send-rate", Max: &bound}, Lower},
		{Expect{Metric: "breaker-trips", Min: &bound}, Higher},
		{Expect{Metric: "breaker-trips", Equal: &bound}, Neither},
		{Expect{Metric: "send-rate", Min: &bound, Max: &bound}, Neither},
	} {
		if got := c.expect.better(); got != c.want {
			t.Errorf("%s: %s is better, want %s", &c.expect, got, c.want)
		}
	}
}
