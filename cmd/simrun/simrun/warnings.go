package simrun

import (
	"fmt"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
)

// warn prints a line for each direction of a call that more than one controller controls,
// or none although its sender has one, with the first run in which that is so. Those that
// have as many loops in other runs are counted, whatever their controllers.
func warn(s *screen, files []*scenarios.File) {
	for _, f := range files {
		type warning struct {
			text, run string
			runs      int
		}
		var list []*warning
		byNumber := map[string]*warning{}
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
					byNumber[same] = &warning{text: loops[i].Name() + " has " + loops[i].String(), run: r.Name}
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
			fmt.Fprintf(s, "warning: %s: %s%s\n", f.Path, s.ascii(w.text), where)
		}
	}
}
