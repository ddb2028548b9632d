package plots

import (
	"fmt"
	"strings"
	"testing"

	"rtpfabric/sim/record"
)

// runsOf are runs of a scenario with one expectation: for each controller and delay as many as there are values.
func runsOf(controllers, delays []string, values ...float64) Invocation {
	var inv Invocation
	for i, controller := range controllers {
		for _, delay := range delays {
			for seed, v := range values {
				inv.Runs = append(inv.Runs, Run{
					Scenario: "x.yaml", Seed: uint64(seed + 1), Status: record.Complete, Digest: "0",
					Variation: []record.Setting{{Path: "congestion.controller", Value: controller}, {Path: "network.delay", Value: delay}},
					Verdicts:  []record.Verdict{{Expectation: "loss of S1/video over the whole run is at most 5%", Bound: "≤ 5 %", Pass: true, Value: v * float64(i+1), Unit: "1"}},
				})
			}
		}
	}
	return inv
}

func TestOverviewDistributions(t *testing.T) {
	ten := []float64{0.05, 0.01, 0.02, 0.02, 0.03, 0.04, 0.04, 0.04, 0.04, 0.01}
	page := renderOverview(t, runsOf([]string{"gcc", "nada"}, []string{"5ms"}, ten...))
	for _, want := range []string{
		`id="chart-scenario-0-e1"`, "loss [%]", "which differ in seed.", `"controller gcc, delay 5ms"`, `"controller nada, delay 5ms"`,
		// Two of ten are 1 %, the next two 2 %, and so on; nada's values are twice these, and the first line goes on to their end.
		"[[1,0],[1,20],[2,40],[3,50],[4,90],[5,100],[10,100]]", "[[2,0],[2,20],[4,40],[6,50],[8,90],[10,100],[10,100]]",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	// Too many lines are put together by what comes first.
	var delays []string
	for i := range 9 {
		delays = append(delays, fmt.Sprintf("%dms", i))
	}
	page = renderOverview(t, runsOf([]string{"gcc", "nada"}, delays, ten...))
	if !strings.Contains(page, `"controller gcc"`) || strings.Contains(page, `"controller gcc, delay`) || !strings.Contains(page, "which differ in network.delay, seed.") {
		t.Error("18 lines aren't put together by controller")
	}
	for name, inv := range map[string]Invocation{
		"few runs": runsOf([]string{"gcc", "nada"}, []string{"5ms"}, ten[:9]...), "equal values": runsOf([]string{"gcc"}, []string{"5ms"}, make([]float64, 12)...),
	} {
		if page := renderOverview(t, inv); strings.Contains(page, "chart-scenario") || strings.Contains(page, "Apache ECharts") {
			t.Errorf("%s: there is a chart", name)
		}
	}
}
