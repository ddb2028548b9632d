package topologies

import (
	"testing"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/nack"
)

// More layers go from the next frame of the lowest on, fewer from the next frame of any: no frame goes
// in part, and what comes late is treated as the rest of its frame.
func TestLayersChangeBetweenFrames(t *testing.T) {
	const layers = 3
	th := newThinning(layers)
	packet := func(seq uint64, layer uint8, first bool) bool {
		return th.passes(&endpoints.Passing{Seq: seq, Layer: layer, First: first, Importance: nack.Base})
	}
	for i, step := range []struct {
		wants int
		seq   uint64
		layer uint8
		first bool
		goes  bool
	}{
		{2, 1, 0, true, true},
		{2, 2, 2, true, true},
		{0, 3, 2, false, true}, // of a frame that has begun
		{0, 4, 1, true, false},
		{0, 5, 2, true, false},
		{0, 6, 0, true, true},
		{2, 7, 2, true, false}, // predicted from what hasn't gone, for all that is known
		{2, 8, 1, true, false},
		{2, 9, 0, true, true},
		{2, 10, 2, true, true},
		{2, 3, 2, false, true}, // late
		{2, 4, 1, true, false},
		{1, 11, 2, false, true}, // the first one of the frame is late
		{1, 12, 1, true, true},
		{1, 13, 2, true, false},
		{2, 14, 0, true, true},
		{2, 15, 2, true, true},
		{0, 17, 2, false, true}, // its frame's first packet, 16, comes after it
		{0, 16, 2, true, true},
		{0, 18, 2, true, false},
		{2, 20, 2, true, false}, // after one of the lowest, 19, that comes later
		{2, 19, 0, true, true},
		{2, 21, 1, true, false},
		{2, 22, 0, true, true},
		{2, 23, 2, true, true},
	} {
		th.wants = step.wants
		if got := packet(step.seq, step.layer, step.first); got != step.goes {
			t.Errorf("step %d: a packet of layer %d goes: %v, want %v", i, step.layer, got, step.goes)
		}
	}
	// Another SSRC of the same picture has other numbers, and what goes is the same at first.
	th.wants = 1
	other := func(seq uint64, layer uint8) bool {
		return th.passes(&endpoints.Passing{SSRC: 1, Seq: seq, Layer: layer, First: true, Importance: nack.Base})
	}
	if !other(1, 0) || other(2, 2) || !other(3, 1) || other(4, 2) {
		t.Error("what goes of another SSRC isn't what is wanted")
	}
	if th.wants = 2; !other(5, 0) || !other(6, 2) {
		t.Error("what goes of another SSRC doesn't change")
	}
	if packet(21, 1, true) || !packet(16, 2, true) || other(4, 2) || !other(7, 2) {
		t.Error("what comes late of the SSRC before isn't judged by what went of that")
	}
	for seq := uint64(100); seq < 200; seq++ { // however often it changes
		th.wants = int(seq % layers)
		packet(seq, 0, true)
	}
	if n := len(th.now.list); n > maxSteps {
		t.Errorf("%d steps are remembered", n)
	}
}
