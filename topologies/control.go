package topologies

import (
	"slices"

	"rtpfabric/ccontrol"
	"rtpfabric/endpoints"
)

// ControllerError says that the controller of an endpoint refuses its parameters.
type ControllerError struct {
	Endpoint string
	Err      error
}

// Error implements error.
func (e *ControllerError) Error() string { return e.Err.Error() }

// Unwrap returns what the controller says.
func (e *ControllerError) Unwrap() error { return e.Err }

// endpoint returns an endpoint by its name.
func (c *Config) endpoint(name string) *Endpoint {
	i := slices.IndexFunc(c.Endpoints, func(e Endpoint) bool { return e.Name == name })
	return &c.Endpoints[i]
}

// control returns how what an endpoint sends is controlled. Nothing controls legacy
// endpoints.
func (c *Config) control(name string) *Control {
	switch e := c.endpoint(name); {
	case e.Legacy:
		return &Control{Controller: "fixed", Feedback: endpoints.FeedbackNone}
	case e.Control != nil:
		return e.Control
	}
	return &c.Congestion.Control
}

// feedback returns what an endpoint is told by another of the packets that it sends: what
// it wants, if that is offered. Legacy endpoints neither give any nor get it.
func (c *Config) feedback(to, by string) endpoints.Feedback {
	wanted := c.control(to).Feedback
	giver := c.endpoint(by)
	if giver.Legacy || giver.Offers != nil && !slices.Contains(giver.Offers, wanted) {
		return endpoints.FeedbackNone
	}
	return wanted
}

// limits reports whether an endpoint gives another its estimates although that wants none:
// its own controller is one at the receiver, and it says that it offers them.
func (c *Config) limits(by, to string) bool {
	giver := c.endpoint(by)
	if giver.Legacy || c.endpoint(to).Legacy || !slices.Contains(giver.Offers, endpoints.FeedbackREMB) {
		return false
	}
	spec, _ := ccontrol.Lookup(c.control(by).Controller)
	return spec.HasEstimator() && c.feedback(to, by) != endpoints.FeedbackREMB
}

// groupFeedback returns what the members of a group tell each other, as long as nobody has
// a controller that knows several receivers.
func (c *Config) groupFeedback(peers []string) endpoints.Feedback {
	if slices.ContainsFunc(peers, func(name string) bool { return c.endpoint(name).Legacy }) {
		return endpoints.FeedbackNone
	}
	return c.Congestion.Feedback
}

// kinds returns the feedback of both directions of a call, whose header extensions all
// its packets have.
func (c *Config) kinds(a, b string) []endpoints.Feedback {
	kinds := []endpoints.Feedback{c.feedback(a, b), c.feedback(b, a)}
	if c.limits(a, b) || c.limits(b, a) {
		kinds = append(kinds, endpoints.FeedbackREMB)
	}
	return kinds
}
