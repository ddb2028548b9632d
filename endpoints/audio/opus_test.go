package audio_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"rtpfabric/endpoints/audio"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

func opus(t testing.TB, c audio.OpusConfig) *audio.Opus {
	t.Helper()
	if c.Speech.Random == nil {
		c.Speech.Random = stream(1)
	}
	s, err := audio.NewOpus(c, 0)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// RFC 6716 §3.1 Table 2.
func TestTOC(t *testing.T) {
	ms := time.Millisecond
	for _, c := range []struct {
		config    int
		mode      audio.Mode
		bandwidth audio.Bandwidth
		frame     time.Duration
	}{
		{0, audio.SILK, audio.Narrowband, 10 * ms},
		{3, audio.SILK, audio.Narrowband, 60 * ms},
		{5, audio.SILK, audio.Mediumband, 20 * ms},
		{10, audio.SILK, audio.Wideband, 40 * ms},
		{12, audio.Hybrid, audio.SuperWideband, 10 * ms},
		{15, audio.Hybrid, audio.Fullband, 20 * ms},
		{16, audio.CELT, audio.Narrowband, 2500 * time.Microsecond},
		{21, audio.CELT, audio.Wideband, 5 * ms},
		{27, audio.CELT, audio.SuperWideband, 20 * ms},
		{31, audio.CELT, audio.Fullband, 20 * ms},
	} {
		toc, ok := audio.NewTOC(c.mode, c.bandwidth, c.frame)
		if !ok || toc != audio.TOC(c.config<<3) || toc.Stereo() {
			t.Errorf("%+v: %#x, %v", c, byte(toc), ok)
		}
		if toc.Mode() != c.mode || toc.Bandwidth() != c.bandwidth || toc.Frame() != c.frame {
			t.Errorf("%+v: read as %v, %v, %v", c, toc.Mode(), toc.Bandwidth(), toc.Frame())
		}
	}
	for config := range 32 {
		toc := audio.TOC(config<<3 | 4)
		if got, ok := audio.NewTOC(toc.Mode(), toc.Bandwidth(), toc.Frame()); !ok || got != toc&^4 || !toc.Stereo() {
			t.Errorf("configuration %d becomes %#x", config, byte(got))
		}
	}
	if _, ok := audio.NewTOC(audio.Hybrid, audio.Fullband, 60*ms); ok {
		t.Error("there are no hybrid frames of 60 ms")
	}
}

func sum(frames []audio.Frame) (total float64) {
	for _, f := range frames {
		total += float64(len(f.Payload))
	}
	return total
}

// RFC 6716 §2.1.8: frames of equal size at a constant rate. At a variable one, the
// rate is reached while somebody talks.
func TestOpusRate(t *testing.T) {
	for _, rate := range []units.BitRate{16 * units.Kbps, 32 * units.Kbps, 64 * units.Kbps} {
		for _, frame := range []time.Duration{10 * time.Millisecond, 20 * time.Millisecond, 60 * time.Millisecond} {
			s := opus(t, audio.OpusConfig{Start: rate, Frame: frame, CBR: true, Speech: audio.Speech{Activity: script(t, 0, 5000)}})
			want := int(float64(rate) / 8 * frame.Seconds())
			for _, f := range take(s, at(9000)) {
				if len(f.Payload) != want || f.Samples != uint32(frame.Seconds()*48000) || audio.TOC(f.Payload[0]).Frame() != frame {
					t.Fatalf("%v, %v: %d octets, want %d", rate, frame, len(f.Payload), want)
				}
			}
			s = opus(t, audio.OpusConfig{Start: rate, Frame: frame})
			frames := take(s, at(200_000))
			if got := sum(frames) * 8 / 200; math.Abs(got/float64(rate)-1) > 0.01 {
				t.Errorf("%v, %v: %.0f bit/s", rate, frame, got)
			}
			low, high := math.MaxInt, 0
			for _, f := range frames {
				low, high = min(low, len(f.Payload)), max(high, len(f.Payload))
			}
			if low > want*3/4 || high < want*5/4 || high > want*3/2 {
				t.Errorf("%v, %v: sizes from %d to %d around %d", rate, frame, low, high, want)
			}
		}
	}
}

// A request has effect on the next frame, within the range; the bandwidth follows.
func TestOpusRequest(t *testing.T) {
	s := opus(t, audio.OpusConfig{CBR: true, Max: 128 * units.Kbps})
	if s.Goal() != 32*units.Kbps || s.Clock() != 48000 {
		t.Errorf("goal %v, clock %d", s.Goal(), s.Clock())
	}
	for _, c := range []struct {
		request, goal units.BitRate
		mode          audio.Mode
		bandwidth     audio.Bandwidth
	}{
		{0, 6 * units.Kbps, audio.SILK, audio.Narrowband},
		{16 * units.Kbps, 16 * units.Kbps, audio.SILK, audio.Wideband},
		{32 * units.Kbps, 32 * units.Kbps, audio.Hybrid, audio.Fullband},
		{units.Gbps, 128 * units.Kbps, audio.CELT, audio.Fullband},
	} {
		s.Request(s.NextFrame(), c.request)
		f := take(s, s.NextFrame()+1)[0]
		toc := audio.TOC(f.Payload[0])
		if s.Goal() != c.goal || len(f.Payload) != int(c.goal)/400 || toc.Mode() != c.mode || toc.Bandwidth() != c.bandwidth {
			t.Errorf("%v: goal %v, %d octets, TOC %#x", c.request, s.Goal(), len(f.Payload), byte(toc))
		}
	}
}

// RFC 6716 §2.1.9, RFC 7587 §3.1.3: in silence one frame is sent every 400 ms. The
// first frame of the next talk spurt has the marker bit (RFC 7587 §4.1).
func TestDTX(t *testing.T) {
	s := opus(t, audio.OpusConfig{DTX: true, Speech: audio.Speech{Activity: script(t, 0, 1000, 4000, 5000)}})
	frames := take(s, at(5000))
	var silent []simtime.Time
	for i, f := range frames {
		if !f.Voice && f.Captured >= at(1200) {
			silent = append(silent, f.Captured)
		}
		if f.Marker != (f.Captured == 0 || f.Captured == at(4000)) {
			t.Errorf("frame %d, %v: marker %v", i, f.Captured, f.Marker)
		}
		if i > 0 && f.Timestamp-frames[i-1].Timestamp != uint64(f.Advance) || f.Timestamp != uint64(f.Captured)*48/1e6 {
			t.Errorf("frame %d: timestamp %d, advance %d", i, f.Timestamp, f.Advance)
		}
		if voice := audio.HasVoice(f.Payload); voice != f.Voice {
			t.Errorf("frame %d: voice flag %v", i, voice)
		}
	}
	// Silence is encoded for 200 ms, then left out.
	want := []simtime.Time{at(1200), at(1600), at(2000), at(2400), at(2800), at(3200), at(3600)}
	if len(silent) != len(want) {
		t.Fatalf("in silence, frames at %v", silent)
	}
	for i := range want {
		if silent[i] != want[i] {
			t.Errorf("in silence, frame %d at %v, want %v", i, silent[i], want[i])
		}
	}
	if n := 50 + 10 + 7 + 50; len(frames) != n {
		t.Errorf("%d frames, want %d", len(frames), n)
	}
	// Without DTX every frame is sent, and none is marked.
	s = opus(t, audio.OpusConfig{Speech: audio.Speech{Activity: script(t, 1000, 2000)}})
	frames = take(s, at(5000))
	for _, f := range frames {
		if f.Marker {
			t.Errorf("marker at %v", f.Captured)
		}
	}
	if len(frames) != 250 {
		t.Errorf("%d frames", len(frames))
	}
}

// RFC 3551 §4.1: the marker bit comes after a silence in which packets weren't sent
// contiguously, and only then.
func TestOpusMarker(t *testing.T) {
	markers := func(dtx bool, ms ...int) (at []simtime.Time) {
		s := opus(t, audio.OpusConfig{DTX: dtx, Speech: audio.Speech{Activity: script(t, ms...)}})
		for _, f := range take(s, simtime.At(3*time.Second)) {
			if f.Marker {
				at = append(at, f.Captured)
			}
		}
		return at
	}
	for _, c := range []struct {
		dtx    bool
		script []int
		want   string
	}{
		{true, []int{0, 1000, 1100, 2000}, "[0.000000000s]"},              // silence was sent
		{true, []int{0, 1000, 1620, 2000}, "[0.000000000s 1.620000000s]"}, // right after an update
		{false, []int{0, 1000, 2000, 2500}, "[]"},
	} {
		if got := fmt.Sprint(markers(c.dtx, c.script...)); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
	s := opus(t, audio.OpusConfig{DTX: true, FEC: true})
	take(s, at(100))
	s.Skip(at(500))
	if f := take(s, at(520))[0]; !f.Marker || audio.HasFEC(f.Payload) || f.Timestamp != 500*48 {
		t.Errorf("after a pause: %+v", f)
	}
}

// The size of a talk spurt's frames is about three times that of the silence after it,
// under variable rate.
func TestVBRFollowsSpeech(t *testing.T) {
	s := opus(t, audio.OpusConfig{Speech: audio.Speech{Activity: script(t, 0, 5000)}})
	frames := take(s, at(10_000))
	if ratio := sum(frames[250:]) / sum(frames[:250]); math.Abs(ratio-0.3) > 0.03 {
		t.Errorf("silence has %.2f of the size of speech", ratio)
	}
}

// RFC 6716 §2.1.7: a frame of speech is repeated in the next one. That takes the share
// it is given, within the rate, and CELT can't.
func TestFECOverhead(t *testing.T) {
	for _, c := range []struct {
		overhead, want float64
		rate           units.BitRate
	}{{0, 0.25, 32 * units.Kbps}, {0.2, 0.2, 24 * units.Kbps}, {0.3, 0.3, 64 * units.Kbps}} {
		s := opus(t, audio.OpusConfig{Start: c.rate, FEC: true, Overhead: c.overhead, Speech: audio.Speech{Activity: script(t, 0, 10_000)}})
		frames := take(s, at(12_000))
		redundant, primary := 0.0, 0.0
		for i, f := range frames {
			repeats := i > 0 && frames[i-1].Voice
			if audio.HasFEC(f.Payload) != repeats || (f.Redundant > 0) != repeats {
				t.Fatalf("frame %d: FEC %v, %v octets", i, audio.HasFEC(f.Payload), f.Redundant)
			}
			if repeats {
				redundant += float64(f.Redundant)
				primary += float64(len(f.Payload)) - float64(f.Redundant)
			}
		}
		if got := redundant / primary; math.Abs(got-c.want) > 0.02 {
			t.Errorf("overhead %.3f, want %.2f", got, c.want)
		}
		if got := sum(frames[:500]) * 8 / 10; math.Abs(got/float64(c.rate)-1) > 0.03 {
			t.Errorf("%.0f bit/s with FEC, want %v", got, c.rate)
		}
	}
	s := opus(t, audio.OpusConfig{Start: 64 * units.Kbps})
	if f := take(s, at(100))[4]; audio.HasFEC(f.Payload) || audio.TOC(f.Payload[0]).Mode() != audio.CELT {
		t.Error("CELT has FEC")
	}
	s = opus(t, audio.OpusConfig{})
	take(s, at(100))
	s.SetFEC(true)
	if f := take(s, at(120))[0]; !audio.HasFEC(f.Payload) {
		t.Error("FEC wasn't turned on")
	}
}

// The flags' places for each length of frame (RFC 6716 §4.2.3).
func TestFlags(t *testing.T) {
	for _, c := range []struct {
		frame time.Duration
		flags byte
	}{{10 * time.Millisecond, 0xc0}, {20 * time.Millisecond, 0xc0}, {40 * time.Millisecond, 0xe0}, {60 * time.Millisecond, 0xf0}} {
		f := take(opus(t, audio.OpusConfig{Frame: c.frame, FEC: true}), at(200))[2]
		if f.Payload[1] != c.flags {
			t.Errorf("%v: flags %#x, want %#x", c.frame, f.Payload[1], c.flags)
		}
	}
	for _, b := range [][]byte{nil, {0x78}, {0xf8, 0xff}, {0x78, 0x80}} {
		if audio.HasFEC(b) {
			t.Errorf("%x has FEC", b)
		}
	}
}

func TestOpusConfig(t *testing.T) {
	random := stream(1)
	for _, c := range []audio.OpusConfig{
		{},
		{Frame: 30 * time.Millisecond, Speech: audio.Speech{Random: random}},
		{Min: 64 * units.Kbps, Max: 32 * units.Kbps, Speech: audio.Speech{Random: random}},
		{Min: -1, Speech: audio.Speech{Random: random}},
		{Overhead: 2, Speech: audio.Speech{Random: random}},
	} {
		if _, err := audio.NewOpus(c, 0); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}
