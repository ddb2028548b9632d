package simrun

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"rtpfabric/plots"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/capture"
	"rtpfabric/sim/record"
)

// pageFile is the name of every page.
const pageFile = "index.html"

// execute does all runs of a plan that aren't kept, as many at the same time as the options
// say, in order. When the context ends, those in flight write what they have
// and no other begins. What became of each run is in the plan.
func execute(ctx context.Context, plan []*plannedFile, o *runOptions, show progress) {
	var queue []*plannedRun
	for _, f := range plan {
		for _, r := range f.runs {
			if !r.kept {
				queue = append(queue, r)
			}
		}
	}
	inParallel(o.jobs, len(queue), func(i int) {
		if ctx.Err() == nil {
			do(ctx, queue[i], o, show)
		}
	})
}

// do does one run and tells about it.
func do(ctx context.Context, r *plannedRun, o *runOptions, show progress) {
	r.began = time.Now()
	err := runAndKeep(ctx, r, o, func(part float64) { show.advanced(r, part) })
	r.took = time.Since(r.began)
	if err != nil {
		r.row.Problem = firstLine(err.Error())
	}
	show.ended(r, err)
}

// panicked is a run that ended in a panic.
type panicked struct {
	run   *plannedRun
	value any
	stack []byte
}

func (p *panicked) Error() string {
	return fmt.Sprintf("internal error: %v\nin %s, run %s, seed %d\n%s", p.value, p.run.File, p.run.Name, p.run.Scenario.Seed, p.stack)
}

// runAndKeep does one run and writes its record. A panic in it becomes an
// error, so that the other runs go on.
func runAndKeep(ctx context.Context, r *plannedRun, o *runOptions, progress func(float64)) (err error) {
	var extra []extraFolder
	forgetFailure(r)
	defer func() {
		for _, e := range extra {
			if err != nil && r.state == broken && e.name == feedbackFolder {
				err = keepOfFailure(r, e, err)
			}
			_ = os.RemoveAll(e.path) // gone already if all went well
		}
	}()
	defer func() {
		if v := recover(); v != nil {
			r.state = broken
			err = &panicked{r, v, debug.Stack()}
		}
	}()
	r.state = broken
	ro := runner.Options{Version: Version, Progress: progress}
	add := func(name string, into *string) error {
		folder, err := folderBeside(r, name)
		if err != nil {
			r.state = unwritten
			return err
		}
		*into = folder
		extra = append(extra, extraFolder{folder, name})
		return nil
	}
	if o.pcap != "" {
		ro.CaptureFormat = capture.Format(o.pcap)
		if err := add(capturesFolder, &ro.CaptureDir); err != nil {
			return err
		}
	}
	if o.rtpLog {
		if err := add(rtpLogFolder, &ro.RTPLogDir); err != nil {
			return err
		}
	}
	if o.feedbackLog {
		if err := add(feedbackFolder, &ro.FeedbackDir); err != nil {
			return err
		}
	}
	simulate := func() (*record.Record, error) { return runner.Run(ctx, r.Run, ro) }
	if r.Scenario.Hosted() {
		simulate = func() (*record.Record, error) { return runApart(ctx, r, ro) }
	}
	rec, err := simulate()
	if err != nil {
		return err
	}
	rec.Manifest.Reproduce = reproduce(r, o.set)
	if err := keep(r, rec, o, extra); err != nil {
		r.state = unwritten
		return err
	}
	r.settle(rec, o)
	return nil
}

// extraFolder is a folder that a run fills, and its name in the record.
type extraFolder struct{ path, name string }

// capturesFolder is the name of the one with captures, rtpLogFolder of that with RTP logs, feedbackFolder of that with feedback
// logs and what programs print.
const (
	capturesFolder = "captures"
	feedbackFolder = "feedback"
	rtpLogFolder   = "rtp-logs"
)

// failureOf is the folder for what is left of a run that failed, beside that of its
// record.
func failureOf(r *plannedRun) string { return r.folder + ".failed" }

// forgetFailure removes what is left of an earlier call's run, and nothing else.
func forgetFailure(r *plannedRun) {
	_ = os.RemoveAll(filepath.Join(failureOf(r), feedbackFolder))
	_ = os.Remove(failureOf(r)) // stays if it isn't empty
}

// keepOfFailure keeps a folder that a run had filled until it failed, if there is
// anything in it, and says so in the error.
func keepOfFailure(r *plannedRun, e extraFolder, failure error) error {
	if inside, err := os.ReadDir(e.path); err != nil || len(inside) == 0 {
		return failure
	}
	into := filepath.Join(failureOf(r), e.name)
	err := os.MkdirAll(failureOf(r), 0o755)
	if err == nil {
		err = os.Rename(e.path, into)
	}
	if err != nil {
		return fmt.Errorf("%w\nits %s folder is lost: %w", failure, e.name, err)
	}
	return fmt.Errorf("%w\nits %s folder until then: %s", failure, e.name, into)
}

// keep writes the record with its page, and the folders that the run has filled.
func keep(r *plannedRun, rec *record.Record, o *runOptions, extra []extraFolder) error {
	var more []record.Addition
	if !o.noPage {
		more = append(more, func(folder string) error {
			return writePage(filepath.Join(folder, pageFile), rec)
		})
	}
	for _, e := range extra {
		more = append(more, func(folder string) error {
			return os.Rename(e.path, filepath.Join(folder, e.name))
		})
	}
	more = append(more, func(folder string) error { return writeOrigin(folder, r, o) })
	return record.Write(r.folder, rec, more...)
}

func writePage(path string, rec *record.Record) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return plots.Page(f, rec)
}

// folderBeside makes a folder for more files of a run, on the file system of its
// record, into which it is moved in the end.
func folderBeside(r *plannedRun, name string) (string, error) {
	parent := filepath.Dir(r.folder)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", fmt.Errorf("make the folder for %s: %w", name, err)
	}
	folder, err := os.MkdirTemp(parent, besidePrefix(r.folder, name))
	if err != nil {
		return "", fmt.Errorf("make the folder for %s: %w", name, err)
	}
	return folder, os.Chmod(folder, 0o755) // MkdirTemp makes it private
}

// besidePrefix begins the name of such a folder, before a number.
func besidePrefix(folder, name string) string { return "." + filepath.Base(folder) + "." + name + "-" }
