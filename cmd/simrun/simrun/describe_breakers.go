package simrun

import (
	"fmt"
	"reflect"
	"strings"

	"rtpfabric/scenarios"
)

// breakerLine says what circuit breakers do, unless it is what they do by default.
func breakerLine(c *scenarios.Scenario) string {
	b := &c.Breakers
	if c.Topology.Grouped() || reflect.DeepEqual(*b, scenarios.DefaultBreakers()) {
		return ""
	}
	parts := []string{b.Mode}
	if b.Mode != "off" {
		parts = append(parts, conditionWords(&b.Conditions)...)
	}
	if b.Group {
		parts = append(parts, "an endpoint's streams together")
	}
	if b.Frames > 1 {
		parts = append(parts, fmt.Sprintf("%d frames with one rate", b.Frames))
	}
	if b.Restart > 0 {
		parts = append(parts, fmt.Sprintf("restart after %v", b.Restart))
	}
	for i := range b.Watch {
		parts = append(parts, fmt.Sprintf("%s watches (%s)", b.Watch[i].Name, strings.Join(conditionWords(&b.Watch[i].Conditions), ", ")))
	}
	return "circuit breakers: " + strings.Join(parts, ", ")
}

// conditionWords are what a breaker trips for: congestion, and what else isn't by default.
func conditionWords(c *scenarios.Conditions) []string {
	def := scenarios.DefaultBreakers()
	parts := congestionWords(c)
	if !c.RTCPTimeout {
		parts = append(parts, "no RTCP timeout")
	}
	switch {
	case !c.MediaTimeout:
		parts = append(parts, "no media timeout")
	case c.NonReporting != def.Conditions.NonReporting:
		parts = append(parts, fmt.Sprintf("media timeout with k = %d", c.NonReporting))
	}
	if u := c.Usability; u != nil {
		if u.Loss != nil {
			parts = append(parts, fmt.Sprintf("loss above %v for %v", *u.Loss, u.For))
		}
		if u.RTT != nil {
			parts = append(parts, fmt.Sprintf("round trip above %v for %v", *u.RTT, u.For))
		}
		switch u.Judge {
		case "receiver":
			parts = append(parts, "judged by the receiver")
		case "both":
			parts = append(parts, "judged by both ends")
		}
	}
	return parts
}

func congestionWords(c *scenarios.Conditions) []string {
	if c.Congestion == "off" {
		return []string{"no congestion"}
	}
	var parts []string
	if c.Congestion == "reduce" {
		parts = append(parts, fmt.Sprintf("rate/%v first", c.Factor))
		if c.Recover > 0 {
			parts = append(parts, fmt.Sprintf("doubled every %v after that", c.Recover))
		}
	}
	parts = append(parts, c.Equation+" equation")
	if c.Sustained {
		parts = append(parts, "sustained congestion")
	}
	if !c.ECN {
		parts = append(parts, "marks don't count")
	}
	return parts
}
