package simrun

import (
	"fmt"
	"strings"
	"time"

	"rtpfabric/scenarios"
)

// endpointLines say what endpoints have that others don't, a line for each.
func endpointLines(c *scenarios.Scenario) []string {
	var lines []string
	for i := range c.Endpoints {
		e := &c.Endpoints[i]
		if parts := peculiarities(e); len(parts) > 0 {
			lines = append(lines, e.Name+": "+strings.Join(parts, ", "))
		}
	}
	if c.Playout.LipSync {
		lines = append(lines, "all: lip-sync")
	}
	return lines
}

// peculiarities are the fields of an endpoint that aren't as they are by default.
func peculiarities(e *scenarios.Endpoint) []string {
	var parts []string
	add := func(when bool, format string, a ...any) {
		if when {
			parts = append(parts, fmt.Sprintf(format, a...))
		}
	}
	add(e.Type != "webrtc", "type %s", e.Type)
	add(e.Protection == "none", "protection none")
	add(e.Hosted(), "%s's stack, %s", e.Stack, e.Pion.Profile)
	add(e.Hosted() && e.Pion.TURN == "tcp", "its TURN server by TCP")
	for _, i := range e.Interceptors {
		add(true, "pion's %s", i.Type)
	}
	add(e.Interworking, "interworking function")
	add(!e.Bundle, "rejects bundle")
	add(!e.Symmetric, "asymmetric ports")
	add(e.MaxSSRC > 0, "decodes %d streams", e.MaxSSRC)
	add(len(e.Codecs) > 0, "decodes %s", strings.Join(e.Codecs, " and "))
	add(e.DecodeTop > 0, "decodes the %d loudest streams of audio", e.DecodeTop)
	add(e.ClockOffset != 0, "clock %v ahead", time.Duration(e.ClockOffset))
	if text, err := e.ClockDrift.MarshalText(); err == nil {
		add(e.ClockDrift != 0, "clock drift %s", text)
	}
	if o := e.Congestion; o != nil {
		parts = append(parts, ownControl(o)...)
	}
	if b := e.Bandwidth; b != nil {
		if b.AS != nil {
			add(true, "b=AS %v", *b.AS)
		}
		if b.CT != nil {
			add(true, "b=CT %v", *b.CT)
		}
	}
	return parts
}
