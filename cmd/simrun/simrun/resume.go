package simrun

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"rtpfabric/plots"
	"rtpfabric/scenarios"
	"rtpfabric/sim/capture"
	"rtpfabric/sim/record"
)

// resume keeps, of the runs of a plan, those whose record is there already and is what the run would give. It says
// how many they are and why others aren't kept.
func resume(s *screen, plan []*plannedFile, o *runOptions) {
	var runs []*plannedRun
	for _, f := range plan {
		runs = append(runs, f.runs...)
	}
	reasons := make([]string, len(runs))
	inParallel(o.jobs, len(runs), func(i int) { reasons[i] = runs[i].resume(o) })
	kept := 0
	type refusal struct {
		reason string
		runs   []*plannedRun
	}
	var refusals []*refusal
	for i, r := range runs {
		if r.kept {
			kept++
		}
		if reasons[i] == "" {
			continue
		}
		at := slices.IndexFunc(refusals, func(x *refusal) bool { return x.reason == reasons[i] })
		if at < 0 {
			at = len(refusals)
			refusals = append(refusals, &refusal{reason: reasons[i]})
		}
		refusals[at].runs = append(refusals[at].runs, r)
	}
	if o.quiet || kept == 0 && len(refusals) == 0 {
		return
	}
	fmt.Fprintf(s, "simrun: %d of %s kept\n", kept, countRuns(len(runs)))
	for _, x := range refusals {
		more := ""
		if n := len(x.runs) - 1; n > 0 {
			more = fmt.Sprintf(" and %d more", n)
		}
		fmt.Fprintf(s, "simrun: not kept, %s: %s%s\n", x.reason, x.runs[0].folder, more)
	}
}

// resume takes the record of an earlier call for the run if it may, and returns why not; nothing if there is none.
func (r *plannedRun) resume(o *runOptions) string {
	if _, err := os.Stat(filepath.Join(r.folder, record.ManifestFile)); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	rec, err := record.Read(r.folder)
	if err != nil {
		return "can't be read"
	}
	if reason := differs(r.Run, &rec.Manifest); reason != "" {
		return reason
	}
	from, err := readOrigin(r.folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "without " + originFile
	case err != nil || len(rec.Verdicts) != len(r.Scenario.Expect):
		return "damaged"
	}
	if reason := from.lacks(r, o); reason != "" {
		return reason
	}
	if !o.noPage {
		page := filepath.Join(r.folder, pageFile)
		size, known := from.Files[pageFile] // not of one that was drawn later
		if info, err := os.Stat(page); err != nil || info.Size() == 0 || known && info.Size() != size {
			if err := replaceFile(page, func(f *os.File) error { return plots.Page(f, rec) }); err != nil {
				return "without a page: " + firstLine(err.Error())
			}
		}
	}
	r.settle(rec, o)
	r.row.Scenario, r.kept = r.File, true // the same text may have another path now
	return ""
}

// differs says in what a record isn't that of a run which came to its end; nothing if it is.
func differs(r *scenarios.Run, m *record.Manifest) string {
	switch {
	case m.Version != Version:
		return fmt.Sprintf("of version %s of the program", m.Version)
	case m.Status != record.Complete:
		return string(m.Status)
	case m.Resolved != r.Resolved || m.Run != r.Name || m.Seed != r.Scenario.Seed || !slices.Equal(m.Variation, r.Variation):
		return "of another text of the scenario"
	}
	return ""
}

// lacks says what a run of this program with these options would have that isn't there; nothing if it is the same.
func (from *origin) lacks(r *plannedRun, o *runOptions) string {
	unknown := func(i input) bool { return i.SHA256 == "" }
	switch {
	case from.Build == "" || from.Build != build():
		return "of another build of the program"
	case !slices.Equal(from.Inputs, r.inputs) || slices.ContainsFunc(r.inputs, unknown):
		return "of other files than the scenario names now"
	case o.pcap != "" && from.Captures != capture.Format(o.pcap):
		return "without these captures"
	case o.rtpLog && !from.RTPLog:
		return "without RTP logs"
	case o.feedbackLog && !from.FeedbackLog:
		return "without feedback logs"
	}
	return ""
}
