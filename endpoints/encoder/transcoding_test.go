package encoder_test

import (
	"testing"
	"time"

	"rtpfabric/endpoints/encoder"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// What is encoded anew comes when pictures do, at the rate that is asked for, and never at more than
// they came at.
//
// conformance: TOP-A.4.1-6
func TestTranscoding(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ input, asked, want units.BitRate }{
		{2500 * units.Kbps, 250 * units.Kbps, 250 * units.Kbps},
		{500 * units.Kbps, 250 * units.Kbps, 250 * units.Kbps},
		{500 * units.Kbps, 2500 * units.Kbps, 500 * units.Kbps},
	} {
		told := units.BitRate(0)
		inner := encoder.NewStatistical(encoder.VideoConfig{Min: 1e5, Max: 4e6, Start: 1e5, FPS: 25}, 0, rng.New(1).Stream("video"))
		e := encoder.NewTranscoding(inner, func(_ simtime.Time, r units.BitRate) { told = r })
		e.Request(0, tt.asked)
		if told != tt.asked || e.NextFrame() != simtime.Never {
			t.Fatalf("told of %v, the next frame at %v", told, e.NextFrame())
		}
		sum := units.Bytes(0)
		for i := range 250 {
			now := simtime.At(time.Duration(i) * 40 * time.Millisecond)
			e.Decoded(now, now.Add(-100*time.Millisecond), units.Bytes(tt.input/8/25))
			if e.NextFrame() != now {
				t.Fatalf("a picture of %v is to be encoded at %v", now, e.NextFrame())
			}
			f := e.Encode(now)
			if f.Captured != now.Add(-100*time.Millisecond) {
				t.Fatalf("captured at %v", f.Captured)
			}
			if i >= 25 {
				sum += f.Size
			}
		}
		if rate := units.BitRate(sum * 8 / 9); rate < tt.want*9/10 || rate > tt.want*11/10 {
			t.Errorf("%v in and %v asked for: %v out, want %v", tt.input, tt.asked, rate, tt.want)
		}
		if e.Encoded() != 250 {
			t.Errorf("%d pictures encoded", e.Encoded())
		}
	}
	// What comes in a pause isn't encoded.
	e := encoder.NewTranscoding(encoder.NewStatistical(encoder.VideoConfig{Min: 1e5, Max: 4e6, Start: 1e5, FPS: 25}, 0, rng.New(1).Stream("video")), nil)
	e.Decoded(simtime.At(time.Second), 0, 1000)
	if e.Skip(simtime.At(2 * time.Second)); e.NextFrame() != simtime.Never {
		t.Errorf("a picture of a pause is encoded at %v", e.NextFrame())
	}
}
