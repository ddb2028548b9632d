package simrun

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// counter shows on a terminal how many pieces of work of the same kind are done, and how long the rest will take. A nil
// counter shows nothing. Its methods may be called from several goroutines.
type counter struct{ bar *progressbar.ProgressBar }

// newCounter returns a counter of n pieces, such as "records"; nil if the writer is no terminal, or there is but one.
func newCounter(w io.Writer, n int, what string) *counter {
	s := screenOf(w)
	if !s.terminal || n < 2 {
		return nil
	}
	return &counter{progressbar.NewOptions(n,
		progressbar.OptionSetWriter(s),
		progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetWidth(30),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionClearOnFinish(),
	)}
}

// done counts a piece. A terminal that can't be written to is no reason to stop.
func (c *counter) done() {
	if c != nil {
		_ = c.bar.Add(1)
	}
}

// end takes the bar away, also if not all was done.
func (c *counter) end() {
	if c != nil {
		_ = c.bar.Finish()
	}
}
