package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Names of the files in a record's folder.
const (
	ManifestFile      = "manifest.json"
	SeriesFile        = "series.csv"
	DistributionsFile = "distributions.csv"
	EventsFile        = "events.jsonl"
	SummaryFile       = "summary.json"
	VerdictsFile      = "verdicts.json"
)

// Addition puts further files, such as a page, into a record's folder before
// the folder appears under its name.
type Addition func(folder string) error

// Write makes the folder dir from a record. The folder appears whole or not at
// all: it is filled under another name beside dir, which needs write access to
// dir's parent, and then renamed. A record that is already there is replaced;
// any other folder that isn't empty is left alone, with an error. All series
// must have the same Step. Equal records give equal files. Shorter series are
// filled up with empty cells and come back from [Read] filled up with NaN.
func Write(dir string, r *Record, more ...Addition) error {
	dir = filepath.Clean(dir)
	if err := replaceable(dir); err != nil {
		return fmt.Errorf("write record: %w", err)
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("write record: make the parent folder: %w", err)
	}
	staging, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+".partial-")
	if err != nil {
		return fmt.Errorf("write record: make a temporary folder: %w", err)
	}
	if err := fill(staging, r, more); err != nil {
		return fmt.Errorf("write record %s: %w", dir, errors.Join(err, os.RemoveAll(staging)))
	}
	if err := moveInto(staging, dir); err != nil {
		return fmt.Errorf("write record %s: %w", dir, errors.Join(err, os.RemoveAll(staging)))
	}
	return nil
}

// fill writes every file of the record into a folder that exists.
func fill(folder string, r *Record, more []Addition) error {
	manifest, err := manifestBytes(r)
	if err != nil {
		return fmt.Errorf("%s: %w", ManifestFile, err)
	}
	series, err := seriesBytes(r.Series)
	if err != nil {
		return fmt.Errorf("%s: %w", SeriesFile, err)
	}
	events, err := eventsBytes(r.Events)
	if err != nil {
		return fmt.Errorf("%s: %w", EventsFile, err)
	}
	summary, err := jsonBytes(append([]Metric{}, r.Summary...)) // [] rather than null
	if err != nil {
		return fmt.Errorf("%s: %w", SummaryFile, err)
	}
	verdicts, err := jsonBytes(append([]Verdict{}, r.Verdicts...))
	if err != nil {
		return fmt.Errorf("%s: %w", VerdictsFile, err)
	}
	for _, f := range []struct {
		name string
		data []byte
	}{
		{ManifestFile, manifest},
		{SeriesFile, series},
		{DistributionsFile, distributionsBytes(r.Distributions)},
		{EventsFile, events},
		{SummaryFile, summary},
		{VerdictsFile, verdicts},
	} {
		if err := os.WriteFile(filepath.Join(folder, f.name), f.data, 0o644); err != nil {
			return err
		}
	}
	for _, add := range more {
		if err := add(folder); err != nil {
			return err
		}
	}
	return os.Chmod(folder, 0o755) // MkdirTemp makes it private
}

// moveInto renames staging to dir. What was at dir steps aside first, because
// a folder can't be renamed onto one that isn't empty, and comes back if the
// second rename fails.
func moveInto(staging, dir string) error {
	old := staging + ".old"
	err := os.Rename(dir, old)
	if errors.Is(err, fs.ErrNotExist) {
		return os.Rename(staging, dir)
	}
	if err != nil {
		return fmt.Errorf("move the old record aside: %w", err)
	}
	if err := os.Rename(staging, dir); err != nil {
		return errors.Join(err, os.Rename(old, dir))
	}
	if err := os.RemoveAll(old); err != nil {
		return fmt.Errorf("remove the old record: %w", err)
	}
	return nil
}

// replaceable says whether something may be put in dir's place. A mistyped
// output folder must not cost anybody their files.
func replaceable(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look into the old record: %w", err)
	}
	if len(entries) == 0 {
		return nil
	}
	if _, err := os.Stat(filepath.Join(dir, ManifestFile)); err != nil {
		return fmt.Errorf("%s has files but no %s, so it isn't a record: choose another folder or empty it", dir, ManifestFile)
	}
	return nil
}
