package simrun

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"rtpfabric/sim/record"
)

// comparison is two folders of results, run by run.
type comparison struct {
	a, b   string
	groups []*pairGroup
	// onlyA and onlyB are folders of runs without a counterpart.
	onlyA, onlyB []string
	leftOut      []leftOut
	// tests is what probabilities are corrected for, seeds how many a group would need.
	tests, seeds int
}

// leftOut is a record that can't be compared.
type leftOut struct {
	Folder  string `json:"folder"`
	Problem string `json:"problem"`
}

// pairGroup is runs of a scenario that differ in the seed alone.
type pairGroup struct {
	scenario, run string
	// baseline groups are there for comparison only: their controller controls nothing.
	baseline bool
	pairs    []*runPair
	settings []settingChange
	figures  []*comparedFigure
	missing  []string // why figures have fewer pairs than there are
	problem  string   // why there are no expectations
}

// runPair is two runs with the same seed.
type runPair struct {
	a, b *storedRun
	same bool
}

// storedRun is a record in a folder, of which the manifest and the summary are known.
type storedRun struct {
	folder string
	*record.Record
}

// runKey is what two runs of a pair have in common.
type runKey struct {
	scenario, variation string
	seed                uint64
}

// pairUp pairs the runs of two folders by scenario, variation and seed.
func pairUp(a, b string) (*comparison, error) {
	c := &comparison{a: a, b: b}
	var errs []error
	sides := [2][]*storedRun{}
	for i, folder := range []string{a, b} {
		runs, err := c.storedRuns(folder)
		sides[i] = runs
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	names := scenarioNames(sides[0], sides[1])
	older, err := keyed(sides[0], names)
	newer, err2 := keyed(sides[1], names)
	if err := errors.Join(err, err2); err != nil {
		return nil, err
	}
	groups := map[runKey]*pairGroup{}
	for _, r := range sides[1] {
		key := keyOf(r, names)
		counterpart := older[key]
		if counterpart == nil {
			c.onlyB = append(c.onlyB, r.folder)
			continue
		}
		together := key
		together.seed = 0
		g := groups[together]
		if g == nil {
			g = &pairGroup{scenario: key.scenario, run: nameWithoutSeed(r), baseline: baseline(r.Manifest.Variation), settings: settingChanges(counterpart, r)}
			groups[together] = g
			c.groups = append(c.groups, g)
		}
		g.pairs = append(g.pairs, &runPair{a: counterpart, b: r, same: sameRun(counterpart.Record, r.Record)})
	}
	for _, r := range sides[0] {
		if newer[keyOf(r, names)] == nil {
			c.onlyA = append(c.onlyA, r.folder)
		}
	}
	slices.SortStableFunc(c.groups, func(x, y *pairGroup) int { return cmp.Compare(sortable(x.title()), sortable(y.title())) })
	for _, g := range c.groups {
		slices.SortStableFunc(g.pairs, func(x, y *runPair) int { return cmp.Compare(x.b.Manifest.Seed, y.b.Manifest.Seed) })
	}
	if len(c.groups) == 0 {
		return nil, c.nothing()
	}
	return c, nil
}

// nothing is the error that there is nothing to compare.
func (c *comparison) nothing() error {
	lines := []string{fmt.Sprintf("%s and %s: no run of one has a counterpart in the other, with the same scenario file, variation and seed", c.a, c.b)}
	for _, l := range c.leftOut {
		lines = append(lines, fmt.Sprintf("%s: %s", l.Folder, l.Problem))
	}
	return errors.New(strings.Join(lines, "\n"))
}

// storedRuns returns the complete runs in a folder. Others are left out.
func (c *comparison) storedRuns(folder string) ([]*storedRun, error) {
	folders, err := recordsIn(folder)
	if err != nil {
		return nil, err
	}
	if len(folders) == 0 {
		return nil, fmt.Errorf("%s: there is no record of a run in this folder", folder)
	}
	var runs []*storedRun
	for _, f := range folders {
		r, err := record.ReadHead(f)
		switch {
		case err != nil:
			c.leftOut = append(c.leftOut, leftOut{f, firstLine(err.Error())})
		case r.Manifest.Status != record.Complete:
			c.leftOut = append(c.leftOut, leftOut{f, fmt.Sprintf("incomplete: the run was interrupted at %s of %s", seconds(r.Manifest.Reached), seconds(r.Manifest.Duration))})
		default:
			runs = append(runs, &storedRun{f, r})
		}
	}
	return runs, nil
}

// scenarioNames names scenario files by their paths: without what lies above, which may be another copy of the source, and with as
// many folders as tell those of a side apart.
func scenarioNames(sides ...[]*storedRun) map[string]string {
	depth := map[string]int{} // by name of the file
	for _, runs := range sides {
		paths := map[string][]string{}
		for _, r := range runs {
			path := r.Manifest.Scenario
			if name := nameOf(path, 1); !slices.Contains(paths[name], path) {
				paths[name] = append(paths[name], path)
			}
		}
		for name, same := range paths { // each on its own
			depth[name] = max(depth[name], 1)
			for depth[name] < maxDepth && alike(same, depth[name]) {
				depth[name]++
			}
		}
	}
	names := map[string]string{}
	for _, runs := range sides {
		for _, r := range runs {
			path := r.Manifest.Scenario
			names[path] = nameOf(path, depth[nameOf(path, 1)])
		}
	}
	return names
}

// maxDepth is how many folders a name has at most.
const maxDepth = 32

// alike reports whether two of some paths have the same name.
func alike(paths []string, depth int) bool {
	var names []string
	for _, p := range paths {
		name := nameOf(p, depth)
		if slices.Contains(names, name) {
			return true
		}
		names = append(names, name)
	}
	return false
}

func keyOf(r *storedRun, names map[string]string) runKey {
	var settings []string
	for _, v := range r.Manifest.Variation {
		if v.Path != "seed" {
			settings = append(settings, v.Path+"="+v.Value)
		}
	}
	slices.Sort(settings)
	return runKey{names[r.Manifest.Scenario], strings.Join(settings, "\n"), r.Manifest.Seed}
}

// keyed returns the runs of a side by what they have in common with those of the other.
func keyed(runs []*storedRun, names map[string]string) (map[runKey]*storedRun, error) {
	all := map[runKey]*storedRun{}
	for _, r := range runs {
		key := keyOf(r, names)
		if other := all[key]; other != nil {
			return nil, fmt.Errorf("%s: this is the same scenario, variation and seed as %s: name a folder with one of them", r.folder, other.folder)
		}
		all[key] = r
	}
	return all, nil
}

// nameWithoutSeed returns the name of a run without its seed and its number, which differ from seed to seed.
func nameWithoutSeed(r *storedRun) string {
	var parts []string
	for part := range strings.SplitSeq(r.Manifest.Run, ",") {
		if !strings.HasPrefix(part, "seed=") && !strings.HasPrefix(part, "run=") && part != "default" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ",")
}

// sameRun reports whether two runs are the same: every packet, and what receivers made of them, of which the digest doesn't know.
func sameRun(a, b *record.Record) bool {
	if a.Manifest.Digest != b.Manifest.Digest {
		return false
	}
	type name struct{ entity, metric, stat string }
	values := map[name]float64{}
	for _, m := range a.Summary {
		values[name{m.Entity, m.Metric, m.Stat}] = m.Value
	}
	return !slices.ContainsFunc(b.Summary, func(m record.Metric) bool {
		v, known := values[name{m.Entity, m.Metric, m.Stat}]
		return known && v != m.Value && !(math.IsNaN(v) && math.IsNaN(m.Value))
	})
}

// identical reports whether all pairs are the same. A group of which no record can be read isn't.
func (g *pairGroup) identical() bool {
	return len(g.pairs) > 0 && !slices.ContainsFunc(g.pairs, func(p *runPair) bool { return !p.same })
}

// title names the group.
func (g *pairGroup) title() string {
	if g.run == "" {
		return g.scenario
	}
	return g.scenario + ", " + g.run
}
