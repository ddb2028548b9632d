package scenarios

import (
	"math"
	"strings"

	"rtpfabric/sim/record"
)

// breakerMetrics are about circuit breakers: the scenario's own, or one that watches.
func breakerMetrics() []metric {
	list := []metric{
		{"breaker-trips", "flow", count, "how often a circuit breaker of the stream tripped (RFC 8083)", trips(""), ofBreaker},
		{"breaker-time", "flow", milliseconds, "when it did so first", firstTrip, ofBreaker},
		{"breaker-stops", "flow", count, "how often it stopped the stream, or would have", trips(", ceases"), ofBreaker},
	}
	for _, c := range []struct{ name, condition, doc string }{
		{"rtcp-timeouts", "rtcp-timeout", "as no reports came (§4.1)"},
		{"media-timeouts", "media-timeout", "as reports said that no media came (§4.2)"},
		{"congestions", "congestion", "for congestion (§4.3)"},
		{"usabilities", "usability", "as media was useless (§4.4)"},
	} {
		list = append(list, metric{"breaker-" + c.name, "flow", count, "how often it tripped " + c.doc, trips(c.condition + ","), ofBreaker})
	}
	return append(list, metric{
		"breaker-alarms", "flow", count, "how often it said that congestion can't be judged, as RTCP has no reports", alarms, ofBreaker,
	})
}

// tripsOf returns what a record says of trips, with the name of who watches left out.
func tripsOf(m measurement) (list []record.Event) {
	for _, e := range m.record.Events {
		if at := e.At.Duration(); e.Entity != m.entity || at < m.window.From || at >= m.window.To {
			continue
		}
		switch e.Kind {
		case record.BreakerTripped, record.BreakerReduced, record.BreakerObserved:
			if m.breaker == "" {
				list = append(list, e)
			}
		case record.BreakerWatched:
			if what, ok := strings.CutPrefix(e.Detail, m.breaker+": "); ok && m.breaker != "" {
				e.Detail = what
				list = append(list, e)
			}
		}
	}
	return list
}

// trips counts those whose condition and action have something in them.
func trips(with string) func(measurement) float64 {
	return func(m measurement) float64 {
		n := 0.0
		for _, e := range tripsOf(m) {
			if what, _, _ := strings.Cut(e.Detail, ": "); strings.Contains(what, with) {
				n++
			}
		}
		return n
	}
}

func firstTrip(m measurement) float64 {
	for _, e := range tripsOf(m) {
		return float64(e.At) / 1e6
	}
	return math.NaN()
}

func alarms(m measurement) float64 {
	n := 0.0
	for _, e := range m.record.Events {
		if at := e.At.Duration(); e.Kind == record.BreakerAlarm && e.Entity == m.entity && m.window.From <= at && at < m.window.To {
			n++
		}
	}
	return n
}
