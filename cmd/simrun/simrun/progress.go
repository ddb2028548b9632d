package simrun

import (
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress tells the user how the runs go. Its methods may be called from
// several goroutines.
type progress interface {
	// advanced says which part of a run is done, 0 to 1.
	advanced(r *plannedRun, part float64)
	// ended says that a run is over, with an error if that is why.
	ended(r *plannedRun, err error)
	interrupted()
	end()
}

// loudness is how much is told of runs.
type loudness int

// From errors alone to all that happens.
const (
	quiet loudness = iota - 1
	normal
	verbose
)

func loudnessOf(o *runOptions) loudness {
	switch {
	case o.quiet:
		return quiet
	case o.verbose:
		return verbose
	}
	return normal
}

// newProgress returns a bar for a terminal, else a line for each run; nothing
// but errors if the user wants it quiet, and lines also on a terminal if much is to be told.
func newProgress(s *screen, plan []*plannedFile, loud loudness) progress {
	n := 0
	var total time.Duration
	for _, f := range plan {
		for _, r := range f.runs {
			if !r.kept {
				n++
				total += r.Scenario.Duration
			}
		}
	}
	l := &lineProgress{screen: s, total: n, loud: loud}
	if loud != normal || !s.terminal {
		return l
	}
	b := &barProgress{lines: l, parts: map[*plannedRun]float64{}, total: total}
	b.bar = progressbar.NewOptions(barSteps,
		progressbar.OptionSetWriter(s),
		progressbar.OptionSetDescription(b.text()),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetWidth(30),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionClearOnFinish(),
	)
	return b
}

// lineProgress prints a line for each run that ended.
type lineProgress struct {
	screen *screen
	total  int
	loud   loudness

	mu   sync.Mutex
	done int
}

func (*lineProgress) advanced(*plannedRun, float64) {}

func (l *lineProgress) ended(r *plannedRun, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done++
	if err != nil {
		fmt.Fprintf(l.screen, "simrun: %s, run %s: %v\n", r.File, r.Name, err)
	}
	if l.loud == quiet {
		return
	}
	met := ""
	if r.state == finished && len(r.row.Verdicts) > 0 {
		met = r.expectations() + " met, "
	}
	fmt.Fprintf(l.screen, "[%d/%d] %s %s %s (%s%.2f s)\n", l.done, l.total, l.screen.word(r), r.File, r.Name, met, r.took.Seconds())
	if l.loud == verbose {
		l.tell(r)
	}
}

// eventsTold is how many events of a run are printed; its record has all.
const eventsTold = 200

// tell prints what happened in a run.
func (l *lineProgress) tell(r *plannedRun) {
	if r.state != finished {
		return
	}
	fmt.Fprintf(l.screen, "  %d packets, %.3g times real time, digest %s\n", r.packets, r.reached.Seconds()/max(r.took.Seconds(), 1e-9), r.row.Digest)
	for i := range r.events {
		if i == eventsTold {
			fmt.Fprintf(l.screen, "  and %d events more\n", len(r.events)-i)
			break
		}
		e := &r.events[i]
		fmt.Fprintf(l.screen, "  %9.3f s  %s  %s  %s\n", e.At.Seconds(), l.screen.ascii(e.Entity), e.Kind, l.screen.ascii(e.Detail))
	}
	r.events = nil
}

func (l *lineProgress) interrupted() {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(l.screen, "simrun: interrupted: runs in flight write what they have; interrupt again to end at once")
}

func (*lineProgress) end() {}

// barSteps is the length of the bar in steps.
const barSteps = 1000

// barProgress draws a bar over the simulated time of all runs.
type barProgress struct {
	lines *lineProgress // for errors
	bar   *progressbar.ProgressBar
	total time.Duration

	mu           sync.Mutex
	parts        map[*plannedRun]float64 // of runs in flight
	past         time.Duration           // simulated time of runs that ended
	done, failed int
}

func (b *barProgress) text() string {
	text := fmt.Sprintf("%d/%d runs", b.done, b.lines.total)
	if b.failed > 0 {
		text += fmt.Sprintf(", %d failed", b.failed)
	}
	return text
}

func (b *barProgress) advanced(r *plannedRun, part float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.parts[r] = part
	b.draw()
}

func (b *barProgress) ended(r *plannedRun, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.parts, r)
	b.past += r.Scenario.Duration
	b.done++
	if r.state != finished || r.failed() {
		b.failed++
	}
	if err != nil {
		_ = b.bar.Clear() // a terminal that can't be written to is no reason to stop
		fmt.Fprintf(b.lines.screen, "simrun: %s, run %s: %v\n", r.File, r.Name, err)
	}
	b.bar.Describe(b.text())
	b.draw()
}

// draw moves the bar. Its last step is left to end, so that it isn't finished
// too early by rounding.
func (b *barProgress) draw() {
	sum := float64(b.past)
	for r, part := range b.parts { // the order doesn't matter to what is seen
		sum += part * float64(r.Scenario.Duration)
	}
	step := int(math.Floor(barSteps * sum / float64(max(b.total, 1))))
	_ = b.bar.Set(min(step, barSteps-1))
}

func (b *barProgress) interrupted() {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = b.bar.Clear()
	b.lines.interrupted()
}

func (b *barProgress) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = b.bar.Finish()
}
