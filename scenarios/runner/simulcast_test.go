package runner_test

import (
	"testing"
	"time"

	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

const simulcast = meshes + "simulcast.yaml"

// Both qualities come to the middlebox at the same time, each at its rate, and everybody gets the
// one that their path bears.
//
// conformance: TOP-A.6-1, IMP-12.8-1
func TestSimulcast(t *testing.T) {
	r := run(t, load(t, simulcast, "expect=[]", "duration=40s")[0])
	for _, tt := range []struct {
		flow        string
		least, most float64
	}{
		{"A/high", 1.4e6, 1.6e6},
		{"A/low", 190e3, 230e3},
		{"A/camera>B", 1.4e6, 1.7e6},
		{"A/camera>C", 190e3, 240e3},
	} {
		if rate := mean(series(t, r, tt.flow, record.ReceiveRate)[100:]); rate < tt.least || rate > tt.most*1.1 {
			t.Errorf("%s comes at %.0f bit/s, want %.0f to %.0f", tt.flow, rate, tt.least, tt.most)
		}
	}
	for _, flow := range []string{"A/camera>B", "A/camera>C"} {
		if fps := mean(series(t, r, flow, record.FrameRate)[100:]); fps < 29 {
			t.Errorf("%s shows %.1f pictures a second", flow, fps)
		}
	}
}

// With every controller a leg finds out that it bears the better quality, though it sends the
// other: padding makes up for what that leaves.
func TestSimulcastRises(t *testing.T) {
	long(t)
	t.Parallel()
	for _, controller := range []string{"nada", "scream", "scream-v2", "gcc"} {
		r := run(t, load(t, simulcast, "expect=[]", "duration=40s", "congestion={controller: "+controller+", feedback: rfc8888}")[0])
		if rate := mean(series(t, r, "A/camera>B", record.ReceiveRate)[100:]); rate < 1.2e6 {
			t.Errorf("%s: B gets %.0f bit/s", controller, rate)
		}
		if rate := mean(series(t, r, "A/camera>C", record.ReceiveRate)[100:]); rate > 260e3 {
			t.Errorf("%s: C gets %.0f bit/s", controller, rate)
		}
	}
}

// One encoder makes one rate, whichever quality it is for: the receiver behind the slow path
// has nothing that suits it.
//
// conformance: TOP-A.6-2
func TestSimulcastNeedsEncoders(t *testing.T) {
	long(t)
	r := run(t, load(t, simulcast, "expect=[]", "duration=40s", "topology.encoders=shared")[0])
	high, low := mean(series(t, r, "A/high", record.EncoderRate)[50:]), mean(series(t, r, "A/low", record.EncoderRate)[50:])
	if high != low || low < 600e3 {
		t.Errorf("the qualities have %.0f and %.0f bit/s", high, low)
	}
	if b, c := mean(series(t, r, "A/camera>B", record.FrameRate)[50:]), mean(series(t, r, "A/camera>C", record.FrameRate)[50:]); b < 29 || c > 10 {
		t.Errorf("B sees %.1f pictures a second, and C %.1f", b, c)
	}
}

// What the middlebox knows of the strategy is what comes: qualities with encoders of their own have
// rates of their own. RIDs say that qualities are to differ, and then an endpoint whose streams share encoders elsewhere
// doesn't make one of them; without them it does.
//
// conformance: TOP-A.6-3, IMP-12.8-2
func TestSimulcastIsKnown(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		encoders string
		rids     bool
		kind     string
	}{{"per-peer", false, "simulcast"}, {"shared", false, "simulcast-defeated"}, {"per-peer", true, "simulcast"}, {"shared", true, "simulcast"}} {
		s := load(t, simulcast, "expect=[]", "duration=20s", "topology.encoders="+tt.encoders)[0]
		if tt.rids {
			s.Scenario.Media[0].RID, s.Scenario.Media[1].RID = "h", "l"
		}
		r := run(t, s)
		high, low := mean(series(t, r, "A/high", record.EncoderRate)[50:]), mean(series(t, r, "A/low", record.EncoderRate)[50:])
		told := 0
		for _, e := range r.Events {
			if e.Entity == "A/camera" && e.Kind == tt.kind {
				told++
			}
		}
		if distinct := high > 1.5*low; told != 1 || distinct != (tt.kind == "simulcast") {
			t.Errorf("encoders %s, RIDs %v: %d events %s, and %.0f and %.0f bit/s", tt.encoders, tt.rids, told, tt.kind, high, low)
		}
	}
}

// When a path gets worse its receiver gets the other quality from a key frame on, under the
// same SSRC, without a gap in the numbers, and with timestamps that go on; and the better one
// again when it can.
//
// conformance: TOP-A.6-4
func TestSimulcastSwitches(t *testing.T) {
	long(t)
	t.Parallel()
	s := load(t, simulcast, "expect=[]", "duration=80s",
		"network.links.b={between: [B, M], delay: 25ms, rate: 5Mbps, schedule: [{at: 20s, backward: {rate: 400kbps}}, {at: 40s, backward: {rate: 5Mbps}}]}")[0]
	sim, w := playRTP(t, s.Scenario, "sfm", nil)
	for _, f := range sim.Flows {
		if f.Flow() != "A/camera>B" {
			continue
		}
		sent := map[uint16]bool{}
		last := w.sent[f.Sender.SSRC()][0]
		for _, p := range w.sent[f.Sender.SSRC()][1:] {
			if sent[p.head.SequenceNumber] && p.at < simtime.At(10*time.Second) {
				t.Fatalf("number %d goes twice", p.head.SequenceNumber)
			}
			sent[p.head.SequenceNumber] = true
			if int16(p.head.SequenceNumber-last.head.SequenceNumber) <= 0 {
				continue // it was lost on the way to the middlebox, and sent again
			}
			if n := p.head.SequenceNumber - last.head.SequenceNumber; n != 1 {
				t.Errorf("at %v number %d follows %d", p.at, p.head.SequenceNumber, last.head.SequenceNumber)
			}
			ticks := int32(p.head.Timestamp - last.head.Timestamp)
			if d := p.at.Sub(last.at); ticks < 0 || ticks > int32(d.Seconds()*90000)+9000 {
				t.Errorf("at %v the timestamp is %d later than that of %v before", p.at, ticks, d)
			}
			last = p
		}
	}
	r := run(t, s)
	rate, fps := series(t, r, "A/camera>B", record.ReceiveRate), series(t, r, "A/camera>B", record.FrameRate)
	for _, tt := range []struct {
		from, until int // s
		least, most float64
	}{{10, 20, 1.2e6, 1.8e6}, {25, 40, 150e3, 400e3}, {70, 80, 700e3, 1.8e6}} {
		if got := mean(rate[5*tt.from : 5*tt.until]); got < tt.least || got > tt.most {
			t.Errorf("from %d to %d s B gets %.0f bit/s, want %.0f to %.0f", tt.from, tt.until, got, tt.least, tt.most)
		}
		if got := mean(fps[5*tt.from : 5*tt.until]); got < 28 {
			t.Errorf("from %d to %d s B sees %.1f pictures a second", tt.from, tt.until, got)
		}
	}
}
