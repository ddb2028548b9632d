package plots

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"rtpfabric/sim/record"
)

func figuresOf(t *testing.T, r *record.Record, show string) []Figure {
	t.Helper()
	list, err := Figures(r, show)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func figureNamed(t *testing.T, list []Figure, name string) Figure {
	t.Helper()
	i := slices.IndexFunc(list, func(f Figure) bool { return f.Name == name })
	if i < 0 {
		t.Fatalf("no figure %s", name)
	}
	return list[i]
}

func svgOf(t *testing.T, f Figure, format Format) string {
	t.Helper()
	var b bytes.Buffer
	if err := f.SVG(&b, format); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// textsOf returns what is written in an SVG, which must be one.
func textsOf(t *testing.T, svg string) (texts []string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(svg))
	inText := false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return texts
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			inText = e.Name.Local == "text"
		case xml.CharData:
			if inText {
				texts = append(texts, strings.TrimSpace(string(e)))
			}
		}
	}
}

func TestEveryChartIsAFigure(t *testing.T) {
	list := figuresOf(t, synthetic(2), "")
	var names []string
	for _, f := range list {
		names = append(names, f.Name)
		texts := textsOf(t, svgOf(t, f, Column))
		if len(texts) < 5 {
			t.Errorf("%s says only %q", f.Name, texts)
		}
		if f.Caption == "" {
			t.Errorf("%s has no caption", f.Name)
		}
	}
	for id := range options(t, render(t, synthetic(2))) {
		if !slices.Contains(names, id) {
			t.Errorf("the chart %s is no figure", id)
		}
	}
	texts := textsOf(t, svgOf(t, figureNamed(t, list, "rates"), Column))
	for _, want := range []string{"bottleneck/forward capacity", "S1/video sent", "S1-R1 target", "time [s]", "rate [Mbit/s]", "20", "2"} {
		if !slices.Contains(texts, want) {
			t.Errorf("the rates lack %q: %q", want, texts)
		}
	}
	if slices.Contains(texts, "S1/video encoded") {
		t.Error("a line that the page hides at first is drawn")
	}
}

// Figures are the same bytes each time, which the date of a PDF would spoil.
func TestFiguresAreTheSameTwice(t *testing.T) {
	make := func() map[string]string {
		all := map[string]string{}
		list := append(figuresOf(t, synthetic(2), ""), ComparisonFigures(controllersAndSeeds())...)
		for _, f := range list {
			var b bytes.Buffer
			if err := f.PDF(&b, Column); err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(b.Bytes(), []byte("%PDF-")) || !bytes.Contains(b.Bytes(), []byte("(D:20000101")) {
				t.Errorf("%s is no PDF with a fixed date", f.Name)
			}
			all[f.Name] = svgOf(t, f, Column) + b.String()
		}
		return all
	}
	one, two := make(), make()
	if len(one) < 20 {
		t.Errorf("only %d figures", len(one))
	}
	for name := range one {
		if one[name] != two[name] {
			t.Errorf("%s is different the second time", name)
		}
	}
}

func TestFiguresSurviveAnyRecord(t *testing.T) {
	strange := hostile()
	strange.Series[0].Values[3] = math.Inf(1)
	strange.Series = append(strange.Series, &record.Series{Entity: "S9/video", Metric: record.SendRate, Unit: "bit/s", Step: bin, Values: []float64{math.NaN(), math.Inf(-1)}})
	for name, r := range map[string]*record.Record{"hostile": strange, "empty": {}, "one": synthetic(1)} {
		for _, f := range figuresOf(t, r, "") {
			for _, format := range []Format{Column, {Width: 30, Height: 20, Font: 4.5}, {Width: 84, Height: 50, Font: 8, From: 200, To: 300}} {
				svg := svgOf(t, f, format)
				textsOf(t, svg)
				if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") || strings.Contains(svg, "#-") {
					t.Errorf("%s of the record %s has numbers that are none in %+v", f.Name, name, format)
				}
				if err := f.PDF(io.Discard, format); err != nil {
					t.Errorf("%s of the record %s: %v", f.Name, name, err)
				}
			}
		}
	}
}

func TestFiguresOfAPart(t *testing.T) {
	r := synthetic(3)
	texts := textsOf(t, svgOf(t, figureNamed(t, figuresOf(t, r, "S2/video"), "rates"), Column))
	if !slices.Contains(texts, "S2/video encoded") || slices.Contains(texts, "S1/video sent") {
		t.Errorf("of S2/video is written %q", texts)
	}
	if lanes := textsOf(t, svgOf(t, figureNamed(t, figuresOf(t, r, "S2/video"), "timeline"), Column)); slices.Contains(lanes, "S1/video") {
		t.Errorf("the lanes of S2/video are %q", lanes)
	}
	if _, err := Figures(r, "S4"); err == nil || !strings.Contains(err.Error(), `nothing in the run is called "S4"; there are S1/video, S1/audio`) {
		t.Errorf("an unknown part gives %v", err)
	}
}

// A stretch of time has an axis for what is seen in it: what is held from before, and nothing that is over.
func TestAxisOfAStretchOfTime(t *testing.T) {
	p := &panel{lines: []line{{data: points{{0, 5}, {10, 1}, {20, 3}, {30, 3}}, stroke: stroke{stairs: true}}}}
	for _, c := range []struct{ from, to, want float64 }{{2, 8, 5}, {12, 18, 1}, {12, 25, 3}, {0, 30, 5}} {
		if got := p.top(c.from, c.to); math.Abs(got-1.04*c.want) > 1e-9 {
			t.Errorf("from %v to %v the axis ends at %v, want a little above %v", c.from, c.to, got, c.want)
		}
	}
}

func TestTicksAreRound(t *testing.T) {
	for _, c := range []struct {
		low, high, want float64
		labels          string
	}{
		{0, 100, 7, "[0 20 40 60 80 100]"},
		{0, 0.7, 5, "[0 0.2 0.4 0.6]"},
		{-96, 0, 5, "[–80 –60 –40 –20 0]"},
		{1e17, 1e17 + 16, 7, "[]"},
		{119, 243, 7, "[120 140 160 180 200 220 240]"},
	} {
		var labels []string
		for _, tick := range ticksAbout(c.want)(c.low, c.high) {
			labels = append(labels, tick.Label)
		}
		if got := fmt.Sprint(labels); got != c.labels {
			t.Errorf("from %v to %v: %s, want %s", c.low, c.high, got, c.labels)
		}
	}
}

// controllersAndSeeds are runs of two scenarios with two controllers and five seeds.
func controllersAndSeeds() []ComparedRun {
	var runs []ComparedRun
	for s, scenario := range []string{"a.yaml", "b.yaml"} {
		for c, controller := range []string{"nada", "gcc"} {
			for seed := range 5 {
				run := ComparedRun{}
				run.Scenario, run.Title, run.Seed = scenario, "Title of "+scenario, uint64(seed)
				run.Variation = []record.Setting{{Path: "congestion.controller", Value: controller}}
				run.Summary = []record.Metric{
					{Entity: "l", Metric: "utilization", Stat: "mean", Value: 0.5 + 0.1*float64(s+c) + 0.01*float64(seed), Unit: "1"},
					{Entity: "l", Metric: "queue-delay", Stat: "p95", Value: float64(20 + 10*seed*(c+1)), Unit: "ms"},
				}
				runs = append(runs, run)
			}
		}
	}
	return runs
}

func TestFiguresOfAComparison(t *testing.T) {
	list := ComparisonFigures(controllersAndSeeds())
	for _, name := range []string{"all/trade-off", "a/queue-delay-p95-boxes", "b/utilization-distribution"} {
		texts := textsOf(t, svgOf(t, figureNamed(t, list, name), Column))
		if !slices.Contains(texts, "nada") || !slices.Contains(texts, "gcc") {
			t.Errorf("%s says %q", name, texts)
		}
	}
	if got := ComparisonFigures(controllersAndSeeds()[:5]); got != nil {
		t.Errorf("%d figures of runs that differ in the seed alone", len(got))
	}
}

// Values that are the same but for rounding have an axis, and one that ends.
func TestFiguresOfEqualValues(t *testing.T) {
	runs := controllersAndSeeds()
	for i := range runs {
		for k := range runs[i].Summary {
			runs[i].Summary[k].Value = 130
		}
	}
	runs[0].Summary[1].Value = math.Nextafter(130, 131)
	for _, f := range ComparisonFigures(runs) {
		textsOf(t, svgOf(t, f, Column))
	}
}

func TestQuartilesAreThoseOfThePage(t *testing.T) {
	v := []float64{1, 2, 3, 4, 10}
	for q, want := range map[float64]float64{0: 1, 0.25: 2, 0.5: 3, 0.75: 4, 0.9: 7.6, 1: 10} {
		if got := quantileOf(v, q); math.Abs(got-want) > 1e-12 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if low, high := whiskers(v, 2, 4); low != 1 || high != 4 {
		t.Errorf("whiskers from %v to %v, want 1 to 4", low, high)
	}
}

func TestFormatsAreChecked(t *testing.T) {
	for _, f := range []Format{{Width: 1, Height: 50, Font: 8}, {Width: 84, Height: math.NaN(), Font: 8}, {Width: 84, Height: 50}, {Width: 30, Height: 20, Font: 6}, {Width: 84, Height: 50, Font: 8, From: 5, To: 3}} {
		if f.Valid() == nil {
			t.Errorf("%+v is a format", f)
		}
	}
	if err := Column.Valid(); err != nil {
		t.Error(err)
	}
}
