package scenarios

import (
	"slices"
	"strings"
)

// EndCongestion is what an endpoint does otherwise than the scenario's [Congestion] says.
// What it leaves out is the scenario's.
type EndCongestion struct {
	// Controller and External are of what the endpoint sends, as in [Congestion].
	Controller string    `yaml:"controller" example:"nada"`
	External   *External `yaml:"controller,mapping"`
	// Feedback is what the endpoint wants to be told of what it sends, as rtcp-fb signals
	// it, and Interval when.
	Feedback string            `yaml:"feedback" oneof:"rfc8888,twcc,remb,ecn,none"`
	Interval *FeedbackInterval `yaml:"interval"`
	// Parameters come besides the scenario's, and go before them. Those of the scenario
	// that don't name a controller are those of the scenario's.
	Parameters []Parameter `yaml:"parameters,named"`
	// Offers are the kinds of feedback that the endpoint gives to those who want them; nil
	// is what they want. One that has a controller at the receiver, and offers remb, gives
	// that to those who want something else, too.
	Offers []string `yaml:"offers" example:"[rfc8888, remb]"`
}

// CongestionOf returns how what an endpoint sends is controlled: by the scenario's
// [Congestion] with what the endpoint itself says.
func (s *Scenario) CongestionOf(endpoint string) Congestion {
	g := s.Congestion
	e := s.Endpoint(endpoint)
	if e == nil || e.Congestion == nil {
		return g
	}
	o := e.Congestion
	if o.Controller != "" {
		g.Controller, g.External = o.Controller, o.External
	}
	if o.Feedback != "" {
		g.Feedback = o.Feedback
	}
	replace(&g.Interval, o.Interval)
	if g.Controller != s.Congestion.Controller { // what has no name of a controller isn't for this one
		g.Parameters = slices.DeleteFunc(slices.Clone(g.Parameters), func(p Parameter) bool { return !strings.Contains(p.Name, ".") })
	}
	g.Parameters = append(slices.Clone(g.Parameters), o.Parameters...)
	return g
}

// completeCongestion fills in how often feedback is wanted of an endpoint's peers, if its
// kind is one of another pace than the scenario's.
func (s *Scenario) completeCongestion(o *EndCongestion) {
	if e := o.External; e != nil {
		o.Controller = e.Label()
	}
	if o.Interval == nil && o.Feedback != "" && defaultInterval(o.Feedback) != defaultInterval(s.Congestion.Feedback) {
		o.Interval = valueOf(defaultInterval(o.Feedback))
	}
}

// defaultInterval is how often a kind of feedback is wanted unless somebody says so.
func defaultInterval(feedback string) FeedbackInterval {
	switch feedback {
	case "remb":
		return FeedbackInterval{"time", defaultEstimates}
	case "ecn":
		return FeedbackInterval{"time", 0}
	}
	return FeedbackInterval{"time", defaultFeedback}
}
