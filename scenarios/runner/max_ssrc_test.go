package runner_test

import (
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// blockWatch counts report blocks by the SSRC that they are about, from 3 s to 20 s.
type blockWatch struct {
	fabric.Observer
	blocks map[uint32]int
}

func (w *blockWatch) PacketSent(now simtime.Time, p *packet.Packet) {
	if now < simtime.At(3*time.Second) || now > simtime.At(20*time.Second) || len(p.Payload) < 8 || p.Payload[1] < 192 || p.Payload[1] > 223 {
		return
	}
	messages, err := rtcp.Unmarshal(p.Payload)
	if err != nil {
		return
	}
	for _, m := range messages {
		if r, ok := m.(*rtcp.ReceiverReport); ok {
			for _, b := range r.Reports {
				w.blocks[b.SSRC]++
			}
		}
	}
}

// Streams beyond the limit that an endpoint has declared are reported on as often as
// others, but not decoded; the record names them. When another stream ends its place is
// taken.
//
// conformance: IMP-12.2-2, IMP-12.2-3
func TestMaxSSRC(t *testing.T) {
	s := load(t, library+"endpoints/max-ssrc.yaml", "protection=none")[0].Scenario
	sim := build(t, s)
	w := &blockWatch{Observer: fabric.Nobody, blocks: map[uint32]int{}}
	sim.Fabric.Observe(w)
	shown, excess := map[uint32]int{}, map[uint32]int{}
	sim.OnEvent(func(e endpoints.Event) {
		switch e.Kind {
		case endpoints.FrameRendered:
			if e.At < simtime.At(20*time.Second) {
				shown[e.SSRC]++
			}
		case endpoints.StreamNotDecoded:
			excess[e.SSRC]++
		default:
		}
	})
	play(t, sim, s)
	first, third := sim.Flows[0].Sender.SSRC(), sim.Flows[2].Sender.SSRC()
	if shown[first] < 500 || shown[third] > 0 || len(excess) != 1 || excess[third] != 1 {
		t.Errorf("%d frames of the first and %d of the third stream are shown; told to be too many: %v", shown[first], shown[third], excess)
	}
	if a, b := w.blocks[first], w.blocks[third]; a < 50 || a-b > 2 || b-a > 2 {
		t.Errorf("%d report blocks about the first stream, %d about the third", a, b)
	}
	if n := sim.Sessions()[1].Counts(); n.Undecoded < 1000 {
		t.Errorf("%d packets weren't decoded", n.Undecoded)
	}
}

// With two decoders for the five pictures that it may get of which two come at a time, an endpoint gives
// a decoder to who speaks next when nothing comes any more for it: each switch takes a wait and a key
// frame, which an endpoint with a decoder for each picture has had by then.
//
// conformance: TOP-A.3.3-9
func TestDecodersAreSwitched(t *testing.T) {
	long(t)
	t.Parallel()
	s := load(t, meshes+"sfm-decoders.yaml", "expect=[]")[0].Scenario
	sim := build(t, s)
	type change struct{ began, decoder, shown simtime.Time }
	from := map[uint32]string{}
	for _, f := range sim.Flows {
		if f.From == "sfm" && f.Kind == endpoints.Video && f.To == "F" {
			from[f.Sender.SSRC()] = f.Name
		}
	}
	changes := map[string][]change{}
	open := map[string]*change{}
	sim.OnEvent(func(e endpoints.Event) {
		if e.Section == nil || e.Section.Kind() != endpoints.Video || e.Section.Session().Endpoint() != "F" {
			return
		}
		name := from[e.SSRC]
		switch e.Kind {
		case endpoints.DecoderSwitched:
			open[name] = &change{began: e.At.Add(-e.Delay), decoder: e.At}
			if from[e.Previous] == "" || open[from[e.Previous]] != nil {
				t.Errorf("%v: %s gets the decoder of %q", e.At, name, from[e.Previous])
			}
		case endpoints.FrameRendered:
			if c := open[name]; c != nil {
				c.shown = e.At
				changes[name] = append(changes[name], *c)
				delete(open, name)
			}
		default:
		}
	})
	play(t, sim, s)
	n := 0
	for name, list := range changes {
		for _, c := range list {
			n++
			if wait, key := c.decoder.Sub(c.began), c.shown.Sub(c.decoder); wait < 50*time.Millisecond || wait > 350*time.Millisecond || key > 600*time.Millisecond {
				t.Errorf("%s waits %v for a decoder and %v for a picture", name, wait, key)
			}
		}
	}
	if n != 5 || len(open) > 0 {
		t.Errorf("%d switches and %d that show nothing, want 5: C, D, E, A and C again", n, len(open))
	}
}

// When nothing has come of anybody for a while, nobody's decoder is taken: those that were decoded
// before are afterwards, whichever packet comes first.
func TestDecodersOutliveOutages(t *testing.T) {
	t.Parallel()
	s := load(t, library+"endpoints/max-ssrc.yaml", "expect=[]",
		"network.links.path.forward.impairments=[{type: outage, during: [5s..5500ms, 8s..8700ms, 11s..12s]}]")[0].Scenario
	sim := build(t, s)
	sim.OnEvent(func(e endpoints.Event) {
		if e.Kind == endpoints.DecoderSwitched {
			t.Errorf("%v: %x has the decoder of %x", e.At, e.SSRC, e.Previous)
		}
	})
	play(t, sim, s)
}
