package ccontrol

import (
	"fmt"
	"slices"
	"strings"
)

// Spec describes a controller that scenarios can select by name.
type Spec struct {
	Name string
	// Summary is one line for lists.
	Summary string
	// Source is the document that specifies it.
	Source string
	// Needs is the feedback without which the controller can't work.
	Needs Needs
	// Baseline marks what doesn't control anything and is there for comparison:
	// it shows that an expectation can fail. A scenario that runs with all
	// controllers doesn't demand that a baseline meets its expectations.
	Baseline   bool
	Parameters []Parameter
	// Signals are the inner values that an [Observable] controller shows.
	Signals []Signal
	New     func(l Limits, v Values) (Controller, error)
	// NewEstimator makes the receiver's half of a controller that NeedsEstimate; nil
	// if there is none. EstimatorSignals are what that shows if it is [Observable];
	// their names differ from those of Signals.
	NewEstimator     func(v Values) (Estimator, error)
	EstimatorSignals []Signal
}

// Needs is feedback that a controller depends on.
type Needs string

// The kinds of feedback. Reception reports come in every session that has RTCP.
const (
	NeedsNothing  Needs = ""
	NeedsReports  Needs = "reception reports"              // SR and RR
	NeedsPackets  Needs = "feedback about every packet"    // RFC 8888 or transport-wide CC
	NeedsEstimate Needs = "the receiver's estimate (REMB)" // draft-alvestrand-rmcat-remb-03
)

// Signal is an inner value of a controller.
type Signal struct {
	Name string
	// Unit is the SI unit's symbol, such as ms or bit/s; empty for plain numbers.
	Unit string
	// Help says what it is, Source where it comes from.
	Help, Source string
}

var registry = map[string]Spec{}

// Register makes a controller available by its name. Packages of controllers
// call it from an init function; a name that is taken panics.
func Register(s Spec) {
	if _, taken := registry[s.Name]; taken {
		panic(fmt.Sprintf("ccontrol: controller %q registered twice", s.Name))
	}
	for _, p := range s.Parameters {
		if err := p.check(p.Default); err != nil {
			panic(fmt.Sprintf("ccontrol: default of %s.%s: %v", s.Name, p.Name, err))
		}
	}
	registry[s.Name] = s
}

// Names returns the names of all registered controllers in order.
func Names() []string {
	names := make([]string, 0, len(registry))
	for n := range registry {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Lookup returns the controller with the given name.
func Lookup(name string) (Spec, bool) {
	s, ok := registry[name]
	return s, ok
}

// ParameterNames returns the names of a controller's parameters.
func (s Spec) ParameterNames() []string {
	names := make([]string, len(s.Parameters))
	for i, p := range s.Parameters {
		names[i] = p.Name
	}
	return names
}

// Check reports whether value is right for the parameter called name.
func (s Spec) Check(name, value string) error {
	for _, p := range s.Parameters {
		if p.Name == name {
			return p.check(value)
		}
	}
	return fmt.Errorf("controller %s has no parameter %q; it has %s", s.Name, name,
		orNone(strings.Join(s.ParameterNames(), ", ")))
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// Build makes a controller with the given settings; parameters that aren't set
// have their defaults.
func (s Spec) Build(l Limits, settings map[string]string) (Controller, error) {
	v, err := s.values(settings)
	if err != nil {
		return nil, err
	}
	c, err := s.New(l, v)
	if err != nil {
		return nil, fmt.Errorf("controller %s: %w", s.Name, err)
	}
	return c, nil
}

// values are the defaults and, over them, the settings.
func (s Spec) values(settings map[string]string) (Values, error) {
	v := Values{}
	for _, p := range s.Parameters {
		v[p.Name] = value{p, p.Default}
	}
	for name, text := range settings {
		if err := s.Check(name, text); err != nil {
			return nil, err
		}
		v[name] = value{v[name].Parameter, text}
	}
	return v, nil
}
