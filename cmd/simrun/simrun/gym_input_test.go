package simrun

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestListener(t *testing.T) {
	l := listen(t.Context(), strings.NewReader("a\nb"), 0)
	for _, want := range []string{"a\n", "b"} {
		if line, err := l.next(t.Context()); err != nil || string(line) != want {
			t.Errorf("line %q, %v, want %q", line, err, want)
		}
	}
	for range 2 {
		if line, err := l.next(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("at the end %q, %v", line, err)
		}
	}
}

// Who says nothing is waited for until the time is over, or somebody interrupts.
func TestListenerGivesUp(t *testing.T) {
	silent, w := io.Pipe()
	defer func() { _ = w.Close() }()
	l := listen(t.Context(), silent, time.Millisecond)
	if _, err := l.next(t.Context()); err == nil || !strings.Contains(err.Error(), "no command within 1ms (--timeout)") {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	l.timeout = 0
	cancel()
	if _, err := l.next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
