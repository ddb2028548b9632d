package simrun

import "testing"

// The suite of RFC 8867 runs with any controllers, as docs/compare.md has it.
func TestSuiteTakesEveryController(t *testing.T) {
	files, err := loadScenarios([]string{"../../../scenarios/rfc8867"}, []string{"congestion.parameters={}"},
		[]string{"congestion.controller=[gcc, nada, scream, scream-v2]", "seed={from: 1, count: 10}"})
	if err != nil {
		t.Fatal(err)
	}
	runs := 0
	for _, f := range files {
		runs += len(f.Runs)
	}
	if len(files) < 20 || runs < 40*len(files) {
		t.Errorf("%d runs of %d files, want 20 files and 40 runs of each at least", runs, len(files))
	}
}
