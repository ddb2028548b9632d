package topologies

import "testing"

// A packet that comes late goes once, whatever a slot shows and has shown before.
func TestSlotGetsPacketsOnce(t *testing.T) {
	t.Parallel()
	leg := &projected{}
	at := &slot{leg: leg}
	a, b, c := &projection{}, &projection{}, &projection{}
	for i, to := range []*projection{a, nil, a, b, nil, nil, a, c, b, nil, b} {
		at.change(to)
		for name, p := range map[string]*projection{"a": a, "b": b, "c": c} {
			legs := 0
			if p == at.shows {
				legs = 1
			}
			if len(p.legs) != legs || len(p.legs)+len(p.past) > 1 {
				t.Errorf("step %d: %s has %d legs, and %d that show something else since", i, name, len(p.legs), len(p.past))
			}
		}
	}
}
