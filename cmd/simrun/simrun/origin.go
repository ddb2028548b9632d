package simrun

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/capture"
)

// originFile stands beside a record's files and says what they come from, so that --resume knows whether a run would
// give the same. It isn't part of the record, which is the same whoever compiled the program.
const originFile = "origin.json"

type origin struct {
	Build  string  `json:"build"`            // see [build]
	Inputs []input `json:"inputs,omitempty"` // files that the scenario names
	// Captures, RTPLog and FeedbackLog are what the run was asked for besides.
	Captures    capture.Format `json:"captures,omitempty"`
	RTPLog      bool           `json:"rtp_log,omitempty"`
	FeedbackLog bool           `json:"feedback_log,omitempty"`
	// Started is when the run began by the wall clock, and Took how many seconds it took until its files were written.
	Started time.Time `json:"started,omitzero"`
	Took    float64   `json:"took_s,omitempty"`
	// Files are the octets of each file in the folder: a power cut may take the end of one.
	Files map[string]int64 `json:"files"`
}

// input is a file that a run reads.
type input struct {
	Name   string `json:"name"`   // without its folder
	SHA256 string `json:"sha256"` // empty if it couldn't be read
}

// inputsOf returns the files that a scenario names. digests holds what is known of them, by path.
func inputsOf(s *scenarios.Scenario, digests map[string]string) []input {
	var list []input
	for _, path := range runner.Files(s) {
		if _, ok := digests[path]; !ok {
			digests[path] = digestOf(path)
		}
		list = append(list, input{filepath.Base(path), digests[path]})
	}
	slices.SortFunc(list, func(a, b input) int { return strings.Compare(a.Name+a.SHA256, b.Name+b.SHA256) })
	return list
}

// writeOrigin writes where a run's files come from, into the folder with all of them.
func writeOrigin(folder string, r *plannedRun, o *runOptions) error {
	from := origin{
		Build: build(), Inputs: r.inputs, Captures: capture.Format(o.pcap), RTPLog: o.rtpLog, FeedbackLog: o.feedbackLog, Files: map[string]int64{},
		Started: r.began.UTC().Truncate(time.Millisecond), Took: time.Since(r.began).Round(time.Millisecond).Seconds(),
	}
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		from.Files[filepath.ToSlash(name)] = info.Size()
		return err
	})
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(from, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, originFile), append(text, '\n'), 0o644)
}

// readOrigin reads what [writeOrigin] has written, and checks that the files are there as they were, but for the page,
// which can be drawn again.
func readOrigin(folder string) (*origin, error) {
	from, err := parseOrigin(folder)
	if err != nil {
		return nil, err
	}
	for name, size := range from.Files {
		if name == pageFile {
			continue
		}
		info, err := os.Stat(filepath.Join(folder, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		if info.Size() != size {
			return nil, errors.New(name + " has another size")
		}
	}
	return from, nil
}

// parseOrigin reads it without looking at the files.
func parseOrigin(folder string) (*origin, error) {
	text, err := os.ReadFile(filepath.Join(folder, originFile))
	if err != nil {
		return nil, err
	}
	var from origin
	return &from, json.Unmarshal(text, &from)
}

// took is how long the run took by the wall clock; 0 if that isn't known.
func (from *origin) took() time.Duration {
	if !(from.Took > 0 && from.Took < 1e9) {
		return 0
	}
	return time.Duration(from.Took * float64(time.Second))
}
