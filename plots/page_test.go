package plots

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

func render(t *testing.T, r *record.Record) string {
	t.Helper()
	var b bytes.Buffer
	if err := Page(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// body cuts the embedded script, styles and notice out of a page, which are ours and
// not the record's.
func body(page string) string {
	for _, own := range []string{echartsScript, pageScript, chartScript, comparisonScript, indexScript, styles, comparisonStyles, indexStyles, echartsNotice} {
		page = strings.ReplaceAll(page, own, "")
	}
	return page
}

var optionElement = regexp.MustCompile(`(?s)<script type="application/json" id="option-([a-z-]+)">(.*?)</script>`)

// options returns the chart options of a page by chart id.
func options(t *testing.T, page string) map[string]map[string]any {
	t.Helper()
	all := map[string]map[string]any{}
	for _, m := range optionElement.FindAllStringSubmatch(page, -1) {
		var option map[string]any
		if err := json.Unmarshal([]byte(m[2]), &option); err != nil {
			t.Fatalf("option of chart %s is not JSON: %v", m[1], err)
		}
		all[m[1]] = option
	}
	return all
}

func TestPageIsTheSameTwice(t *testing.T) {
	if first, again := render(t, synthetic(3)), render(t, synthetic(3)); first != again {
		t.Error("two pages of equal records differ")
	}
}

func TestPageHasEveryChart(t *testing.T) {
	all := options(t, render(t, synthetic(1)))
	for id, want := range map[string]int{
		"rates": 8, "delay": 4, "loss": 3, "rtt": 1, "rtcp": 4, "frame-delay": 1, "frame-rate": 2, "cdf": 2,
		"video-score": 1, "mos": 2, "av-skew": 1, "timeline": 2,
	} {
		if got := len(all[id]["series"].([]any)); got != want {
			t.Errorf("chart %s has %d series, want %d", id, got, want)
		}
	}
	if len(all) != 12 {
		t.Errorf("%d charts, want 12", len(all))
	}
}

func TestAxesHaveUnits(t *testing.T) {
	all := options(t, render(t, synthetic(1)))
	for id, want := range map[string][2]string{
		"rates": {"time [s]", "rate [Mbit/s]"}, "delay": {"time [s]", "delay [ms]"}, "loss": {"time [s]", "lost [%]"},
		"rtt": {"time [s]", "RTT [ms]"}, "rtcp": {"time [s]", "RTCP [kbit/s]"}, "frame-delay": {"time [s]", "frame delay [ms]"},
		"frame-rate": {"time [s]", "frames/s"}, "video-score": {"time [s]", "score"}, "mos": {"time [s]", "mean opinion score"},
		"av-skew": {"time [s]", "later [ms]"}, "cdf": {"delay [ms]", "packets at or below [%]"},
	} {
		x := all[id]["xAxis"].([]any)[0].(map[string]any)
		y := all[id]["yAxis"].([]any)[0].(map[string]any)
		if x["name"] != want[0] || y["name"] != want[1] {
			t.Errorf("axes of %s are %v and %v, want %v", id, x["name"], y["name"], want)
		}
		if want[0] == "time [s]" && (x["min"] != 0.0 || x["max"] != 100.0) {
			t.Errorf("time axis of %s reaches from %v to %v, want 0 to 100", id, x["min"], x["max"])
		}
	}
}

func TestCapacityIsDrawnAsStairs(t *testing.T) {
	rates := options(t, render(t, synthetic(1)))["rates"]
	first := rates["series"].([]any)[0].(map[string]any)
	if first["name"] != "bottleneck/forward capacity" || first["step"] != "end" {
		t.Fatalf("first series is %v with step %v", first["name"], first["step"])
	}
	if got, want := fmt.Sprint(first["data"]), "[[0 1] [40 2.5] [60 0.6] [80 1] [100 1]]"; got != want {
		t.Errorf("stairs are %s, want %s", got, want)
	}
	marks := first["markLine"].(map[string]any)["data"].([]any)
	if len(marks) != 3 {
		t.Errorf("%d capacity changes are marked, want 3", len(marks))
	}
	// A capacity of 100 Mbit/s would flatten the media, so it starts hidden.
	if selected := rates["legend"].(map[string]any)["selected"].(map[string]any); selected["bottleneck/backward capacity"] != false {
		t.Errorf("selected is %v", selected)
	}
}

func TestStreamKeepsItsColour(t *testing.T) {
	colors := map[any]bool{}
	for id, option := range options(t, render(t, synthetic(4))) {
		if id == "timeline" {
			continue // whose colours are of what happens
		}
		for _, s := range option["series"].([]any) {
			s := s.(map[string]any)
			if strings.HasPrefix(s["name"].(string), "S3/video ") {
				colors[s["color"]] = true
			}
			if c := s["color"].(string); !strings.Contains(styles, c+":") {
				t.Errorf("chart %s uses colour %s, which the styles don't have", id, c)
			}
		}
	}
	if len(colors) != 1 {
		t.Errorf("S3/video has the colours %v", colors)
	}
}

// hostile puts markup into every text of a record.
func hostile() *record.Record {
	const evil = `</script><b>&"'` + "\u2028" + `<img src=x onerror=alert(1)>`
	r := synthetic(1)
	m := &r.Manifest
	for _, s := range []*string{&m.Title, &m.Reference, &m.Scenario, &m.Run, &m.Version, &m.Digest, &m.Reproduce, &m.Resolved, &m.Topology.Type} {
		*s += evil
	}
	m.Variation[0] = record.Setting{Path: evil, Value: evil}
	m.Topology.Links[0].Forward = evil
	m.Topology.Endpoints[0].Addr = evil
	m.Topology.Flows[0].Controller = evil
	for _, s := range r.Series {
		s.Entity += evil
	}
	r.Series = append(r.Series, &record.Series{Entity: "l", Metric: record.DropsPrefix + "queue-full", Unit: "count", Step: bin})
	r.Events[0].Detail = evil
	r.Messages = []record.Message{{From: "S1" + evil, To: evil, Protocol: evil, Title: evil, Text: evil}}
	r.Summary[0].Metric = evil
	r.Verdicts[0] = record.Verdict{Expectation: evil, Bound: evil, Problem: evil, Value: math.NaN()}
	return r
}

func TestTextsAreEscaped(t *testing.T) {
	page := body(render(t, hostile()))
	for _, bad := range []string{"</script><b>", "<img", "<b>"} {
		if i := strings.Index(page, bad); i >= 0 {
			t.Errorf("the page has %q: …%s…", bad, page[max(0, i-80):min(len(page), i+80)])
		}
	}
	if n := len(options(t, page)); n != 12 {
		t.Errorf("%d charts survive, want 12", n)
	}
}

func TestNoNumberIsNaN(t *testing.T) {
	r := synthetic(1)
	r.Series[0].Values[7] = math.Inf(1)
	r.Series = append(r.Series, &record.Series{Entity: "S9/video", Metric: record.SendRate, Unit: "bit/s", Step: bin, Values: []float64{math.NaN(), math.Inf(-1)}})
	page := body(render(t, r))
	for _, bad := range []string{"NaN", "Inf"} {
		if i := strings.Index(page, bad); i >= 0 {
			t.Errorf("the page has %s: …%s…", bad, page[max(0, i-80):min(len(page), i+80)])
		}
	}
}

func TestNothingIsLoaded(t *testing.T) {
	page := body(render(t, synthetic(1)))
	if !strings.Contains(page, `content="default-src 'none';`) {
		t.Error("the page has no content security policy")
	}
	for _, m := range regexp.MustCompile(`(?i)(src|href|srcset|poster|action)\s*=\s*"([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(m[2], "#") && !strings.HasPrefix(m[2], "data:") {
			t.Errorf("the page refers to %s", m[0])
		}
	}
	for name, text := range map[string]string{"page": page, "styles": styles, "script": pageScript} {
		if strings.Contains(text, "http:") || strings.Contains(text, "https:") || strings.Contains(text, "@import") || strings.Contains(text, "url(") {
			t.Errorf("the %s name an address", name)
		}
	}
}

func TestEmptyRecordSaysWhatIsMissing(t *testing.T) {
	page := render(t, &record.Record{Manifest: record.Manifest{Title: "Nothing"}})
	if n := len(options(t, page)); n != 0 {
		t.Errorf("%d charts of nothing", n)
	}
	for _, want := range []string{
		"No stream sent anything.", "No round-trip time was measured.", "No packet’s delay was recorded.", "The record has no topology.",
		"NO EXPECTATIONS", "The run left no summary.", "Nothing of note happened.",
	} {
		if !strings.Contains(page, strings.ReplaceAll(want, "’", "&#39;")) {
			t.Errorf("the page doesn't say %q", want)
		}
	}
}

func TestBannerAndRemarks(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(r *record.Record)
		want   []string
		not    []string
	}{
		{"pass", func(*record.Record) {}, []string{`class="banner pass"`, "PASS", "All 3 expectations are met"}, []string{"FAIL", "protection:"}},
		{
			"fail", func(r *record.Record) { r.Verdicts[1].Pass = false },
			[]string{`class="banner fail"`, "FAIL", "1 of 3 expectations not met", "41.77\u00a0ms, not ≤ 60 ms"},
			[]string{"PASS"},
		},
		{
			"incomplete", func(r *record.Record) {
				r.Manifest.Status = record.Incomplete
				r.Manifest.Reached = 43200 * time.Millisecond
			},
			[]string{`class="banner incomplete"`, "INCOMPLETE", "interrupted at 43.2 s of 100 s"},
			[]string{"PASS"},
		},
		{
			"hosted", func(r *record.Record) {
				r.Manifest.Topology.Endpoints[0].Stack, r.Manifest.Topology.Endpoints[0].Profile = "pion", "deterministic"
				r.Manifest.Topology.Endpoints[1].Stack, r.Manifest.Topology.Endpoints[1].Profile = "pion", "faithful"
			},
			[]string{"stack, deterministic profile", "stack, faithful profile", "only on average", " · pion"},
			[]string{"remark warning"},
		},
		{
			"parts", func(r *record.Record) { r.Manifest.Topology.Endpoints[0].Parts = []string{"gcc", "nack-responder"} },
			[]string{"with pion&#39;s gcc, nack-responder", "in the sessions of an endpoint of ours"},
			[]string{"remark warning"},
		},
		{"in the clear", func(r *record.Record) { r.Manifest.Protection = "none" }, []string{"remark warning", "Packets went in the clear", "debugging aid"}, nil},
		{"size only", func(r *record.Record) { r.Manifest.Protection = "size-only" }, []string{"remark note", "nothing was encrypted"}, []string{"remark warning"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := synthetic(1)
			c.change(r)
			page := body(render(t, r))
			for _, text := range c.want {
				if !strings.Contains(page, text) {
					t.Errorf("the page doesn't say %q", text)
				}
			}
			for _, text := range c.not {
				if strings.Contains(page, text) {
					t.Errorf("the page says %q", text)
				}
			}
		})
	}
}

func TestManyEventsAreCut(t *testing.T) {
	r := synthetic(1)
	for i := range 2000 {
		r.Events = append(r.Events, record.Event{At: simtime.At(time.Duration(i) * time.Millisecond), Kind: "packet-dropped"})
	}
	page := render(t, r)
	if n := strings.Count(page, "<td>packet-dropped</td>"); n != eventsShown-3 {
		t.Errorf("%d of the drops are listed, want %d", n, eventsShown-3)
	}
	if !strings.Contains(page, "the first 400 of them") {
		t.Error("the page doesn't say that it left some out")
	}
}

type brokenWriter struct{}

var errFull = errors.New("disk full")

func (brokenWriter) Write([]byte) (int, error) { return 0, errFull }

func TestWriteErrorsComeThrough(t *testing.T) {
	if err := Page(brokenWriter{}, synthetic(1)); !errors.Is(err, errFull) {
		t.Errorf("Page: %v", err)
	}
	if err := Overview(brokenWriter{}, Invocation{}); !errors.Is(err, errFull) {
		t.Errorf("Overview: %v", err)
	}
}
