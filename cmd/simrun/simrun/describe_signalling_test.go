package simrun

import (
	"slices"
	"testing"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
)

func TestDescribeSignalling(t *testing.T) {
	const call = `
title: x
duration: 20s
network: {links: {a: {between: [A, M]}, b: {between: [M, B]}, c: {between: [M, C]}}}
endpoints: {alice: {at: A}, desktop: {at: B}, phone: {at: C}}
topology: {type: fork, peers: [alice, desktop, phone]}
security: {ice: full}
media: [{from: alice, kind: audio, speech: {codec: pcmu, activity: always}}, {from: desktop, kind: audio}]
`
	for text, want := range map[string][]string{
		"signalling: {at: M}\n": {
			"server at M", "alice offers at 0s", "warm-up of lines before somebody accepts: media", "desktop: answers at once", "phone: answers at once",
		},
		`signalling:
  at: M
  peers: {alice: {poll: 5s}, phone: {long-poll: 30s}}
  offers: [{by: alice, at: 1s}]
  fork:
    warm-up: dtls
    limit: 2
    rings: 10s
    answers: accepted
    choose: best
    prefers: [phone]
    decides: 1s
    decoders: 1
    keys: [{at: 4s, to: phone, keys: "5"}]
    devices:
      desktop: {processing: 1s, accepts: 9s, replaces: [{after: 3s, sends: [audio]}, {after: 4s, sends: [], moves: true}]}
      phone: {early: true, accepts-on: "5"}
`: {
			"server at M", "alice asks for messages every 5s", "phone asks for messages and waits up to 30s", "alice offers at 1s",
			"warm-up of lines before somebody accepts: dtls", "to 2 devices at most", "each device rings for 10s, one after the other",
			"the server hands the answer on that is accepted", "best of those that accept within 1s: phone", "encoders: without limit, decoders: 1",
			"desktop: answers after 1s, answers again after 3s with audio, answers again after 4s with nothing from another port, accepts after 9s",
			"phone: answers at once, sends early media, accepts on key 5", "keys 5 to phone at 4s",
		},
	} {
		f, err := scenarios.Parse("x.yaml", []byte(call+text), scenarios.Options{Catalogue: runner.Catalogue{}})
		if err != nil {
			t.Fatal(err)
		}
		if got := signallingLines(f.Runs[0].Scenario); !slices.Equal(got, want) {
			t.Errorf("%s\n%q\nnot\n%q", text, got, want)
		}
	}
}
