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
