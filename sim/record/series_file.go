package record

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

const timeColumn = "time [s]"

// seriesBytes makes the table of all series: a row per bin that starts with
// the bin's start, a column per series, an empty cell for NaN.
func seriesBytes(series []*Series) ([]byte, error) {
	rows := 0
	var step time.Duration
	for _, s := range series {
		if s.Step <= 0 || step != 0 && s.Step != step {
			return nil, fmt.Errorf("series %s %s has bins of %v, others of %v: all must be positive and equal", s.Entity, s.Metric, s.Step, step)
		}
		step = s.Step
		rows = max(rows, len(s.Values))
	}
	b := make([]byte, 0, 64*len(series)+rows*(8+10*len(series))+16)
	b = append(b, timeColumn...)
	for _, s := range series {
		b = append(b, ',')
		b = appendCell(b, s.Entity+" "+s.Metric+" ["+s.Unit+"]")
	}
	b = append(b, '\n')
	for i := range rows {
		b = appendSeconds(b, time.Duration(i)*step)
		for _, s := range series {
			b = append(b, ',')
			if i < len(s.Values) && !math.IsNaN(s.Values[i]) {
				b = appendNumber(b, s.Values[i])
			}
		}
		b = append(b, '\n')
	}
	return b, nil
}

func parseSeries(data []byte, step time.Duration) ([]*Series, error) {
	rows := csv.NewReader(bytes.NewReader(data))
	rows.ReuseRecord = true
	head, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("read the header: %w", err)
	}
	if head[0] != timeColumn {
		return nil, fmt.Errorf("first column is %q, want %q", head[0], timeColumn)
	}
	var series []*Series
	for _, title := range head[1:] {
		s, err := parseTitle(title)
		if err != nil {
			return nil, err
		}
		s.Step = step
		series = append(series, s)
	}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return series, nil
		}
		if err != nil {
			return nil, err
		}
		for i, cell := range row[1:] {
			v := math.NaN()
			if cell != "" {
				if v, err = strconv.ParseFloat(cell, 64); err != nil {
					line, column := rows.FieldPos(i + 1)
					return nil, fmt.Errorf("line %d, column %d: %q is not a number", line, column, cell)
				}
			}
			series[i].Values = append(series[i].Values, v)
		}
	}
}

// parseTitle reads a column's title such as "S1/video send-rate [bit/s]".
// Metrics and units have no blanks; entities may have.
func parseTitle(title string) (*Series, error) {
	name, unit, found := cutLast(strings.TrimSuffix(title, "]"), " [")
	entity, metric, split := cutLast(name, " ")
	if !found || !split {
		return nil, fmt.Errorf("column %q is not of the form \"entity metric [unit]\"", title)
	}
	return &Series{Entity: entity, Metric: metric, Unit: unit}, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// appendCell quotes a text where RFC 4180 asks for it.
func appendCell(b []byte, text string) []byte {
	if !strings.ContainsAny(text, ",\"\r\n") {
		return append(b, text...)
	}
	b = append(b, '"')
	b = append(b, strings.ReplaceAll(text, `"`, `""`)...)
	return append(b, '"')
}

// appendNumber writes the shortest decimal that reads back exactly, without an
// exponent, so that every spreadsheet takes it.
func appendNumber(b []byte, v float64) []byte {
	if i := int64(v); float64(i) == v && i > -1e15 && i < 1e15 {
		return strconv.AppendInt(b, i, 10)
	}
	return strconv.AppendFloat(b, v, 'f', -1, 64)
}

// appendSeconds writes a duration of zero or more in seconds, exactly, without
// trailing zeros.
func appendSeconds(b []byte, d time.Duration) []byte {
	b = strconv.AppendInt(b, int64(d/time.Second), 10)
	frac := int64(d % time.Second)
	if frac == 0 {
		return b
	}
	b = append(b, '.')
	for scale := int64(time.Second) / 10; frac > 0; scale /= 10 {
		b = append(b, byte('0'+frac/scale))
		frac %= scale
	}
	return b
}
