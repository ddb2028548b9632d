package trace

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// FileError says what is wrong in a file, where, and what would be right.
type FileError struct {
	File      string
	Line, Col int    // from 1; 0 if the error is about the whole
	Field     string // such as uplink.trace_pattern[3].loss
	Problem   string
	Remedy    string
}

// Error returns one line: file:line:col: field: problem: write remedy.
func (e *FileError) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
		if e.Col > 0 {
			fmt.Fprintf(&b, ":%d", e.Col)
		}
	}
	fmt.Fprintf(&b, ": %s: %s: write %s", e.Field, e.Problem, e.Remedy)
	return b.String()
}

// quote makes text from a file printable and short.
func quote(s string) string {
	const most = 24
	if len(s) > most {
		return fmt.Sprintf("%q...", s[:most])
	}
	return fmt.Sprintf("%q", s)
}

var errTooLarge = errors.New("too large")

// readAll reads a file of at most MaxFile octets.
func readAll(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err == nil && len(data) > MaxFile {
		err = errTooLarge
	}
	return data, err
}
