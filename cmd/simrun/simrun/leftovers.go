package simrun

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"rtpfabric/sim/record"
)

// attend marks a folder for results as one in which this program is at work, and removes what programs have left there
// that were killed: folders of the plan's runs under temporary names. If another program is at work there they stay,
// as they may be its own. What is returned ends the mark, as the end of the program does.
func attend(plan []*plannedFile, out string) (end func()) {
	l, err := openLock(out)
	if err != nil {
		return func() {} // no more than an untidy folder
	}
	if l.alone() {
		removeLiveLeftovers(out)
		for _, f := range plan {
			removeLeftovers(f)
		}
	}
	for range 100 { // somebody else may be tidying up
		if l.share() {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return l.close
}

// removeLiveLeftovers removes what calls have left in the folder for results itself.
func removeLiveLeftovers(out string) {
	entries, err := os.ReadDir(out)
	if err != nil {
		return
	}
	for _, e := range entries {
		if e.Type().IsRegular() && isLiveLeftover(e.Name()) {
			_ = os.Remove(filepath.Join(out, e.Name()))
		}
	}
}

// removeLeftovers removes what runs of a file have left. What can't be removed is in nobody's way.
func removeLeftovers(f *plannedFile) {
	entries, err := os.ReadDir(f.folder)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			continue
		}
		path := filepath.Join(f.folder, e.Name())
		if rest, ok := strings.CutPrefix(e.Name(), partialName(pageFile)); ok && number(rest) && e.Type().IsRegular() {
			_ = os.Remove(path)
			continue
		}
		for _, r := range f.runs {
			if e.IsDir() && leftover(r.folder, e.Name()) {
				_ = os.RemoveAll(path)
				break
			}
		}
	}
}

// leftover reports whether a name beside a run's folder is one that the run uses while it goes on.
func leftover(folder, name string) bool {
	if record.Leftover(folder, name) {
		return true
	}
	for _, what := range []string{capturesFolder, rtpLogFolder, feedbackFolder, apartFolder} {
		if rest, ok := strings.CutPrefix(name, besidePrefix(folder, what)); ok && number(rest) {
			return true
		}
	}
	// A process apart writes its record on the way to a folder that is temporary itself.
	inner, _, ok := strings.Cut(strings.TrimPrefix(name, "."), record.Partial)
	rest, apart := strings.CutPrefix(inner, besidePrefix(folder, apartFolder))
	return ok && apart && number(rest) && record.Leftover(inner, name)
}

// number reports whether a text is one, as os.MkdirTemp makes them.
func number(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }
