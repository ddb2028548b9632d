package runner_test

import (
	"flag"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rtpfabric/ccontrol"
	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/record"
	"rtpfabric/sim/rng"
)

var networks = flag.Int("networks", 12, "number of random networks of TestBreakersInRandomNetworks")

// judgesOfNetworks watch besides the scenario's own breaker, which is RFC 8083's as it
// stands, with the simplified equation.
const judgesOfNetworks = "{mode: observe, watch: {full: {equation: full}, sustained: {sustained: true}, sustained-full: {sustained: true, equation: full}}}"

// ownBreaker is how the table calls the scenario's.
const ownBreaker = "simplified"

// judgeNames in the order of the table's columns.
var judgeNames = []string{ownBreaker, "full", "sustained", "sustained-full"}

// network is a random path of a call.
type network struct {
	capacity float64 // bit/s at first
	least    float64 // the least of the time
	text     string  // of the scenario, up to the call's own fields
}

// randomNetwork draws capacity, delay, queue, loss, jitter, changes of capacity and cross
// traffic. cut is an outage from 30 s on: "forward", "backward", or none.
func randomNetwork(seed uint64, cut string) network {
	r := rng.New(seed).Stream("network")
	between := func(low, high float64) float64 { return low * math.Exp(r.Float64()*math.Log(high/low)) } // log-uniform
	below := func(n float64) int { return int(r.Uniform(0, n)) }
	n := network{capacity: between(300e3, 5e6)}
	n.least = n.capacity
	delay, queue := between(5, 150), between(50, 1000)
	discipline := "droptail"
	switch below(5) {
	case 0:
		discipline = "codel"
	case 1:
		discipline = "pie"
	}
	loss := 0.0
	if below(5) < 2 {
		loss = between(0.05, 3)
	}
	jitter := ""
	if below(2) == 0 {
		jitter = fmt.Sprintf("\n      jitter: {model: nr-bpdv, std: %.0fms, bound: 3}", between(1, 10))
	}
	var changes []string
	for i := range below(4) {
		rate := n.capacity * between(0.3, 2)
		n.least = min(n.least, rate)
		changes = append(changes, fmt.Sprintf("{at: %ds, forward: {rate: %.0fbps}}", 12+15*i, rate))
	}
	outage := map[string]string{cut: ", impairments: [{type: outage, during: [30s..60s]}]"}
	var b strings.Builder
	fmt.Fprintf(&b, "title: Random network %d\nduration: 60s\nseed: %d\nprotection: size-only\n", seed, seed)
	fmt.Fprintf(&b, "network:\n  links:\n    path:\n      between: [A, B]\n      delay: %.0fms%s\n", delay, jitter)
	fmt.Fprintf(&b, "      forward: {rate: %.0fbps, loss: %.3f%%, queue: {type: %s, length: %.0fms}%s}\n", n.capacity, loss, discipline, queue, outage["forward"])
	fmt.Fprintf(&b, "      backward: {rate: %.0fbps%s}\n", max(n.capacity, 1e6), outage["backward"])
	fmt.Fprintf(&b, "      schedule: [%s]\n", strings.Join(changes, ", "))
	fmt.Fprintf(&b, "endpoints: {S: {at: A}, R: {at: B}}\ntopology: {peers: [S, R]}\n")
	if below(3) == 0 {
		fmt.Fprintf(&b, "traffic: {tcp: {type: tcp, from: A, to: B, start: %ds}}\n", below(30))
	}
	n.text = b.String()
	return n
}

// tally counts runs and, by judge, those in which it tripped. Quiet ones ended without
// media: SCReAM's self-clocking may wait for feedback until nothing is sent.
type tally struct {
	runs, quiet int
	trips       map[string]int
}

func (c *tally) add(r *record.Record) {
	c.runs++
	seen := map[string]bool{}
	for _, e := range r.Events {
		switch e.Kind {
		case record.BreakerObserved:
			seen[ownBreaker] = true
		case record.BreakerWatched:
			name, _, _ := strings.Cut(e.Detail, ":")
			seen[name] = true
		}
	}
	if c.trips == nil {
		c.trips = map[string]int{}
	}
	if s := r.Find("S/video", record.SendRate); s != nil && len(seen) == 0 && sum(s.Values[len(s.Values)*3/4:]) == 0 {
		c.quiet++
	}
	for name := range seen {
		c.trips[name]++
	}
}

func sum(values []float64) (total float64) {
	for _, v := range values {
		total += v
	}
	return total
}

// adapting are controllers that circuit breakers should leave alone.
var adapting = []string{"gcc", "nada", "scream", "scream-v2"}

// Circuit breakers in random networks: how often each trips for a controller that adapts,
// and how often not for one that never backs off and sends at least twice what the path
// carries, or when the path is cut. -networks 1000 makes the table of docs/breakers.md.
//
// conformance: CC-7.1-2
func TestBreakersInRandomNetworks(t *testing.T) {
	long(t)
	t.Parallel()
	n := *networks
	rows := []string{}
	counts := map[string]*tally{}
	count := func(row string, text string) {
		t.Helper()
		f, err := scenarios.Parse("network.yaml", []byte(text), scenarios.Options{Catalogue: runner.Catalogue{}})
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if counts[row] == nil {
			counts[row] = &tally{}
			rows = append(rows, row)
		}
		counts[row].add(run(t, f.Runs[0]))
	}
	call := func(controller string, low, high float64) string {
		return fmt.Sprintf("media: [{from: S, kind: video, encoder: {min: %.0fbps, max: %.0fbps, start: %.0fbps}}]\ncongestion: {controller: %s}\nbreakers: %s\n",
			low, high, low, controller, judgesOfNetworks)
	}
	for seed := range uint64(n) {
		net := randomNetwork(seed, "")
		for _, c := range adapting {
			count(c, net.text+call(c, min(100e3, net.least/2), 3*net.capacity))
		}
		count("never-back-off", net.text+call("never-back-off", 2*net.capacity, 4*net.capacity))
		for _, way := range []string{"forward", "backward"} {
			net := randomNetwork(seed, way)
			c := adapting[seed%uint64(len(adapting))]
			count("cut "+way, net.text+call(c, min(100e3, net.least/2), 3*net.capacity))
		}
	}
	for _, row := range rows {
		c := counts[row]
		cells := []string{row, fmt.Sprint(c.runs - c.quiet)}
		for _, name := range judgeNames {
			cells = append(cells, fmt.Sprint(c.trips[name]))
		}
		t.Log("| " + strings.Join(cells, " | ") + " |")
		for _, name := range judgeNames {
			least, most := 0, c.runs
			switch {
			case strings.HasPrefix(row, "cut"):
				least = c.runs - c.quiet
			case row == "never-back-off" && strings.HasPrefix(name, "sustained"):
				least = c.runs * 98 / 100
			case row == "never-back-off":
				least = c.runs
			default:
				most = falseTrips(name, c.runs)
			}
			if trips := c.trips[name]; trips < least || trips > most {
				t.Errorf("%s: %s trips in %d of %d networks, want %d to %d", row, name, trips, c.runs, least, most)
			}
		}
	}
}

// falseTrips is how often a judge may trip for a controller that adapts: by the table
// somewhat more than it does, and in few runs one or two by chance.
func falseTrips(judge string, runs int) int {
	switch judge {
	case "full":
		return max(runs*25/100, 3)
	case "sustained":
		return runs / 100
	case "sustained-full":
		return max(runs*3/100, 1)
	}
	return max(runs*10/100, 2)
}

// In the cases of RFC 8867 sustained congestion trips for no controller that meets what is
// expected of it there, and for what never backs off wherever it sends more than the path
// carries. Marks are left out, as nobody agrees on what they should count for (RFC 8083 §7).
//
// conformance: CC-7.1-2
func TestBreakersInRFC8867(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("runs the suite with five controllers")
	}
	paths, err := filepath.Glob(library + "rfc8867/*.yaml")
	if err != nil || len(paths) < 15 {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	judges := []string{"breakers={mode: observe, watch: {sustained: {sustained: true, ecn: false}}}"}
	tripped, conforming := 0, 0
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		t.Run(name, func(t *testing.T) {
			for _, r := range load(t, path, judges...) {
				s := r.Scenario
				spec, _ := ccontrol.Lookup(s.Congestion.Controller)
				if s.Seed > 3 || !spec.Baseline && !slices.Contains(adapting, spec.Name) || spec.Name == "fixed" {
					continue
				}
				rec := run(t, r)
				var c tally
				c.add(rec)
				trips := c.trips["sustained"] > 0
				switch {
				case spec.Baseline && trips:
					tripped++
				case spec.Baseline && !strings.Contains(name, "5.6"): // where it is one of few flows and there is room
					t.Errorf("%s: no trip", r.Name)
				case !spec.Baseline && rec.Passed() && meetsAll(rec):
					conforming++
					if trips {
						t.Errorf("%s: trips, and meets all expectations", r.Name)
					}
				}
			}
		})
	}
	if tripped < 25 || conforming < 60 {
		t.Errorf("only %d trips of what never backs off, and %d runs of what conforms", tripped, conforming)
	}
}

// meetsAll reports whether a run meets its expectations, those too that it needn't.
func meetsAll(r *record.Record) bool {
	return !slices.ContainsFunc(r.Verdicts, func(v record.Verdict) bool { return !v.Pass })
}
