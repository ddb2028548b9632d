package plots

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"rtpfabric/sim/record"
)

// invocation has two scenarios: one of three variations by five seeds, in
// which some runs fail, one was interrupted and one couldn't run, and one of a
// single run.
func invocation() Invocation {
	inv := Invocation{
		Title: "RFC 8867 section 5.1 and the quick start", Version: "v0.1.0",
		Command: "simrun run scenarios/rfc8867/5.1.yaml scenarios/quickstart.yaml",
		Key: []KeyMetric{
			{"bottleneck/forward", "utilization", "mean"},
			{"bottleneck/forward", record.QueueDelay, "p95"},
			{"S1/video", record.OneWayDelay, "p95"},
			{"", "no-such", "mean"},
		},
	}
	base := synthetic(1)
	for v, controller := range []string{"nada", "stubborn", "fixed"} {
		for seed := range uint64(5) {
			r := RunOf(base, fmt.Sprintf("5.1/%s-seed%d/index.html", controller, seed+1))
			r.Name = fmt.Sprintf("controller=%s,seed=%d", controller, seed+1)
			r.Seed = seed + 1
			r.Variation = []record.Setting{{Path: "congestion.controller", Value: controller}, {Path: "seed", Value: fmt.Sprint(seed + 1)}}
			r.Digest = fmt.Sprintf("%x%x", 0xabcdef0123456+uint64(v)<<40, 7919*(seed+1)*0x10001)
			r.Verdicts = append([]record.Verdict(nil), r.Verdicts...)
			if controller == "stubborn" {
				r.Verdicts[1].Pass, r.Verdicts[1].Value = false, 287.4+float64(seed)
				r.Verdicts[2].Pass, r.Verdicts[2].Value = false, 0.0312
			}
			if controller == "fixed" && seed == 3 {
				r.Verdicts[0].Pass, r.Verdicts[0].Problem = false, "no packets in this window"
			}
			inv.Runs = append(inv.Runs, r)
		}
	}
	inv.Runs[12].Status = record.Incomplete
	inv.Runs[14] = Run{
		Scenario: inv.Runs[14].Scenario, Name: inv.Runs[14].Name, Seed: 5, Variation: inv.Runs[14].Variation,
		Problem: "link bottleneck: rate is 0bps for the whole run",
	}
	quick := RunOf(base, "quickstart/index.html")
	quick.Scenario, quick.Title, quick.Name, quick.Variation = "scenarios/quickstart.yaml", "Quick start", "quickstart", nil
	inv.Runs = append(inv.Runs, quick)
	return inv
}

func renderOverview(t *testing.T, inv Invocation) string {
	t.Helper()
	var b bytes.Buffer
	if err := Overview(&b, inv); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestOverviewShowsEveryRun(t *testing.T) {
	page := body(renderOverview(t, invocation()))
	for _, want := range []string{
		`href="5.1/nada-seed1/index.html"`, "16 runs: 8 passed, 6 failed, 1 couldn&#39;t run, 1 incomplete", "E2: 287.4\u00a0ms, not ≤ 60 ms",
		"link bottleneck: rate is 0bps", "no packets in this window", "Quick start", "met by 9 of 14 runs", "41.77\u00a0ms",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page doesn't say %q", want)
		}
	}
	if n := strings.Count(page, `class="tag `); n != 16 {
		t.Errorf("%d runs in the tables, want 16", n)
	}
	if n := strings.Count(page, `<td class="cell `); n != 15 {
		t.Errorf("%d cells in the grid, want 15", n)
	}
	if strings.Contains(page, "no-such") {
		t.Error("a metric that no run has got a column")
	}
}

func TestOverviewIsTheSameTwice(t *testing.T) {
	if first, again := renderOverview(t, invocation()), renderOverview(t, invocation()); first != again {
		t.Error("two overviews of equal runs differ")
	}
}

func TestOverviewEscapes(t *testing.T) {
	const evil = `</script><b>"onmouseover=x`
	inv := invocation()
	inv.Title, inv.Command = evil, evil
	inv.Runs[0].Title, inv.Runs[0].Name, inv.Runs[0].Digest = evil, evil, evil
	inv.Runs[0].Link = "javascript:alert(1)"
	inv.Runs[1].Problem = evil
	page := body(renderOverview(t, inv))
	for _, bad := range []string{"<b>", `"onmouseover`, "javascript:"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
}

func TestTally(t *testing.T) {
	pass := Run{Verdicts: []record.Verdict{{Pass: true}}}
	fail := Run{Verdicts: []record.Verdict{{Pass: false}}}
	baseline := Run{Verdicts: fail.Verdicts, Baseline: true}
	for _, c := range []struct {
		runs []Run
		want string
	}{
		{nil, "NO RUNS"},
		{[]Run{pass, pass}, "PASS"},
		{[]Run{pass, fail}, "FAIL"},
		{[]Run{pass, baseline}, "PASS"},
		{[]Run{baseline, fail}, "FAIL"},
		{[]Run{pass, {Problem: "x"}}, "FAIL"},
		{[]Run{pass, {Status: record.Incomplete}}, "INCOMPLETE"},
		{[]Run{{}}, "NO EXPECTATIONS"},
	} {
		if b, _ := tally(c.runs); b.Word != c.want {
			t.Errorf("%d runs: %s, want %s", len(c.runs), b.Word, c.want)
		}
	}
}
