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
