package runner_test

import (
	"math"
	"testing"

	"rtpfabric/sim/record"
	"rtpfabric/topologies"
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
	long(t)
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

// What B encodes anew for C is B's own, by its SSRC, name and clock: A knows nothing of C, nor C of A,
// and neither has the other's rate. That A's clocks run fast is B's to make up for.
//
// conformance: TOP-A.5-1, TOP-A.5-5
func TestForwardingTranscodes(t *testing.T) {
	long(t)
	t.Parallel()
	const file = meshes + "forwarding-transcode.yaml"
	s := load(t, file, "expect=[]")[0].Scenario
	sim := build(t, s)
	play(t, sim, s)
	names := map[string]string{} // of the ends of connections
	for _, c := range sim.Connections {
		names[c.Name()] = c.CNAME()
	}
	var fromA []*topologies.Flow
	for _, f := range sim.Flows {
		if f.From == "A" {
			fromA = append(fromA, f)
		}
	}
	for _, f := range fromA {
		for _, r := range f.Sender.Main().Reports() {
			if by := f.Session.CNAMEOf(r.By); by != names["mixer-A"] {
				t.Errorf("%s is reported on by %q, want B, %q", f.Flow(), by, names["mixer-A"])
			}
		}
	}
	for _, f := range sim.Flows {
		if f.To != "C" {
			continue
		}
		at := f.Receiver.Session()
		if name := at.CNAMEOf(f.Sender.SSRC()); name != names["mixer-C"] || name == names["A-mixer"] {
			t.Errorf("C knows the source of %s as %q, want B, %q", f.Flow(), name, names["mixer-C"])
		}
		for _, a := range fromA {
			if at.CNAMEOf(a.Sender.SSRC()) != "" {
				t.Errorf("C knows A by %s", a.Flow())
			}
		}
	}
	r := run(t, load(t, file, "expect=[]")[0])
	if a, c := mean(series(t, r, "A/video", record.EncoderRate)[100:]), mean(series(t, r, "mixer/video>C", record.EncoderRate)[100:]); a < 1.3e6 || c > 450e3 {
		t.Errorf("A sends %.0f bit/s, and B C %.0f", a, c)
	}
	delays := series(t, r, "mixer/video>C", record.FrameDelay)
	if early, late := mean(delays[100:150]), mean(delays[550:]); math.Abs(late-early) > 20 {
		t.Errorf("pictures take %.0f ms at first, and %.0f after 110 s, in which the clocks have drifted by 33 ms", early, late)
	}
	for _, flow := range []string{"A/audio", "mixer/audio>C"} {
		if lost := mean(series(t, r, flow, record.Concealed)[50:]); lost > 1 {
			t.Errorf("%s: %.2f ms of 200 are concealed", flow, lost)
		}
	}
}
