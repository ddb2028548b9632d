package record

import "testing"

func TestLeftover(t *testing.T) {
	for name, want := range map[string]bool{
		".seed=1.partial-12":      true,
		".seed=1.partial-12.old":  true,
		"seed=1":                  false,
		".seed=1.partial-":        false,
		".seed=1.partial-.old":    false,
		".seed=1.partial-mine":    false,
		".seed=12.partial-3":      false,
		".seed=1.partial-12.old2": false,
	} {
		if got := Leftover("results/calls/seed=1/", name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
