package runner_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rtpfabric/ccontrol"
	"rtpfabric/scenarios"
)

// suite runs the files of a case with controllers of their matrix: the reference meets
// the expectations in every variation, and something that controls nothing misses one
// in some. In files called harmless there is room
// for everybody, and it may meet them. Files without calls, with TCP to compare,
// have no controllers.
func suite(t *testing.T, pattern string, harmless ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("the suites take long; make regress runs them too")
	}
	paths, err := filepath.Glob(library + pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files match %s (%v)", pattern, err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			missed := false
			for _, r := range load(t, path) {
				spec, _ := ccontrol.Lookup(r.Scenario.Congestion.Controller)
				calls := len(r.Scenario.Topology.Calls()) > 0
				baseline := calls && spec.Baseline
				if calls && !baseline && r.Scenario.Congestion.Controller != reference {
					continue // make regress runs those
				}
				if baseline && missed {
					continue // one miss is enough
				}
				passed := judged(t, r, !baseline)
				missed = missed || baseline && !passed || !calls
			}
			if !missed && !slices.Contains(harmless, name) {
				t.Error("what controls nothing meets all expectations")
			}
		})
	}
}

// reference is the controller whose runs of the suites are part of every test.
const reference = "nada"

// judged reports whether a run meets its expectations, and says what it doesn't
// meet if it must.
func judged(t *testing.T, r *scenarios.Run, must bool) bool {
	t.Helper()
	passed := true
	for _, v := range run(t, r).Verdicts {
		if !v.Failed() {
			continue
		}
		passed = false
		if must {
			t.Errorf("%s: %s: %v %s, %s", r.Name, v.Expectation, v.Value, v.Unit, v.Problem)
		}
	}
	return passed
}

// conformance: RFC8867-5.1, CC-7-1
func TestRFC8867VariableCapacitySingleFlow(t *testing.T) {
	suite(t, "rfc8867/5.1-link-rate.yaml")
	suite(t, "rfc8867/5.1-background-udp.yaml")
}

// conformance: RFC8867-5.2
func TestRFC8867VariableCapacityMultipleFlows(t *testing.T) { suite(t, "rfc8867/5.2-*.yaml") }

// conformance: RFC8867-5.3, CC-7-1
func TestRFC8867CongestedFeedback(t *testing.T) { suite(t, "rfc8867/5.3-*.yaml") }

// conformance: RFC8867-5.4, CC-7-4
func TestRFC8867CompetingFlows(t *testing.T) { suite(t, "rfc8867/5.4-*.yaml") }

// conformance: RFC8867-5.5
func TestRFC8867RTTFairness(t *testing.T) { suite(t, "rfc8867/5.5-*.yaml") }

// conformance: RFC8867-5.6, CC-7-4
func TestRFC8867LongTCP(t *testing.T) { suite(t, "rfc8867/5.6-*.yaml") }

// conformance: RFC8867-5.7
func TestRFC8867ShortTCP(t *testing.T) { suite(t, "rfc8867/5.7-*.yaml") }

// conformance: RFC8867-5.8
func TestRFC8867PauseAndResume(t *testing.T) { suite(t, "rfc8867/5.8-*.yaml") }

// conformance: RFC8867-6.1
func TestRFC8867Priority(t *testing.T) { suite(t, "rfc8867/6.1-*.yaml") }

// conformance: RFC8867-6.2
func TestRFC8867ECN(t *testing.T) { suite(t, "rfc8867/6.2-*.yaml") }

// conformance: RFC8867-6.3
func TestRFC8867MultipleBottlenecks(t *testing.T) { suite(t, "rfc8867/6.3-*.yaml") }

// conformance: CC-7.1-1
func TestRFC8836(t *testing.T) { suite(t, "rfc8836/*.yaml") }

// conformance: RFC8869-2.1
func TestRFC8869VaryingLoad(t *testing.T) { suite(t, "rfc8869/2.1-*.yaml", "2.1-uplink") }

// conformance: RFC8869-2.2
func TestRFC8869BadCoverage(t *testing.T) {
	suite(t, "rfc8869/2.2-*.yaml", "2.2-uplink", "2.2-uplink-aqm")
}

// conformance: RFC8869-3.1
func TestRFC8869WiredBottleneck(t *testing.T) { suite(t, "rfc8869/3.1-*.yaml") }

// conformance: RFC8869-3.2
func TestRFC8869WiFiBottleneck(t *testing.T) { suite(t, "rfc8869/3.2-*.yaml", "3.2-7-few-flows") }

// conformance: RFC8869-3.3
func TestRFC8869OtherCases(t *testing.T) { suite(t, "rfc8869/3.3-*.yaml", "3.3-1-wmm-against-bulk") }
