package endpoints_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/audio"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/sim/simtime"
)

// Of five talkers a receiver decodes the two whom levels show to be loudest: two frames
// where there would be five. It follows a change of speaker within half a second, and a
// cough of 200 ms takes nobody's place. Reports are about all.
//
// conformance: HDR-5.2.2-4, HDR-5.2.2-3
func TestDecodeTop(t *testing.T) {
	second := func(s float64) simtime.Time { return simtime.At(time.Duration(s * float64(time.Second))) }
	spurts := [5][]audio.Spurt{
		{{From: second(0), To: second(20)}},
		{{From: second(0), To: second(10)}},
		{{From: second(10), To: second(20)}},
		{{From: second(5), To: second(5.2)}}, // a cough
		{{From: second(20), To: second(30)}},
	}
	run := func(top int) (*call, map[uint32]map[int]int) {
		s := setup{extensions: slices.Concat(midOnly, []headerext.Entry{{ID: 1, URI: headerext.AudioLevel.URI()}}), rtcp: brisk}
		for i, list := range spurts {
			s.streams = append(s.streams, stream{name: fmt.Sprint("voice", i), kind: endpoints.Audio, from: "A", speaker: talk(script(t, list...), false)})
		}
		s.edit = func(_ int, sc *endpoints.SessionConfig) { sc.DecodeTop = top }
		c := newCall(t, s)
		c.run(25 * time.Second)
		decoded := map[uint32]map[int]int{} // frames in each second, by SSRC
		for _, e := range c.events[1] {
			if e.Kind == endpoints.FrameRendered || e.Kind == endpoints.FrameConcealed {
				if decoded[e.SSRC] == nil {
					decoded[e.SSRC] = map[int]int{}
				}
				decoded[e.SSRC][int(e.At/simtime.At(time.Second))]++
			}
		}
		return c, decoded
	}
	total := func(decoded map[uint32]map[int]int, at int) (n int) {
		for _, f := range decoded {
			n += f[at]
		}
		return n
	}
	_, all := run(0)
	c, top := run(2)
	for at := 2; at < 25; at++ {
		if n := total(all, at); n < 240 || n > 260 {
			t.Errorf("second %d: %d frames of five streams", at, n)
		}
		if n := total(top, at); n < 88 || n > 105 {
			t.Errorf("second %d: %d frames of two streams", at, n)
		}
	}
	for i, m := range c.sessions[0].Sections() {
		talks := top[m.SSRC()]
		for at := 2; at < 25; at++ {
			inside := false
			for _, s := range spurts[i] {
				inside = inside || s.To.Sub(s.From) > time.Second && second(float64(at)) >= s.From && second(float64(at)+1) <= s.To
			}
			if least := 45 - 25*btoi(at == 10 || at == 20); inside && talks[at] < least {
				t.Errorf("second %d: %d frames of %s, who talks", at, talks[at], m.Name())
			}
		}
		if i == 3 && talks[5]+talks[6] > 0 {
			t.Errorf("a cough took a place: %v", talks)
		}
		if len(m.Main().Reports()) == 0 {
			t.Errorf("nothing is reported on %s", m.Name())
		}
	}
	if n := c.sessions[1].Counts(); n.Undecoded < 3*24*50 {
		t.Errorf("%d packets weren't decoded", n.Undecoded)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
