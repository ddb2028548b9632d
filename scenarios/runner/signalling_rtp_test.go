package runner_test

import (
	"slices"
	"testing"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
)

// RTP goes by parameters, wherever they come from: a call whose parameters are in the scenario sends what one sends that has
// agreed on them over the network, packet by packet, but that it sends it earlier.
//
// conformance: SIG-10-7
func TestParametersNeedNoDescriptions(t *testing.T) {
	const call = `
title: A call whose parameters are known
duration: 12s
network:
  links:
    a: {between: [A, M], rate: 5Mbps, delay: 20ms}
    b: {between: [M, B], rate: 5Mbps, delay: 30ms}
endpoints: {A: {at: A}, B: {at: B}}
topology: {peers: [A, B]}
media:
  - {from: A, kind: video, encoder: {model: perfect, min: 300kbps, max: 300kbps}}
  - {from: A, kind: audio}
  - {from: B, kind: audio}
congestion: {controller: fixed}
`
	type looks struct {
		marker bool
		size   int
		after  uint32 // the packet before, in units of the timestamp
	}
	sent := func(text string) map[uint8][]looks { // by payload type
		f, err := scenarios.Parse("call.yaml", []byte(text), scenarios.Options{Catalogue: runner.Catalogue{}})
		if err != nil {
			t.Fatal(err)
		}
		_, w := playRTP(t, f.Runs[0].Scenario, "A", nil)
		streams := map[uint8][]looks{}
		for _, packets := range w.sent {
			before := packets[0].head.Timestamp
			for _, p := range packets {
				streams[p.head.PayloadType] = append(streams[p.head.PayloadType], looks{p.head.Marker, len(p.payload), p.head.Timestamp - before})
				before = p.head.Timestamp
			}
		}
		return streams
	}
	known, agreed := sent(call), sent(call+"signalling: {at: M}\n")
	if len(known) != 2 || len(agreed) != 2 {
		t.Fatalf("%d and %d streams", len(known), len(agreed))
	}
	for payloadType, list := range known {
		other := agreed[payloadType]
		n := min(len(list), len(other))
		if len(list) <= len(other) || n < 500 || !slices.Equal(list[:n], other[:n]) {
			t.Errorf("payload type %d: %d and %d packets, which aren't alike", payloadType, len(list), len(other))
		}
	}
}
