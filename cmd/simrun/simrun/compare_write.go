package simrun

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/compare"
)

// jsonNumber is a number with ten digits, beyond which machines may disagree. NaN is null.
type jsonNumber float64

func (n jsonNumber) MarshalJSON() ([]byte, error) {
	x, err := strconv.ParseFloat(strconv.FormatFloat(float64(n), 'g', 10, 64), 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(x)
}

// jsonComparison is the output of compare --json.
type jsonComparison struct {
	A       string     `json:"a"`
	B       string     `json:"b"`
	Verdict string     `json:"verdict"` // identical, regression, too few seeds or no regression
	Effect  jsonNumber `json:"effect"`
	// Tests is how many tests p is corrected for, and SeedsNeeded how many seeds it takes that
	// one figure's change can be told from chance.
	Tests       int         `json:"tests"`
	SeedsNeeded int         `json:"seeds_needed"`
	Groups      []jsonGroup `json:"groups"`
	OnlyA       []string    `json:"only_a"`
	OnlyB       []string    `json:"only_b"`
	LeftOut     []leftOut   `json:"left_out"`
}

// jsonGroup is runs that differ in the seed alone.
type jsonGroup struct {
	Scenario  string          `json:"scenario"`
	Run       string          `json:"run"`
	Baseline  bool            `json:"baseline,omitempty"`
	Identical bool            `json:"identical"`
	Pairs     []jsonPair      `json:"pairs"`
	Settings  []settingChange `json:"settings,omitempty"`
	Missing   []string        `json:"missing,omitempty"`
	Problem   string          `json:"problem,omitempty"`
	Figures   []jsonFigure    `json:"figures"`
}

type jsonPair struct {
	Seed      uint64 `json:"seed"`
	Identical bool   `json:"identical"`
	A         string `json:"a"`
	B         string `json:"b"`
}

// jsonFigure is a figure; numbers that there aren't are null.
type jsonFigure struct {
	Figure   string           `json:"figure"`
	Metric   string           `json:"metric"`
	Unit     string           `json:"unit"`
	Expected bool             `json:"expected"` // by the scenario
	Better   scenarios.Better `json:"better"`
	Verdict  compare.Verdict  `json:"verdict"`
	MeanA    jsonNumber       `json:"mean_a"`
	MeanB    jsonNumber       `json:"mean_b"`
	Change   jsonNumber       `json:"change"`
	Relative jsonNumber       `json:"relative_change"`
	Low      jsonNumber       `json:"low"` // of the change's 95 % confidence interval
	High     jsonNumber       `json:"high"`
	Seeds    int              `json:"seeds"`
	Differ   int              `json:"seeds_that_differ"`
	Effect   jsonNumber       `json:"rank_biserial"`
	P        jsonNumber       `json:"p"`
	// Corrected is null for a test that doesn't count.
	Corrected jsonNumber   `json:"p_corrected"`
	A         []jsonNumber `json:"values_a"`
	B         []jsonNumber `json:"values_b"`
}

// json returns all of a comparison for programs.
func (c *comparison) json(o *compareOptions) jsonComparison {
	j := jsonComparison{
		A: c.a, B: c.b, Verdict: c.verdict(), Effect: jsonNumber(o.share), Tests: c.tests, SeedsNeeded: c.seeds, Groups: []jsonGroup{},
		OnlyA: append([]string{}, c.onlyA...), OnlyB: append([]string{}, c.onlyB...), LeftOut: append([]leftOut{}, c.leftOut...), // [] rather than null
	}
	for _, g := range c.groups {
		k := jsonGroup{
			Scenario: g.scenario, Run: g.run, Baseline: g.baseline, Identical: g.identical(),
			Pairs: []jsonPair{}, Settings: g.settings, Missing: g.missing, Problem: g.problem, Figures: []jsonFigure{},
		}
		for _, p := range g.pairs {
			k.Pairs = append(k.Pairs, jsonPair{p.b.Manifest.Seed, p.same, p.a.folder, p.b.folder})
		}
		for _, f := range g.figures {
			k.Figures = append(k.Figures, f.json())
		}
		j.Groups = append(j.Groups, k)
	}
	return j
}

func (f *comparedFigure) json() jsonFigure {
	d := &f.decision
	j := jsonFigure{
		Figure: f.String(), Metric: f.Metric(), Unit: f.Unit(), Expected: f.Expected, Better: f.Better, Verdict: d.Verdict,
		MeanA: jsonNumber(d.MeanA), MeanB: jsonNumber(d.MeanB), Change: jsonNumber(d.Change), Relative: jsonNumber(d.Relative),
		Low: jsonNumber(d.Low), High: jsonNumber(d.High), Seeds: len(f.sample.A), Differ: d.Test.N,
		Effect: jsonNumber(d.Test.RankBiserial()), P: jsonNumber(d.Test.P), Corrected: jsonNumber(d.Corrected),
	}
	for i := range f.sample.A {
		j.A, j.B = append(j.A, jsonNumber(f.sample.A[i])), append(j.B, jsonNumber(f.sample.B[i]))
	}
	return j
}

// markdown writes the tables for a page.
func (c *comparison) markdown(o *compareOptions) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**\n\nA is `%s`, B is `%s`: %s.\n", c.result(), c.a, c.b, c.counts())
	for _, g := range c.groups {
		if g.identical() {
			continue
		}
		fmt.Fprintf(&b, "\n### %s\n\n%s\n", g.title(), g.seeds())
		for _, n := range g.notes(c) {
			fmt.Fprintf(&b, "\n%s\n", n)
		}
		heading := "\n| " + strings.Join(figureHeadings, " | ") + " |\n|---|---|---:|---:|---:|---:|---:|---:|\n"
		hidden := 0
		for _, f := range g.figures {
			if f.decision.Verdict == compare.Same && !o.all {
				hidden++
				continue
			}
			b.WriteString(heading + "| " + strings.Join(f.cells(), " | ") + " |\n")
			heading = ""
		}
		if text := unchanged(hidden, o); text != "" {
			fmt.Fprintf(&b, "\n%s\n", text)
		}
	}
	for _, line := range c.alone() {
		if item, ok := strings.CutPrefix(line, "  "); ok {
			line = "- " + item
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}
