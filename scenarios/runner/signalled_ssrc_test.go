package runner_test

import (
	"fmt"
	"strings"
	"testing"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/signalling"
	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

// Both ends have the same SSRC, and have described it. When the first packets come each takes another one, and describes that together
// with the one before, in offers that cross; what is heard goes on.
//
// conformance: SSR-4.8-1, IMP-12.4-1
func TestCollisionIsDescribed(t *testing.T) {
	const same = 0x5eed
	f, err := scenarios.Parse("collision.yaml", []byte(signalledCall+"signalling: {at: M, offers: [{by: A, at: 1s}]}\n"), scenarios.Options{Catalogue: runner.Catalogue{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, collides := range []bool{true, false} {
		c, err := runner.Config(f.Runs[0].Scenario)
		if err != nil {
			t.Fatal(err)
		}
		media := c.Calls[0].Sessions[0].Media
		for i := range media {
			media[i].SSRC = same
			if !collides {
				media[i].SSRC += uint32(i)
			}
		}
		sim, err := topologies.Build(c)
		if err != nil {
			t.Fatal(err)
		}
		var offers []string
		sim.OnSignalling(func(p topologies.SignallingPassed) {
			if strings.HasPrefix(p.Message.Title(), "OFFER") && p.From == "server" {
				offers = append(offers, string(p.Message.Marshal()))
			}
		}, func(signalling.Event) {})
		played, changed := map[string]int{}, map[string]uint32{}
		sim.OnEvent(func(e endpoints.Event) {
			if e.Kind == endpoints.FrameRendered {
				played[e.Session.Endpoint()]++
			}
			if e.Kind == endpoints.SSRCChanged {
				changed[e.Session.Endpoint()] = e.SSRC
			}
		})
		if err := sim.Run(t.Context(), simtime.At(20e9)); err != nil {
			t.Fatal(err)
		}
		if (len(changed) == 2) != collides || (len(offers) > 1) != collides {
			t.Fatalf("collides %t: SSRCs changed %v, %d offers", collides, changed, len(offers))
		}
		for _, name := range []string{"A", "B"} {
			if played[name] < 900 { // of 950
				t.Errorf("collides %t: %s has played %d frames", collides, name, played[name])
			}
			if !collides {
				continue
			}
			line := fmt.Sprintf("a=ssrc:%d previous-ssrc:%d\\r\\n", changed[name], same)
			if all := strings.Join(offers, "\n"); !strings.Contains(all, line) {
				t.Errorf("nobody is offered %q by %s:\n%s", line, name, all)
			}
		}
	}
}
