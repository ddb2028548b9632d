package topologies_test

import (
	"context"
	"testing"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
	"rtpfabric/topologies"
)

func call(media ...topologies.Media) topologies.Config {
	for i := range media {
		m := &media[i]
		m.Kind, m.Rate, m.Frame, m.PacketSize = endpoints.Audio, 20*units.Kbps, 20*time.Millisecond, 1200
		if m.Stop == 0 {
			m.Stop = simtime.Never
		}
	}
	rtcp := endpoints.RTCPConfig{AVPF: true, Bandwidth: 20 * units.Kbps, ReducedSize: true, Aggregate: true}
	return topologies.Config{
		Seed: 1, Type: topologies.PointToPoint, Protection: "full",
		Calls: []topologies.Call{{A: "S", B: "R", Sessions: []topologies.Session{
			{RTCP: [2]endpoints.RTCPConfig{rtcp, rtcp}, Media: media},
		}}},
		Endpoints: []topologies.Endpoint{{Name: "S", At: "A"}, {Name: "R", At: "B"}},
		Links: []topologies.Link{{
			Name: "ab", From: "A", To: "B",
			Forward:  topologies.Direction{Rate: fabric.Unlimited, Delay: 10 * time.Millisecond},
			Backward: topologies.Direction{Rate: fabric.Unlimited, Delay: 10 * time.Millisecond},
		}},
		PlayoutDelay: 100 * time.Millisecond,
		Congestion: topologies.Congestion{
			Control: topologies.Control{Controller: "fixed", Feedback: endpoints.FeedbackRFC8888, Interval: 100 * time.Millisecond},
		},
	}
}

// An end whose streams have stopped says BYE for each and goes on reporting on
// what it receives.
func TestTwoWayCall(t *testing.T) {
	sim, err := topologies.Build(call(
		topologies.Media{From: "S", To: "R", Name: "there", Stop: simtime.At(2 * time.Second)},
		topologies.Media{From: "R", To: "S", Name: "back"},
	))
	if err != nil {
		t.Fatal(err)
	}
	byes := 0
	sim.OnEvent(func(e endpoints.Event) {
		if e.Kind == endpoints.ByeSent {
			byes++
		}
	})
	at := func(d time.Duration) endpoints.Counts {
		if err := sim.Run(context.Background(), simtime.At(d)); err != nil {
			t.Fatal(err)
		}
		return sim.Sessions()[0].Counts()
	}
	early, late := at(3*time.Second), at(8*time.Second)
	if late.RTCPSent < early.RTCPSent+20 || late.RTPSent != early.RTPSent || late.RTPReceived < early.RTPReceived+240 {
		t.Errorf("after 3 s %+v, after 8 s %+v", early, late)
	}
	if byes != 1 {
		t.Errorf("%d BYEs", byes)
	}
}

func TestBuildRefusesWhatItDoesNotKnow(t *testing.T) {
	c := call(topologies.Media{From: "S", To: "R", Name: "m"})
	c.Type = "star"
	if _, err := topologies.Build(c); err == nil {
		t.Error("a topology called star was built")
	}
	c = call(topologies.Media{From: "S", To: "R", Name: "m"})
	c.Congestion.Controller = "magic"
	if _, err := topologies.Build(c); err == nil {
		t.Error("a controller called magic was built")
	}
}
