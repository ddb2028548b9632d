package simrun

import (
	"io"
	"os"

	"golang.org/x/term"
)

// screen is where the program prints to, and what that can show.
type screen struct {
	io.Writer
	terminal bool // it can move the cursor and has box characters
	colour   bool
	width    int // in characters; 0 is unlimited
}

// screenOf looks at what a writer is connected to. Without a terminal there is
// nothing but plain text, and with NO_COLOR (no-color.org) no colour.
func screenOf(w io.Writer) *screen {
	s := &screen{Writer: w}
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return s
	}
	s.terminal = true
	s.colour = os.Getenv("NO_COLOR") == ""
	if width, _, err := term.GetSize(int(f.Fd())); err == nil {
		s.width = width
	}
	return s
}

// ink is the colour of a word.
type ink string

const (
	red    ink = "\x1b[31m"
	green  ink = "\x1b[32m"
	yellow ink = "\x1b[33m"
	bold   ink = "\x1b[1m"
)

// paint colours a text where the screen can.
func (s *screen) paint(c ink, text string) string {
	if !s.colour {
		return text
	}
	return string(c) + text + "\x1b[0m"
}
