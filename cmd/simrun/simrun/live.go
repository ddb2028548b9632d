package simrun

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"rtpfabric/plots"
)

// liveEvery is how often a call says how far it has come, and liveStale when that is too old to be believed: whoever
// wrote it has been killed.
const (
	liveAfter = time.Second
	liveEvery = 500 * time.Millisecond
	liveStale = 10 * time.Second
)

// Names of the files with progress: one of each process at work, in the folder for results.
const (
	livePrefix = ".progress-"
	liveSuffix = ".json"
)

// liveProgress leaves in the folder for results how far the runs have come, for simrun serve. Calls that are over within a
// second leave nothing.
type liveProgress struct {
	progress
	path string
	stop chan struct{}
	over sync.WaitGroup

	mu       sync.Mutex
	state    plots.Progress
	parts    map[*plannedRun]float64 // of runs in flight
	inFlight []*plannedRun           // in the order in which they began
	past     time.Duration           // simulated time of runs that ended
	total    time.Duration
}

// announce makes progress known beside telling the user.
func announce(to progress, plan []*plannedFile, out string) *liveProgress {
	l := &liveProgress{
		progress: to, path: filepath.Join(out, fmt.Sprintf("%s%d%s", livePrefix, os.Getpid(), liveSuffix)),
		stop: make(chan struct{}), parts: map[*plannedRun]float64{},
	}
	l.state.Started = time.Now().UTC()
	for _, f := range plan {
		for _, r := range f.runs {
			if !r.kept {
				l.state.Total++
				l.total += r.Scenario.Duration
			}
		}
	}
	l.over.Go(l.write)
	return l
}

// write writes until the end, and then removes what it has written.
func (l *liveProgress) write() {
	timer := time.NewTimer(liveAfter)
	defer timer.Stop()
	for {
		select {
		case <-l.stop:
			_ = os.Remove(l.path)
			return
		case now := <-timer.C:
			_ = replaceFile(l.path, func(f *os.File) error { // a folder that is full is no reason to stop
				return json.NewEncoder(f).Encode(l.snapshot(now))
			})
			timer.Reset(liveEvery)
		}
	}
}

// snapshot is how far it is now.
func (l *liveProgress) snapshot(now time.Time) plots.Progress {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.state
	p.Updated, p.Left = now.UTC(), -1
	sum := float64(l.past)
	for _, r := range l.inFlight {
		sum += l.parts[r] * float64(r.Scenario.Duration)
		p.Running = append(p.Running, filepath.Base(filepath.Dir(r.folder))+", "+r.Name)
	}
	if l.total > 0 {
		p.Share = min(sum/float64(l.total), 1)
	}
	if spent := now.Sub(p.Started).Seconds(); p.Share > 0.01 {
		p.Left = spent * (1 - p.Share) / p.Share
	}
	return p
}

func (l *liveProgress) advanced(r *plannedRun, part float64) {
	l.mu.Lock()
	if _, known := l.parts[r]; !known {
		l.inFlight = append(l.inFlight, r)
	}
	l.parts[r] = part
	l.mu.Unlock()
	l.progress.advanced(r, part)
}

func (l *liveProgress) ended(r *plannedRun, err error) {
	l.mu.Lock()
	delete(l.parts, r)
	l.inFlight = slices.DeleteFunc(l.inFlight, func(o *plannedRun) bool { return o == r })
	l.past += r.Scenario.Duration
	l.state.Done++
	if r.state != finished || r.failed() && !r.baseline() {
		l.state.Failed++
	}
	l.mu.Unlock()
	l.progress.ended(r, err)
}

func (l *liveProgress) end() {
	close(l.stop)
	l.over.Wait()
	l.progress.end()
}

// running returns how far the calls have come that are at work in a folder, the one that began first first. Files that
// haven't been renewed for a while are of processes that are no more.
func running(out string, now time.Time) []plots.Progress {
	list := []plots.Progress{}
	entries, err := os.ReadDir(out)
	if err != nil {
		return list
	}
	for _, e := range entries {
		if !isLiveFile(e.Name()) {
			continue
		}
		var p plots.Progress
		text, err := os.ReadFile(filepath.Join(out, e.Name()))
		if err == nil && json.Unmarshal(text, &p) == nil && now.Sub(p.Updated).Abs() < liveStale {
			list = append(list, p)
		}
	}
	slices.SortStableFunc(list, func(a, b plots.Progress) int { return a.Started.Compare(b.Started) })
	return list
}

// isLiveFile reports whether a name is that of a file with progress.
func isLiveFile(name string) bool {
	rest, ok := strings.CutPrefix(name, livePrefix)
	rest, json := strings.CutSuffix(rest, liveSuffix)
	return ok && json && number(rest)
}

// isLiveLeftover reports whether a name in a folder for results is that of a file that a killed process has left there.
func isLiveLeftover(name string) bool {
	for _, whole := range []string{pageFile, comparisonFile} {
		if rest, ok := strings.CutPrefix(name, partialName(whole)); ok && number(rest) {
			return true
		}
	}
	base, rest, ok := strings.Cut(strings.TrimPrefix(name, "."), ".partial-")
	return isLiveFile(name) || ok && number(rest) && isLiveFile(base)
}
