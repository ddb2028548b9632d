package runner_test

import (
	"strings"
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/record"
)

const control = library + "control/"

// boundAt returns what an event before at said last of the video's bound.
func boundAt(rec *record.Record, at time.Duration) string {
	bound := "codec" // which isn't said at the start
	for _, e := range rec.Events {
		if e.Kind == "bound-changed" && e.At.Duration() < at {
			bound = strings.TrimPrefix(e.Detail, "the rate is bounded by the ")
		}
	}
	return bound
}

// Events name the bound that is the lowest at the time. With NADA that is the controller
// instead of b=AS: its rate-shaping buffer (RFC 8698 §5.2.2) takes 3 % of the limit.
//
// conformance: CC-7.2-1, CC-7.2-3
func TestEventsNameTheBound(t *testing.T) {
	long(t)
	t.Parallel()
	for file, want := range map[string]map[time.Duration]string{
		"e37-bounds.yaml": {19: "signalled bandwidth", 39: "TMMBR", 59: "signalled bandwidth", 89: "controller"},
		"e37-floor.yaml":  {18: "controller", 59: "codec", 80: "controller"},
	} {
		for _, r := range load(t, control+file) {
			spec, _ := ccontrol.Lookup(r.Scenario.Congestion.Controller)
			if spec.Baseline {
				continue
			}
			rec := run(t, r)
			for second, bound := range want {
				if spec.Name == "nada" && bound == "signalled bandwidth" {
					bound = "controller"
				}
				if got := boundAt(rec, second*time.Second); got != bound {
					t.Errorf("%s, %s: at %d s the %s, want the %s", file, r.Name, second, got, bound)
				}
			}
		}
	}
}

// Whoever controls its rate meets these, but for what it is known not to, and what controls
// nothing doesn't. In e38-attack.yaml nobody controls anything, in e38-attack-breakers.yaml circuit
// breakers do, and what the coupled files miss without coupling TestCoupledFlowsFollowPriorities
// and TestBottlenecksAreToldApart show, what unlike-stacks.yaml does with like ones
// TestUnlikeStacks.
//
// conformance: CC-7-1, CC-7-3, CC-7-4, CC-7-5, CC-7.1-12, CC-7.2-1
func TestRateControl(t *testing.T) {
	suite(t, "control/*.yaml", "e38-attack", "e38-attack-breakers", "coupled", "coupled-two-bottlenecks", "unlike-stacks")
}
