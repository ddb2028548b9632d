package tables_test

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"rtpfabric/sim/record"
	"rtpfabric/sim/record/tables"
	"rtpfabric/sim/simtime"
)

func sample() *record.Record {
	return &record.Record{
		Manifest: record.Manifest{
			Title: `a "title", with a comma`, Scenario: "call.yaml", Run: "seed=2", Seed: 1<<64 - 1, Status: record.Complete, Digest: "d", Version: "v",
			Variation: []record.Setting{{Path: "seed", Value: "2"}, {Path: "a.b", Value: "x"}}, Duration: 1500 * time.Millisecond, Reached: time.Second, Packets: 7, PacketHops: 9,
			Topology: record.Topology{Flows: []record.Flow{{Name: "A/audio"}, {Name: "A/video", Controller: "nada"}}},
		},
		Series:   []*record.Series{{Entity: "A/video", Metric: "send-rate", Unit: "bit/s", Step: 200 * time.Millisecond, Values: []float64{1, math.NaN(), 1e6, math.Inf(1)}}},
		Summary:  []record.Metric{{Entity: "A/video", Metric: "loss", Stat: "mean", Unit: "1", Value: math.NaN()}},
		Verdicts: []record.Verdict{{Expectation: "e", Pass: true, Value: 3, Unit: "ms", Bound: "≤ 4 ms"}, {Expectation: "f", Value: math.NaN(), Known: "so it is"}},
		Events:   []record.Event{{At: simtime.At(250 * time.Millisecond), Entity: "A", Kind: "freeze", Detail: "line\nbreak", Peer: "B"}},
	}
}

func write(t *testing.T, format tables.Format) (folder string) {
	t.Helper()
	folder = t.TempDir()
	w, err := tables.NewWriter(folder, format, tables.Names()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"call/seed=1", "call/seed=2"} {
		if err := w.Add(id, sample()); err != nil {
			t.Fatal(err)
		}
	}
	paths, err := w.Close()
	if err != nil || len(paths) != len(tables.Names()) {
		t.Fatalf("%q, %v", paths, err)
	}
	return folder
}

func pointer(v float64) *float64 { return &v }

// Parquet comes back as it was: also no value, the largest seed, and odd texts; and twice the same are the same bytes.
func TestParquet(t *testing.T) {
	folder := write(t, tables.Parquet)
	runs, err := parquet.ReadFile[tables.Run](filepath.Join(folder, "runs.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	want := tables.Run{
		ID: "call/seed=1", Scenario: "call.yaml", Title: `a "title", with a comma`, Name: "seed=2", Seed: 1<<64 - 1, Variation: `{"a.b":"x","seed":"2"}`,
		Controller: "nada", Status: "complete", Version: "v", Digest: "d", Passed: true, Expected: 2, Met: 1, Duration: 1.5, Reached: 1, Packets: 7, Hops: 9,
	}
	second := want
	second.ID = "call/seed=2"
	if diff := cmp.Diff([]tables.Run{want, second}, runs); diff != "" {
		t.Error(diff)
	}
	points, err := parquet.ReadFile[tables.Point](filepath.Join(folder, "series.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	at := func(t float64, v *float64) tables.Point {
		return tables.Point{ID: "call/seed=1", Entity: "A/video", Metric: "send-rate", Unit: "bit/s", At: t, Value: v}
	}
	if diff := cmp.Diff([]tables.Point{at(0, pointer(1)), at(0.2, nil), at(0.4, pointer(1e6)), at(0.6, nil)}, points[:4]); diff != "" {
		t.Error(diff)
	}
	events, err := parquet.ReadFile[tables.Event](filepath.Join(folder, "events.parquet"))
	if err != nil || len(events) != 2 || events[1] != (tables.Event{"call/seed=2", 0.25, "A", "freeze", "line\nbreak", "B"}) {
		t.Errorf("%v, %v", events, err)
	}
	again := write(t, tables.Parquet)
	for _, name := range tables.Names() {
		a, errA := os.ReadFile(filepath.Join(folder, name+".parquet"))
		b, errB := os.ReadFile(filepath.Join(again, name+".parquet"))
		if errA != nil || errB != nil || !slices.Equal(a, b) {
			t.Errorf("%s isn't the same twice: %v, %v", name, errA, errB)
		}
	}
}

// The other formats have the same columns and values.
func TestTexts(t *testing.T) {
	folder := write(t, tables.CSV)
	read := func(name string) [][]string {
		t.Helper()
		f, err := os.Open(filepath.Join(folder, name+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		rows, err := csv.NewReader(f).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	if diff := cmp.Diff([][]string{
		{"run_id", "expectation", "passed", "value", "unit", "bound", "known"},
		{"call/seed=1", "e", "true", "3", "ms", "≤ 4 ms", ""},
		{"call/seed=1", "f", "false", "", "", "", "so it is"},
	}, read("verdicts")[:3]); diff != "" {
		t.Error(diff)
	}
	if got := read("runs")[1]; got[2] != `a "title", with a comma` || got[4] != "18446744073709551615" {
		t.Errorf("%q", got)
	}
	folder = write(t, tables.JSONLines)
	b, err := os.ReadFile(filepath.Join(folder, "summary.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(b), "\n")
	if want := `{"run_id":"call/seed=1","entity":"A/video","metric":"loss","stat":"mean","unit":"1","value":null}`; first != want {
		t.Errorf("got %s", first)
	}
	if b, err = os.ReadFile(filepath.Join(folder, "settings.jsonl")); err != nil {
		t.Fatal(err)
	}
	var s tables.Setting
	if err := json.Unmarshal([]byte(strings.Split(string(b), "\n")[1]), &s); err != nil || s != (tables.Setting{"call/seed=1", "a.b", "x"}) {
		t.Errorf("%v, %v", s, err)
	}
}

// What isn't finished isn't there, and what was there before stays.
func TestAbandoned(t *testing.T) {
	folder := t.TempDir()
	old := filepath.Join(folder, "runs.csv")
	if err := os.WriteFile(old, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	w, err := tables.NewWriter(folder, tables.CSV, "runs")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Add("x", sample()); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(old); err != nil || string(b) != "old" {
		t.Errorf("%q, %v", b, err)
	}
	if err := w.Abandon(); err != nil {
		t.Fatal(err)
	}
	if _, err := tables.NewWriter(folder, tables.CSV, "runs", "nothing"); err == nil {
		t.Error("a table that there isn't is begun")
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
	if _, err := tables.NewWriter(filepath.Join(folder, "nowhere"), tables.CSV, "runs"); err == nil {
		t.Error("a folder that there isn't is written to")
	}
}
