package tables

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"

	"rtpfabric/sim/record"
)

// Format is that of files.
type Format string

// The formats.
const (
	Parquet   Format = "parquet" // compressed with zstd
	CSV       Format = "csv"     // RFC 4180 with line feeds alone; an empty cell is no value
	JSONLines Format = "jsonl"   // an object for each row; null is no value
)

// Formats are all of them.
func Formats() []Format { return []Format{Parquet, CSV, JSONLines} }

// sheet is where the rows of one table go.
type sheet[T any] interface {
	write(rows ...T) error
	close() error
}

// Writer writes tables to files in a folder, which become visible when it is closed. A nil sheet is a table that
// nobody wants.
type Writer struct {
	folder   string
	files    map[string]*os.File // being written, by the name that they will have
	runs     sheet[Run]
	settings sheet[Setting]
	verdicts sheet[Verdict]
	summary  sheet[Figure]
	series   sheet[Point]
	events   sheet[Event]
	points   []Point
}

// NewWriter begins tables, by their names, in a folder that is there.
func NewWriter(folder string, format Format, names ...string) (*Writer, error) {
	w := &Writer{folder: folder, files: map[string]*os.File{}}
	for _, name := range names {
		f, err := os.CreateTemp(folder, "."+name+"."+string(format)+".partial-*")
		if err != nil {
			return nil, errors.Join(err, w.Abandon())
		}
		w.files[name+"."+string(format)] = f
		switch name {
		case "runs":
			w.runs = newSheet[Run](f, format)
		case "settings":
			w.settings = newSheet[Setting](f, format)
		case "verdicts":
			w.verdicts = newSheet[Verdict](f, format)
		case "summary":
			w.summary = newSheet[Figure](f, format)
		case "series":
			w.series = newSheet[Point](f, format)
		case "events":
			w.events = newSheet[Event](f, format)
		default:
			return nil, errors.Join(fmt.Errorf("there is no table %q", name), w.Abandon())
		}
	}
	return w, nil
}

// Add writes the rows of a record.
func (w *Writer) Add(id string, r *record.Record) error {
	var errs []error
	if w.runs != nil {
		errs = append(errs, w.runs.write(runOf(id, r)))
	}
	if w.settings != nil {
		for _, s := range r.Manifest.Variation {
			errs = append(errs, w.settings.write(Setting{id, s.Path, s.Value}))
		}
	}
	if w.verdicts != nil {
		for _, v := range r.Verdicts {
			errs = append(errs, w.verdicts.write(Verdict{id, v.Expectation, v.Pass, number(v.Value), v.Unit, v.Bound, v.Known}))
		}
	}
	if w.summary != nil {
		for _, m := range r.Summary {
			errs = append(errs, w.summary.write(Figure{id, m.Entity, m.Metric, m.Stat, m.Unit, number(m.Value)}))
		}
	}
	if w.series != nil {
		for _, s := range r.Series {
			w.points = w.points[:0]
			for i, v := range s.Values {
				w.points = append(w.points, Point{id, s.Entity, s.Metric, s.Unit, seconds(s.Step * time.Duration(i)), number(v)})
			}
			errs = append(errs, w.series.write(w.points...))
		}
	}
	if w.events != nil {
		for _, e := range r.Events {
			errs = append(errs, w.events.write(Event{id, e.At.Seconds(), e.Entity, e.Kind, e.Detail, e.Peer}))
		}
	}
	return errors.Join(errs...)
}

// Close finishes all files and gives them their names. It returns these, in order.
func (w *Writer) Close() ([]string, error) {
	for _, err := range []error{closeSheet(w.runs), closeSheet(w.settings), closeSheet(w.verdicts), closeSheet(w.summary), closeSheet(w.series), closeSheet(w.events)} {
		if err != nil {
			return nil, errors.Join(err, w.Abandon())
		}
	}
	var paths []string
	for name, f := range w.files {
		if err := errors.Join(f.Chmod(0o644), f.Close()); err != nil {
			return nil, errors.Join(err, w.Abandon())
		}
		paths = append(paths, filepath.Join(w.folder, name))
	}
	slices.Sort(paths)
	for _, path := range paths {
		if err := os.Rename(w.files[filepath.Base(path)].Name(), path); err != nil {
			return nil, errors.Join(err, w.Abandon())
		}
	}
	return paths, nil
}

func closeSheet[T any](s sheet[T]) error {
	if s == nil {
		return nil
	}
	return s.close()
}

// Abandon removes what was begun.
func (w *Writer) Abandon() error {
	var errs []error
	for _, f := range w.files {
		_ = f.Close() // it may be closed already
		if err := os.Remove(f.Name()); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func newSheet[T any](f *os.File, format Format) sheet[T] {
	switch format {
	case Parquet:
		return &parquetSheet[T]{parquet.NewGenericWriter[T](f, parquet.Compression(&parquet.Zstd))}
	case CSV:
		return newCSV[T](f)
	default:
		b := bufio.NewWriter(f)
		return &jsonSheet[T]{b, json.NewEncoder(b)}
	}
}

type parquetSheet[T any] struct{ w *parquet.GenericWriter[T] }

func (s *parquetSheet[T]) write(rows ...T) error {
	_, err := s.w.Write(rows)
	return err
}

func (s *parquetSheet[T]) close() error { return s.w.Close() }

type jsonSheet[T any] struct {
	b *bufio.Writer
	e *json.Encoder
}

func (s *jsonSheet[T]) write(rows ...T) error {
	for i := range rows {
		if err := s.e.Encode(&rows[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *jsonSheet[T]) close() error { return s.b.Flush() }

type csvSheet[T any] struct {
	w     *csv.Writer
	cells []string
}

// newCSV begins with the names of the columns, which are those of JSON.
func newCSV[T any](to io.Writer) *csvSheet[T] {
	row := reflect.TypeFor[T]()
	s := &csvSheet[T]{w: csv.NewWriter(to), cells: make([]string, row.NumField())}
	for i := range s.cells {
		s.cells[i] = row.Field(i).Tag.Get("json")
	}
	_ = s.w.Write(s.cells) // what goes wrong Flush says
	return s
}

func (s *csvSheet[T]) write(rows ...T) error {
	for i := range rows {
		row := reflect.ValueOf(&rows[i]).Elem()
		for k := range s.cells {
			s.cells[k] = cell(row.Field(k))
		}
		if err := s.w.Write(s.cells); err != nil {
			return err
		}
	}
	return nil
}

func (s *csvSheet[T]) close() error {
	s.w.Flush()
	return s.w.Error()
}

func cell(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case string:
		return x
	case *float64:
		if x == nil {
			return ""
		}
		return strconv.FormatFloat(*x, 'g', -1, 64)
	case float64:
		return strconv.FormatFloat(x, 'g', -1, 64)
	default:
		return fmt.Sprint(x)
	}
}
