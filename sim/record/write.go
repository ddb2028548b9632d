package record

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Names of the files in a record's folder.
const (
	ManifestFile      = "manifest.json"
	SeriesFile        = "series.csv"
	DistributionsFile = "distributions.csv"
	EventsFile        = "events.jsonl"
	MessagesFile      = "messages.jsonl" // of runs with signalling
	SpectraFile       = "spectra.jsonl"  // of runs with mixed sound
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
	staging, err := os.MkdirTemp(parent, stagingPrefix(dir))
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

// fill writes every file of the record into a folder that exists. The files
// are made side by side: most of the time goes into creating them.
func fill(folder string, r *Record, more []Addition) error {
	type file struct {
		name  string
		write func(io.Writer) error
	}
	files := []file{
		{DistributionsFile, func(w io.Writer) error { return writeDistributions(w, r.Distributions) }},
		{SeriesFile, whole(func() ([]byte, error) { return seriesBytes(r.Series) })},
		{ManifestFile, whole(func() ([]byte, error) { return manifestBytes(r) })},
		{EventsFile, whole(func() ([]byte, error) { return linesBytes(r.Events) })},
		{SummaryFile, whole(func() ([]byte, error) { return jsonBytes(append([]Metric{}, r.Summary...)) })}, // [] rather than null
		{VerdictsFile, whole(func() ([]byte, error) { return jsonBytes(append([]Verdict{}, r.Verdicts...)) })},
	}
	if len(r.Messages) > 0 {
		files = append(files, file{MessagesFile, whole(func() ([]byte, error) { return linesBytes(r.Messages) })})
	}
	if len(r.Spectra) > 0 {
		files = append(files, file{SpectraFile, whole(func() ([]byte, error) { return linesBytes(r.Spectra) })})
	}
	errs := make([]error, len(files))
	var wg sync.WaitGroup
	for i, f := range files {
		wg.Go(func() {
			if err := writeFile(filepath.Join(folder, f.name), f.write); err != nil {
				errs[i] = fmt.Errorf("%s: %w", f.name, err)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, add := range more {
		if err := add(folder); err != nil {
			return err
		}
	}
	return os.Chmod(folder, 0o755) // MkdirTemp makes it private
}

// whole writes what is made in one piece.
func whole(bytes func() ([]byte, error)) func(io.Writer) error {
	return func(w io.Writer) error {
		b, err := bytes()
		if err == nil {
			_, err = w.Write(b)
		}
		return err
	}
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// moveInto renames staging to dir. What was at dir steps aside first, because
// a folder can't be renamed onto one that isn't empty, and comes back if the
// second rename fails.
func moveInto(staging, dir string) error {
	old := staging + asideSuffix
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
