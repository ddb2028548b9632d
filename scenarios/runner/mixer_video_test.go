package runner_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

const showing = meshes + "mixer-video.yaml"

// Everybody gets the pictures of all others as one, in a stream of the mixer's own with timestamps of
// its own: the record says who is where, and packets whose pictures they have. What that takes is the
// wait for a frame, and an encoder's rate on each leg.
//
// conformance: TOP-A.3.1-2
func TestMixerShowsAllOthers(t *testing.T) {
	long(t)
	t.Parallel()
	s := load(t, showing, "expect=[]", "protection=none")[0].Scenario
	sim, w := playRTP(t, s, "mixer", nil)
	of := map[string]uint32{}
	for _, f := range sim.Flows {
		if f.To == "mixer" && f.Kind == endpoints.Video {
			of[f.From] = f.Sender.SSRC()
		}
	}
	for _, f := range sim.Flows {
		if f.From != "mixer" || f.Kind != endpoints.Video || f.To == "C" {
			continue
		}
		last := uint32(0)
		for _, p := range w.sent[f.Sender.SSRC()] {
			if p.head.Padding || p.at < simtime.At(time.Second) {
				continue
			}
			want := []uint32{}
			for _, from := range []string{"A", "B", "C", "D"} {
				if from != f.To && (from != "C" || p.at < simtime.At(40*time.Second)) {
					want = append(want, of[from])
				}
			}
			left := p.at > simtime.At(40*time.Second) && p.at < simtime.At(40500*time.Millisecond) // it has just gone
			if !left && !slices.Equal(p.head.CSRC, want) {
				t.Fatalf("%v to %s: pictures of %x, want %x", p.at, f.To, p.head.CSRC, want)
			}
			if last != 0 && int32(p.head.Timestamp-last) < 0 {
				t.Fatalf("%v to %s: timestamps go back", p.at, f.To)
			}
			last = p.head.Timestamp
		}
		for from, ssrc := range of {
			if name := f.Receiver.Session().CNAMEOf(ssrc); from != f.To && (name == "") != (from == "C") {
				t.Errorf("%s knows %x, of %s, as %q", f.To, ssrc, from, name)
			}
		}
	}
	for _, kind := range []string{"video", "audio"} { // nobody talks to who has gone
		list := w.sent[flowOf(t, sim, "mixer/"+kind+">C").Sender.SSRC()]
		if last := list[len(list)-1].at; last > simtime.At(42*time.Second) {
			t.Errorf("the mixer sends C %s until %v", kind, last)
		}
	}
	r := run(t, load(t, showing, "expect=[]")[0])
	layouts := map[string][]string{}
	for _, e := range r.Events {
		if e.Kind == "layout" {
			layouts[e.Entity] = append(layouts[e.Entity], e.Detail)
		}
	}
	for flow, want := range map[string][2]string{
		"mixer/video>A": {"2×2: B, C, D", "2×1: B, D"},
		"mixer/video>D": {"2×2: A, B, C", "2×1: A, B"},
	} {
		if got := layouts[flow]; len(got) < 2 || got[len(got)-2] != want[0] || got[len(got)-1] != want[1] {
			t.Errorf("%s has the layouts %q, want %q at the end", flow, got, want)
		}
	}
	for flow, list := range layouts {
		_, to, _ := strings.Cut(flow, ">")
		for _, layout := range list {
			if strings.Contains(layout, to) {
				t.Errorf("%s sees %q", to, layout)
			}
		}
	}
	for _, to := range []string{"A", "B"} {
		in, out := mean(series(t, r, "C/video", record.FrameDelay)[50:150]), mean(series(t, r, "mixer/video>"+to, record.FrameDelay)[50:150])
		if out < in+20 || out > in+150 {
			t.Errorf("pictures are at the mixer after %.0f ms, and at %s after %.0f", in, to, out)
		}
	}
}

// A camera is asked for what is of use in its tile: twice what the tile has of what is sent on.
func TestMixerAsksForTiles(t *testing.T) {
	long(t)
	t.Parallel()
	for limits, want := range map[string][2]float64{"true": {0.7e6, 0.8e6}, "false": {1.35e6, 1.6e6}} {
		r := run(t, load(t, showing, "expect=[]", "topology.limits="+limits)[0])
		if rate := mean(series(t, r, "A/video", record.EncoderRate)[75:200]); rate < want[0] || rate > want[1] {
			t.Errorf("limits %s: A sends %.0f bit/s, want %.0f to %.0f", limits, rate, want[0], want[1])
		}
	}
}

// Who has left needs nothing any more: a camera sends what the slower one is left with, or what it must
// if nobody is.
func TestMixerForgetsWhoHasLeft(t *testing.T) {
	long(t)
	t.Parallel()
	for peers, most := range map[string]float64{"A, C, D": 1e6, "A, C": 0.25e6} {
		ends := "A: {at: A}, C: {at: C, leaves: 30s}"
		if peers == "A, C, D" {
			ends += ", D: {at: D}"
		}
		r := run(t, load(t, showing, "expect=[]", "endpoints={"+ends+"}", "topology.peers=["+peers+"]",
			"media=[{from: A, kind: video, encoder: {min: 200kbps, max: 1.5Mbps}}]")[0])
		rates := series(t, r, "A/video", record.EncoderRate)
		if before, after := mean(rates[15*5:30*5]), mean(rates[35*5:]); before < 1.3e6 || after > most {
			t.Errorf("peers %s: A sends %.0f bit/s, and %.0f when C has left", peers, before, after)
		}
	}
}

// With a large tile it is whoever has spoken last that has it, for everybody but themselves, and the
// packets name them first. A change begins with a key frame.
//
// conformance: TOP-A.3.1-2
func TestMixerShowsSpeakerLarge(t *testing.T) {
	long(t)
	t.Parallel()
	const file = meshes + "mixer-speaker.yaml"
	r := run(t, load(t, file, "expect=[]")[0])
	type view struct {
		at     float64
		layout string
	}
	views := map[string][]view{}
	for _, e := range r.Events {
		if e.Kind == "layout" && e.At > simtime.At(time.Second) {
			views[e.Entity] = append(views[e.Entity], view{e.At.Seconds(), e.Detail})
		}
	}
	for flow, want := range map[string][]view{ // half a second after 15 s B has spoken for a while, and so on
		"mixer/video>A": {{30.4, "1+1: C, B"}},
		"mixer/video>B": {{30.4, "1+1: C, A"}},
		"mixer/video>C": {{15.4, "1+1: B, A"}},
	} {
		got := views[flow]
		if len(got) != len(want) || got[0].layout != want[0].layout || math.Abs(got[0].at-want[0].at) > 0.3 {
			t.Errorf("%s changes to %v, want %v", flow, got, want)
		}
	}
	s := load(t, file, "expect=[]", "protection=none")[0].Scenario
	sim, w := playRTP(t, s, "mixer", nil)
	of := func(name string) uint32 { return flowOf(t, sim, name+"/video").Sender.SSRC() }
	keys := 0
	for _, p := range w.sent[flowOf(t, sim, "mixer/video>C").Sender.SSRC()] {
		if p.at < simtime.At(time.Second) || p.head.Padding {
			continue
		}
		large := of("A")
		if p.at > simtime.At(16*time.Second) {
			large = of("B")
		}
		if turns := p.at > simtime.At(15*time.Second) && p.at < simtime.At(16*time.Second); !turns && p.head.CSRC[0] != large {
			t.Fatalf("%v: %x is named first of %x, want %x", p.at, p.head.CSRC[0], p.head.CSRC, large)
		}
		steady := p.at > simtime.At(10*time.Second) && p.at < simtime.At(29*time.Second) // while the rate grows there are others (RFC 8593 §5.2)
		if b := p.payload; steady && b[0]&0x10 != 0 && b[4]&1 == 0 {                     // begins, and is no inter-frame (RFC 6386 §9.1)
			keys++
			if p.at < simtime.At(15*time.Second) || p.at > simtime.At(16*time.Second) {
				t.Errorf("a key frame at %v", p.at)
			}
		}
	}
	if keys != 1 {
		t.Errorf("%d key frames at the change, want one", keys)
	}
}

// Where packets name nobody, to each peer there is the mixer alone, also when somebody leaves.
func TestMixerShowsNobodysName(t *testing.T) {
	long(t)
	t.Parallel()
	s := load(t, showing, "expect=[]", "protection=none", "topology.csrc=false", "endpoints.C.leaves=20s")[0].Scenario
	sim, w := playRTP(t, s, "mixer", nil)
	packets := 0
	for ssrc, list := range w.sent {
		for _, p := range list {
			packets++
			if len(p.head.CSRC) > 0 {
				t.Fatalf("a packet of %x names %x", ssrc, p.head.CSRC)
			}
		}
	}
	if packets < 10_000 {
		t.Errorf("%d packets", packets)
	}
	for _, c := range sim.Connections {
		for _, f := range sim.Flows {
			at := c.Sessions()[0]
			if end := at.Endpoint(); end != "mixer" && f.To == "mixer" && f.From != end && at.CNAMEOf(f.Sender.SSRC()) != "" {
				t.Errorf("%s has a name for %s", end, f.Flow())
			}
		}
	}
}

// A camera that stops while its owner stays loses its tile and its name, which have been said BYE for.
func TestMixerForgetsWhatHasStopped(t *testing.T) {
	long(t)
	t.Parallel()
	s := load(t, showing, "expect=[]", "protection=none", "media.0.stop=20s")[0].Scenario
	sim, w := playRTP(t, s, "mixer", nil)
	gone := flowOf(t, sim, "A/video").Sender.SSRC()
	named := 0
	for _, p := range w.sent[flowOf(t, sim, "mixer/video>B").Sender.SSRC()] {
		if slices.Contains(p.head.CSRC, gone) {
			named++
			if p.at > simtime.At(21*time.Second) {
				t.Fatalf("%v: A's camera is named", p.at)
			}
		}
	}
	if named < 1000 {
		t.Errorf("A's camera is named %d times before it stops", named)
	}
	if at := flowOf(t, sim, "mixer/video>B").Receiver.Session(); at.CNAMEOf(gone) != "" {
		t.Error("B still has a name for it at the end")
	}
}
