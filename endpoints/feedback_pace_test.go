package endpoints_test

import (
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Feedback is wanted with each frame, once in a round-trip time, at an interval, or
// whenever something has come (RFC 8888 §4); with RTCP bandwidth in plenty it goes then.
//
// conformance: CC-7.3-1
func TestFeedbackPace(t *testing.T) {
	for _, c := range []struct {
		pace     endpoints.FeedbackPace
		interval time.Duration
		want     time.Duration // between two messages, mean
	}{
		{endpoints.PaceTime, 50 * time.Millisecond, 50 * time.Millisecond},
		{endpoints.PaceTime, 200 * time.Millisecond, 200 * time.Millisecond},
		{endpoints.PaceTime, 0, 0},
		{endpoints.PaceFrame, 100 * time.Millisecond, 40 * time.Millisecond},
		{endpoints.PaceRTT, 100 * time.Millisecond, 150 * time.Millisecond},
	} {
		s := setup{
			streams:  []stream{videoFromA, audioFromA, talkback},
			feedback: endpoints.FeedbackRFC8888, delay: 75 * time.Millisecond, rate: 200 * units.Kbps,
			// Regular packets take along what is nearly due, so they are rare.
			rtcp: endpoints.RTCPConfig{AVPF: true, Bandwidth: 100 * units.Mbps, TrrInterval: 10 * time.Second, ReducedSize: true},
			edit: func(_ int, sc *endpoints.SessionConfig) { sc.FeedbackPace, sc.FeedbackInterval = c.pace, c.interval },
		}
		call := newCall(t, s)
		call.run(25 * time.Second) // in 15 s each end has reported
		var first, last simtime.Time
		n := 0
		for _, p := range call.rtcps(1) {
			for _, m := range p.messages {
				if _, ok := m.(*rtcp.CCFeedbackReport); ok && p.at > simtime.At(15*time.Second) {
					if n == 0 {
						first = p.at
					}
					last = p.at
					n++
				}
			}
		}
		if n < 2 {
			t.Fatalf("%s %v: %d messages", c.pace, c.interval, n)
		}
		mean := last.Sub(first) / time.Duration(n-1)
		if diff := (mean - c.want).Abs(); c.want > 0 && diff > c.want/10 || c.want == 0 && mean > 16*time.Millisecond {
			t.Errorf("%s %v: a message every %v, want %v", c.pace, c.interval, mean, c.want)
		}
	}
}
