package endpoints_test

import (
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/ccontrol/breaker"
	"rtpfabric/endpoints"
	"rtpfabric/sim/units"
)

// Of codec, signalled bandwidth, TMMBR, controller and breaker the lowest binds, and each
// change is told with its name.
//
// conformance: CC-7.2-3
func TestTheLowestBoundIsNamed(t *testing.T) {
	c := newCall(t, setup{
		streams: []stream{videoFromA}, rate: 2500 * units.Kbps, least: 50 * units.Kbps, delay: 200 * time.Millisecond,
		rtcp: endpoints.RTCPConfig{AVPF: true, Bandwidth: 60 * units.Kbps}, feedback: endpoints.FeedbackRFC8888,
		edit: func(end int, sc *endpoints.SessionConfig) {
			enforced(endpoints.BreakerConfig{Settings: breaker.Settings{Reduce: true}})(end, sc)
			for i := range sc.Sections {
				if send := sc.Sections[i].Send; send != nil {
					send.Bandwidth = 2200 * units.Kbps
				}
			}
		},
	})
	video := c.sessions[0].Sections()[0]
	want := func(b endpoints.Bound, low, high units.BitRate) {
		t.Helper()
		if got := video.Bound(); got != b || video.Goal() < low || video.Goal() > high {
			t.Errorf("at %v: %v by the %v, want %v to %v by the %v", c.now, video.Goal(), got, low, high, b)
		}
	}
	c.run(5 * time.Second)
	want(endpoints.BoundBySignalling, 1900*units.Kbps, 2200*units.Kbps)
	c.sessions[1].Sections()[0].Limit(c.now, 1800*units.Kbps)
	c.run(5 * time.Second)
	want(endpoints.BoundByTMMBR, 1500*units.Kbps, 1800*units.Kbps)
	c.cc[0].target = ccontrol.Target{Media: 1400 * units.Kbps, Pacing: 3 * units.Mbps}
	c.run(5 * time.Second)
	want(endpoints.BoundByController, 1200*units.Kbps, 1400*units.Kbps)
	n := 0
	c.lossy(0, 0, func(p *tapped) bool {
		n++
		return !p.isRTCP() && len(p.payload) > 400 && n%2 == 0
	})
	for range 100 {
		if c.run(100 * time.Millisecond); len(c.trips(endpoints.BreakerTripped)) > 0 {
			break
		}
	}
	c.path = nil
	c.run(5 * time.Second)
	want(endpoints.BoundByBreaker, 100*units.Kbps, 200*units.Kbps)
	if told := c.count(0, endpoints.BoundChanged); told != 4 { // the codec isn't said
		t.Errorf("%d changes are told, want 4", told)
	}
}
