package scenarios

import (
	"maps"
	"slices"
	"testing"
)

func TestExternalController(t *testing.T) {
	f, err := Load("testdata/good/external.yaml", Options{Catalogue: catalogue{}})
	if err != nil {
		t.Fatal(err)
	}
	g := f.Runs[0].Scenario.Congestion
	if g.External == nil || !slices.Equal(g.External.Exec, []string{"python3", "my.py", "--gain=1"}) || g.External.Protocol != "simrun-v1" {
		t.Errorf("external %+v", g.External)
	}
	if g.Controller != "exec python3 my.py --gain=1" {
		t.Errorf("controller %q", g.Controller)
	}
	if s := g.Settings(); !maps.Equal(s, map[string]string{"anything": "5"}) {
		t.Errorf("settings %v: those of nada aren't the program's", s)
	}
	f, err = Load("testdata/good/external.yaml", Options{Catalogue: catalogue{}, Set: []string{"congestion.controller=fixed", "congestion.parameters={}"}})
	if err != nil {
		t.Fatal(err)
	}
	if g := f.Runs[0].Scenario.Congestion; g.External != nil || g.Controller != "fixed" {
		t.Errorf("set to fixed: controller %q, external %v", g.Controller, g.External)
	}
}
