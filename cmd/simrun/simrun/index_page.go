package simrun

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"rtpfabric/plots"
	"rtpfabric/sim/record"
)

// indexOf reads what an index of a folder shows: every record in it and beneath. What is wrecked or somebody else's is
// named, and in nobody's way. The error is that the folder itself can't be read.
func indexOf(root string) (plots.Index, error) {
	x := plots.Index{Folder: folderName(root), Version: Version}
	if _, err := os.ReadDir(root); err != nil {
		return x, err
	}
	folders, problems := recordsBeneath(root)
	runs := make([]plots.IndexedRun, len(folders))
	errs := make([]error, len(folders))
	inParallel(runtime.GOMAXPROCS(0), len(folders), func(i int) { runs[i], errs[i] = indexedRun(root, folders[i]) })
	suites := map[string]int{}
	for i, folder := range folders {
		if errs[i] != nil {
			problems = append(problems, fmt.Sprintf("%s: %s", folder, firstLine(errs[i].Error())))
			continue
		}
		name := filepath.ToSlash(relative(root, filepath.Dir(folder)))
		at, known := suites[name]
		if !known {
			at = len(x.Suites)
			suites[name] = at
			x.Suites = append(x.Suites, plots.Suite{Name: name, Title: runs[i].Title})
			if name != "." && exists(filepath.Join(filepath.Dir(folder), pageFile)) {
				x.Suites[at].Link = linkTo(root, filepath.Dir(folder))
			}
		}
		x.Suites[at].Runs = append(x.Suites[at].Runs, runs[i])
	}
	slices.SortStableFunc(x.Suites, func(a, b plots.Suite) int { return cmp.Compare(sortable(a.Name), sortable(b.Name)) })
	if exists(filepath.Join(root, comparisonFile)) {
		x.Comparison = comparisonFile
	}
	if n := len(problems) - maxRows; n > 0 {
		problems = append(problems[:maxRows], fmt.Sprintf("and %d more", n))
	}
	x.Problems = problems
	return x, nil
}

// indexedRun reads of a record what an index shows.
func indexedRun(root, folder string) (plots.IndexedRun, error) {
	rec, err := record.ReadOnly(folder, record.VerdictsFile)
	if err != nil {
		return plots.IndexedRun{}, err
	}
	link := ""
	if exists(filepath.Join(folder, pageFile)) {
		link = linkTo(root, folder)
	}
	run := plots.IndexedRun{Run: rowOf(rec, link), Reached: rec.Manifest.Reached}
	if from, err := parseOrigin(folder); err == nil { // records of other programs have none
		run.Started, run.Took = from.Started, from.took()
	}
	return run, nil
}

// folderName is what a folder is called.
func folderName(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return filepath.Base(path)
}

func relative(root, path string) string {
	rel, err := filepath.Rel(root, path)
	if err != nil {
		return path
	}
	return rel
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// errForeign is that a page of somebody else stands where an index would.
var errForeign = errors.New("a page that simrun hasn't made as an index; it stays as it is")

// writeIndex writes the index of a folder for results, and returns its path.
func writeIndex(root string) (string, error) {
	page := filepath.Join(root, pageFile)
	if !replaceableIndex(page) {
		return "", fmt.Errorf("%s: %w", page, errForeign)
	}
	x, err := indexOf(root)
	if err != nil {
		return "", err
	}
	return page, replaceFile(page, func(f *os.File) error { return plots.WriteIndex(f, x) })
}

// replaceableIndex reports whether an index may go to a path: nothing is there, or one that the program made before.
func replaceableIndex(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, 512))
	return err == nil && bytes.Contains(head, []byte(plots.IndexMark))
}
