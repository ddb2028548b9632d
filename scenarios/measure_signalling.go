package scenarios

import (
	"math"
	"slices"
	"strings"
	"time"

	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

// signallingMetrics are about how a call is agreed on.
func signallingMetrics() []metric {
	return []metric{
		{"glares", "endpoint", count, "offers that came while one of its own was on its way", happenings(record.Glare), ofSignalling},
		{"offers", "endpoint", count, "offers that it has sent", happenings(record.OfferSent), ofSignalling},
		{"agreements", "endpoint", count, "offers of either end that it has agreed on", happenings(record.OfferAccepted, record.OfferAgreed), ofSignalling},
		{"agreed", "endpoint", milliseconds, "when it did so first", firstHappening(record.OfferAccepted, record.OfferAgreed), ofSignalling},
		{"lines", "endpoint", count, "connections to devices that it has begun to make, of a fork", happenings(record.LineOpened), ofSignalling},
		{"idle-lines", "endpoint", milliseconds, "sum of the times for which it kept connections to devices that it didn't talk to in the end", idleLines, ofSignalling},
		{"first-frame", "flow", milliseconds, "when its receiver played its first frame", firstHappening(record.FirstFrame), ofSignalling},
		{"clipped", "flow", milliseconds, "what its receiver missed of its beginning: from the talker's agreement to the capture of the first frame after it that was played", clipped, ofSignalling},
		{"checks", "endpoint", count, "messages of STUN's Binding that it sends: connectivity checks, requests for consent, and answers, and those to servers", total(record.Checks), ofSignalling},
		{"handshakes", "endpoint", count, "packets of DTLS that it sends", total(record.Handshakes), ofSignalling},
		{"gathered", "endpoint", milliseconds, "when it had all its candidates for the first time", firstHappening(record.GatheringComplete), ofGathering},
		{"routed", "endpoint", milliseconds, "when it had a pair of candidates to send by, for the first time in the window", firstHappening(record.PairSelected), ofGathering},
		{"routes", "endpoint", count, "times that it has taken to a pair of candidates; after a restart that may be the same", happenings(record.PairSelected), ofGathering},
		{"relayed", "endpoint", ratio, "share of the time for which what it sends goes over its TURN server; before it has a pair it doesn't", mean(record.Relayed), ofGathering},
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

// clipped is the time from the talker's agreement to the first frame that was captured after it and played.
func clipped(m measurement) float64 {
	talker, _, _ := strings.Cut(m.entity, "/")
	of := m
	of.entity, of.window.From = talker, 0
	agreed, first := happened(of, []string{record.OfferAccepted, record.OfferAgreed}), happened(m, []string{record.FirstOfCall})
	if len(agreed) == 0 || len(first) == 0 {
		return math.NaN()
	}
	return float64(first[0].At.Add(-first[0].Delay).Sub(agreed[0].At)) / 1e6
}

// idleLines adds up how long lines were open, within the window, but for that to the device that was chosen.
func idleLines(m measurement) float64 {
	all := m
	all.window = Interval{To: math.MaxInt64}
	opened, chosen := map[string]simtime.Time{}, ""
	for _, e := range happened(all, []string{record.OfferAgreed}) {
		chosen = e.Peer
	}
	total := time.Duration(0)
	add := func(from, to simtime.Time) {
		total += max(min(to.Duration(), m.window.To)-max(from.Duration(), m.window.From), 0)
	}
	for _, e := range happened(all, []string{record.LineOpened, record.LineClosed}) {
		switch {
		case e.Peer == chosen:
		case e.Kind == record.LineOpened:
			opened[e.Peer] = e.At
		default:
			add(opened[e.Peer], e.At)
			delete(opened, e.Peer)
		}
	}
	for _, from := range opened { // a sum has no order
		add(from, simtime.At(m.record.Manifest.Reached))
	}
	return float64(total) / 1e6
}

func happened(m measurement, kinds []string) (list []record.Event) {
	for _, e := range m.record.Events {
		if at := e.At.Duration(); e.Entity == m.entity && m.window.From <= at && at < m.window.To && slices.Contains(kinds, e.Kind) {
			list = append(list, e)
		}
	}
	return list
}
