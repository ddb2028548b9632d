package simrun

import (
	"cmp"
	"fmt"
	"math"
	"runtime"
	"slices"

	"gopkg.in/yaml.v3"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/compare"
	"rtpfabric/sim/record"
	"rtpfabric/sim/rng"
)

// comparedFigure is a figure of a group, with a value for each pair in which both runs have one.
type comparedFigure struct {
	*scenarios.Figure
	sample   compare.Sample
	decision compare.Decision
}

// measurable reports whether there is anything to measure.
func (g *pairGroup) measurable() bool { return !g.identical() && !g.baseline }

// toMeasure returns how many pairs measure will measure.
func (c *comparison) toMeasure() (n int) {
	for _, g := range c.groups {
		if g.measurable() {
			n += len(g.pairs)
		}
	}
	return n
}

// measure measures all groups that differ, and decides about all of them together. Groups of baselines control
// nothing, and so are not measured (ADR 9).
func (c *comparison) measure(o *compareOptions) {
	for _, g := range c.groups {
		if g.measurable() {
			c.measureGroup(g, o)
		}
	}
	o.show.end()
	var samples []compare.Sample
	for _, g := range c.groups {
		for _, f := range g.figures {
			samples = append(samples, f.sample)
		}
	}
	ds := compare.Decide(samples, o.share, rng.New(0))
	c.tests, c.seeds = ds.Tests, ds.Seeds
	i := 0
	for _, g := range c.groups {
		for _, f := range g.figures {
			f.decision = ds.Of[i]
			i++
		}
		slices.SortStableFunc(g.figures, func(x, y *comparedFigure) int {
			return cmp.Compare(rank(x.decision.Verdict), rank(y.decision.Verdict))
		})
	}
}

// rank is where figures with a verdict stand in a table.
func rank(v compare.Verdict) int {
	return slices.Index([]compare.Verdict{compare.Regression, compare.TooFew, compare.Unclear, compare.Changed, compare.Improvement, compare.Same}, v)
}

// measureGroup reads the records of a group, and measures what there is to compare. A pair with a record that
// can't be read is left out.
func (c *comparison) measureGroup(g *pairGroup, o *compareOptions) {
	figures := c.figuresOf(g, o)
	values := make([][2][]float64, len(g.pairs))
	problems := make([]*leftOut, len(g.pairs))
	inParallel(runtime.GOMAXPROCS(0), len(g.pairs), func(i int) {
		values[i], problems[i] = measurePair(g.pairs[i], figures)
		o.show.done()
	})
	var pairs []*runPair
	var of [][2][]float64
	for i, p := range g.pairs {
		if problems[i] != nil {
			c.leftOut = append(c.leftOut, *problems[i])
			continue
		}
		pairs, of = append(pairs, p), append(of, values[i])
	}
	g.pairs = pairs
	for i, f := range figures {
		g.add(f, i, of)
	}
}

// measurePair returns the figures of both runs, A's first.
func measurePair(p *runPair, figures []*scenarios.Figure) (values [2][]float64, problem *leftOut) {
	for side, r := range []*storedRun{p.a, p.b} {
		if side == 1 && p.same {
			values[1] = values[0]
			break
		}
		full, err := record.Read(r.folder)
		if err != nil {
			return values, &leftOut{r.folder, firstLine(err.Error())}
		}
		for _, f := range figures {
			values[side] = append(values[side], f.Measure(full))
		}
	}
	return values, nil
}

// figuresOf returns what to compare of a group, by the newer side's scenario and its first record that can be read.
func (c *comparison) figuresOf(g *pairGroup, o *compareOptions) []*scenarios.Figure {
	m := &g.pairs[0].b.Manifest
	var scenario *scenarios.Scenario
	if file, err := scenarios.Parse(m.Scenario, []byte(m.Resolved), scenarios.Options{}); err == nil {
		scenario = file.Runs[0].Scenario
	} else {
		g.problem = "what the scenario expects isn't compared, as this program can't read it: " + firstLine(err.Error())
	}
	for _, p := range g.pairs {
		r, err := record.Read(p.b.folder)
		if err != nil {
			continue // it is named when its turn comes
		}
		return slices.DeleteFunc(scenarios.Figures(scenario, r), func(f *scenarios.Figure) bool {
			return len(o.metrics) > 0 && !slices.Contains(o.metrics, f.Metric())
		})
	}
	return nil
}

// add adds a figure with the pairs in which both runs have data for it.
func (g *pairGroup) add(f *scenarios.Figure, i int, values [][2][]float64) {
	s := compare.Sample{Name: fmt.Sprintf("%s/%s", g.title(), f), Better: f.Better, Least: f.Least}
	missing := [2]int{}
	for _, v := range values {
		a, b := v[0][i], v[1][i]
		if !math.IsNaN(a) && !math.IsNaN(b) {
			s.A, s.B = append(s.A, a), append(s.B, b)
		}
		for side, x := range []float64{a, b} {
			if math.IsNaN(x) {
				missing[side]++
			}
		}
	}
	if missing[0] != missing[1] {
		g.missing = append(g.missing, fmt.Sprintf("%s: no data in %d of A and %d of B", f, missing[0], missing[1]))
	}
	if len(s.A) > 0 {
		g.figures = append(g.figures, &comparedFigure{Figure: f, sample: s})
	}
}

// settingChange is a field of the scenario that isn't the same in both folders.
type settingChange struct {
	Path string `json:"path"`
	A    string `json:"a"`
	B    string `json:"b"`
}

// settingChanges returns what two runs were told differently, but for what is expected of them.
func settingChanges(a, b *storedRun) []settingChange {
	if a.Manifest.Resolved == b.Manifest.Resolved {
		return nil
	}
	before, order := fields(a.Manifest.Resolved)
	after, more := fields(b.Manifest.Resolved)
	var list []settingChange
	for _, path := range slices.Concat(order, more) {
		change := settingChange{path, before[path], after[path]}
		if before[path] != after[path] && !slices.Contains(list, change) {
			list = append(list, change)
		}
	}
	return list
}

// fields returns the values of a document by their paths, in order.
func fields(document string) (map[string]string, []string) {
	values := map[string]string{}
	var order []string
	var walk func(path string, n *yaml.Node)
	walk = func(path string, n *yaml.Node) {
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				if key := n.Content[i].Value; path != "" || key != "expect" && key != "expected-fail" && key != "title" && key != "description" {
					walk(path+"."+key, n.Content[i+1])
				}
			}
		case yaml.SequenceNode, yaml.DocumentNode:
			for i, item := range n.Content {
				if n.Kind == yaml.SequenceNode {
					walk(fmt.Sprintf("%s.%d", path, i), item)
					continue
				}
				walk(path, item)
			}
		default:
			values[path[1:]] = n.Value
			order = append(order, path[1:])
		}
	}
	var root yaml.Node
	if yaml.Unmarshal([]byte(document), &root) == nil {
		walk("", &root)
	}
	return values, order
}
