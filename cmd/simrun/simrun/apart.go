package simrun

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/hosted"
	"rtpfabric/sim/hosted/bubble"
	"rtpfabric/sim/record"
)

// Runs with hosted stacks are done apart: each in a process of its own, of this program. A panic in a stack's
// goroutine ends the process, and no other run; and on one processor a stack's goroutines take turns in the
// same way each time.

// apartVariable is in the environment of a process that does one run.
const apartVariable = "SIMRUN_APART"

// apartFolder is the name of the folder in which it leaves the record.
const apartFolder = "apart"

// apartOrder is what such a process is told, in its standard input, which stays open until it is
// to stop.
type apartOrder struct {
	File, Name string
	Resolved   string
	Variation  []record.Setting
	Options    runner.Options
	// Folder gets the record.
	Folder string
}

// apartNews is a line of its standard output.
type apartNews struct {
	Progress float64 `json:",omitempty"`
	// Error, if not empty, is why there is no record, and Dump what the goroutines did.
	Error, Dump string `json:",omitempty"`
	Done        bool   `json:",omitempty"`
}

// runApart does a run in a process of its own.
func runApart(ctx context.Context, r *plannedRun, o runner.Options) (*record.Record, error) {
	folder, err := folderBeside(r, apartFolder)
	if err != nil {
		r.state = unwritten
		return nil, err
	}
	defer os.RemoveAll(folder)
	order := apartOrder{File: r.File, Name: r.Name, Resolved: r.Resolved, Variation: r.Variation, Options: o, Folder: folder}
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("running apart: %w", err)
	}
	cmd := exec.Command(program)
	cmd.Args = os.Args[:1]
	cmd.Env = append(os.Environ(), apartVariable+"=1", "GOMAXPROCS=1", "GOTRACEBACK=all")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("running apart: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("running apart: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("running apart: %w", err)
	}
	over := make(chan struct{})
	defer close(over)
	defer context.AfterFunc(ctx, func() {
		_ = in.Close() // it writes what it has, unless it is stuck
		select {
		case <-over:
		case <-time.After(stopsWithin):
			_ = cmd.Process.Kill()
		}
	})()
	last, err := follow(order, in, out, o.Progress)
	switch waited := cmd.Wait(); {
	case last.Error != "":
		return nil, &apartError{last.Error, last.Dump}
	case last.Done && waited == nil:
		return record.Read(folder)
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%s: interrupted, and didn't stop: %w", r.Name, context.Cause(ctx))
	case crash(stderr.String()) != "":
		return nil, &apartError{fmt.Sprintf("%s: a hosted stack broke: %s", r.Name, crash(stderr.String())), stderr.String()}
	default:
		return nil, fmt.Errorf("%s: the process that did the run ended early: %w", r.Name, cmp.Or(waited, err))
	}
}

// stopsWithin is how long a process has to write what it has when it is told to stop.
const stopsWithin = 10 * time.Second

// crash returns the line with which the runtime of Go says why it ends a program; empty if there is none.
func crash(stderr string) string {
	for line := range strings.Lines(stderr) {
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
			return strings.TrimRight(line, "\n")
		}
	}
	return ""
}

// follow gives the order, and listens until the end.
func follow(order apartOrder, in io.Writer, out io.Reader, progress func(float64)) (apartNews, error) {
	if err := json.NewEncoder(in).Encode(order); err != nil {
		return apartNews{}, err
	}
	lines := json.NewDecoder(out)
	for {
		var news apartNews
		if err := lines.Decode(&news); err != nil {
			return news, err
		}
		if news.Done || news.Error != "" {
			return news, nil
		}
		if progress != nil {
			progress(news.Progress)
		}
	}
}

// apartError is a run that has failed in its own process.
type apartError struct{ reason, dump string }

// Error begins with the reason, in a line of its own.
func (e *apartError) Error() string { return strings.TrimRight(e.reason+"\n"+e.dump, "\n") }

// serveApart does the run that standard input tells of. It returns the program's exit code.
func serveApart(in io.Reader, out io.Writer) int {
	signal.Ignore(os.Interrupt, syscall.SIGTERM) // whoever gave the order says when to stop
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	say := json.NewEncoder(out)
	fail := func(err error) int {
		news := apartNews{Error: firstLine(err.Error())}
		if f, ok := errors.AsType[*bubble.Failure](err); ok {
			news.Dump = f.Dump
		}
		_ = say.Encode(news)
		return ExitInternal
	}
	orders := json.NewDecoder(in)
	var order apartOrder
	if err := orders.Decode(&order); err != nil {
		return fail(fmt.Errorf("reading the order: %w", err))
	}
	go func() {
		_, _ = io.Copy(io.Discard, in) // until it is closed
		cancel()
	}()
	f, err := scenarios.Parse(order.File, []byte(order.Resolved), scenarios.Options{})
	if err != nil {
		return fail(err)
	}
	hosted.Undisturbed()
	run := f.Runs[0]
	run.Name, run.Variation, run.Resolved = order.Name, order.Variation, order.Resolved
	order.Options.Progress = func(done float64) { _ = say.Encode(apartNews{Progress: done}) }
	rec, err := runner.Run(ctx, run, order.Options)
	if err != nil {
		return fail(err)
	}
	if err := record.Write(order.Folder, rec); err != nil {
		return fail(err)
	}
	if err := say.Encode(apartNews{Done: true}); err != nil {
		return ExitInternal
	}
	return ExitPassed
}
