package simrun

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"rtpfabric/scenarios/runner/gym"
)

// listener reads the agent's lines in a goroutine of its own, so that neither an interrupt
// nor a time-out has to wait for one. The goroutine ends with its input, or with the line
// after its context.
type listener struct {
	lines   chan heard
	timeout time.Duration
}

// heard is a line, or the error in its place.
type heard struct {
	line []byte
	err  error
}

func listen(ctx context.Context, r io.Reader, timeout time.Duration) *listener {
	l := &listener{lines: make(chan heard), timeout: timeout}
	go func() {
		defer close(l.lines)
		for in := gym.NewLines(r); ; {
			line, err := in.Next()
			select {
			case l.lines <- heard{slices.Clone(line), err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return l
}

// next waits for a line, but not longer than the context and the time-out allow.
func (l *listener) next(ctx context.Context) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var expired <-chan time.Time
	if l.timeout > 0 {
		timer := time.NewTimer(l.timeout)
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case h, open := <-l.lines:
		if !open {
			return nil, io.EOF
		}
		return h.line, h.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-expired:
		return nil, fmt.Errorf("the agent gave no command within %v (--timeout)", l.timeout)
	}
}
