package simrun

import (
	"testing"

	"rtpfabric/scenarios"
)

func TestBreakersAreDescribed(t *testing.T) {
	const call = `title: breakers
duration: 10s
network: {links: {path: {between: [A, B], delay: 25ms}}}
endpoints: {S1: {at: A}, R1: {at: B}}
topology: {peers: [S1, R1]}
media: [{from: S1, kind: video}]
`
	for breakers, want := range map[string]string{
		"":                      "",
		"breakers: {ecn: true}": "",
		"breakers: {mode: off}": "circuit breakers: off",
		"breakers: {mode: enforce, congestion: reduce, group: true, restart: 5s, usability: {loss: 30%}, watch: {full: {equation: full, media-timeout: false}}}": "circuit breakers: enforce, rate/10 first, simplified equation, loss above 30% for 10s, " +
			"an endpoint's streams together, restart after 5s, full watches (full equation, no media timeout)",
		"breakers: {equation: full}":                                      "circuit breakers: observe, full equation",
		"breakers: {sustained: true, ecn: false}":                         "circuit breakers: observe, simplified equation, sustained congestion, marks don't count",
		"breakers: {group: true}":                                         "circuit breakers: observe, simplified equation, an endpoint's streams together",
		"breakers: {frames: 4}":                                           "circuit breakers: observe, simplified equation, 4 frames with one rate",
		"breakers: {congestion: off, rtcp-timeout: false}":                "circuit breakers: observe, no congestion, no RTCP timeout",
		"breakers: {congestion: reduce, factor: 20, recover: 3s}":         "circuit breakers: observe, rate/20 first, doubled every 3s after that, simplified equation",
		"breakers: {non-reporting: 3}":                                    "circuit breakers: observe, simplified equation, media timeout with k = 3",
		"breakers: {usability: {rtt: 2s, judge: receiver}}":               "circuit breakers: observe, simplified equation, round trip above 2s for 10s, judged by the receiver",
		"breakers: {usability: {loss: 30%, for: 5s, judge: both}}":        "circuit breakers: observe, simplified equation, loss above 30% for 5s, judged by both ends",
		"breakers: {watch: {w: {usability: {loss: 30%, judge: sender}}}}": "circuit breakers: observe, simplified equation, w watches (simplified equation, loss above 30% for 10s)",
		"breakers: {mode: observe, congestion: cease, frames: 1}":         "",
	} {
		f, err := scenarios.Parse("breakers.yaml", []byte(call+breakers+"\n"), scenarios.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := breakerLine(f.Runs[0].Scenario); got != want {
			t.Errorf("%s: %q, want %q", breakers, got, want)
		}
	}
}
