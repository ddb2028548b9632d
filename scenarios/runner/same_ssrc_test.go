package runner_test

import (
	"testing"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

// Two endpoints have signalled the same SSRC to a central node. Where they share a session both get to
// know, and at least one takes another; a selective forwarding middlebox gives streams SSRCs of its own
// on each leg, and nobody notices. Either way everybody sees both from then on.
//
// conformance: IMP-12.4-3
func TestSameSSRCAtACentralNode(t *testing.T) {
	t.Parallel()
	const same = 0x5a5a5a5a
	for kind, notices := range map[string]bool{"relay": true, "sfm": false} {
		s := load(t, meshes+"sfm.yaml", "expect=[]", "duration=20s", "topology={type: "+kind+", at: M, peers: [A, B, C]}",
			"media=[{from: A, kind: video, encoder: {max: 500kbps}}, {from: B, kind: video, encoder: {max: 500kbps}}]",
			"congestion={controller: fixed, feedback: none}", "repair={refresh: pli, decoder: true}")[0].Scenario
		c, err := runner.Config(s)
		if err != nil {
			t.Fatal(err)
		}
		signal := func(list []topologies.Media) {
			for i := range list {
				if list[i].From == "A" || list[i].From == "B" {
					list[i].SSRC = same
				}
			}
		}
		for i := range c.Calls {
			for k := range c.Calls[i].Sessions {
				signal(c.Calls[i].Sessions[k].Media)
			}
		}
		for i := range c.Groups {
			for k := range c.Groups[i].Sessions {
				signal(c.Groups[i].Sessions[k].Media)
			}
		}
		sim, err := topologies.Build(c)
		if err != nil {
			t.Fatal(err)
		}
		changed, shown := map[string]int{}, map[*endpoints.Section]int{}
		sim.OnEvent(func(e endpoints.Event) {
			switch {
			case e.Kind == endpoints.SSRCChanged:
				changed[e.Session.Endpoint()]++
			case e.Kind == endpoints.FrameRendered && e.At > simtime.At(10*time.Second):
				shown[e.Section]++
			}
		})
		play(t, sim, s)
		if n := changed["A"] + changed["B"]; notices != (n > 0) || n > 2 {
			t.Errorf("%s: SSRCs change: %v", kind, changed)
		}
		for _, f := range sim.Flows {
			if n := shown[f.Receiver]; f.To != "sfm" && n < 280 {
				t.Errorf("%s: %s shows %d pictures in ten seconds", kind, f.Flow(), n)
			}
		}
	}
}
