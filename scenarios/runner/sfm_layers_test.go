package runner_test

import (
	"encoding/binary"
	"testing"
	"time"

	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

const layered = meshes + "sfm-layers.yaml"

// An SFM sends each receiver as many temporal layers as its path bears, and asks the source for less
// only if not even the lowest would fit. Without layers all have what the slowest can get.
func TestLayersByReceiver(t *testing.T) {
	long(t)
	t.Parallel()
	r := run(t, load(t, layered, "expect=[]")[0])
	pictures := func(flow string, from, to int) float64 {
		return mean(series(t, r, flow, record.FrameRate)[from*5 : to*5])
	}
	if got := mean(series(t, r, "A/video", record.EncoderRate)[15*5 : 40*5]); got < 1.3e6 {
		t.Errorf("A sends %.0f bit/s", got)
	}
	for _, tt := range []struct {
		flow     string
		from, to int // seconds
		want     float64
	}{
		{"A/video>B", 15, 120, 30},
		{"A/video>C", 15, 40, 15},
		{"A/video>C", 65, 80, 30},
		{"A/video>C", 95, 120, 7.5},
	} {
		if got := pictures(tt.flow, tt.from, tt.to); got < 0.85*tt.want || got > 1.05*tt.want {
			t.Errorf("%s has %.1f pictures a second from %d s to %d s, want %.1f", tt.flow, got, tt.from, tt.to, tt.want)
		}
	}
	r = run(t, load(t, layered, "expect=[]", "media.0.encoder.layers=1")[0])
	if a, c := mean(series(t, r, "A/video", record.EncoderRate)[15*5:40*5]), pictures("A/video>C", 15, 40); a > 1e6 || c < 28 {
		t.Errorf("without layers A sends %.0f bit/s, and C has %.1f pictures a second", a, c)
	}
}

// What is left out leaves no gap in the numbers of packets and of pictures, so that no receiver takes it
// for lost; and no frame goes in part.
func TestLayersLeaveNoGap(t *testing.T) {
	t.Parallel()
	sim, w := playRTP(t, load(t, layered, "expect=[]", "protection=none")[0].Scenario, "sfm", nil)
	c := w.sent[flowOf(t, sim, "A/video>C").Sender.SSRC()]
	layers := map[byte]int{}
	var at uint16      // number that is next
	var picture uint16 // last one
	for i, p := range c {
		if i > 0 && p.head.SequenceNumber != at {
			t.Fatalf("%v: number %d comes after %d", p.at, p.head.SequenceNumber, at-1)
		}
		at = p.head.SequenceNumber + 1
		b := p.payload
		if p.head.Padding || len(b) < 6 {
			continue
		}
		if from, to := simtime.At(20*time.Second), simtime.At(40*time.Second); p.at >= from && p.at < to {
			layers[b[5]>>6]++
		}
		number := binary.BigEndian.Uint16([]byte(b[2:4])) & 0x7fff
		first := b[0]&0x10 != 0
		if picture != 0 && (first && number != (picture+1)&0x7fff || !first && number != picture) {
			t.Fatalf("%v: picture %d comes after %d, first packet %v", p.at, number, picture, first)
		}
		picture = number
	}
	if layers[0] == 0 || layers[1] < layers[0]/2 || layers[2] > 0 {
		t.Errorf("packets by layer: %v; want the two lowest", layers)
	}
}
