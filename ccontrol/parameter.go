package ccontrol

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rtpfabric/sim/units"
)

// Kind is the type of a parameter's value.
type Kind string

// The kinds.
const (
	KindDuration Kind = "duration"
	KindRate     Kind = "bit rate"
	KindNumber   Kind = "number"
	KindChoice   Kind = "choice"
)

// Parameter is something about a controller that scenarios can set.
type Parameter struct {
	Name    string
	Kind    Kind
	Default string
	// Help says what it does; Source where it comes from.
	Help, Source string
	// Min and Max bound numbers, and durations in seconds. Max 0 is no bound.
	Min, Max float64
	// Choices are the texts that a choice can be. A switch has "on" and "off".
	Choices []string
}

// Source makes parameters that come from one place, such as a section of an RFC.
type Source string

// Number makes one that is a number. hi 0 is no bound.
func (s Source) Number(name, def, help string, lo, hi float64) Parameter {
	return Parameter{Name: name, Kind: KindNumber, Default: def, Help: help, Source: string(s), Min: lo, Max: hi}
}

// Duration makes one that is a duration, with bounds in seconds. hi 0 is no bound.
func (s Source) Duration(name, def, help string, lo, hi float64) Parameter {
	return Parameter{Name: name, Kind: KindDuration, Default: def, Help: help, Source: string(s), Min: lo, Max: hi}
}

// Rate makes one that is a bit rate.
func (s Source) Rate(name, def, help string) Parameter {
	return Parameter{Name: name, Kind: KindRate, Default: def, Help: help, Source: string(s)}
}

// Choice makes one of several texts.
func (s Source) Choice(name, def, help string, choices ...string) Parameter {
	return Parameter{Name: name, Kind: KindChoice, Default: def, Help: help, Source: string(s), Choices: choices}
}

// Values are the parameters of one controller. Asking for one that the
// controller's Spec doesn't have, or for another kind, panics.
type Values map[string]value

type value struct {
	Parameter
	text string
}

func (v Values) of(name string, k Kind) string {
	p, ok := v[name]
	if !ok || p.Kind != k {
		panic(fmt.Sprintf("ccontrol: no parameter %q of kind %s", name, k))
	}
	return p.text
}

// Duration returns a duration.
func (v Values) Duration(name string) time.Duration {
	d, err := units.ParseDuration(v.of(name, KindDuration))
	return must(d, err)
}

// Rate returns a bit rate.
func (v Values) Rate(name string) units.BitRate {
	r, err := units.ParseBitRate(v.of(name, KindRate))
	return must(r, err)
}

// Number returns a number.
func (v Values) Number(name string) float64 {
	f, err := strconv.ParseFloat(strings.TrimSpace(v.of(name, KindNumber)), 64)
	return must(f, err)
}

// Choice returns which of its choices a parameter is.
func (v Values) Choice(name string) string { return v.of(name, KindChoice) }

func must[T any](v T, err error) T {
	if err != nil {
		panic("ccontrol: unchecked value: " + err.Error())
	}
	return v
}

func (p Parameter) check(text string) error {
	var f float64
	switch p.Kind {
	case KindChoice:
		if !slices.Contains(p.Choices, text) {
			return fmt.Errorf("%q is not a choice: write one of %s", text, strings.Join(p.Choices, ", "))
		}
		return nil
	case KindRate:
		r, err := units.ParseBitRate(text)
		if err != nil {
			return err
		}
		f = float64(r)
	case KindDuration:
		d, err := units.ParseDuration(text)
		if err != nil {
			return err
		}
		f = d.Seconds()
	case KindNumber:
		x, err := units.ParseRatio(text)
		if err != nil || strings.HasSuffix(text, "%") {
			return fmt.Errorf("%q is not a number", text)
		}
		f = float64(x)
	}
	if f < p.Min || p.Max > 0 && f > p.Max {
		bound := fmt.Sprintf("at least %v", p.Min)
		if p.Max > 0 {
			bound = fmt.Sprintf("between %v and %v", p.Min, p.Max)
		}
		if p.Kind == KindDuration {
			bound += " seconds"
		}
		return fmt.Errorf("%s is out of range: write a value %s", text, bound)
	}
	return nil
}
