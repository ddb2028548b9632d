package runner

import (
	"errors"
	"fmt"

	"rtpfabric/ccontrol"
	"rtpfabric/ccontrol/coupled"
	"rtpfabric/endpoints"
	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner/external"
	"rtpfabric/topologies"
)

// Catalogue tells the scenario loader about the registered controllers.
type Catalogue struct{}

// Controllers returns their names.
func (Catalogue) Controllers() []string { return ccontrol.Names() }

// Parameters returns the names of a controller's parameters.
func (Catalogue) Parameters(controller string) []string {
	s, _ := ccontrol.Lookup(controller)
	return s.ParameterNames()
}

// CheckParameter reports whether a value is right for a parameter.
func (Catalogue) CheckParameter(controller, name, value string) error {
	s, ok := ccontrol.Lookup(controller)
	if !ok {
		return fmt.Errorf("no controller %q", controller)
	}
	return s.Check(name, value)
}

// CheckFeedback reports whether a controller can work with a kind of feedback.
func (Catalogue) CheckFeedback(controller, feedback string) error {
	s, ok := ccontrol.Lookup(controller)
	switch remb, kind := feedback == string(endpoints.FeedbackREMB), endpoints.Feedback(feedback); {
	case !ok:
	case s.Needs == ccontrol.NeedsPackets && kind != endpoints.FeedbackRFC8888 && kind != endpoints.FeedbackTWCC:
		return fmt.Errorf("controller %s needs %s; write rfc8888 or twcc", controller, s.Needs)
	case s.Needs == ccontrol.NeedsEstimate && !remb:
		return fmt.Errorf("controller %s needs %s; write remb", controller, s.Needs)
	case remb && !s.HasEstimator():
		return fmt.Errorf("controller %s has no half at the receiver that could make estimates; write rfc8888, twcc, ecn or none, or another controller such as remb", controller)
	}
	return nil
}

// CheckProgram reports whether there is a program.
func (Catalogue) CheckProgram(dir, program string) error {
	_, err := external.Find(dir, program)
	return err
}

// CheckCoupling reports whether a controller can be coupled.
func (Catalogue) CheckCoupling(controller string) error {
	s, ok := ccontrol.Lookup(controller)
	if !ok {
		return nil // found by others
	}
	return coupled.Check(s)
}

// Stacks returns the names of the stacks that endpoints can be besides ours.
func (Catalogue) Stacks() []string { return topologies.Stacks() }

// Interceptors returns the types of interceptors that endpoints can have.
func (Catalogue) Interceptors() []string {
	var names []string
	for _, k := range topologies.InterceptorKinds() {
		names = append(names, k.Name)
	}
	return names
}

// InterceptorOptions returns the names of the options of a type.
func (Catalogue) InterceptorOptions(typ string) []string {
	var names []string
	for _, o := range interceptorKind(typ).Options {
		names = append(names, o.Name)
	}
	return names
}

// CheckInterceptorOption reports whether a value is right for an option.
func (Catalogue) CheckInterceptorOption(typ, name, value string) error {
	for _, o := range interceptorKind(typ).Options {
		if o.Name == name && o.Check != nil {
			return o.Check(value)
		}
	}
	return nil
}

// Leads reports whether a type decides about the rate of what an endpoint sends.
func (Catalogue) Leads(typ string) bool { return interceptorKind(typ).Leads }

// Several reports whether an endpoint may have more than one of a type.
func (Catalogue) Several(typ string) bool { return interceptorKind(typ).Several }

// interceptorKind returns a type of interceptors; an empty one if there is none of the name.
func interceptorKind(name string) topologies.InterceptorKind {
	k, _ := topologies.LookupInterceptor(name)
	return k
}

// CheckNetwork reports whether the scenario's network can be made.
func (Catalogue) CheckNetwork(s *scenarios.Scenario) error {
	_, err := Config(s)
	return err
}

// CheckSettings reports whether the scenario's controllers can be made, by
// making them, and whose can't.
func (Catalogue) CheckSettings(s *scenarios.Scenario) (endpoint string, err error) {
	c, err := Config(s)
	if err == nil {
		_, err = topologies.Build(c.WithoutGuests())
	}
	if refused, ok := errors.AsType[*topologies.ControllerError](err); ok {
		endpoint = refused.Endpoint
	}
	return endpoint, err
}

// CheckBandwidth reports whether media can do with signalled bandwidths, by making the
// simulation.
func (Catalogue) CheckBandwidth(s *scenarios.Scenario) (flow, endpoint, modifier string, err error) {
	c, err := Config(s)
	if err != nil {
		return "", "", "", nil // found by others
	}
	c.Congestion.Settings = nil
	for i := range c.Endpoints {
		if own := c.Endpoints[i].Control; own != nil {
			own.Settings = nil
		}
	}
	var b *topologies.BandwidthError
	if _, err := topologies.Build(c.WithoutGuests()); errors.As(err, &b) {
		return b.Flow, b.Endpoint, b.Modifier, b
	}
	return "", "", "", nil
}
