package record

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A row of distributions.csv has the quantized values of a bin in ascending
// order, with a space between them; 12.5*3 is three times 12.5. The bin's sum is
// exact, so that means stay exact. A distribution without samples has one row
// without a bin.
const distributionHeader = "entity,metric,bin_s,bin_start_s,bin_sum_ms,values_ms\n"

const distributionColumns = 6

// valueTexts holds the decimal form of every code: formatting a float costs
// ten times as much as copying it.
var valueTexts = sync.OnceValue(func() *[codeCount]string {
	var texts [codeCount]string
	for c := range texts {
		texts[c] = strconv.FormatFloat(decode(uint16(c)), 'f', -1, 64)
	}
	return &texts
})

// flushAt is how much text is collected before it is written: all of it would
// be the largest piece of memory of a run.
const flushAt = 1 << 16

func writeDistributions(w io.Writer, all []*Distribution) error {
	texts := valueTexts()
	b := make([]byte, 0, flushAt+1<<14)
	b = append(b, distributionHeader...)
	var prefix []byte
	var codes []uint16
	for _, d := range all {
		d.Flush()
		prefix = appendCell(prefix[:0], d.Entity)
		prefix = append(prefix, ',')
		prefix = appendCell(prefix, d.Metric)
		prefix = append(prefix, ',')
		prefix = appendSeconds(prefix, d.Step)
		prefix = append(prefix, ',')
		if len(d.codes) == 0 {
			b = append(b, prefix...)
			b = append(b, ",,\n"...)
			continue
		}
		kept := len(prefix)
		for i := range d.starts {
			codes = append(codes[:0], d.bin(i)...)
			if len(codes) == 0 {
				continue
			}
			slices.Sort(codes)
			prefix = appendSeconds(prefix[:kept], time.Duration(i)*d.Step)
			b = append(b, prefix...)
			b = append(b, ',')
			b = appendNumber(b, float64(d.sumOf(i))/1e6)
			separator := byte(',')
			for rest := codes; len(rest) > 0; {
				n := run(rest)
				b = append(b, separator)
				separator = ' '
				b = append(b, texts[rest[0]]...)
				if n > 1 {
					b = append(b, '*')
					b = strconv.AppendInt(b, int64(n), 10)
				}
				rest = rest[n:]
			}
			b = append(b, '\n')
			if len(b) >= flushAt {
				if _, err := w.Write(b); err != nil {
					return err
				}
				b = b[:0]
			}
		}
	}
	_, err := w.Write(b)
	return err
}

// bin returns the codes of bin i in order of time.
func (d *Distribution) bin(i int) []uint16 {
	end := len(d.codes)
	if i+1 < len(d.starts) {
		end = d.starts[i+1]
	}
	return d.codes[d.starts[i]:end]
}

// run returns how many equal codes a sorted, non-empty list starts with.
func run(codes []uint16) int {
	n := 1
	for n < len(codes) && codes[n] == codes[0] {
		n++
	}
	return n
}

func parseDistributions(data []byte) ([]*Distribution, error) {
	rows := csv.NewReader(bytes.NewReader(data))
	rows.FieldsPerRecord = distributionColumns
	rows.ReuseRecord = true
	if _, err := rows.Read(); err != nil {
		return nil, fmt.Errorf("read the header: %w", err)
	}
	var all []*Distribution
	var d *Distribution
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		if d == nil || d.Entity != row[0] || d.Metric != row[1] {
			step, err := parseDecimal(row[2], 1e9)
			if err != nil || step <= 0 {
				return nil, rowError(rows, 2, row[2], "a bin length in s")
			}
			d = NewDistribution(row[0], row[1], time.Duration(step))
			all = append(all, d)
		}
		if err := d.restore(rows, row); err != nil {
			return nil, err
		}
	}
}

// restore adds what one row says. Rows come in order of bins.
func (d *Distribution) restore(rows *csv.Reader, row []string) error {
	if row[3] == "" {
		return nil
	}
	start, err := parseDecimal(row[3], 1e9)
	bin := int(start / int64(d.Step))
	if err != nil || bin < 0 || bin < len(d.starts) || bin > maxBins {
		return rowError(rows, 3, row[3], "the start in s of a later bin")
	}
	ms, err := strconv.ParseFloat(row[4], 64)
	if err != nil {
		return rowError(rows, 4, row[4], "a sum in ms")
	}
	for len(d.starts) <= bin {
		d.starts = append(d.starts, len(d.codes))
		d.sums = append(d.sums, 0)
	}
	d.sums[bin] = time.Duration(math.Round(ms * 1e6))
	for text := range strings.SplitSeq(row[5], " ") {
		number, times, repeated := strings.Cut(text, "*")
		value, err := parseDecimal(number, 1e6)
		if err != nil || value < 0 {
			return rowError(rows, 5, text, "a duration in ms")
		}
		count := 1
		if repeated {
			if count, err = strconv.Atoi(times); err != nil || count < 1 || count > maxSamples {
				return rowError(rows, 5, text, "a duration in ms and how often")
			}
		}
		code := encode(time.Duration(value))
		for range count {
			d.codes = append(d.codes, code)
		}
	}
	return nil
}

// Limits that keep a damaged file from asking for all memory.
const (
	maxBins    = 1 << 24
	maxSamples = 1 << 24 // of one value in a bin
)

// parseDecimal reads a number and returns it in units of 1/scale.
func parseDecimal(text string, scale float64) (int64, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, err
	}
	f = math.Round(f * scale)
	if !(math.Abs(f) < math.MaxInt64) {
		return 0, strconv.ErrRange
	}
	return int64(f), nil
}

func rowError(rows *csv.Reader, column int, text, want string) error {
	line, at := rows.FieldPos(column)
	return fmt.Errorf("line %d, column %d: %q is not %s", line, at, text, want)
}
