package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// manifestSeries is what a table of series can't say about itself.
type manifestSeries struct {
	Step time.Duration `json:"series_step_ns"` // 0 if there are no series
}

type manifestFile struct {
	Manifest
	manifestSeries
}

func manifestBytes(r *Record) ([]byte, error) {
	f := manifestFile{Manifest: r.Manifest}
	f.Format = Format
	if len(r.Series) > 0 {
		f.Step = r.Series[0].Step
	}
	return jsonBytes(f)
}

func parseManifest(data []byte) (Manifest, manifestSeries, error) {
	f, err := parseJSON[manifestFile](data)
	if err != nil {
		return Manifest{}, manifestSeries{}, err
	}
	if f.Format != Format {
		return Manifest{}, manifestSeries{}, fmt.Errorf("format %d can't be read, this program reads format %d: run the scenario again", f.Format, Format)
	}
	return f.Manifest, f.manifestSeries, nil
}

// jsonBytes leaves < and > as they are: these files are read by people and by
// programs, never pasted into a page.
func jsonBytes(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func parseJSON[T any](data []byte) (v T, err error) {
	err = json.Unmarshal(data, &v)
	return v, err
}

// linesBytes writes one value a line.
func linesBytes[T any](values []T) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for i := range values {
		if err := enc.Encode(&values[i]); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

func parseLines[T any](data []byte) ([]T, error) {
	var values []T
	line := 0
	for text := range bytes.Lines(data) {
		line++
		var v T
		if err := json.Unmarshal(text, &v); err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		values = append(values, v)
	}
	return values, nil
}

// number is a float64 that JSON can hold: NaN and the infinities are null, and
// null is NaN.
type number float64

func (n number) MarshalJSON() ([]byte, error) {
	if f := float64(n); math.IsNaN(f) || math.IsInf(f, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

func (n *number) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*n = number(math.NaN())
		return nil
	}
	return json.Unmarshal(data, (*float64)(n))
}

type (
	plainMetric  Metric
	plainVerdict Verdict
)

// The outer Value is nearer to the surface than the embedded one, so it is the
// one that encoding/json takes for "value".
type metricFile struct {
	*plainMetric
	Value number `json:"value"`
}

type verdictFile struct {
	*plainVerdict
	Value number `json:"value"`
}

// MarshalJSON writes a Value that is NaN or infinite as null.
func (m Metric) MarshalJSON() ([]byte, error) {
	return json.Marshal(metricFile{(*plainMetric)(&m), number(m.Value)})
}

// UnmarshalJSON is the inverse of [Metric.MarshalJSON]; null is NaN.
func (m *Metric) UnmarshalJSON(data []byte) error {
	f := metricFile{plainMetric: (*plainMetric)(m), Value: number(math.NaN())}
	err := json.Unmarshal(data, &f)
	m.Value = float64(f.Value)
	return err
}

// MarshalJSON writes a Value that is NaN or infinite as null.
func (v Verdict) MarshalJSON() ([]byte, error) {
	return json.Marshal(verdictFile{(*plainVerdict)(&v), number(v.Value)})
}

// UnmarshalJSON is the inverse of [Verdict.MarshalJSON]; null is NaN.
func (v *Verdict) UnmarshalJSON(data []byte) error {
	f := verdictFile{plainVerdict: (*plainVerdict)(v), Value: number(math.NaN())}
	err := json.Unmarshal(data, &f)
	v.Value = float64(f.Value)
	return err
}
