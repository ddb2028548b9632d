package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Read returns the record in a folder that [Write] made. Every file must be
// there, but those of messages and spectra, and of this program's [Format]. An error names the file, and the line
// where there is one.
func Read(dir string) (*Record, error) { return read(dir) }

// ReadHead returns the manifest and the summary of a record alone, which are small.
func ReadHead(dir string) (*Record, error) { return ReadOnly(dir, SummaryFile) }

// ReadOnly returns the manifest of a record, and of its other files those that are named. What isn't read is empty.
func ReadOnly(dir string, names ...string) (*Record, error) {
	return read(dir, append([]string{ManifestFile}, names...)...)
}

// read reads some files of a record; without names all.
func read(dir string, names ...string) (*Record, error) {
	r := &Record{}
	var step manifestSeries
	for _, f := range []struct {
		name  string
		parse func(data []byte) error
	}{
		{ManifestFile, func(data []byte) (err error) { r.Manifest, step, err = parseManifest(data); return }},
		{SeriesFile, func(data []byte) (err error) { r.Series, err = parseSeries(data, step.Step); return }},
		{DistributionsFile, func(data []byte) (err error) { r.Distributions, err = parseDistributions(data); return }},
		{EventsFile, func(data []byte) (err error) { r.Events, err = parseLines[Event](data); return }},
		{MessagesFile, func(data []byte) (err error) { r.Messages, err = parseLines[Message](data); return }},
		{SpectraFile, func(data []byte) (err error) { r.Spectra, err = parseLines[Spectrum](data); return }},
		{SummaryFile, func(data []byte) (err error) { r.Summary, err = parseJSON[[]Metric](data); return }},
		{VerdictsFile, func(data []byte) (err error) { r.Verdicts, err = parseJSON[[]Verdict](data); return }},
	} {
		if len(names) > 0 && !slices.Contains(names, f.name) {
			continue
		}
		path := filepath.Join(dir, f.name)
		data, err := os.ReadFile(path)
		if (f.name == MessagesFile || f.name == SpectraFile) && errors.Is(err, fs.ErrNotExist) {
			continue // a run without signalling, or without a mixer
		}
		if err != nil {
			return nil, fmt.Errorf("read record: %w", err)
		}
		if err := f.parse(data); err != nil {
			return nil, fmt.Errorf("read record: %s: %w", path, err)
		}
	}
	return r, nil
}
