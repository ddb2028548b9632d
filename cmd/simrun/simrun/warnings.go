package simrun

import (
	"fmt"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
)

// warning is what may be wrong with a scenario file, on one line.
type warning struct{ file, text string }

// warn prints warnings.
func warn(s *screen, files []*scenarios.File) {
	for _, w := range warningsOf(files) {
		fmt.Fprintf(s, "warning: %s: %s\n", w.file, s.ascii(w.text))
	}
}

// warningsOf returns one for each direction of a call that more than one controller controls,
// or none although its sender has one, with the first run in which that is so. Those that
// have as many loops in other runs are counted, whatever their controllers.
func warningsOf(files []*scenarios.File) (all []warning) {
	for _, f := range files {
		type finding struct {
			text, run string
			runs      int
		}
		var list []*finding
		byNumber := map[string]*finding{}
		for _, r := range f.Runs {
			loops, err := runner.ControlLoops(r.Scenario)
			if err != nil {
				continue // what is wrong with the file has been said, or will be by the run
			}
			for i := range loops {
				if !loops[i].Flagged() {
					continue
				}
				same := fmt.Sprintf("%s %d", loops[i].Name(), len(loops[i].By))
				if byNumber[same] == nil {
					byNumber[same] = &finding{text: loops[i].Name() + " has " + loops[i].String(), run: r.Name}
					list = append(list, byNumber[same])
				}
				byNumber[same].runs++
			}
		}
		for _, w := range list {
			where := ""
			if len(f.Runs) > 1 {
				where = fmt.Sprintf(" (in %s; there are as many in %d of %s)", w.run, w.runs, countRuns(len(f.Runs)))
			}
			all = append(all, warning{f.Path, w.text + where})
		}
	}
	return all
}
