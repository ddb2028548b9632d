package topologies_test

import (
	"context"
	"testing"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

// Whoever leaves says BYE for every SSRC, those that only reported included, and is
// deaf and silent from then on; the others go on without it.
func TestLeaving(t *testing.T) {
	c := group("S", "R")
	c.Endpoints[1].Leaves = simtime.At(2 * time.Second)
	c.Endpoints[2].Leaves = simtime.At(3 * time.Second)
	sim, err := topologies.Build(c)
	if err != nil {
		t.Fatal(err)
	}
	byes := map[string]simtime.Time{}
	sim.OnEvent(func(e endpoints.Event) {
		switch name := e.Session.Endpoint(); e.Kind {
		case endpoints.ByeSent:
			byes[name] = e.At
		case endpoints.ReportSent, endpoints.FrameRendered, endpoints.FrameEncoded:
			if at, gone := byes[name]; gone && e.At > at {
				t.Errorf("%s has left, but at %v there is an event of kind %d", name, e.At, e.Kind)
			}
		default:
		}
	})
	if err := sim.Run(context.Background(), simtime.At(6*time.Second)); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"R", "T"} {
		want := simtime.At(time.Duration(i+2) * time.Second)
		if at, ok := byes[name]; !ok || at < want || at > want.Add(50*time.Millisecond) {
			t.Errorf("%s says BYE at %v, want %v", name, at, want)
		}
	}
	s := sim.Sessions()[0]
	if _, left := byes["S"]; left || s.Members() != 1 {
		t.Errorf("S knows %d members at the end (has left: %v), want itself", s.Members(), left)
	}
	if n := s.Counts(); n.RTPSent < 290 || n.RTPReceived < 90 || n.RTPReceived > 105 {
		t.Errorf("S: %+v", n)
	}
}
