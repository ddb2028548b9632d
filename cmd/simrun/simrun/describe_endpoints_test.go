package simrun

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
)

// Only what isn't so by default is said of endpoints.
func TestEndpointLines(t *testing.T) {
	const text = `
title: Endpoints
duration: 5s
network: {links: {p: {between: [A, B], delay: 5ms}}}
endpoints:
  S1: {at: A, symmetric: false, bundle: false, protection: none, clock-offset: -2s, clock-drift: 50ppm}
  R1: {at: B, type: legacy-avp, interworking: true, protection: none, max-ssrc: 3, decode-top: 2, bandwidth: {as: 2Mbps, ct: 3Mbps}}
  R2: {at: B}
topology: {pairs: [[S1, R1], [S1, R2]]}
media:
  - {from: S1, to: R1, kind: audio}
  - {from: S1, to: R2, kind: audio, name: other, msid: [a, b]}
  - {from: R1, kind: audio}
congestion: {controller: fixed, feedback: none}
extensions: [audio-level]
playout: {lip-sync: true}
`
	path := filepath.Join(t.TempDir(), "endpoints.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := scenarios.Load(path, scenarios.Options{Catalogue: runner.Catalogue{}})
	if err != nil {
		t.Fatal(err)
	}
	c := f.Runs[0].Scenario
	want := []string{
		"S1: protection none, rejects bundle, asymmetric ports, clock -2s ahead, clock drift 50ppm",
		"R1: type legacy-avp, protection none, interworking function, decodes 3 streams, decodes the 2 loudest streams of audio, b=AS 2Mbps, b=CT 3Mbps",
		"all: lip-sync",
	}
	if got := endpointLines(c); !slices.Equal(got, want) {
		t.Errorf("lines are\n%q, want\n%q", got, want)
	}
	if got := msidLines(c); !slices.Equal(got, []string{"S1/other a=msid:a a=msid:b"}) {
		t.Errorf("MediaStreams are %q", got)
	}
}
