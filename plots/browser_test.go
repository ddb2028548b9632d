package plots

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"rtpfabric/sim/record"
)

// browser is a tab of a headless Chromium, and what happened in it.
type browser struct {
	t        *testing.T
	ctx      context.Context
	mu       sync.Mutex
	problems []string // errors and warnings on the console, requests that leave
	server   string   // address that may be asked, if the page is served
}

// open shows a page from a file. It skips the test if there is no Chromium.
func open(t *testing.T, page string) *browser {
	t.Helper()
	b := start(t)
	b.show(page)
	return b
}

// start starts a browser without a page. Tests wait for theirs most of the time, and so run beside each other.
func start(t *testing.T) *browser {
	t.Helper()
	t.Parallel()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium on this machine: the page was not opened in a browser")
	}
	// The test's own context ends before its cleanups run.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 90*time.Second)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx,
		chromedp.ExecPath(path), chromedp.UserDataDir(profile(t)), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true), chromedp.WindowSize(1280, 900),
	)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(func() {
		// Waits for the browser to end, so that its profile can be removed.
		if err := chromedp.Cancel(ctx); err != nil {
			t.Log("closing the browser:", err)
		}
		cancel()
	})
	b := &browser{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.observe); err != nil {
		t.Fatal("start the browser:", err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	return b
}

// profile is a folder for a browser's own files. Those of its processes that end last may write into it for a moment
// longer than the test lasts, which would fail a test with [testing.T.TempDir].
func profile(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "browser-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Log(err)
		}
	})
	return folder
}

// show shows a page from a file.
func (b *browser) show(page string) {
	b.t.Helper()
	file := filepath.Join(b.t.TempDir(), "index.html")
	if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
		b.t.Fatal(err)
	}
	b.do(chromedp.Navigate("file://" + file))
}

func (b *browser) observe(event any) {
	problem := ""
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		problem = fmt.Sprintf("console.%s: %d arguments", e.Type, len(e.Args))
	case *runtime.EventExceptionThrown:
		problem = "exception: " + e.ExceptionDetails.Text
	case *log.EventEntryAdded:
		problem = fmt.Sprintf("%s: %s", e.Entry.Level, e.Entry.Text)
	case *network.EventRequestWillBeSent:
		if url := e.Request.URL; !strings.HasPrefix(url, "file:") && !strings.HasPrefix(url, "data:") && (b.server == "" || !strings.HasPrefix(url, b.server)) {
			problem = "request: " + url
		}
	}
	if problem != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.problems = append(b.problems, problem)
	}
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

func eval[T any](b *browser, script string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script))
	if err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
	return v
}

func (b *browser) wantNoProblems() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.problems {
		b.t.Error(p)
	}
}

const (
	// Series per chart, by id, without that of the rules.
	seriesScript = `Object.fromEntries([...document.querySelectorAll('.plot')].map(el =>
		[el.id, echarts.getInstanceByDom(el).getOption().series.filter(s => s.name).length]))`
	// Shapes that each chart draws: an empty frame has a handful of them.
	shapesScript = `Object.fromEntries([...document.querySelectorAll('.plot')].map(el =>
		[el.id, [...el.querySelectorAll('svg path')].filter(p => p.getAttribute('d').length > 100).length]))`
	// What each chart shows of its x axis.
	zoomScript = `Object.fromEntries([...document.querySelectorAll('.plot')].map(el => {
		const z = echarts.getInstanceByDom(el).getOption().dataZoom[0];
		return [el.id, Math.round(z.start) + '..' + Math.round(z.end)]; }))`
)

func TestBrowserDrawsEveryChart(t *testing.T) {
	b := open(t, render(t, synthetic(2)))
	want := map[string]int{
		"chart-rates": 14, "chart-delay": 6, "chart-loss": 5, "chart-rtt": 2, "chart-rtcp": 8, "chart-frame-delay": 2, "chart-frame-rate": 4, "chart-cdf": 3,
		"chart-video-score": 2, "chart-mos": 4, "chart-av-skew": 2, "chart-timeline": 4,
	}
	if got := eval[map[string]int](b, seriesScript); !maps.Equal(got, want) {
		t.Errorf("series are %v, want %v", got, want)
	}
	for id, n := range eval[map[string]int](b, shapesScript) {
		if n < 1 {
			t.Errorf("%s has no line", id)
		}
	}
	b.wantNoProblems()
}

// plotBox is where a chart stands in the window, in px.
type plotBox struct{ X, Y, Width, Height float64 }

func (b *browser) box(id string) plotBox {
	b.t.Helper()
	return eval[plotBox](b, fmt.Sprintf(`(() => { const el = document.getElementById(%q); el.scrollIntoView({block: 'center', behavior: 'instant'});
		const r = el.getBoundingClientRect(); return {X: r.x, Y: r.y, Width: r.width, Height: r.height}; })()`, id))
}

func (b *browser) mouse(kind input.DispatchMouseEventType, x, y float64, clicks int64) {
	b.t.Helper()
	b.do(chromedp.MouseEvent(kind, x, y, func(p *input.DispatchMouseEventParams) {
		p.Button, p.ClickCount = input.MouseButtonLeft, clicks
		if kind != input.DispatchMouseEventTypeMouseReleased {
			p.Buttons = 1
		}
	}))
}

func TestBrowserZoomsAllTimeAxes(t *testing.T) {
	b := open(t, render(t, synthetic(1)))
	const left, right = 66.0, 66.0 // of the grid
	box := b.box("chart-delay")
	at := func(share float64) float64 { return box.X + left + share*(box.Width-left-right) }
	y := box.Y + 120
	b.mouse(input.DispatchMouseEventTypeMousePressed, at(0.4), y, 1)
	b.mouse(input.DispatchMouseEventTypeMouseMoved, at(0.5), y+20, 0)
	b.mouse(input.DispatchMouseEventTypeMouseMoved, at(0.6), y+20, 0)
	b.mouse(input.DispatchMouseEventTypeMouseReleased, at(0.6), y+20, 1)
	for id, got := range eval[map[string]string](b, zoomScript) {
		want := "40..60"
		if id == "chart-cdf" {
			want = "0..100" // its axis isn't time
		}
		if got != want {
			t.Errorf("%s shows %s %% after a drag over another chart, want %s", id, got, want)
		}
	}
	for clicks := range int64(2) {
		b.mouse(input.DispatchMouseEventTypeMousePressed, at(0.5), y, clicks+1)
		b.mouse(input.DispatchMouseEventTypeMouseReleased, at(0.5), y, clicks+1)
	}
	for id, got := range eval[map[string]string](b, zoomScript) {
		if got != "0..100" {
			t.Errorf("%s shows %s %% after a double click, want everything", id, got)
		}
	}
	b.wantNoProblems()
}

func TestBrowserTooltipReadsEverySeries(t *testing.T) {
	b := open(t, render(t, synthetic(1)))
	box := b.box("chart-rates")
	b.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, box.X+box.Width/2, box.Y+200))
	text, err := chromedp.Run(b.ctx, chromedp.Poll[string](
		`[...document.querySelectorAll('#chart-rates > div')].filter(d => !d.querySelector('svg')).map(d => d.innerText).find(s => s)`,
		chromedp.WithPollingTimeout(10*time.Second)))
	if err != nil {
		t.Fatal("no tooltip: ", err)
	}
	for _, want := range []string{"bottleneck/forward capacity\n2.5 Mbit/s", "S1/video sent", "S1-R1 target", "time 49.5 s"} {
		if !strings.Contains(text, want) {
			t.Errorf("the tooltip lacks %q: %q", want, text)
		}
	}
	if strings.Contains(text, "backward") {
		t.Errorf("the tooltip shows a hidden series: %q", text)
	}
	b.wantNoProblems()
}

func TestBrowserSurvivesHostileTexts(t *testing.T) {
	b := open(t, render(t, hostile()))
	if n := eval[int](b, `document.querySelectorAll('img, main b').length`); n != 0 {
		t.Errorf("%d elements came out of texts", n)
	}
	if got := len(eval[map[string]int](b, seriesScript)); got != 12 {
		t.Errorf("%d charts, want 12", got)
	}
	b.wantNoProblems()
}

func TestBrowserOpensOverviewAndEmptyPage(t *testing.T) {
	b := open(t, renderOverview(t, invocation()))
	if n := eval[int](b, `document.querySelectorAll('table.runs tbody tr').length`); n != 16 {
		t.Errorf("%d runs, want 16", n)
	}
	b.wantNoProblems()
	b.show(render(t, &record.Record{}))
	if n := eval[int](b, `document.querySelectorAll('.plot').length`); n != 0 {
		t.Errorf("%d charts of an empty record", n)
	}
	b.wantNoProblems()
}
