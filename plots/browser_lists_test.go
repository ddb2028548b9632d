package plots

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// want checks what a script says of the page.
func want[T comparable](b *browser, script string, want T) {
	b.t.Helper()
	if got := eval[T](b, script); got != want {
		b.t.Errorf("%s is %v, want %v", script, got, want)
	}
}

// choose chooses an option of a select as somebody would who uses it.
const chooseScript = `window.choose = (id, value) => { const s = document.getElementById(id); s.value = value; s.dispatchEvent(new Event('change')); };
	window.type = (id, value) => { const s = document.getElementById(id); s.value = value; s.dispatchEvent(new Event('input')); };
	window.texts = selector => [...document.querySelectorAll(selector)].filter(e => !e.hidden).map(e => e.textContent); true`

func TestBrowserComparesRuns(t *testing.T) {
	b := open(t, renderComparison(t, compared()))
	eval[bool](b, chooseScript)
	// The verdicts are in the text: scream-v2 always passes, gcc with two seeds of five, and a baseline may fail.
	want(b, `texts('#heat tbody tr:first-child td').join('|')`, "✗ 2/5|✓ 5/5|2/5 may fail")
	want(b, `texts('#heat tfoot td').join('|')`, "✗ 4/10|✓ 10/10|4/10 may fail")
	want(b, `document.querySelector('.banner').textContent.includes('18 passed, 6 failed')`, true)
	want(b, `document.querySelectorAll('#trade-plot .mark.small').length`, 25) // gcc has no utilization in one scenario
	want(b, `document.querySelectorAll('#trade-plot .mark.large').length`, 3)
	want(b, `document.querySelectorAll('#trade-plot a[href$="index.html"]').length`, 20)
	want(b, `document.querySelectorAll('#box-plot .box rect').length`, 3)
	want(b, `document.querySelectorAll('#cdf-plot .stair').length`, 3)

	// A measure instead of verdicts; what isn't there is a dash.
	eval[bool](b, `choose('show', 'utilization'); true`)
	want(b, `texts('#heat tbody tr:last-child td').join('|')`, "–|63|83")
	eval[bool](b, `choose('dist-measure', '0'); choose('dist-row', '1'); true`)
	want(b, `document.querySelectorAll('#box-plot .box rect').length`, 2)
	want(b, `texts('#dist-table tbody tr:first-child td').join('|')`, "0|–|–|–|–|–")

	// Ranks: of utilization only the first scenario counts.
	want(b, `texts('#rank-table tbody tr').map(t => t.trim()).join('|')`, "gcc1.402.001.001.001.501.50|scream-v21.601.002.002.001.501.50")
	b.wantNoProblems()
}

func TestBrowserFiltersAndSortsRuns(t *testing.T) {
	b := open(t, renderComparison(t, compared()))
	eval[bool](b, chooseScript)
	rows := `texts('#run-table tbody tr').length`
	want(b, rows, 30)
	// A cell leads to its runs, by the keyboard too.
	eval[bool](b, `document.querySelector('#heat tbody tr:first-child td a').focus(); true`)
	b.do(chromedp.KeyEvent("\r"))
	want(b, rows, 5)
	want(b, `document.activeElement.id`, "runs-heading")
	eval[bool](b, `document.querySelector('#cell-filter button').click(); true`)
	want(b, rows, 30)
	eval[bool](b, `type('filter', 'gcc quickstart'); true`)
	want(b, rows, 5)
	eval[bool](b, `type('filter', ''); true`)
	for _, first := range []string{"30", "96"} { // ms: lowest first, then highest; the key stays on the heading
		eval[bool](b, `document.querySelector('#run-table [data-key="m-queue-delay-p95"]').focus(); true`)
		b.do(chromedp.KeyEvent("\r"))
		want(b, `document.querySelector('#run-table tbody tr td:nth-child(7)').textContent`, first)
		want(b, `document.activeElement.dataset.key`, "m-queue-delay-p95")
	}
	want(b, `document.querySelector('#run-table th[aria-sort]').getAttribute('aria-sort')`, "descending")

	// A column that is hidden is in no chart.
	eval[bool](b, `document.querySelector('#distributions .key').click(); true`)
	want(b, `document.querySelectorAll('#box-plot .box').length`, 2)
	want(b, `document.querySelector('#trade-off .key').getAttribute('aria-pressed')`, "false")

	// Texts that would do harm are texts.
	b.show(renderComparison(t, hostileComparison()))
	want(b, `document.querySelectorAll('img, main script').length`, 0)
	want(b, `document.querySelectorAll('#box-plot .mark').length > 0`, true)
	c := compared()
	for i := range c.Runs {
		c.Runs[i].Summary = nil
	}
	b.show(renderComparison(t, c))
	want(b, `document.querySelectorAll('#heat tbody td').length`, 6)
	want(b, `document.querySelectorAll('#trade-off').length`, 0)
	// A scenario that doesn't vary the controller is among the runs alone.
	c = compared()
	c.Runs = append(c.Runs, ComparedRun{Run: Run{Scenario: "alone.yaml", Seed: 1}})
	b.show(renderComparison(t, c))
	want(b, `document.querySelectorAll('#heat tbody tr').length`, 2)
	want(b, `document.querySelectorAll('#heat thead th').length`, 4)
	want(b, `document.querySelectorAll('#run-table tbody tr').length`, 31)
	want(b, `document.getElementById('matrix-note').textContent.includes('1 row in which controller isn’t varied isn’t here')`, true)
	b.show(renderComparison(t, Comparison{}))
	want(b, `document.querySelector('.banner').textContent.includes('NO RUNS')`, true)
	b.wantNoProblems()
}

func TestBrowserListsResults(t *testing.T) {
	b := open(t, renderIndex(t, listed()))
	eval[bool](b, chooseScript)
	want(b, `texts('[data-table=runs] tbody tr').length`, 30)
	eval[bool](b, `type('filter', 'fail gcc'); true`)
	want(b, `texts('[data-table=runs] tbody tr').length`, 6)
	want(b, `document.getElementById('runs-note').textContent`, "6 of 30")
	eval[bool](b, `type('filter', ''); true`)
	for _, first := range []string{"1", "5"} {
		eval[bool](b, `document.querySelector('[data-table=runs] th:nth-child(5) button').focus(); true`)
		b.do(chromedp.KeyEvent("\r"))
		want(b, `document.querySelector('[data-table=runs] tbody tr td:nth-child(5)').textContent`, first)
	}
	b.show(renderIndex(t, Index{Folder: "results"}))
	b.wantNoProblems()
}

// An index that is served shows what is running, and takes up what is new.
func TestBrowserFollowsWhatIsRunning(t *testing.T) {
	b := start(t)
	var done atomic.Int64
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", ServedPolicy)
		x := listed()
		x.Live = true
		if r.URL.Path == ProgressAddress {
			n := int(done.Load())
			_ = json.NewEncoder(w).Encode([]Progress{{
				Started: began, Updated: began.Add(time.Minute), Total: 40, Done: n, Failed: 3, Running: []string{"</script>gcc"}, Share: 0.5, Left: 61,
			}})
			return
		}
		if done.Load() > 1 {
			x.Suites = x.Suites[:1]
		}
		_, _ = w.Write([]byte(renderIndex(t, x)))
	}))
	defer server.Close()
	b.server = server.URL
	done.Store(1)
	b.do(chromedp.Navigate(server.URL))
	waitFor(b, `document.getElementById('progress').textContent.includes('1 of 40 runs done, 3 failed, for 1 min 0 s, about 1 min 1 s left')`)
	eval[bool](b, chooseScript)
	want(b, `document.getElementById('progress').textContent.includes('</script>gcc')`, true)
	eval[bool](b, `type('filter', 'scream'); true`)
	done.Store(2)
	waitFor(b, `document.querySelectorAll('[data-table=runs] tbody tr').length === 15`)
	want(b, `document.getElementById('filter').value`, "scream")
	want(b, `texts('[data-table=runs] tbody tr').length`, 5)
	b.wantNoProblems()
}

// As many runs as the suite of RFC 8867 has with four controllers and ten seeds: the page is drawn when it is there.
func TestBrowserComparesManyRuns(t *testing.T) {
	c, one := Comparison{}, compared()
	for i := range 1480 {
		r := one.Runs[i%len(one.Runs)]
		r.Scenario = fmt.Sprintf("suite/scenario-%d.yaml", i/40)
		r.Seed = uint64(i)
		c.Runs = append(c.Runs, r)
	}
	page := renderComparison(t, c)
	if len(page) > 1_000_000 {
		t.Errorf("the page has %d octets", len(page))
	}
	b := open(t, page)
	want(b, `document.querySelectorAll('#heat tbody tr').length`, 37)
	want(b, `document.querySelectorAll('#run-table tbody tr').length`, 100)
	t.Logf("%d octets, drawn %.0f ms after the beginning", len(page), eval[float64](b, `performance.timing.domComplete - performance.timing.navigationStart`))
	eval[bool](b, `document.getElementById('more').click(); true`)
	want(b, `document.querySelectorAll('#run-table tbody tr').length`, 1480)
	b.wantNoProblems()
}

// waitFor waits until a script says yes. Just after a page of another origin was asked for, the browser may still be
// about to change processes, and forget the question.
func waitFor(b *browser, script string) {
	b.t.Helper()
	var err error
	for range 3 {
		if _, err = chromedp.Run(b.ctx, chromedp.Poll[bool](script, chromedp.WithPollingTimeout(20*time.Second))); err == nil {
			return
		}
		if !strings.Contains(err.Error(), "Cannot find context") {
			break
		}
	}
	b.t.Fatalf("%s: %v", script, err)
}

// TestBrowserScreenshots takes pictures of every kind of page, in the folder that SIMRUN_SCREENSHOTS names.
func TestBrowserScreenshots(t *testing.T) {
	folder := os.Getenv("SIMRUN_SCREENSHOTS")
	if folder == "" {
		t.Skip("SIMRUN_SCREENSHOTS names no folder: no pictures are taken")
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	b := start(t)
	pages := []struct{ name, page string }{
		{"run", render(t, synthetic(2))},
		{"overview", renderOverview(t, invocation())},
		{"comparison", renderComparison(t, compared())},
		{"index", renderIndex(t, listed())},
	}
	for _, look := range []struct {
		name, scheme string
		width        int64
		from         int // of the pages
	}{{"light", "light", 1280, 0}, {"dark", "dark", 1280, 2}, {"phone", "light", 390, 2}} {
		_, err := chromedp.Call(b.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: look.width, Height: 900, DeviceScaleFactor: 1, Mobile: look.width < 500,
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look.scheme}},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range pages[look.from:] {
			b.show(p.page)
			if wide := eval[int](b, `document.documentElement.scrollWidth`); wide > int(look.width) {
				t.Errorf("%s, %s: the page is %d px wide", p.name, look.name, wide)
			}
			picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
			if err != nil {
				t.Fatal(err)
			}
			name := strings.Join([]string{p.name, look.name}, "-") + ".png"
			if err := os.WriteFile(filepath.Join(folder, name), picture, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.wantNoProblems()
}
