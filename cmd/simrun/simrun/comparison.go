package simrun

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"rtpfabric/ccontrol"
	"rtpfabric/scenarios"
)

// printComparison prints a table of scenarios against controllers, if there are
// several of either kind of which a matrix varies the controller. A cell says how
// many runs passed.
func printComparison(s *screen, plan []*plannedFile) {
	var controllers []string
	for _, f := range plan {
		for _, r := range f.runs {
			if c := r.varied(); c != "" && !slices.Contains(controllers, c) {
				controllers = append(controllers, c)
			}
		}
	}
	if len(controllers) < 2 {
		return
	}
	slices.SortStableFunc(controllers, func(a, b string) int { return rankOf(a) - rankOf(b) })
	headings := []string{"scenario", "title"}
	var numbers []int
	for i, c := range controllers {
		if rankOf(c) > 0 {
			c += "*"
		}
		headings = append(headings, c)
		numbers = append(numbers, i+3)
	}
	table := s.columns(2, headings...)
	for _, f := range plan {
		if cells := comparisonRow(s, f, controllers); cells != nil {
			table.row(cells...)
		}
	}
	fmt.Fprintf(s, "\n%s\n\n%s", s.paint(bold, "Runs that meet all expectations"), table.String(numbers...))
	if slices.ContainsFunc(controllers, func(c string) bool { return rankOf(c) > 0 }) {
		fmt.Fprintln(s, "* controls nothing; for comparison")
	}
}

// varied returns the controller that the matrix gave to the run, or "".
func (r *plannedRun) varied() string {
	for _, v := range r.Variation {
		if v.Path == scenarios.ControllerPath {
			return v.Value
		}
	}
	return ""
}

// rankOf puts baselines behind controllers.
func rankOf(controller string) int {
	if spec, ok := ccontrol.Lookup(controller); ok && spec.Baseline {
		return 1
	}
	return 0
}

// comparisonRow counts the runs of a file by controller; nil if the file doesn't
// vary it, or expects nothing.
func comparisonRow(s *screen, f *plannedFile, controllers []string) []string {
	passed, known, all := make([]int, len(controllers)), make([]int, len(controllers)), make([]int, len(controllers))
	varied := false
	for _, r := range f.runs {
		i := slices.Index(controllers, r.varied())
		if i < 0 {
			continue
		}
		if r.state == finished && len(r.row.Verdicts) == 0 {
			continue // nothing was expected
		}
		varied = true
		all[i]++
		switch word, _ := r.outcome(); word {
		case wordPass:
			passed[i]++
		case wordKnown:
			known[i]++
		}
	}
	if !varied { // or nothing to judge
		return nil
	}
	name := filepath.Join(filepath.Base(filepath.Dir(f.Path)), strings.TrimSuffix(filepath.Base(f.Path), filepath.Ext(f.Path)))
	cells := []string{name, s.ascii(f.Title)}
	for i := range controllers {
		cell, color := fmt.Sprintf("%d/%d", passed[i], all[i]), green
		switch {
		case all[i] == 0:
			cell, color = "", bold
		case passed[i] < all[i] && rankOf(controllers[i]) > 0:
			color = bold
		case passed[i]+known[i] < all[i]:
			color = red
		case known[i] > 0:
			color = bold
		}
		cells = append(cells, s.paint(color, cell))
	}
	return cells
}
