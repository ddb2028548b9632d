package record

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rtpfabric/sim/simtime"
)

const bin = 200 * time.Millisecond

// sample makes a record with the sizes of a 100 s run: 500 bins, 40 series,
// 40,000 samples. Values are jagged, but the same every time.
func sample() *Record {
	r := &Record{
		Manifest: Manifest{
			Format: Format, Title: `</script><b> & "quotes", commas`, Scenario: "x.yaml", Run: "a=1,seed=1",
			Variation: []Setting{{"seed", "1"}}, Seed: 1<<63 + 1, Version: "v0", Digest: "00ff", Status: Complete,
			Duration: 100 * time.Second, Reached: 100 * time.Second, Packets: 40000, PacketHops: 80000,
			Protection: "full", Reproduce: "simrun run x.yaml",
			Topology: Topology{
				Type: "point-to-point", Nodes: []string{"A", "B"}, Links: []Link{{"l", "A", "B", "1Mbps", "1Mbps"}},
				Endpoints: []Endpoint{{Name: "S1", At: "A", Addr: "10.0.0.1"}}, Flows: []Flow{{Name: "S1/video", From: "S1", To: "R1", Kind: "video", SSRC: 7, Controller: "nada", Links: []string{"l/forward"}}},
			},
			Resolved: "title: x\nduration: 100s\n",
		},
		Messages: []Message{{
			Sent: simtime.At(time.Second), Arrived: simtime.At(2 * time.Second), From: "A", To: "<server>", Protocol: "ROAP", Title: "OFFER 1", Text: "{\"sdp\":\"v=0\\r\\n\"}\n",
		}, {To: "A"}},
		Spectra: []Spectrum{{Entity: "mixer/audio>A", Step: 3.90625, Levels: []float64{-96, -26.1}}},
		Events: []Event{
			{At: simtime.At(time.Second), Entity: "l", Kind: "capacity-changed", Detail: "1Mbps → <2.5Mbps>"},
			{At: simtime.At(1), Entity: "S1", Kind: FirstFrame, Peer: "R1", Delay: time.Millisecond},
		},
		Summary: []Metric{{"l", "utilization", "mean", 0.91, "1"}, {"l", "drops", "rate", math.NaN(), "1"}},
		Verdicts: []Verdict{
			{Expectation: "utilization of l is high", Pass: true, Value: 0.91, Unit: "1", Bound: "≥ 85 %"},
			{Expectation: "nothing is measured", Value: math.NaN(), Unit: "ms", Bound: "≤ 60 ms", Problem: "no packets", Known: "why not"},
		},
	}
	for i := range 40 {
		s := &Series{Entity: fmt.Sprintf("S%d/video, [%d]", i, i), Metric: SendRate, Unit: "bit/s", Step: bin, Values: make([]float64, 500)}
		for k := range s.Values {
			s.Values[k] = float64((k*7919+i*104729)%3000000) / 3
			if k%17 == i%17 {
				s.Values[k] = math.NaN()
			}
		}
		r.Series = append(r.Series, s)
	}
	d := NewDistribution("l/forward", QueueDelays, bin)
	for i := range 40000 {
		at := 3*time.Second + time.Duration(i)*2400*time.Microsecond
		d.Add(simtime.At(at), time.Duration(i*7919%60000)*time.Microsecond+time.Duration(i%1000))
	}
	r.Distributions = append(r.Distributions, d, NewDistribution("idle", QueueDelays, bin))
	return r
}

func TestRecordComesBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "results", "run")
	want := sample()
	if err := Write(dir, want); err != nil {
		t.Fatal(err)
	}
	got, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	// %v prints NaN as NaN, which == and reflect.DeepEqual would not compare.
	for name, pair := range map[string][2]any{
		"manifest": {got.Manifest, want.Manifest},
		"events":   {got.Events, want.Events},
		"messages": {got.Messages, want.Messages},
		"summary":  {got.Summary, want.Summary},
		"verdicts": {got.Verdicts, want.Verdicts},
	} {
		if g, w := fmt.Sprintf("%#v", pair[0]), fmt.Sprintf("%#v", pair[1]); g != w {
			t.Errorf("%s: got %s\nwant %s", name, g, w)
		}
	}
	if len(got.Series) != len(want.Series) {
		t.Fatalf("%d series, want %d", len(got.Series), len(want.Series))
	}
	for i, w := range want.Series {
		if g := fmt.Sprintf("%v", *got.Series[i]); g != fmt.Sprintf("%v", *w) {
			t.Errorf("series %d differs: %.200s", i, g)
		}
	}
	compareDistributions(t, got.Distributions, want.Distributions)
}

func compareDistributions(t *testing.T, got, want []*Distribution) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d distributions, want %d", len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		if g.Entity != w.Entity || g.Metric != w.Metric || g.Step != w.Step || g.Len() != w.Len() {
			t.Errorf("distribution %d: got %s %s %v with %d samples", i, g.Entity, g.Metric, g.Step, g.Len())
		}
		for _, span := range [][2]time.Duration{{0, 100 * time.Second}, {3 * time.Second, 4 * time.Second}, {50 * time.Second, 51 * time.Second}} {
			gw := g.Window(simtime.At(span[0]), simtime.At(span[1]))
			ww := w.Window(simtime.At(span[0]), simtime.At(span[1]))
			if gw != ww {
				t.Errorf("distribution %d, window %v: %d samples, mean %v, p95 %v; want %d, %v, %v", i, span,
					gw.Count(), gw.Mean(), gw.Quantile(0.95), ww.Count(), ww.Mean(), ww.Quantile(0.95))
			}
		}
	}
}

func TestEveryCodeComesBackFromItsText(t *testing.T) {
	for c, text := range valueTexts() {
		ns, err := parseDecimal(text, 1e6)
		if err != nil || encode(time.Duration(ns)) != uint16(c) {
			t.Fatalf("code %d is written %s and read as %d, %v", c, text, encode(time.Duration(ns)), err)
		}
	}
}

func TestShorterSeriesAreFilledUp(t *testing.T) {
	dir := t.TempDir()
	r := &Record{Series: []*Series{
		{Entity: "a", Metric: RTT, Unit: "ms", Step: bin, Values: []float64{1, -0.25, 1e300}},
		{Entity: "b", Metric: RTT, Unit: "ms", Step: bin, Values: []float64{math.Inf(1)}},
		{Entity: "c", Metric: RTT, Unit: "ms", Step: bin},
	}}
	if err := Write(dir, r); err != nil {
		t.Fatal(err)
	}
	got, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprint(got.Series[0].Values, got.Series[1].Values, got.Series[2].Values)
	if want := "[1 -0.25 1e+300] [+Inf NaN NaN] [NaN NaN NaN]"; text != want {
		t.Errorf("got %s, want %s", text, want)
	}
}

func TestEqualRecordsMakeEqualFiles(t *testing.T) {
	one, two := filepath.Join(t.TempDir(), "r"), filepath.Join(t.TempDir(), "r")
	for _, dir := range []string{one, two} {
		if err := Write(dir, sample()); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(one)
	if err != nil || len(entries) != 8 {
		t.Fatalf("%d files, want 8 (%v)", len(entries), err)
	}
	for _, e := range entries {
		a, errA := os.ReadFile(filepath.Join(one, e.Name()))
		b, errB := os.ReadFile(filepath.Join(two, e.Name()))
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs between two writes", e.Name())
		}
	}
}

func TestFolderAppearsWholeOrNotAtAll(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "run")
	broken := errors.New("broken page")
	if err := Write(dir, sample(), func(string) error { return broken }); !errors.Is(err, broken) {
		t.Fatalf("got %v, want the addition's error", err)
	}
	wantNames(t, parent)

	page := func(text string) Addition {
		return func(folder string) error {
			return os.WriteFile(filepath.Join(folder, "index.html"), []byte(text), 0o644)
		}
	}
	if err := Write(dir, sample(), page("first")); err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, sample(), func(string) error { return broken }); err == nil {
		t.Fatal("no error")
	}
	if text, err := os.ReadFile(filepath.Join(dir, "index.html")); err != nil || string(text) != "first" {
		t.Errorf("after a failed write the old page is %q, %v", text, err)
	}
	if err := Write(dir, sample(), page("second")); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "index.html")); err != nil || string(text) != "second" {
		t.Errorf("after a second write the page is %q, %v", text, err)
	}
	wantNames(t, parent, "run")
}

func TestForeignFolderIsLeftAlone(t *testing.T) {
	parent := t.TempDir()
	thesis := filepath.Join(parent, "thesis.tex")
	if err := os.WriteFile(thesis, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Write(parent, sample()); err == nil || !strings.Contains(err.Error(), "isn't a record") {
		t.Errorf("got %v", err)
	}
	wantNames(t, parent, "thesis.tex")
}

func wantNames(t *testing.T, folder string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if fmt.Sprint(names) != fmt.Sprint(want) {
		t.Errorf("the folder holds %v, want %v", names, want)
	}
}

func TestUnequalStepsAreRefused(t *testing.T) {
	r := &Record{Series: []*Series{{Entity: "a", Step: bin}, {Entity: "b", Step: 2 * bin}}}
	if err := Write(filepath.Join(t.TempDir(), "r"), r); err == nil || !strings.Contains(err.Error(), "400ms") {
		t.Errorf("got %v", err)
	}
}

func TestDamagedFilesAreErrors(t *testing.T) {
	for _, c := range []struct{ file, old, new, want string }{
		{ManifestFile, fmt.Sprintf(`"format": %d`, Format), `"format": 9`, "format 9"},
		{ManifestFile, `{`, `[`, "json"},
		{SeriesFile, "time [s]", "zeit", "first column"},
		{SeriesFile, "send-rate [bit/s]", "send-rate", "not of the form"},
		{SeriesFile, "\n0.2,", "\n0.2,x", "line 3"},
		{DistributionsFile, "\nl/forward,queue-delay,0.2,3,", "\nl/forward,queue-delay,0.2,-3,", "start in s"},
		{DistributionsFile, "queue-delay,0.2,", "queue-delay,0,", "bin length"},
		{DistributionsFile, "*", "*x", "how often"},
		{DistributionsFile, "*", "-*", "a duration"},
		{EventsFile, "\n{", "\n", "line 2"},
		{VerdictsFile, "]", "", "JSON"},
	} {
		dir := filepath.Join(t.TempDir(), "r")
		if err := Write(dir, sample()); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, c.file)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(data, []byte(c.old)) {
			t.Fatalf("%s has no %q", c.file, c.old)
		}
		if err := os.WriteFile(path, bytes.Replace(data, []byte(c.old), []byte(c.new), 1), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.file) {
			t.Errorf("%s with %q: got %v, want %q", c.file, c.new, err, c.want)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing folder gives %v", err)
	}
}

func BenchmarkWrite(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "r")
	r := sample()
	b.ReportAllocs()
	for b.Loop() {
		if err := Write(dir, r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "r")
	if err := Write(dir, sample()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Read(dir); err != nil {
			b.Fatal(err)
		}
	}
}
