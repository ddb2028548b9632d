package sound_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"rtpfabric/endpoints/audio"
	"rtpfabric/endpoints/sound"
	"rtpfabric/sim/simtime"
)

// meeting lets sources hum on a bus, and asks what everybody hears.
type meeting struct {
	bus     *sound.Bus
	inputs  []*sound.Input
	outputs []*sound.Output
	heard   [][]int16
	named   [][]audio.Contributor
	coded   []*audio.Coded
	frames  int
}

// newMeeting has n participants, and one who only listens.
func newMeeting(n, loudest int, nameless bool) *meeting {
	m := &meeting{bus: sound.NewBus(20*time.Millisecond, loudest)}
	for range n {
		in := m.bus.NewInput()
		m.inputs = append(m.inputs, in)
		m.outputs = append(m.outputs, m.bus.NewOutput(in, nameless))
	}
	m.outputs = append(m.outputs, m.bus.NewOutput(nil, nameless))
	m.heard = make([][]int16, n+1)
	return m
}

// frame plays a frame of each source, with an amplitude as a multiple of hum's; 0 plays none.
func (m *meeting) frame(gains ...float64) {
	at := simtime.At(time.Duration(m.frames) * 20 * time.Millisecond)
	for i, gain := range gains {
		if gain == 0 {
			continue
		}
		x := hum(float64(200*(i+1)), 160*m.frames, 160)
		for k := range x {
			x[k] = int16(math.Max(math.Min(gain*float64(x[k]), math.MaxInt16), math.MinInt16))
		}
		m.inputs[i].Play(uint32(i+1), sound.Frame{At: at, Lasts: 20 * time.Millisecond, Samples: x, Spoken: at.Add(-time.Second), Voice: true})
	}
	m.frames++
	m.named, m.coded = m.named[:0], m.coded[:0]
	for i, o := range m.outputs {
		f := audio.Frame{Captured: at.Add(20 * time.Millisecond)}
		x := make([]int16, 160)
		m.coded = append(m.coded, o.Hear(&f, 0, x))
		m.heard[i] = append(m.heard[i], x...)
		m.named = append(m.named, slices.Clone(f.Contributors))
	}
}

// Everybody hears the sum of all others, to the sample; who only listens hears all.
func TestBusAddsUp(t *testing.T) {
	m := newMeeting(3, 0, false)
	for range 50 {
		m.frame(1, 1, 1)
	}
	const from = 120 + 160 // the reserve, and a frame
	var tones [3][]int16
	for i := range tones {
		tones[i] = hum(float64(200*(i+1)), 0, len(m.heard[0]))
	}
	for to, x := range m.heard {
		for k := from; k < len(x); k++ {
			want := 0
			for i := range tones {
				if i != to {
					want += int(tones[i][k-120])
				}
			}
			if int(x[k]) != want {
				t.Fatalf("%d hears %d at sample %d, want %d", to, x[k], k, want)
			}
		}
	}
	// Of the first frame there is nothing yet but silence.
	if frames, mixes := m.bus.Frames(), m.bus.Mixes(); frames != 50 || mixes < 4*49 || mixes > 4*50 {
		t.Errorf("%d mixes of %d frames", mixes, frames)
	}
	for to, list := range m.named {
		for i, c := range list {
			if int(c.SSRC) == to+1 || c.Level < 19 || c.Level > 21 {
				t.Errorf("%d: contributor %d is %+v", to, i, c)
			}
		}
		if want := map[bool]int{true: 3, false: 2}[to == 3]; len(list) != want {
			t.Errorf("%d is told of %d, want %d", to, len(list), want)
		}
	}
}

// The loudest are heard, loudest first; who is not among them shares a mix and its coding
// with all who aren't. Somebody who gets louder takes a place, and sums that are too large
// are cut off rather than wrapped.
func TestBusTakesTheLoudest(t *testing.T) {
	m := newMeeting(5, 2, false)
	for range 50 {
		m.frame(1, 0.1, 2, 0.1, 0.1)
	}
	if got := m.named[4]; len(got) != 2 || got[0].SSRC != 3 || got[1].SSRC != 1 {
		t.Errorf("a listener is told of %v", got)
	}
	if m.coded[1] != m.coded[3] || m.coded[1] != m.coded[5] || m.coded[0] == m.coded[2] || m.coded[0] == m.coded[1] {
		t.Error("mixes that are the same have coding of their own, or others have it in common")
	}
	before := m.bus.Mixes()
	m.frame(1, 0.1, 2, 0.1, 0.1)
	if n := m.bus.Mixes() - before; n != 3 {
		t.Errorf("%d mixes of a frame, want one for each of two and one for all others", n)
	}
	for range 50 {
		m.frame(0.1, 7, 7, 0.1, 0.1)
	}
	if got := m.named[4]; len(got) != 2 || got[0].SSRC+got[1].SSRC != 5 {
		t.Errorf("a listener is told of %v", got)
	}
	if x := m.heard[5][len(m.heard[5])-800:]; slices.Max(x) != math.MaxInt16 || slices.Min(x) != math.MinInt16 {
		t.Errorf("sums go from %d to %d", slices.Min(x), slices.Max(x))
	}
}

// A personal mix that is too loud is cut off, too.
func TestBusCutsOff(t *testing.T) {
	m := newMeeting(3, 0, false)
	for range 20 {
		m.frame(7, 7, 7)
	}
	for to, x := range m.heard {
		if x = x[400:]; slices.Max(x) != math.MaxInt16 || slices.Min(x) != math.MinInt16 {
			t.Errorf("%d hears sums from %d to %d", to, slices.Min(x), slices.Max(x))
		}
	}
}

// Who falls silent or leaves is named no longer, and a bus may name nobody.
func TestBusNamesWhoIsHeard(t *testing.T) {
	m := newMeeting(2, 0, false)
	for range 20 {
		m.frame(1, 1)
	}
	for range 10 {
		m.frame(1, 0)
	}
	if got := m.named[2]; len(got) != 1 || got[0].SSRC != 1 {
		t.Errorf("after a silence a listener is told of %v", got)
	}
	if len(m.inputs[1].Mixed(nil, 0)) == 0 {
		t.Error("who has spoken hasn't been heard")
	}
	if m.inputs[0].Left(2) || !m.inputs[0].Left(1) {
		t.Error("somebody else has left")
	}
	m.frame(1, 1)
	m.frame(1, 1)
	if got := m.named[2]; len(got) != 1 || got[0].SSRC != 2 {
		t.Errorf("a listener is told of %v, of whom the first has left", got)
	}
	if len(m.inputs[0].Mixed(nil, 0)) > 0 {
		t.Error("who has left is to be named")
	}
	m = newMeeting(2, 0, true)
	for range 20 {
		m.frame(1, 1)
	}
	if got := m.named[2]; len(got) != 0 {
		t.Errorf("%v are named all the same", got)
	}
}

// FuzzPlayer plays and reads anything in any order: nothing panics, and as much is read as
// was asked for.
func FuzzPlayer(f *testing.F) {
	f.Add([]byte{0, 20, 160, 2, 20, 0, 25, 160, 1, 10, 2, 200, 0, 3, 7, 2, 2})
	f.Fuzz(func(t *testing.T, ops []byte) {
		var p sound.Player
		now := simtime.Time(0)
		for len(ops) >= 3 {
			step := time.Duration(ops[1]) * time.Millisecond
			switch ops[0] % 5 {
			case 0:
				x := make([]int16, int(ops[2]))
				for i := range x {
					x[i] = int16(int(ops[2])*i*97 - 1<<14)
				}
				p.Play(sound.Frame{At: now, Lasts: step, Samples: x, Spoken: now, Voice: ops[2]%2 == 0})
				now = now.Add(step)
			case 1:
				p.Comfort(now, ops[2])
			case 2:
				x := make([]int16, int(ops[2]))
				if got := p.Read(now, x); len(got.Samples) != len(x) {
					t.Fatalf("%d samples of %d", len(got.Samples), len(x))
				}
			case 3:
				now = now.Add(step)
			case 4:
				now = now.Add(step * 1000)
			}
			ops = ops[3:]
		}
	})
}
