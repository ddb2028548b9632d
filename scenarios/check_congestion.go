package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"rtpfabric/scenarios/internal/strict"
)

// controlled is a place that says how something is controlled: the scenario's congestion,
// or an endpoint's.
type controlled struct {
	path       strict.Path
	of         Congestion  // with what the place leaves to the scenario
	parameters []Parameter // of the place itself
	// controller and feedback say whether the place itself has them.
	controller, feedback bool
}

func (c *checker) congestion(catalogue Catalogue) {
	g := &c.s.Congestion
	if g.ECN != "off" && !tellsMarks(g.Feedback) {
		c.fail(at("congestion", "ecn"), fmt.Sprintf("feedback %s says nothing about marks", g.Feedback), `write "feedback: rfc8888" or "feedback: ecn", or "ecn: off"`)
	}
	switch {
	case g.Coupled == "off" && g.Groups != "endpoint":
		c.failKey(at("congestion", "groups"), "nothing is coupled", `write "coupled: active", or remove it`)
	case g.Groups == "sbd" && !tellsDelays(g.Feedback):
		c.fail(at("congestion", "groups"), "without feedback about every packet nothing tells their delays", `write "feedback: rfc8888", or "groups: endpoint"`)
	}
	known := c.control(catalogue, &controlled{path: at("congestion"), of: *g, parameters: g.Parameters, controller: true, feedback: true})
	for i := range c.s.Endpoints {
		if e := &c.s.Endpoints[i]; e.Congestion != nil {
			c.endCongestion(catalogue, e)
		}
	}
	if known && catalogue != nil {
		c.legacy(catalogue)
	}
}

// endCongestion checks what an endpoint says of its own.
func (c *checker) endCongestion(catalogue Catalogue, e *Endpoint) {
	p, o, g := at("endpoints", e.Name, "congestion"), e.Congestion, c.s.CongestionOf(e.Name)
	if e.Legacy() {
		c.failKey(p, "nothing controls a legacy endpoint, and it gives no feedback", `remove it, or write "type: webrtc"`)
		return
	}
	if o.Offers != nil && c.s.Topology.Grouped() {
		c.failKey(p.Child("offers"), "all peers of a relay give the same feedback", "remove it")
	}
	c.words(p.Child("offers"), o.Offers, []string{"rfc8888", "twcc", "remb", "ecn"}, "the kinds of feedback")
	switch feedback := p.Child("feedback"); {
	case o.Feedback == "" || o.Feedback == c.s.Congestion.Feedback:
	case g.ECN != "off" && !tellsMarks(o.Feedback):
		c.fail(feedback, fmt.Sprintf("feedback %s says nothing about marks", o.Feedback), `write "feedback: rfc8888" or "feedback: ecn", or "ecn: off" in congestion`)
	case g.Groups == "sbd" && !tellsDelays(o.Feedback):
		c.fail(feedback, "without feedback about every packet nothing tells their delays", `write "feedback: rfc8888", or "groups: endpoint" in congestion`)
	}
	c.control(catalogue, &controlled{
		path: p, of: g, parameters: o.Parameters, controller: o.Controller != "", feedback: o.Feedback != "",
	})
}

// control checks a controller with its feedback and its parameters, and reports whether
// there is such a controller.
func (c *checker) control(catalogue Catalogue, w *controlled) bool {
	g := &w.of
	if g.External != nil && (w.controller || w.feedback) {
		c.external(catalogue, w)
	}
	if catalogue == nil {
		return true
	}
	if known := catalogue.Controllers(); g.External == nil && !slices.Contains(known, g.Controller) {
		if w.controller {
			c.fail(w.path.Child("controller"), fmt.Sprintf("there is no controller %q", g.Controller), instead(g.Controller, known, "the controllers"))
		}
		return false
	}
	if fc, ok := catalogue.(FeedbackChecker); ok && (w.controller || w.feedback) {
		if err := fc.CheckFeedback(g.Controller, g.Feedback); err != nil {
			problem, remedy := splitRemedy(err.Error())
			c.fail(w.path.Child("feedback"), problem, remedy)
		}
	}
	c.coupling(catalogue, w)
	for _, param := range w.parameters {
		c.parameter(catalogue, w, param)
	}
	return true
}

// tellsMarks reports whether a kind of feedback does.
func tellsMarks(feedback string) bool { return feedback == "rfc8888" || feedback == "ecn" }

// tellsDelays reports whether a kind of feedback is more than reports with marks.
func tellsDelays(feedback string) bool { return feedback != "none" && feedback != "ecn" }

// external checks a controller that is a program.
func (c *checker) external(catalogue Catalogue, w *controlled) {
	e, p, feedback := w.of.External, w.path.Child("controller"), w.path.Child("feedback")
	if len(e.Exec) == 0 || e.Exec[0] == "" {
		c.fail(p.Child("exec"), "there is no program", `write "exec: [python3, my.py]"`)
		return
	}
	if w.of.Feedback == "remb" {
		c.fail(c.firstOf(feedback, p), "a program has no half at the receiver that could make estimates", "write rfc8888, twcc, ecn or none")
	}
	if f := w.of.Feedback; e.Protocol == "alphartc" && (f == "none" || f == "ecn") {
		c.fail(c.firstOf(feedback, p), "alphartc tells of packets, and nobody reports on them", "write rfc8888 or twcc")
	}
	pc, ok := catalogue.(ProgramChecker)
	if !ok || !w.controller {
		return
	}
	if err := pc.CheckProgram(c.s.Dir, e.Exec[0]); err != nil {
		problem, remedy := splitRemedy(err.Error())
		c.fail(c.firstOf(p.Child("exec").Child("0"), p.Child("exec"), p), problem, remedy)
	}
}

// coupling checks that the controller can be coupled.
func (c *checker) coupling(catalogue Catalogue, w *controlled) {
	cc, ok := catalogue.(CouplingChecker)
	if !ok || w.of.Coupled == "off" || !w.controller {
		return
	}
	p := at("congestion", "coupled")
	if w.path[0] == "endpoints" {
		p = w.path.Child("controller")
	}
	if w.of.External != nil {
		c.fail(p, "a program can't be coupled", `write "coupled: off" in congestion`)
	} else if err := cc.CheckCoupling(w.of.Controller); err != nil {
		problem, remedy := splitRemedy(err.Error())
		c.fail(p, problem, remedy)
	}
}

// legacy checks that the peers of legacy endpoints can do without feedback.
func (c *checker) legacy(catalogue Catalogue) {
	fc, ok := catalogue.(FeedbackChecker)
	if !ok || c.s.Topology.Translates() { // the peer is what the endpoint can deal with
		return
	}
	for i := range c.s.Endpoints {
		e := &c.s.Endpoints[i]
		if !e.Legacy() {
			continue
		}
		for _, controller := range c.s.peerControllers(e.Name) {
			if err := fc.CheckFeedback(controller, "none"); err != nil {
				problem, _ := splitRemedy(err.Error())
				c.fail(at("endpoints", e.Name, "type"), problem, `a legacy endpoint gives no feedback: write "type: webrtc", or another controller`)
			}
		}
	}
}

// peerControllers returns the controllers of all that an endpoint talks to; the
// scenario's if it isn't known who they are.
func (s *Scenario) peerControllers(endpoint string) []string {
	var list []string
	for _, peers := range s.Topology.Gatherings() {
		if !slices.Contains(peers, endpoint) {
			continue
		}
		for _, name := range peers {
			if g := s.CongestionOf(name); name != endpoint && !slices.Contains(list, g.Controller) {
				list = append(list, g.Controller)
			}
		}
	}
	if list == nil {
		list = []string{s.Congestion.Controller}
	}
	return list
}

// parameter checks one parameter: of the controller, or of another one that is
// named before a dot.
func (c *checker) parameter(catalogue Catalogue, w *controlled, param Parameter) {
	p := w.path.Child("parameters").Child(param.Name)
	controller, name := w.of.Controller, param.Name
	if before, after, dotted := strings.Cut(name, "."); dotted {
		controller, name = before, after
		if known := catalogue.Controllers(); !slices.Contains(known, controller) {
			c.failKey(p, fmt.Sprintf("there is no controller %q", controller), instead(controller, known, "the controllers"))
			return
		}
	}
	if w.of.External != nil && controller == w.of.Controller {
		return // the program says what they are
	}
	known := catalogue.Parameters(controller)
	if !slices.Contains(known, name) {
		c.failKey(p, fmt.Sprintf("%s has no such parameter", controller), instead(name, known, "its parameters"))
	} else if err := catalogue.CheckParameter(controller, name, param.Value); err != nil {
		problem, remedy := splitRemedy(err.Error())
		c.fail(p, problem, remedy)
	}
}

// settings checks the parameters of controllers together.
func (c *checker) settings(catalogue Catalogue) {
	sc, ok := catalogue.(SettingsChecker)
	own := func(e Endpoint) bool { return e.Congestion != nil && len(e.Congestion.Parameters) > 0 }
	if !ok || len(c.s.Congestion.Parameters) == 0 && !slices.ContainsFunc(c.s.Endpoints, own) {
		return
	}
	endpoint, err := sc.CheckSettings(c.s)
	if err == nil {
		return
	}
	p := at("congestion", "parameters")
	if e := c.s.Endpoint(endpoint); e != nil && own(*e) {
		p = at("endpoints", endpoint, "congestion", "parameters")
	}
	problem, remedy := splitRemedy(err.Error())
	c.fail(p, problem, remedy)
}

// Settings returns the parameters that the controller gets.
func (g *Congestion) Settings() map[string]string {
	settings := map[string]string{}
	for _, p := range g.Parameters {
		if controller, name, dotted := strings.Cut(p.Name, "."); !dotted {
			settings[p.Name] = p.Value
		} else if controller == g.Controller {
			settings[name] = p.Value
		}
	}
	return settings
}
