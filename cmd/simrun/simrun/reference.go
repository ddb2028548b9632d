package simrun

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"rtpfabric/sim/record"
)

// A reference is what runs of a scenario file had when somebody last said that it is right: their digests, and what their
// expectations measured. It is a small text in a folder such as results/baseline, so that versions of it can be compared.
type reference struct {
	path string // of the file
	runs []referenceRun
}

type referenceRun struct {
	name   string
	digest string // anyDigest if it isn't the same on every machine
	values []float64
}

// anyDigest stands for that of a hosted run, which holds for one architecture alone.
const anyDigest = "-"

// checkReferences returns an error if there can't be references, before anything runs.
func (o *runOptions) checkReferences(plan []*plannedFile) error {
	switch {
	case o.reference == "" && o.update:
		return errors.New("--update: of what? Name the folder by --baseline")
	case o.reference == "":
		return nil
	case len(o.set)+len(o.vary) > 0:
		return errors.New("--baseline is about scenarios as they stand: leave --set, --vary and --seed out")
	}
	for _, f := range plan {
		if !filepath.IsLocal(f.Path) {
			return fmt.Errorf("--baseline: %s isn't below this folder, and files are known by their paths", f.Path)
		}
	}
	if _, err := os.Stat(o.reference); err != nil && !o.update {
		return fmt.Errorf("--baseline: %w; --update makes it", err)
	}
	return nil
}

func (o *runOptions) referencePath(f *plannedFile) string {
	path := filepath.Clean(f.Path)
	return filepath.Join(o.reference, strings.TrimSuffix(path, filepath.Ext(path))+".tsv")
}

// readReference reads a file; one that there isn't has no runs.
func readReference(path string) (*reference, error) {
	ref := &reference{path: path}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return ref, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		cells := strings.Split(lines.Text(), "\t")
		if len(cells) < 2 {
			return nil, fmt.Errorf("%s:%d: a run has a name and a digest, and a tab between them", path, n)
		}
		run := referenceRun{name: cells[0], digest: cells[1]}
		for _, cell := range cells[2:] {
			v, err := strconv.ParseFloat(cell, 64)
			if err != nil && cell != noValue {
				return nil, fmt.Errorf("%s:%d: %q is no number", path, n, cell)
			}
			if cell == noValue {
				v = math.NaN()
			}
			run.values = append(run.values, v)
		}
		ref.runs = append(ref.runs, run)
	}
	return ref, lines.Err()
}

// noValue stands for a figure that there wasn't.
const noValue = "-"

// write writes the file, whole or not at all.
func (ref *reference) write(scenario string) error {
	if err := os.MkdirAll(filepath.Dir(ref.path), 0o755); err != nil {
		return err
	}
	return replaceFile(ref.path, func(f *os.File) error {
		b := bufio.NewWriter(f)
		fmt.Fprintf(b, "# %s: run, digest, and what each expectation measured\n", filepath.ToSlash(scenario))
		for _, r := range ref.runs {
			fmt.Fprintf(b, "%s\t%s", r.name, r.digest)
			for _, v := range r.values {
				fmt.Fprintf(b, "\t%s", referenceValue(v))
			}
			fmt.Fprintln(b)
		}
		return b.Flush()
	})
}

// referenceValue writes a figure as exactly as anybody looks.
func referenceValue(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return noValue
	}
	return strconv.FormatFloat(v, 'g', 5, 64)
}

// find returns the run with a name, nil if there is none.
func (ref *reference) find(name string) *referenceRun {
	i := slices.IndexFunc(ref.runs, func(r referenceRun) bool { return r.name == name })
	if i < 0 {
		return nil
	}
	return &ref.runs[i]
}

// referenceOf is what a run has now.
func referenceOf(r *plannedRun) referenceRun {
	run := referenceRun{name: r.Name, digest: r.row.Digest}
	if r.Scenario.Hosted() {
		return referenceRun{name: r.Name, digest: anyDigest}
	}
	for i := range r.row.Verdicts {
		run.values = append(run.values, r.row.Verdicts[i].Value)
	}
	return run
}

// differs says how a run differs from what it was; empty if it doesn't.
func (was *referenceRun) differs(r *plannedRun) string {
	now := referenceOf(r)
	switch {
	case was == nil:
		return "it isn't in the baseline yet"
	case was.digest == now.digest:
		return ""
	case was.digest == anyDigest || now.digest == anyDigest:
		return "a part of it is hosted now, or isn't any more"
	case len(was.values) != len(now.values):
		return "other packets, and other expectations"
	}
	type change struct {
		size float64
		text string
	}
	var changes []change
	for i, v := range now.values {
		before, after := referenceValue(was.values[i]), referenceValue(v)
		if before == after {
			continue
		}
		size := math.Abs(v-was.values[i]) / math.Max(math.Abs(was.values[i]), 1e-9)
		if math.IsNaN(size) {
			size = math.Inf(1)
		}
		verdict := &r.row.Verdicts[i]
		changes = append(changes, change{size, fmt.Sprintf("%s was %s, is %s", verdict.Expectation, quantity(was.values[i], verdict.Unit), measured(verdict))})
	}
	if len(changes) == 0 {
		return "other packets, and the same figures"
	}
	slices.SortStableFunc(changes, func(a, b change) int { return cmp.Compare(b.size, a.size) })
	texts := make([]string, 0, mostChanges+1)
	for _, c := range changes[:min(len(changes), mostChanges)] {
		texts = append(texts, c.text)
	}
	if n := len(changes) - mostChanges; n > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", n))
	}
	return "other packets: " + strings.Join(texts, "; ")
}

// object lets a run fail, with the reason.
func (ref *reference) object(r *plannedRun, why string) {
	r.row.Verdicts = append(r.row.Verdicts, record.Verdict{
		Expectation: "as in " + filepath.ToSlash(ref.path), Bound: "the same", Value: math.NaN(), Problem: why,
	})
}

// mostChanges is how many changed figures of a run are said.
const mostChanges = 3

// refer holds runs against their references, or replaces these and says how they have changed.
func (o *runOptions) refer(w io.Writer, plan []*plannedFile) error {
	if o.reference == "" {
		return nil
	}
	changed := 0
	for _, f := range plan {
		ref, err := readReference(o.referencePath(f))
		if err != nil {
			return err
		}
		next := &reference{path: ref.path}
		known := map[string]bool{}
		for _, r := range f.runs {
			known[r.Name] = true
			was := ref.find(r.Name)
			if r.state != finished || r.incomplete() {
				if was != nil {
					next.runs = append(next.runs, *was)
				}
				continue
			}
			next.runs = append(next.runs, referenceOf(r))
			text := was.differs(r)
			switch {
			case text == "":
			case o.update:
				changed++
				fmt.Fprintf(w, "%s, %s: %s\n", f.Path, r.Name, text)
			default:
				ref.object(r, text)
			}
		}
		for _, was := range ref.runs {
			switch {
			case known[was.name]:
			case o.update:
				changed++
				fmt.Fprintf(w, "%s, %s: there is no such run any more\n", f.Path, was.name)
			default:
				ref.object(f.runs[0], "there is no run "+was.name+" any more")
			}
		}
		if o.update {
			if err := next.write(f.Path); err != nil {
				return err
			}
		}
	}
	if o.update {
		fmt.Fprintf(w, "baseline: %s changed in %s\n", countRuns(changed), o.reference)
	}
	return nil
}
