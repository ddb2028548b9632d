package plots

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"rtpfabric/sim/record"
)

const (
	chartsShown = `[...document.querySelectorAll('.plot')].filter(el => !el.closest('[hidden]')).length`
	rateLines   = `echarts.getInstanceByDom(document.getElementById('chart-rates')).getOption().series.map(s => s.name).filter(n => n)`
	rangeInputs = `['from', 'to'].map(n => document.querySelector('#view [name=' + n + ']').value).join(' ')`
)

// withEvents is a record with more to choose from.
func withEvents() *record.Record {
	r := synthetic(2)
	for i := range r.Manifest.Topology.Flows {
		r.Manifest.Topology.Flows[i].Links = []string{"bottleneck/forward"}
	}
	r.Events = append(
		r.Events,
		record.Event{At: 20_000_000_000, Entity: "S2/video", Kind: record.Freeze, Delay: 400_000_000, Detail: "picture stood still"},
		record.Event{At: 62_000_000_000, Entity: "S1/video", Kind: record.BreakerTripped, Detail: "congestion, ceases: why"},
	)
	return r
}

// One browser does for all that can be chosen on a page, each with the page as it is at first.
func TestBrowserShowsPartsAndMoments(t *testing.T) {
	b := start(t)
	page := render(t, withEvents())
	for _, check := range []func(*testing.T, *browser){showsAPart, opensALink, zoomsByKeys, goesFromEventsToCharts, givesData, drawsLanes} {
		b.show(page)
		check(t, b)
	}
	b.wantNoProblems()
}

func showsAPart(t *testing.T, b *browser) {
	all := eval[int](b, chartsShown)
	eval[any](b, `(() => { const s = document.querySelector('#view select'); s.value = 'S2/video'; s.dispatchEvent(new Event('change')); })()`)
	for _, name := range eval[[]string](b, rateLines) {
		if !strings.HasPrefix(name, "S2/video ") && !strings.HasPrefix(name, "S2-R2 ") && !strings.HasPrefix(name, "bottleneck/forward ") {
			t.Errorf("the view of S2/video shows %s", name)
		}
	}
	if got := eval[int](b, chartsShown); got >= all || got < 5 {
		t.Errorf("%d charts of %d are left for one stream", got, all)
	}
	// What is folded while everything is shown is seen now.
	if off := eval[bool](b, `echarts.getInstanceByDom(document.getElementById('chart-rates')).getOption().legend[0].selected['S2/video encoded'] === false`); off {
		t.Error("the encoder's rate is still hidden")
	}
	if got := eval[int](b, `[...document.querySelectorAll('#events tbody tr')].filter(r => !r.hidden).length`); got != 4 {
		t.Errorf("%d events are listed, want 4: one of the stream, three of its link", got)
	}
	if got := eval[int](b, `[...document.querySelectorAll('#summary [data-entity]')].filter(e => !e.hidden).length`); got != 1 {
		t.Errorf("%d tables of the summary are shown, want that of the link", got)
	}
	if got := eval[string](b, `location.hash`); got != "#show=S2%2Fvideo" {
		t.Errorf("the address says %q", got)
	}
	eval[any](b, `document.querySelector('[data-everything]').click()`)
	if got := eval[int](b, chartsShown); got != all {
		t.Errorf("%d charts of %d after going back to everything", got, all)
	}
}

// waitFor waits until an expression has a value.
func (b *browser) waitFor(expression, want string) {
	b.t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool](fmt.Sprintf("String(%s) === %q", expression, want))); err != nil {
		b.t.Errorf("%s is %s, want %s", expression, eval[string](b, "String("+expression+")"), want)
	}
}

func opensALink(t *testing.T, b *browser) {
	eval[any](b, `(() => { location.hash = '#show=S1/video&t=30-45.5&event=0'; })()`)
	b.waitFor(`document.querySelector('#view select').value`, "S1/video")
	b.waitFor(rangeInputs, "30 45.5")
	b.waitFor(`document.querySelector('tr.chosen').id`, "event-0")
	for id, got := range eval[map[string]string](b, `Object.fromEntries([...document.querySelectorAll('.plot[data-group=time]')].filter(el => !el.closest('[hidden]')).map(el => {
		const z = echarts.getInstanceByDom(el).getOption().dataZoom[0]; return [el.id, z.startValue + ' ' + z.endValue]; }))`) {
		if got != "30 45.5" {
			t.Errorf("%s shows %s", id, got)
		}
	}
	// The event of the address has a rule in the charts.
	eval[any](b, `simrunPage.entries.find(e => e.el.id === 'chart-rates').chart.dispatchAction({type: 'legendUnSelect', name: 'bottleneck/forward capacity'})`)
	const blue = `[...document.querySelectorAll('#chart-rates svg path')].filter(p => p.getAttribute('stroke') === getComputedStyle(document.documentElement).getPropertyValue('--link').trim()).length`
	if n := eval[int](b, blue); n != 1 {
		t.Errorf("%d rules mark the event, with the first line of the chart out of sight", n)
	}
}

func zoomsByKeys(t *testing.T, b *browser) {
	press := func(key string) {
		eval[any](b, fmt.Sprintf(`document.getElementById('chart-delay').dispatchEvent(new KeyboardEvent('keydown', {key: %q, bubbles: true, cancelable: true}))`, key))
	}
	press("+")
	b.waitFor(rangeInputs, "16.667 83.333")
	press("ArrowRight")
	b.waitFor(rangeInputs, "23.333 90")
	press("End")
	b.waitFor(rangeInputs, "33.333 100")
	press("Home")
	b.waitFor(rangeInputs, "0 66.667")
	press("-")
	b.waitFor(rangeInputs, "0 83.333")
	press("0")
	b.waitFor(rangeInputs, "0 100")
	b.waitFor(`location.hash`, "")
}

func goesFromEventsToCharts(t *testing.T, b *browser) {
	eval[any](b, `document.querySelector('#event-3 button').click()`)
	b.waitFor(rangeInputs, "15 25")
	b.waitFor(`document.querySelector('tr.chosen').id`, "event-3")
	eval[any](b, `document.querySelector('#breakers tbody button').click()`)
	b.waitFor(rangeInputs, "57 67")
	b.waitFor(`document.querySelector('tr.chosen').id`, "event-4")
	eval[any](b, `document.querySelector('#event-4 button').click()`)
	b.waitFor(rangeInputs, "0 100")
}

func givesData(t *testing.T, b *browser) {
	r := withEvents()
	table := eval[string](b, `simrunPage.table(simrunPage.entries.find(e => e.el.id === 'chart-delay'))`)
	rows := strings.Split(strings.TrimSuffix(table, "\r\n"), "\r\n")
	if rows[0] != "entity,what,time [s],value,unit" {
		t.Fatalf("the head is %q", rows[0])
	}
	delay := r.Find("S1/video", record.OneWayDelay)
	n := 0
	for _, row := range rows[1:] {
		cells := strings.Split(row, ",")
		if cells[0] != "S1/video" || cells[1] != "one-way delay" {
			continue
		}
		at, err := strconv.ParseFloat(cells[2], 64)
		value, err2 := strconv.ParseFloat(cells[3], 64)
		if err != nil || err2 != nil || cells[4] != "ms" {
			t.Fatalf("row %q", row)
		}
		if want := delay.Values[int(at/bin.Seconds())]; value-want > 0.001 || want-value > 0.001 {
			t.Errorf("at %v s %v ms, want %v", at, value, want)
		}
		n++
	}
	lanes := eval[string](b, `simrunPage.table(simrunPage.entries.find(e => e.el.id === 'chart-timeline'))`)
	if want := "\r\nS2/video,frozen,19.6,begin,\r\nS2/video,frozen,20,end,\r\n"; !strings.Contains(lanes, want) {
		t.Errorf("the timeline's table lacks %q: %q", want, lanes)
	}
	if n != 495 { // of 500 bins the last five have no packets
		t.Errorf("%d rows of a stream, want 495", n)
	}
}

// Lanes have names, and a stretch ends where it ends: only a line that breaks shows that.
func drawsLanes(t *testing.T, b *browser) {
	if names := eval[string](b, `document.querySelector('#chart-timeline svg').textContent`); !strings.Contains(names, "S2/video") {
		t.Errorf("the lanes are called %q", names)
	}
	eval[any](b, `(() => { const p = simrunPage.entries.find(e => e.el.id === 'chart-timeline');
		p.chart.setOption({series: p.option.series.map(s => s.name === 'S2/video frozen' ? {data: [[10, 1], [20, 1], [20, null], [30, 1], [40, 1], [40, null]]} : {})}); })()`)
	if n := eval[int](b, `Math.max(...[...document.querySelectorAll('#chart-timeline svg path[stroke-width="9"]')].map(p => p.getAttribute('d').split('M').length - 1))`); n != 2 {
		t.Errorf("a line with a gap is drawn in %d strokes, want 2", n)
	}
}

func TestBrowserPageFitsAPhone(t *testing.T) {
	b := start(t)
	if _, err := chromedp.Call(b.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 390, Height: 844, DeviceScaleFactor: 2, Mobile: true}); err != nil {
		t.Fatal(err)
	}
	b.show(render(t, withEvents()))
	if wide := eval[int](b, `document.documentElement.scrollWidth`); wide > 390 {
		t.Errorf("the page is %d px wide on a screen of 390", wide)
	}
	for id, n := range eval[map[string]int](b, shapesScript) {
		if n < 1 {
			t.Errorf("%s has no line", id)
		}
	}
	b.wantNoProblems()
}
