package encoder_test

import (
	"testing"
	"time"

	"rtpfabric/endpoints/encoder"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

func perfect() encoder.VideoConfig {
	return encoder.VideoConfig{Min: 100 * units.Kbps, Max: 2 * units.Mbps, Start: 500 * units.Kbps, FPS: 25}
}

// Streams that share an encoder have the same frames at the same times, at the lowest
// rate that any of them wants, and a key frame if one asks for it.
func TestShared(t *testing.T) {
	s := encoder.NewShared(encoder.NewPerfect(perfect(), 0))
	a, b := s.Tap(), s.Tap()
	now := simtime.Time(0)
	next := func() encoder.Frame {
		now = a.NextFrame()
		if at := b.NextFrame(); at != now {
			t.Fatalf("frames are due at %v and %v", now, at)
		}
		fa := a.Encode(now)
		if at := b.NextFrame(); at != now {
			t.Fatalf("the frame made at %v is due at %v for the other stream", now, at)
		}
		fb := b.Encode(now)
		if fa != fb {
			t.Fatalf("frames %+v and %+v", fa, fb)
		}
		return fa
	}
	next()
	a.Request(now, 1*units.Mbps)
	if got := b.Goal(); got != 1*units.Mbps {
		t.Errorf("the only wish is 1 Mbit/s, and the goal %v", got)
	}
	b.Request(now, 300*units.Kbps)
	a.Request(now, 2*units.Mbps)
	if got := a.Goal(); got != 300*units.Kbps {
		t.Errorf("goal %v, want the slower one's", got)
	}
	b.Refresh()
	if f := next(); !f.Key {
		t.Error("no key frame for all")
	}
	if f := next(); f.Key || s.Made() != 3 {
		t.Errorf("%d frames made, key %v", s.Made(), f.Key)
	}

	// Who is stopped wants nothing any more, until it asks again.
	b.Withdraw(now)
	if got := a.Goal(); got != 2*units.Mbps {
		t.Errorf("goal %v, though the slower one has withdrawn", got)
	}
	a.Withdraw(now)
	if got := a.Goal(); got != 2*units.Mbps {
		t.Errorf("goal %v, as nobody wants anything", got)
	}
	b.Request(now, 300*units.Kbps)
	if got := a.Goal(); got != 300*units.Kbps {
		t.Errorf("goal %v, though only the slower one wants something", got)
	}
}

// Who pauses misses frames, has no say in the rate, and goes on with what the others get.
func TestSharedWithPauses(t *testing.T) {
	s := encoder.NewShared(encoder.NewPerfect(perfect(), 0))
	a, b := s.Tap(), s.Tap()
	a.Request(0, 1*units.Mbps)
	b.Request(0, 200*units.Kbps)
	resume := simtime.At(210 * time.Millisecond)
	b.Skip(resume)
	a.Request(0, 1*units.Mbps)
	if got := a.Goal(); got != 1*units.Mbps {
		t.Errorf("goal %v, though the slower stream pauses", got)
	}
	for range 6 { // 0 to 200 ms
		a.Encode(a.NextFrame())
		if at := b.NextFrame(); at < resume {
			t.Fatalf("a frame at %v for who pauses until %v", at, resume)
		}
	}
	at := b.NextFrame()
	fa, fb := a.Encode(at), b.Encode(at)
	if fa != fb || fa.Number != 6 {
		t.Errorf("after the pause %+v and %+v", fa, fb)
	}
	// Nobody wants anything for a second: then there is one frame, not 25.
	late := at.Add(time.Second)
	a.Skip(late)
	b.Skip(late)
	if due := a.NextFrame(); due != late {
		t.Errorf("the next frame is due at %v, want %v", due, late)
	}
	b.Encode(late)
	a.Encode(late)
	if due := a.NextFrame(); due <= late || s.Made() != 8 {
		t.Errorf("due at %v after %v, %d frames", due, late, s.Made())
	}
}
