package runner_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"rtpfabric/scenarios"
	"rtpfabric/sim/record"
)

const relayed = `
title: A relay, and a receiver that loses half of the copies
duration: 20s
network:
  links:
    sender: {between: [A, M], delay: 10ms, rate: 10Mbps, forward: {loss: 10%}}
    first: {between: [B1, M], delay: 20ms, rate: 10Mbps}
    second: {between: [B2, M], delay: 20ms, rate: 10Mbps, backward: {loss: 50%}}
endpoints: {S1: {at: A}, R1: {at: B1}, R2: {at: B2}}
topology: {type: relay, at: M, peers: [S1, R1, R2]}
media:
  - {from: S1, kind: video, encoder: {model: perfect, min: 500kbps, max: 500kbps}}
congestion: {feedback: none}
repair: {nack: true, rtx: true}
`

// What happens to a relayed stream is counted once: packets up to the relay, frames
// at the first receiver, although both receivers show frames and ask for packets.
func TestRelayedStreamsCountOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "relay.yaml")
	if err := os.WriteFile(path, []byte(relayed), 0o600); err != nil {
		t.Fatal(err)
	}
	rec := run(t, load(t, path)[0])
	get := func(entity, metric string) float64 { return totalOf(t, rec, entity, metric) }
	const flow = "S1/video"
	sent, received, lost := get(flow, "packets-sent"), get(flow, "packets-received"), get(flow, "packets-lost")
	if sent < 1000 || sent-received-lost > 1 || lost < 0.07*sent || lost > 0.13*sent {
		t.Errorf("%v packets sent, %v received, %v lost, want a tenth lost", sent, received, lost)
	}
	encoded, shown := get(flow, "frames-encoded"), get(flow, "frames-rendered")+get(flow, "frames-late")+get(flow, "frames-incomplete")
	if shown > encoded || shown < encoded-20 {
		t.Errorf("%v frames encoded, %v judged by their receiver", encoded, shown)
	}
	if n, all := get(flow, "packets-restored"), get("R1", "packets-restored")+get("R2", "packets-restored"); n != get("R1", "packets-restored") || n == 0 || all <= n {
		t.Errorf("%v packets restored, %v by both receivers", n, all)
	}
	if up, again := get(flow, "repair-bytes"), get("S1", "packets-retransmitted"); up == 0 || up > 1300*again {
		t.Errorf("%v bytes are %v packets sent again", up, again)
	}
	for _, v := range rec.Manifest.Topology.Flows {
		if v.To != scenarios.RelayName {
			t.Errorf("the drawing has a flow to %s", v.To)
		}
	}
}

// RFC 4585 §3.5.2: of 20 receivers that miss the same packet one or two ask for it,
// and all get the answer. If nobody listened to the others it would be five or six:
// the answer comes while most still wait.
//
// conformance: TIM-4.2-3
func TestRequestsAreSuppressed(t *testing.T) {
	long(t)
	t.Parallel()
	for _, r := range load(t, library+"feedback/e51-shared-loss.yaml") {
		rec := run(t, r)
		lost, requested, restored := totalOf(t, rec, "S1/video", "packets-lost"), 0.0, 0.0
		for i := range 20 {
			name := fmt.Sprintf("R%d", i+1)
			requested += totalOf(t, rec, name, "packets-requested")
			restored += totalOf(t, rec, name, "packets-restored")
		}
		if lost < 30 || requested > 2*lost || restored < 19*lost {
			t.Errorf("%s: %v packets lost, %v requested, %v restored by all receivers together", r.Name, lost, requested, restored)
		}
	}
}

// With one CNAME for all, the group looks like two parties, and nobody waits for
// others: most receivers ask (RFC 8108 §5.4.2).
//
// conformance: SSR-4.9-2
func TestOneCNAMEForAll(t *testing.T) {
	rec := run(t, load(t, library+"feedback/e35-same-cname.yaml")[0])
	lost, requested := totalOf(t, rec, "S1/video", "packets-lost"), 0.0
	for i := range 20 {
		requested += totalOf(t, rec, fmt.Sprintf("R%d", i+1), "packets-requested")
	}
	if lost < 30 || requested < 4*lost {
		t.Errorf("%v packets lost, %v requested by all receivers together", lost, requested)
	}
}

// totalOf returns a total of the record's summary.
func totalOf(t *testing.T, rec *record.Record, entity, metric string) float64 {
	t.Helper()
	return stat(t, rec, entity, metric, "total")
}
