package scenarios

import (
	"math"
	"slices"

	"rtpfabric/sim/record"
)

// signallingMetrics are about how a call is agreed on.
func signallingMetrics() []metric {
	return []metric{
		{"glares", "endpoint", count, "offers that came while one of its own was on its way", happenings(record.Glare), ofSignalling},
		{"offers", "endpoint", count, "offers that it has sent", happenings(record.OfferSent), ofSignalling},
		{"agreements", "endpoint", count, "offers of either end that it has agreed on", happenings(record.OfferAccepted, record.OfferAgreed), ofSignalling},
		{"agreed", "endpoint", milliseconds, "when it did so first", firstHappening(record.OfferAccepted, record.OfferAgreed), ofSignalling},
		{"failed-changes", "endpoint", count, "changes that it has wanted and didn't get", happenings(record.NegotiationFailed, record.ChangeCancelled), ofSignalling},
	}
}

// happenings counts events of some kinds.
func happenings(kinds ...string) func(measurement) float64 {
	return func(m measurement) float64 { return float64(len(happened(m, kinds))) }
}

// firstHappening is the time of the first one.
func firstHappening(kinds ...string) func(measurement) float64 {
	return func(m measurement) float64 {
		for _, e := range happened(m, kinds) {
			return float64(e.At) / 1e6
		}
		return math.NaN()
	}
}

func happened(m measurement, kinds []string) (list []record.Event) {
	for _, e := range m.record.Events {
		if at := e.At.Duration(); e.Entity == m.entity && m.window.From <= at && at < m.window.To && slices.Contains(kinds, e.Kind) {
			list = append(list, e)
		}
	}
	return list
}
