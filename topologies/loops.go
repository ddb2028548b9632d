package topologies

import (
	"fmt"
	"slices"
	"strings"

	"rtpfabric/ccontrol"
	"rtpfabric/endpoints"
)

// ControlLoops are what controls the rate in one direction of a call. Where one end has
// its controller at the sender and the other at the receiver, one direction may have two and
// the other none (RFC 8834 §7.2).
type ControlLoops struct {
	From, To string
	// By are the loops: the sender's controller, if it gets the feedback that it needs,
	// and what the receiver limits the sender by.
	By []string
	// Missing says why the sender's controller isn't one of them; empty if it is, or if the
	// sender has none that controls anything.
	Missing string
}

// Flagged reports whether the direction has more than one loop, or none although its
// sender has a controller.
func (l *ControlLoops) Flagged() bool {
	return len(l.By) > 1 || len(l.By) == 0 && l.Missing != ""
}

// Name is that of the sender's end of the connection.
func (l *ControlLoops) Name() string { return l.From + "-" + l.To }

// String says how many there are, and which.
func (l *ControlLoops) String() string {
	text := fmt.Sprintf("%d control loops", len(l.By))
	if len(l.By) == 1 {
		text = "1 control loop"
	}
	if len(l.By) > 0 {
		text += ": " + strings.Join(l.By, ", ")
	}
	if l.Missing != "" {
		text += ": " + l.Missing
	}
	return text
}

// ControlLoops returns those of each direction of each call in which media go, in the
// order of the calls. Groups have none that feedback closes.
func (c *Config) ControlLoops() []ControlLoops {
	var list []ControlLoops
	for i := range c.Calls {
		call := &c.Calls[i]
		for _, d := range [][2]string{{call.A, call.B}, {call.B, call.A}} {
			if l := c.loops(call, d[0], d[1]); l != nil {
				list = append(list, *l)
			}
		}
	}
	return list
}

// ControlLoops returns those of the simulation; see [Config.ControlLoops].
func (s *Simulation) ControlLoops() []ControlLoops { return s.config.ControlLoops() }

// loops returns those of one direction; nil if no media go that way.
func (c *Config) loops(call *Call, from, to string) *ControlLoops {
	sends, limits, reports := false, false, true
	for i := range call.Sessions {
		s := &call.Sessions[i]
		for j := range s.Media {
			if m := &s.Media[j]; m.From == from {
				sends = true
				limits = limits || slices.ContainsFunc(m.Limits, func(l Limit) bool { return l.Rate > 0 })
			}
		}
		reports = reports && !s.RTCP[0].Off && !s.RTCP[1].Off
	}
	if !sends {
		return nil
	}
	l := &ControlLoops{From: from, To: to}
	c.senderLoop(l, reports)
	if c.limits(c.like(to, from), c.like(from, to)) {
		l.By = append(l.By, "estimates (REMB) of "+to)
	}
	if limits {
		l.By = append(l.By, "limits (TMMBR) of "+to)
	}
	return l
}

// senderLoop adds the sender's controller if it gets what it needs. What is only there for
// comparison controls nothing.
func (c *Config) senderLoop(l *ControlLoops, reports bool) {
	control := c.control(c.like(l.From, l.To))
	spec, known := ccontrol.Lookup(control.Controller)
	if spec.Baseline {
		return
	}
	needs, heard := spec.Needs, c.feedback(c.like(l.From, l.To), c.like(l.To, l.From))
	if !known && control.Feedback == endpoints.FeedbackNone { // a program
		needs = ccontrol.NeedsReports
	} else if !known {
		needs = ccontrol.NeedsPackets
	}
	has := true
	switch needs {
	case ccontrol.NeedsPackets:
		has = heard == endpoints.FeedbackRFC8888 || heard == endpoints.FeedbackTWCC
	case ccontrol.NeedsEstimate:
		has = heard == endpoints.FeedbackREMB
	case ccontrol.NeedsReports:
		has = reports
	case ccontrol.NeedsNothing:
	}
	switch {
	case has:
		l.By = append(l.By, fmt.Sprintf("%s of %s", control.Controller, l.From))
	case needs == ccontrol.NeedsReports:
		l.Missing = fmt.Sprintf("%s of %s needs %s, and there is no RTCP", control.Controller, l.From, needs)
	default:
		l.Missing = fmt.Sprintf("%s of %s wants %s, which %s doesn't offer", control.Controller, l.From, control.Feedback, l.To)
	}
}
