package encoder_test

import (
	"testing"
	"time"

	"rtpfabric/endpoints/encoder"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Frames come at the encoder's own pace, if something has changed: however many pictures come between
// two, and not before a picture comes. Each is as old as the newest of them.
func TestComposing(t *testing.T) {
	at := func(ms int) simtime.Time { return simtime.At(time.Duration(ms) * time.Millisecond) }
	asked := units.BitRate(0)
	e := encoder.NewComposing(
		encoder.NewStatistical(encoder.VideoConfig{Min: 1e5, Max: 1e6, Start: 5e5, FPS: 25}, 0, rng.New(1).Stream("x")),
		func(_ simtime.Time, r units.BitRate) { asked = r },
	)
	if e.NextFrame() != simtime.Never {
		t.Fatal("a frame is due before there is a picture")
	}
	e.Request(0, 3e5)
	if asked != 3e5 {
		t.Errorf("told of %v", asked)
	}
	frames, last := 0, simtime.Time(0)
	for ms := 1000; ms < 11_000; ms++ {
		now := at(ms)
		if ms%10 == 0 { // from a hundred pictures a second
			e.Change(now, now.Add(-100*time.Millisecond))
			e.Change(now, now.Add(-200*time.Millisecond)) // from somebody whose path is longer
		}
		if e.NextFrame() > now {
			continue
		}
		f := e.Encode(now)
		frames++
		if f.Composed != now || f.Captured < now.Add(-110*time.Millisecond) || f.Captured <= last {
			t.Fatalf("at %v a frame of %v, captured at %v after %v", now, f.Composed, f.Captured, last)
		}
		last = f.Captured
		if e.NextFrame() != simtime.Never {
			t.Fatalf("at %v the same pictures are due again", now)
		}
	}
	if frames < 245 || frames > 255 {
		t.Errorf("%d frames in 10 s, want 250", frames)
	}
	e.Change(at(11_000), at(10_900))
	e.Encode(at(11_050))
	e.Change(at(20_000), at(19_900)) // after a while without any
	if got := e.NextFrame(); got != at(20_000) {
		t.Errorf("the next frame is due at %v", got)
	}
}
