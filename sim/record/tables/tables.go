// Package tables makes long tables of records, for programs that read tables: one row for each run, expectation, figure,
// event, or value of a series. All tables have the column run_id in common.
package tables

import (
	"encoding/json"
	"math"
	"time"

	"rtpfabric/sim/record"
)

// Run is a row of the table runs.
type Run struct {
	// ID tells runs apart: the record's folder, below the one that was exported.
	ID       string `parquet:"run_id" json:"run_id"`
	Scenario string `parquet:"scenario" json:"scenario"` // file
	Title    string `parquet:"title" json:"title"`
	Name     string `parquet:"run" json:"run"`
	Seed     uint64 `parquet:"seed" json:"seed"`
	// Variation are the settings that the matrix gave to the run, as an object in JSON.
	Variation  string `parquet:"variation" json:"variation"`
	Controller string `parquet:"controller,dict" json:"controller"` // of the first flow that has one
	Status     string `parquet:"status,dict" json:"status"`         // complete or incomplete
	Version    string `parquet:"version,dict" json:"version"`
	Digest     string `parquet:"digest" json:"digest"`
	// Passed is whether no expectation failed that isn't known to fail.
	Passed   bool    `parquet:"passed" json:"passed"`
	Expected int64   `parquet:"expected" json:"expected"` // expectations
	Met      int64   `parquet:"met" json:"met"`           // of these
	Duration float64 `parquet:"duration_s" json:"duration_s"`
	Reached  float64 `parquet:"reached_s" json:"reached_s"`
	Packets  uint64  `parquet:"packets" json:"packets"`
	Hops     uint64  `parquet:"packet_hops" json:"packet_hops"`
}

// Setting is a row of the table settings: one value that the matrix gave to a run.
type Setting struct {
	ID    string `parquet:"run_id,dict" json:"run_id"`
	Path  string `parquet:"path,dict" json:"path"`
	Value string `parquet:"value,dict" json:"value"`
}

// Point is a row of the table series: a value of one quantity in the bin that begins at a time.
type Point struct {
	ID     string   `parquet:"run_id,dict" json:"run_id"`
	Entity string   `parquet:"entity,dict" json:"entity"`
	Metric string   `parquet:"metric,dict" json:"metric"`
	Unit   string   `parquet:"unit,dict" json:"unit"`
	At     float64  `parquet:"t_s" json:"t_s"`
	Value  *float64 `parquet:"value,optional" json:"value"`
}

// Figure is a row of the table summary: one number about a whole run.
type Figure struct {
	ID     string   `parquet:"run_id,dict" json:"run_id"`
	Entity string   `parquet:"entity,dict" json:"entity"`
	Metric string   `parquet:"metric,dict" json:"metric"`
	Stat   string   `parquet:"stat,dict" json:"stat"`
	Unit   string   `parquet:"unit,dict" json:"unit"`
	Value  *float64 `parquet:"value,optional" json:"value"`
}

// Verdict is a row of the table verdicts.
type Verdict struct {
	ID          string   `parquet:"run_id,dict" json:"run_id"`
	Expectation string   `parquet:"expectation,dict" json:"expectation"`
	Passed      bool     `parquet:"passed" json:"passed"`
	Value       *float64 `parquet:"value,optional" json:"value"`
	Unit        string   `parquet:"unit,dict" json:"unit"`
	Bound       string   `parquet:"bound,dict" json:"bound"`
	// Known is why it was expected not to pass, if it didn't.
	Known string `parquet:"known,dict" json:"known"`
}

// Event is a row of the table events.
type Event struct {
	ID     string  `parquet:"run_id,dict" json:"run_id"`
	At     float64 `parquet:"at_s" json:"at_s"`
	Entity string  `parquet:"entity,dict" json:"entity"`
	Kind   string  `parquet:"kind,dict" json:"kind"`
	Detail string  `parquet:"detail" json:"detail"`
	Peer   string  `parquet:"peer,dict" json:"peer"`
}

// Names are those of the tables.
func Names() []string { return []string{"runs", "settings", "verdicts", "summary", "series", "events"} }

func seconds(d time.Duration) float64 { return float64(d) / float64(time.Second) }

// number is nil where there is no value.
func number(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

func runOf(id string, r *record.Record) Run {
	m := &r.Manifest
	variation := map[string]string{}
	for _, s := range m.Variation {
		variation[s.Path] = s.Value
	}
	text, err := json.Marshal(variation) // in the order of the paths
	if err != nil {
		panic("tables: " + err.Error()) // these are texts
	}
	row := Run{
		ID: id, Scenario: m.Scenario, Title: m.Title, Name: m.Run, Seed: m.Seed, Variation: string(text), Status: string(m.Status),
		Version: m.Version, Digest: m.Digest, Passed: r.Passed() && m.Status == record.Complete, Expected: int64(len(r.Verdicts)),
		Duration: seconds(m.Duration), Reached: seconds(m.Reached), Packets: m.Packets, Hops: m.PacketHops,
	}
	for _, v := range r.Verdicts {
		if v.Pass {
			row.Met++
		}
	}
	for _, f := range m.Topology.Flows {
		if f.Controller != "" {
			row.Controller = f.Controller
			break
		}
	}
	return row
}
