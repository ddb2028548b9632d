package simrun

import (
	"fmt"
	"slices"
	"strings"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
)

// controllerWords name a controller with its parameters.
func controllerWords(controller string, parameters []scenarios.Parameter) string {
	text := "controller " + controller
	for i, p := range parameters {
		sep := ", "
		if i == 0 {
			sep = " with "
		}
		text += sep + p.Name + " " + p.Value
	}
	return text
}

func feedbackWords(feedback string, interval *scenarios.FeedbackInterval) string {
	if feedback == "none" {
		return "no feedback to it"
	}
	return fmt.Sprintf("feedback %s %v", feedback, *interval)
}

// ownControl is what an endpoint's congestion says otherwise than the scenario's.
func ownControl(o *scenarios.EndCongestion) []string {
	var parts []string
	switch {
	case o.Controller != "":
		parts = append(parts, controllerWords(o.Controller, o.Parameters))
	case len(o.Parameters) > 0:
		parts = append(parts, strings.TrimPrefix(controllerWords("", o.Parameters), "controller  "))
	}
	if o.Feedback != "" {
		parts = append(parts, "wants feedback "+o.Feedback)
	}
	if o.Interval != nil {
		parts = append(parts, "wants it "+o.Interval.String())
	}
	if o.Offers != nil {
		parts = append(parts, "offers "+orNothing(strings.Join(o.Offers, " and ")))
	}
	return parts
}

func orNothing(s string) string {
	if s == "" {
		return "no feedback"
	}
	return s
}

// loopLines say how many control loops the directions of calls have: those that don't have
// one, and if endpoints differ all.
func loopLines(c *scenarios.Scenario) []string {
	loops, err := runner.ControlLoops(c)
	if err != nil {
		return nil // runs will say why
	}
	unlike := slices.ContainsFunc(c.Endpoints, func(e scenarios.Endpoint) bool { return e.Congestion != nil })
	var lines []string
	for i := range loops {
		switch l := &loops[i]; {
		case l.Flagged():
			lines = append(lines, fmt.Sprintf("%s has %s (should be one)", l.Name(), l))
		case unlike:
			lines = append(lines, fmt.Sprintf("%s has %s", l.Name(), l))
		}
	}
	return lines
}
