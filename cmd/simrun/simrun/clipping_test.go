package simrun

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
)

const clippingPage = "../../../docs/experiments/clipping.md"

// clippings are values of a scenario's two expectations over its runs, by all that distinguishes runs but the seed.
type clippings struct {
	names  []string
	values map[string][2][]float64
}

func clippingsOf(t *testing.T, path string) clippings {
	t.Helper()
	f, err := scenarios.Load(path, scenarios.Options{Catalogue: runner.Catalogue{}})
	if err != nil {
		t.Fatal(err)
	}
	c := clippings{values: map[string][2][]float64{}}
	for _, run := range f.Runs {
		r, err := runner.Run(t.Context(), run, runner.Options{})
		if err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(run.Name, ",seed=")
		list, known := c.values[name]
		if !known {
			c.names = append(c.names, name)
		}
		for i := range list {
			list[i] = append(list[i], r.Verdicts[i].Value)
		}
		c.values[name] = list
	}
	return c
}

// clippingTable has a line for each kind of run: what alice misses, and the desktop. Of several runs it has the median, the 95th
// percentile and the most.
func clippingTable(c clippings) string {
	var b strings.Builder
	quantiles := []float64{0.5, 0.95, 1}
	if len(c.values[c.names[0]][0]) == 1 {
		quantiles = quantiles[:1]
		b.WriteString("| | alice misses | the desktop misses |\n|---|---:|---:|\n")
	} else {
		b.WriteString("| | alice misses: median | 95 % | most | the desktop misses: median | 95 % | most |\n|---|---:|---:|---:|---:|---:|---:|\n")
	}
	for _, name := range c.names {
		fmt.Fprintf(&b, "| %s ", name)
		for _, list := range c.values[name] {
			slices.Sort(list)
			for _, q := range quantiles {
				fmt.Fprintf(&b, "| %.0f ", list[min(int(q*float64(len(list))), len(list)-1)])
			}
		}
		b.WriteString("|\n")
	}
	return b.String()
}

// The page has the figures of the scenarios that it is about.
func TestClippingPage(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	page, err := os.ReadFile(clippingPage)
	if err != nil {
		t.Fatal(err)
	}
	const begin = "## All figures\n"
	text, figures, _ := strings.Cut(string(page), begin)
	want := ""
	for _, name := range []string{"clipping", "clipping-loss", "clipping-homes"} {
		want += fmt.Sprintf("\n`simrun run scenarios/signalling/%s.yaml`, in ms:\n\n%s", name, clippingTable(clippingsOf(t, "../../../scenarios/signalling/"+name+".yaml")))
	}
	if *rewrite {
		if err := os.WriteFile(clippingPage, []byte(text+begin+want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := gocmp.Diff(strings.Split(figures, "\n"), strings.Split(want, "\n")); diff != "" {
		t.Errorf("docs/experiments/clipping.md (-) isn't what is measured (+):\n%s\nrun go test ./cmd/simrun/simrun -run TestClippingPage -rewrite", diff)
	}
}
