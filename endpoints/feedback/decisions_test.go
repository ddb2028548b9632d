package feedback_test

import (
	"math"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/ccontrol"
	_ "rtpfabric/ccontrol/builtin"
	"rtpfabric/endpoints/feedback"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// The same facts make the same decisions, whether they come by RFC 8888 or by
// transport-wide feedback: over a minute of a path with queues that come and go, and
// losses, the targets of either are on average no more than 2 % apart. Messages are
// built as a packet comes: how long the receiver holds its news transport-wide feedback
// doesn't say.
func TestDecisionsByEitherFeedback(t *testing.T) {
	for _, name := range ccontrol.Names() {
		spec, _ := ccontrol.Lookup(name)
		if spec.Needs != ccontrol.NeedsPackets {
			continue
		}
		t.Run(name, func(t *testing.T) {
			a, b := decide(t, spec, false), decide(t, spec, true)
			sum, changes := 0.0, 0
			for i := range a {
				sum += math.Abs(float64(a[i]-b[i])) / float64(max(a[i], b[i]))
				if i > 0 && a[i] != a[i-1] {
					changes++
				}
			}
			if mean := sum / float64(len(a)); mean > 0.02 {
				t.Errorf("targets are %.1f %% apart", 100*mean)
			}
			if changes < len(a)/4 {
				t.Errorf("only %d decisions of %d reports", changes, len(a))
			}
		})
	}
}

// decide returns the target after each report.
func decide(t *testing.T, spec ccontrol.Spec, twcc bool) (targets []units.BitRate) {
	c, err := spec.Build(ccontrol.Limits{Min: 150 * units.Kbps, Max: 3 * units.Mbps, Start: 500 * units.Kbps}, nil)
	if err != nil {
		t.Fatal(err)
	}
	const ssrc, size, oneWay = 7, 1000, 40 * time.Millisecond
	var (
		h        feedback.History
		ccfb     feedback.CCFBRecorder
		recorder = feedback.NewTWCCRecorder()
		random   = rng.New(3).Stream("losses")
		queue    time.Duration
		arrivals []arrived
		last     simtime.Time // message
	)
	for i := range 60 * 100 { // a packet every 10 ms, feedback every 100
		now := simtime.At(time.Duration(i) * 10 * time.Millisecond)
		for len(arrivals) > 0 && arrivals[0].at <= now {
			at := arrivals[0].at
			ccfb.Record(at, ssrc, arrivals[0].seq, packet.NotECT, nil)
			recorder.Record(at, ssrc, arrivals[0].seq)
			arrivals = arrivals[1:]
			if at.Sub(last) < 95*time.Millisecond {
				continue
			}
			last = at
			var r *ccontrol.Report
			if twcc {
				for _, m := range recorder.Build(9) {
					if m, ok := m.(*rtcp.TransportLayerCC); ok {
						r = h.Receiver("").OnTWCC(at, m)
					}
				}
			} else if m := ccfb.Build(at, 9, 1200); m != nil {
				r = h.Receiver("").OnCCFB(at, m)
			}
			if r == nil {
				t.Fatalf("no message at %v", at)
			}
			c.OnFeedback(at, r)
			targets = append(targets, c.Target().Media)
		}
		for c.NextTimeout() <= now {
			c.OnTimeout(now)
		}
		seq := h.Sent(now, ssrc, uint16(i), size, 0, nil)
		c.OnSent(now, ccontrol.Sent{Seq: seq, Size: size, InFlight: h.InFlight()})
		// For 5 s in 15 the queue grows by a millisecond with each packet, and then
		// drains.
		switch phase := i % 1500; {
		case phase > 1000 && queue < 300*time.Millisecond:
			queue += time.Millisecond
		case phase <= 1000:
			queue = max(queue-5*time.Millisecond, 0)
		}
		jitter := time.Duration(random.Uniform(0, float64(3*time.Millisecond)))
		if random.Uniform(0, 1) >= 0.01 {
			arrivals = append(arrivals, arrived{uint16(i), now.Add(oneWay + queue + jitter)})
		}
	}
	return targets
}

type arrived struct {
	seq uint16
	at  simtime.Time
}
