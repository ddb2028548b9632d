package audio_test

import (
	"math"
	"testing"
	"time"

	"rtpfabric/endpoints/audio"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

const halfLife = 300 * time.Millisecond

func correlation(x, y []float64) float64 {
	mean := func(v []float64) (m float64) {
		for _, a := range v {
			m += a / float64(len(v))
		}
		return m
	}
	mx, my := mean(x), mean(y)
	var xy, xx, yy float64
	for i := range x {
		xy += (x[i] - mx) * (y[i] - my)
		xx += (x[i] - mx) * (x[i] - mx)
		yy += (y[i] - my) * (y[i] - my)
	}
	if xx*yy <= 0 {
		return 0 // one of them never changes
	}
	return xy / math.Sqrt(xx*yy)
}

// RFC 6562 §5: what is seen of the packets' sizes says much about who talks without
// padding, nothing with a constant size, and less with a small range of sizes.
//
// conformance: PRF-14-1
func TestPaddingHidesSpeech(t *testing.T) {
	measure := func(c audio.PaddingConfig) (r, cost float64) {
		s := opus(t, audio.OpusConfig{Padding: c, Speech: audio.Speech{Activity: conversation(3).Talker(audio.A)}})
		var sizes, voice []float64
		for _, f := range take(s, at(300_000)) {
			if f.Padding < 0 || f.Padding > 255 {
				t.Fatalf("%d octets of padding", f.Padding)
			}
			v := 0.0
			if f.Voice {
				v = 1
			}
			sizes, voice = append(sizes, float64(len(f.Payload)+f.Padding)), append(voice, v)
			cost += float64(f.Padding)
		}
		return correlation(sizes, voice), cost / float64(len(sizes))
	}
	if r, cost := measure(audio.PaddingConfig{}); r < 0.9 || cost > 0 {
		t.Errorf("without padding: correlation %.3f, %.1f octets", r, cost)
	}
	// 32 kbit/s: 80 octets, of which the largest frames have 1.4 times as many.
	if r, cost := measure(audio.PaddingConfig{Constant: 120}); math.Abs(r) > 0.001 || cost < 50 {
		t.Errorf("constant size: correlation %.3f, %.1f octets", r, cost)
	}
	multiple, cheap := measure(audio.PaddingConfig{Multiple: 64, HalfLife: halfLife})
	hasty, _ := measure(audio.PaddingConfig{Multiple: 64})
	if multiple > hasty-0.1 || cheap > 60 {
		t.Errorf("hold time: correlation %.3f, without it %.3f; %.1f octets", multiple, hasty, cheap)
	}
}

// RFC 6562 §5: "add at least one octet of padding to all packets", so that the padding
// bit says nothing.
func TestAlwaysPadded(t *testing.T) {
	p := audio.NewPadder(audio.PaddingConfig{Constant: 100}, stream(1))
	for size, want := range map[units.Bytes]int{20: 80, 99: 1, 100: 1, 130: 1} {
		if got := p.Pad(0, size); got != want {
			t.Errorf("%v gets %d octets, want %d", size, got, want)
		}
	}
	p = audio.NewPadder(audio.PaddingConfig{Multiple: 16}, stream(1))
	for i, c := range []struct {
		size units.Bytes
		want int
	}{{20, 12}, {31, 1}, {32, 16}, {33, 15}} {
		if got := p.Pad(at(20*i), c.size); got != c.want {
			t.Errorf("%v gets %d octets, want %d", c.size, got, c.want)
		}
	}
	if got := audio.NewPadder(audio.PaddingConfig{Constant: 1000}, nil).Pad(0, 20); got != 255 {
		t.Errorf("%d octets of padding, which RTP can't count", got)
	}
	if got := audio.NewPadder(audio.PaddingConfig{}, nil).Pad(0, 20); got != 0 {
		t.Errorf("%d octets of padding that nobody wanted", got)
	}
}

// RFC 6562 §5: "the padding SHOULD NOT be reduced without waiting for a certain
// (random) time", of which the half life is given.
func TestHoldTime(t *testing.T) {
	p := audio.NewPadder(audio.PaddingConfig{Multiple: 16, HalfLife: halfLife}, stream(4))
	const n = 4000
	now, longer, total := simtime.Time(0), 0, 0.0
	for range n {
		p.Pad(now, 100) // 112 octets
		start := now
		for 20+p.Pad(now, 20) == 112 {
			now = now.Add(time.Millisecond)
		}
		held := now.Sub(start)
		if held > halfLife {
			longer++
		}
		total += held.Seconds()
		now = now.Add(10 * time.Second) // so that the small size isn't held either
	}
	if share := float64(longer) / n; math.Abs(share-0.5) > 0.03 {
		t.Errorf("%.3f of the hold times exceed the half life", share)
	}
	if mean := total / n; math.Abs(mean-0.433) > 0.03 { // half life / ln 2
		t.Errorf("hold time %.3f s in the mean", mean)
	}
}

// RFC 6562 §4: talk spurts seem longer by a random, exponentially distributed time, in
// which packets can't be told from the others.
//
// conformance: PRF-14-1
func TestRandomOverhang(t *testing.T) {
	const n = 3000
	var ms []int
	for i := range n {
		ms = append(ms, 20_000*i, 20_000*i+200)
	}
	s := opus(t, audio.OpusConfig{DTX: true, Speech: audio.Speech{Activity: script(t, ms...), Overhang: audio.Overhang{HalfLife: halfLife}}})
	longer, speech, overhang, frames, over := 0, 0.0, 0.0, 0.0, 0.0
	for _, f := range take(s, at(20_000*n)) {
		after := (f.Captured % at(20_000)).Duration()
		switch {
		case f.Voice:
			speech += float64(len(f.Payload))
			frames++
		case audio.HasVoice(f.Payload):
			overhang += float64(len(f.Payload))
			over++
			if after == 500*time.Millisecond { // a half life after the end
				longer++
			}
		}
	}
	if share := float64(longer) / n; math.Abs(share-0.5) > 0.04 {
		t.Errorf("%.3f of the overhangs exceed the half life", share)
	}
	if ratio := overhang / over / (speech / frames); math.Abs(ratio-1) > 0.01 {
		t.Errorf("packets of the overhang have %.3f of the size of speech", ratio)
	}
	if extra := over / n * 0.02; math.Abs(extra-0.433) > 0.03 {
		t.Errorf("talk spurts are %.3f s longer", extra)
	}
}
