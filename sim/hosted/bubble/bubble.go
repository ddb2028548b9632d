// Package bubble runs code that sleeps, ticks and starts goroutines in virtual time, in an ordinary
// program: it is the one place that knows how to enter a bubble of testing/synctest outside of a test.
//
// That synctest.Test works with a zero testing.T, without registering flags, printing or exiting, is
// nothing that Go promises. The package's tests say whether it still holds. If a later Go forbids it, what
// is left is a test binary: the same program made by go test -c, whose only test calls f. See
// docs/adr/0022-hosted-stacks.md.
package bubble

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A Failure is how a bubble ended that didn't end by itself.
type Failure struct {
	// Reason is one line.
	Reason string
	// Dump is the stacks of the bubble's goroutines, or of the one that panicked.
	Dump string
}

// Error returns the reason. The dump is for whoever asks for it.
func (f *Failure) Error() string { return f.Reason }

// Run calls f in a bubble of its own, in which time begins at midnight UTC of 2000-01-01 and moves on only
// when every goroutine waits for something in the bubble, and returns its error. Bubbles may be run one
// after the other and at the same time, but not in each other.
//
// f returns when all goroutines that it has started are over, or in its last calls make them end; what is
// left then would wait for ever, as time stands still, and is a [Failure]. So are a panic of f (one of
// another goroutine ends the program), goroutines that all wait for each other, and time that stands still
// for longer than wall on the clock of the world: somebody holds a lock while sleeping, or
// doesn't come to an end. Such goroutines can't be ended, and stay. A wall of 0 waits for ever.
func Run(wall time.Duration, f func() error) error {
	prepare()
	out := make(chan error, 1)
	inside := make(chan string, 1)
	// Deadlocks panic where Test is called.
	go func() {
		ended := false
		defer func() {
			if ended {
				return
			}
			reason := "the bubble broke: " + fmt.Sprint(recover())
			select {
			case name := <-inside:
				out <- &Failure{Reason: reason, Dump: dump(name)}
			default: // it hasn't come to be
				out <- &Failure{Reason: reason, Dump: string(debug.Stack())}
			}
		}()
		var err error
		synctest.Test(new(testing.T), func(*testing.T) { err = call(f, inside) })
		ended = true
		out <- err
	}()
	if wall == 0 {
		return <-out
	}
	watchdog := time.NewTimer(wall)
	defer watchdog.Stop()
	select {
	case err := <-out:
		return err
	case <-watchdog.C:
	}
	select {
	case name := <-inside:
		return &Failure{
			Reason: fmt.Sprintf("not over after %v: virtual time is stuck, or the run is too long", wall), Dump: dump(name),
		}
	case err := <-out: // at the last moment
		return err
	default:
		return &Failure{Reason: fmt.Sprintf("no bubble after %v", wall), Dump: stacks()}
	}
}

// call runs f in a goroutine of its own, as a T that is zero survives neither a panic nor Goexit. It tells
// the name of the bubble.
func call(f func() error, inside chan<- string) error {
	inside <- nameOf(head())
	out := make(chan error, 1)
	go func() {
		err := errors.New("f ended its goroutine")
		defer func() {
			if p := recover(); p != nil {
				err = &Failure{Reason: fmt.Sprintf("panic: %v", p), Dump: string(debug.Stack())}
			}
			out <- err
		}()
		err = f()
	}()
	return <-out
}

var flags sync.Once

// prepare lets the race detector's part of package testing find the flags that it asks for, without
// giving them to the program.
func prepare() {
	if testing.Testing() {
		return
	}
	flags.Do(func() {
		program := flag.CommandLine
		defer func() { flag.CommandLine = program }()
		flag.CommandLine = flag.NewFlagSet(os.Args[0], flag.ContinueOnError)
		testing.Init()
	})
}

// head returns the first line of the stack of the calling goroutine, and maybe more.
func head() string {
	var b [128]byte
	return string(b[:runtime.Stack(b[:], false)])
}

// stacks returns those of all goroutines.
func stacks() string {
	for size := 1 << 16; ; size *= 4 {
		b := make([]byte, size)
		if n := runtime.Stack(b, true); n < size {
			return string(b[:n])
		}
	}
}

const tag = "synctest bubble "

// nameOf returns what the goroutines of the bubble of the first one of a dump have in their heads.
func nameOf(dump string) string {
	head, _, _ := strings.Cut(dump, "\n")
	_, name, _ := strings.Cut(head, tag)
	name, _, _ = strings.Cut(name, "]")
	name, _, _ = strings.Cut(name, ",")
	return name
}

// dump returns the stacks of the goroutines of a bubble.
func dump(name string) string {
	var b bytes.Buffer
	for g := range strings.SplitSeq(stacks(), "\n\n") {
		if nameOf(g) == name {
			b.WriteString(g)
			b.WriteString("\n\n")
		}
	}
	return b.String()
}
