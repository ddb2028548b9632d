package simrun

import (
	"encoding/json"
	"io"
	"path/filepath"

	"rtpfabric/sim/record"
)

// jsonRun is a run in the output of --json.
type jsonRun struct {
	Scenario  string           `json:"scenario"`
	Title     string           `json:"title"`
	Run       string           `json:"run"`
	Seed      uint64           `json:"seed"`
	Variation []record.Setting `json:"variation"`
	// Status is complete, incomplete, not run or error.
	Status string `json:"status"`
	// Problem says why there is no record.
	Problem string `json:"problem,omitempty"`
	Digest  string `json:"digest,omitempty"`
	// Kept is whether the record is that of an earlier call.
	Kept bool `json:"kept,omitempty"`
	// Passed is whether the run is complete and meets every expectation.
	Passed    bool             `json:"passed"`
	Verdicts  []record.Verdict `json:"verdicts"`
	Folder    string           `json:"folder,omitempty"`
	Page      string           `json:"page,omitempty"`
	Reproduce string           `json:"reproduce"`
}

// printJSON prints all runs as one array.
func printJSON(w io.Writer, plan []*plannedFile, o *runOptions) error {
	list := []jsonRun{}
	for _, f := range plan {
		for _, r := range f.runs {
			list = append(list, jsonOf(r, o))
		}
	}
	return writeJSON(w, list)
}

// writeJSON prints a value for programs that people can read too.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func jsonOf(r *plannedRun, o *runOptions) jsonRun {
	j := jsonRun{
		Scenario: r.File, Title: r.Scenario.Title, Run: r.Name, Seed: r.Scenario.Seed,
		Variation: append([]record.Setting{}, r.Variation...), // [] rather than null
		Verdicts:  append([]record.Verdict{}, r.row.Verdicts...),
		Reproduce: reproduce(r, o.set),
	}
	switch r.state {
	case notRun:
		j.Status, j.Problem = "not run", "interrupted"
	case broken, unwritten:
		j.Status, j.Problem = "error", r.row.Problem
	case finished:
		j.Status, j.Digest = string(r.row.Status), r.row.Digest
		j.Passed = !r.incomplete() && !r.failed()
		j.Folder, j.Kept = r.folder, r.kept
		if !o.noPage {
			j.Page = filepath.Join(r.folder, pageFile)
		}
	}
	return j
}
