package simrun

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rtpfabric/plots"
	"rtpfabric/scenarios"
	"rtpfabric/sim/record"
)

// silent tells nobody.
type silent struct{}

func (silent) advanced(*plannedRun, float64) {}
func (silent) ended(*plannedRun, error)      {}
func (silent) interrupted()                  {}
func (silent) end()                          {}

func TestProgressCountsRuns(t *testing.T) {
	out := t.TempDir()
	file := &plannedFile{}
	for _, name := range []string{"seed=1", "seed=2", "seed=3", "seed=4"} {
		file.runs = append(file.runs, &plannedRun{
			Run:    &scenarios.Run{Name: name, Scenario: &scenarios.Scenario{Duration: 10 * time.Second}},
			folder: filepath.Join(out, "call", name),
		})
	}
	file.runs[3].kept = true
	l := announce(silent{}, []*plannedFile{file}, out)
	l.advanced(file.runs[1], 0.25)
	l.advanced(file.runs[0], 0.5)
	began := l.state.Started
	p := l.snapshot(began.Add(10 * time.Second))
	if p.Total != 3 || p.Done != 0 || strings.Join(p.Running, "; ") != "call, seed=2; call, seed=1" {
		t.Errorf("%+v", p)
	}
	if math.Abs(p.Share-0.25) > 1e-12 || math.Abs(p.Left-30) > 1e-9 {
		t.Errorf("%v is done, %v s are left; want a quarter and 30 s", p.Share, p.Left)
	}
	file.runs[1].state = finished
	file.runs[1].row = plots.Run{Verdicts: []record.Verdict{{Pass: false}}}
	l.ended(file.runs[1], nil)
	file.runs[0].state = broken
	l.ended(file.runs[0], errors.New("broken"))
	p = l.snapshot(began)
	if p.Done != 2 || p.Failed != 2 || len(p.Running) != 0 || math.Abs(p.Share-2.0/3) > 1e-12 {
		t.Errorf("after two: %+v", p)
	}
	l.end()
	left, err := os.ReadDir(out)
	if err != nil || len(left) != 0 {
		t.Errorf("a short call leaves %v, %v", left, err)
	}
}

func TestLeftoversOfPages(t *testing.T) {
	for name, want := range map[string]bool{
		".progress-12.json": true, "..progress-12.json.partial-34": true, ".index.html.partial-5": true, ".comparison.html.partial-5": true,
		".progress-.json": false, ".progress-x.json": false, "progress-1.json": false, "index.html": false, ".index.html.partial-": false, ".bashrc": false,
	} {
		if got := isLiveLeftover(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestBrowserOfEachSystem(t *testing.T) {
	none := func(string) string { return "" }
	display := func(name string) string { return map[string]string{"WAYLAND_DISPLAY": "wayland-0"}[name] }
	for _, c := range []struct {
		system string
		env    func(string) string
		want   string
	}{
		{"linux", none, ""},
		{"linux", display, "xdg-open"},
		{"darwin", none, "open"},
		{"windows", none, "rundll32 url.dll,FileProtocolHandler"},
	} {
		words, err := browserCommand(c.system, c.env)
		if got := strings.Join(words, " "); got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q, %v", c.system, got, err)
		}
	}
}

func TestLinksToPages(t *testing.T) {
	for _, c := range []struct{ from, folder, want string }{
		{"results", "results/call/seed=1", "call/seed=1/index.html"},
		{"pages", "results/call", "../results/call/index.html"},
		{"results", "results/javascript:alert(1)/x", "./javascript:alert%281%29/x/index.html"},
		{"results", "results/50%#?/a b", "50%25%23%3F/a%20b/index.html"},
	} {
		if got := linkTo(c.from, filepath.FromSlash(c.folder)); got != c.want {
			t.Errorf("from %s to %s: %q, want %q", c.from, c.folder, got, c.want)
		}
	}
}
