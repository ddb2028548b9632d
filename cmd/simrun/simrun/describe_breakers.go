package simrun

import (
	"fmt"
	"strings"

	"rtpfabric/scenarios"
)

// breakerLine says what circuit breakers do, unless it is what they do by default.
func breakerLine(c *scenarios.Scenario) string {
	b := &c.Breakers
	if c.Topology.Relayed() || b.Mode == "observe" && len(b.Watch) == 0 {
		return ""
	}
	parts := []string{b.Mode}
	if b.Mode != "off" {
		parts = append(parts, conditionWords(&b.Conditions)...)
	}
	if b.Group {
		parts = append(parts, "an endpoint's streams together")
	}
	if b.Restart > 0 {
		parts = append(parts, fmt.Sprintf("restart after %v", b.Restart))
	}
	for i := range b.Watch {
		parts = append(parts, fmt.Sprintf("%s watches (%s)", b.Watch[i].Name, strings.Join(conditionWords(&b.Watch[i].Conditions), ", ")))
	}
	return "circuit breakers: " + strings.Join(parts, ", ")
}

// conditionWords are what a breaker trips for.
func conditionWords(c *scenarios.Conditions) []string {
	var parts []string
	switch c.Congestion {
	case "off":
		parts = append(parts, "no congestion")
	case "reduce":
		parts = append(parts, fmt.Sprintf("rate/%v first", c.Factor), c.Equation+" equation")
	default:
		parts = append(parts, c.Equation+" equation")
	}
	if c.Sustained {
		parts = append(parts, "sustained congestion")
	}
	if !c.RTCPTimeout {
		parts = append(parts, "no RTCP timeout")
	}
	if !c.MediaTimeout {
		parts = append(parts, "no media timeout")
	}
	if u := c.Usability; u != nil {
		if u.Loss != nil {
			parts = append(parts, fmt.Sprintf("loss above %v for %v", *u.Loss, u.For))
		}
		if u.RTT != nil {
			parts = append(parts, fmt.Sprintf("round trip above %v for %v", *u.RTT, u.For))
		}
	}
	return parts
}
