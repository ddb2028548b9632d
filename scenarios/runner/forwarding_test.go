package runner_test

import (
	"testing"

	"rtpfabric/sim/record"
)

// What B sends on as it is makes A consider C, which it reports like B: A sends what the path to C
// bears, and without C three times as much. Nothing is decoded, and C has the same quality as B.
//
// conformance: TOP-A.5-2, TOP-A.5-4
func TestForwardingRelay(t *testing.T) {
	t.Parallel()
	for peers, want := range map[string][2]float64{"A, B, C": {300e3, 500e3}, "A, B": {1.4e6, 1.7e6}} {
		set := []string{"expect=[]", "topology={type: relay, at: R, keys: own, peers: [" + peers + "]}"}
		if peers == "A, B" {
			set = append(set, "endpoints={A: {at: A}, B: {at: B}}")
		}
		r := run(t, load(t, meshes+"forwarding-relay.yaml", set...)[0])
		if rate := mean(series(t, r, "A/video", record.SendRate)[100:]); rate < want[0] || rate > want[1] {
			t.Errorf("peers %s: A sends %.0f bit/s, want %.0f to %.0f", peers, rate, want[0], want[1])
		}
	}
}

// What is sent on as it is comes to C as A has encrypted it, and B can't have changed it; otherwise B
// encrypts anew for C, which then has B's word for it.
//
// conformance: TOP-A.5-3
func TestForwardingKeys(t *testing.T) {
	t.Parallel()
	for file, times := range map[string]int{"forwarding-relay.yaml": 3, "forwarding-asking.yaml": 1} {
		s := load(t, meshes+file, "expect=[]", "duration=10s", "repair={refresh: pli, decoder: true}")[0].Scenario
		sim, w := playRTP(t, s, "", nil) // from A to R, and from R to B and C
		seen, full := map[string]int{}, 0
		for _, list := range w.sent {
			for _, p := range list {
				seen[p.payload]++
			}
		}
		for _, n := range seen {
			if n == times {
				full++
			}
		}
		if full < 200 || full < len(seen)-3 { // but for what is under way at the end
			t.Errorf("%s: %d of %d payloads are sent %d times", file, full, len(seen), times)
		}
		for _, c := range sim.Connections {
			if n := c.Sessions()[0].Counts().AuthFailed; n > 0 {
				t.Errorf("%s: %s can't read %d packets", file, c.Sessions()[0].Endpoint(), n)
			}
		}
	}
}

// Asked for what suits C, A sends B nothing that would have to be transcoded, though it knows nothing
// of C; otherwise C gets nothing of it.
//
// conformance: TOP-A.5-6
func TestForwardingAsks(t *testing.T) {
	t.Parallel()
	for limits, pictures := range map[string]bool{"true": true, "false": false} {
		r := run(t, load(t, meshes+"forwarding-asking.yaml", "expect=[]", "topology.limits="+limits)[0])
		if fps := mean(series(t, r, "A/video>C", record.FrameRate)[100:]); (fps > 29) != pictures || !pictures && fps > 5 {
			t.Errorf("limits %s: C sees %.1f pictures a second", limits, fps)
		}
		if n := mean(series(t, r, "A-sfm", record.Members)[50:]); n > 3 {
			t.Errorf("limits %s: A knows %.1f members", limits, n)
		}
	}
}
