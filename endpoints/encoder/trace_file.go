package encoder

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"rtpfabric/sim/units"
)

// A trace is a text file:
//
//	rtpfabric-frame-sizes 1
//	# comments and empty lines are skipped
//	fps 30
//	skip 20
//	rates 200kbps 400kbps 800kbps
//	sizes 640x360 640x360 1280x720
//	frames
//	5012 9800 21023
//	402 933 1840
//
// The first line names the format and its version. Frame rate, skip, rates and picture
// sizes come once each, in this order. After "frames" each line is one frame, in
// octets, with a column for each rate.
const traceMagic = "rtpfabric-frame-sizes 1"

// TraceError is what is wrong with a trace file, and where.
type TraceError struct {
	Line   int // from 1; the last one if something is missing
	Reason string
}

// Error implements error.
func (e *TraceError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// traceReader reads the lines of a trace file.
type traceReader struct {
	scanner *bufio.Scanner
	line    int
}

// ReadTrace parses a trace file. Errors in its content are of type [*TraceError].
func ReadTrace(r io.Reader) (*Trace, error) {
	in := &traceReader{scanner: bufio.NewScanner(r)}
	in.scanner.Buffer(nil, 1<<20)
	t, err := in.read()
	if err == nil {
		err = in.scanner.Err()
	}
	if errors.Is(err, bufio.ErrTooLong) {
		err = &TraceError{Line: in.line + 1, Reason: "the line is longer than a megabyte"}
	}
	if err != nil {
		return nil, err
	}
	if err := t.Check(); err != nil {
		return nil, in.fail("%v", err)
	}
	return t, nil
}

func (in *traceReader) fail(format string, args ...any) error {
	if err := in.scanner.Err(); err != nil {
		return err
	}
	return &TraceError{Line: max(in.line, 1), Reason: fmt.Sprintf(format, args...)}
}

// next returns the words of the next line that has any.
func (in *traceReader) next() ([]string, bool) {
	for in.scanner.Scan() {
		in.line++
		text := strings.TrimSpace(in.scanner.Text())
		if text != "" && text[0] != '#' {
			return strings.Fields(text), true
		}
	}
	return nil, false
}

// section returns what follows a keyword, which must come next.
func (in *traceReader) section(keyword string) ([]string, error) {
	words, ok := in.next()
	switch {
	case !ok:
		return nil, in.fail("the file ends before %q", keyword)
	case words[0] != keyword:
		return nil, in.fail("%q where %q should be", words[0], keyword)
	}
	return words[1:], nil
}

func (in *traceReader) read() (*Trace, error) {
	words, ok := in.next()
	if !ok || strings.Join(words, " ") != traceMagic {
		return nil, in.fail("this is no trace of frame sizes: the first line must be %q", traceMagic)
	}
	t := &Trace{}
	for _, part := range []func(*Trace) error{in.readFPS, in.readSkip, in.readRates, in.readResolutions, in.readFrames} {
		if err := part(t); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (in *traceReader) readFPS(t *Trace) error {
	words, err := in.section("fps")
	if err != nil {
		return err
	}
	if len(words) == 1 {
		t.FPS, err = strconv.ParseFloat(words[0], 64)
	}
	if len(words) != 1 || err != nil {
		return in.fail("%q is no frame rate: write one number, such as 30", strings.Join(words, " "))
	}
	return nil
}

func (in *traceReader) readSkip(t *Trace) error {
	words, err := in.section("skip")
	if err != nil {
		return err
	}
	if len(words) == 1 {
		t.Skip, err = strconv.Atoi(words[0])
	}
	if len(words) != 1 || err != nil || t.Skip < 0 {
		return in.fail("%q is no number of frames: write one, 0 or more", strings.Join(words, " "))
	}
	return nil
}

func (in *traceReader) readRates(t *Trace) error {
	words, err := in.section("rates")
	if err != nil {
		return err
	}
	for _, w := range words {
		rate, err := units.ParseBitRate(w)
		if err != nil {
			return in.fail("%v", err)
		}
		if n := len(t.Rungs); rate <= 0 || n > 0 && rate <= t.Rungs[n-1].Rate {
			return in.fail("%v: rates must be positive and rise", rate)
		}
		t.Rungs = append(t.Rungs, Rung{Rate: rate})
	}
	if len(t.Rungs) < 2 {
		return in.fail("%d rates: there must be two or more", len(t.Rungs))
	}
	return nil
}

func (in *traceReader) readResolutions(t *Trace) error {
	words, err := in.section("sizes")
	if err != nil {
		return err
	}
	if len(words) != len(t.Rungs) {
		return in.fail("%d picture sizes for %d rates", len(words), len(t.Rungs))
	}
	for i, w := range words {
		width, height, ok := strings.Cut(w, "x")
		x, errX := strconv.Atoi(width)
		y, errY := strconv.Atoi(height)
		if !ok || errX != nil || errY != nil || x <= 0 || y <= 0 {
			return in.fail("%q is no picture size: write width and height, such as 1280x720", w)
		}
		t.Rungs[i].Width, t.Rungs[i].Height = x, y
	}
	return nil
}

func (in *traceReader) readFrames(t *Trace) error {
	words, err := in.section("frames")
	if err != nil {
		return err
	}
	if len(words) > 0 {
		return in.fail("%q after \"frames\": sizes begin on the next line", words[0])
	}
	for {
		words, ok := in.next()
		if !ok {
			return nil
		}
		if len(words) != len(t.Rungs) {
			return in.fail("%d sizes for %d rates", len(words), len(t.Rungs))
		}
		for i, w := range words {
			n, err := strconv.ParseInt(w, 10, 64)
			if err != nil || n <= 0 || units.Bytes(n) > largest {
				return in.fail("%q is no size of a frame: write octets, from 1 to %d", w, largest)
			}
			t.Rungs[i].Sizes = append(t.Rungs[i].Sizes, units.Bytes(n))
		}
	}
}

// WriteTo writes the trace as a file that [ReadTrace] reads.
func (t *Trace) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nfps %s\nskip %d\nrates", traceMagic, strconv.FormatFloat(t.FPS, 'g', -1, 64), t.Skip)
	for _, r := range t.Rungs {
		fmt.Fprintf(&b, " %dbps", int64(r.Rate))
	}
	b.WriteString("\nsizes")
	for _, r := range t.Rungs {
		fmt.Fprintf(&b, " %dx%d", r.Width, r.Height)
	}
	b.WriteString("\nframes\n")
	for i := range t.Rungs[0].Sizes {
		for j, r := range t.Rungs {
			if j > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(strconv.FormatInt(int64(r.Sizes[i]), 10))
		}
		b.WriteByte('\n')
	}
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}
