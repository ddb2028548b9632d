package ccontrol

import (
	"strings"
	"testing"
)

var switched = Spec{
	Name: "switched",
	Parameters: []Parameter{
		{Name: "filter", Kind: KindChoice, Default: "fast", Choices: []string{"fast", "slow"}},
		{Name: "probing", Kind: KindChoice, Default: "on", Choices: []string{"on", "off"}},
	},
	New: func(_ Limits, v Values) (Controller, error) {
		return chosen{filter: v.Choice("filter"), probing: v.Choice("probing") == "on"}, nil
	},
}

type chosen struct {
	Controller
	filter  string
	probing bool
}

func TestChoice(t *testing.T) {
	for _, c := range []struct {
		settings map[string]string
		want     chosen
	}{
		{nil, chosen{filter: "fast", probing: true}},
		{map[string]string{"filter": "slow", "probing": "off"}, chosen{filter: "slow"}},
	} {
		got, err := switched.Build(Limits{}, c.settings)
		if err != nil || got != c.want {
			t.Errorf("%v: %v and %v, want %v", c.settings, got, err, c.want)
		}
	}
}

func TestBadChoiceListsTheChoices(t *testing.T) {
	for _, text := range []string{"", "Fast", "fast ", "quick", "0"} {
		err := switched.Check("filter", text)
		if err == nil || !strings.Contains(err.Error(), "write one of fast, slow") {
			t.Errorf("%q: %v, want the choices", text, err)
		}
	}
}

// A default that is none of the choices can't be registered.
func TestDefaultIsAChoice(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	Register(Spec{Name: "broken", Parameters: []Parameter{{Name: "x", Kind: KindChoice, Default: "a"}}})
}

func TestChoiceOfAnotherKindPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	v := Values{"x": {Parameter{Name: "x", Kind: KindNumber}, "1"}}
	v.Choice("x")
}
