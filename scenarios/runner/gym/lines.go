package gym

import (
	"bufio"
	"errors"
	"io"
)

// maxLine is how long a command may be, in bytes.
const maxLine = 1 << 20

// Lines reads commands one by one.
type Lines struct{ in *bufio.Reader }

// NewLines reads from r.
func NewLines(r io.Reader) *Lines { return &Lines{bufio.NewReaderSize(r, maxLine)} }

// Next returns the next line, which is valid until the following call; the last may have
// no end. Of a line of more than a mebibyte it returns only the beginning.
func (l *Lines) Next() ([]byte, error) {
	line, err := l.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		line = append([]byte{}, line[:maxQuoted]...)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = l.in.ReadSlice('\n')
		}
		return line, nil
	}
	if len(line) > 0 {
		return line, nil // what comes behind it is for the next call to say
	}
	return nil, err
}

// maxQuoted is how much is kept of a line that is too long.
const maxQuoted = 400
