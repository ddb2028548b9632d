package endpoints_test

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/audio"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// heard returns what became of frames of audio at the second end.
func (c *call) heard() (kinds map[endpoints.EventKind]int) {
	kinds = map[endpoints.EventKind]int{}
	for _, e := range c.events[1] {
		if e.Section != nil && e.Section.Kind() == endpoints.Audio {
			kinds[e.Kind]++
		}
	}
	return kinds
}

// number is the number of an RTP packet of audio.
func number(p *tapped) int { return int(binary.BigEndian.Uint16(p.payload[2:])) }

// Frames are played one after the other, every 20 ms, whatever the path does to
// packets; what is lost is concealed in its place, and what comes afterwards is late.
func TestAudioPlayout(t *testing.T) {
	c := newCall(t, setup{streams: []stream{audioFromA}})
	lost, slow := 0, 0
	c.path = func(p *tapped) []time.Duration {
		switch n := number(p); {
		case p.from != 0 || p.isRTCP() || p.at > simtime.At(19*time.Second):
		case n%50 == 7:
			lost++
			return nil
		case n%100 == 31:
			slow++
			return []time.Duration{150 * time.Millisecond} // longer than play-out ever waits
		default:
			return []time.Duration{time.Duration(n%3) * 5 * time.Millisecond}
		}
		return []time.Duration{0}
	}
	c.run(20 * time.Second)
	kinds := c.heard()
	if kinds[endpoints.FrameConcealed] != lost+slow || kinds[endpoints.FrameLate] != slow || lost < 15 || slow < 8 {
		t.Errorf("%v; %d were lost, %d came too late", kinds, lost, slow)
	}
	last := endpoints.Event{}
	for _, e := range c.events[1] {
		if e.Kind != endpoints.FrameRendered && e.Kind != endpoints.FrameConcealed {
			continue
		}
		if e.Media != 20*time.Millisecond || e.Gap != 0 {
			t.Fatalf("%+v", e)
		}
		// CELT can't tell speech, so that nothing is stretched by more than 5 %.
		if step := e.At.Sub(last.At); last.At > 0 && (step < 19*time.Millisecond || step > 21*time.Millisecond) {
			t.Fatalf("%v after the frame before, at %v", step, e.At)
		}
		last = e
	}
}

// A path that stops for a while leaves nothing to play: that is a gap before the next
// frame.
func TestAudioGap(t *testing.T) {
	c := newCall(t, setup{streams: []stream{audioFromA}})
	c.path = func(p *tapped) []time.Duration {
		if from, to := simtime.At(5*time.Second), simtime.At(5100*time.Millisecond); p.at >= from && p.at < to {
			return []time.Duration{to.Sub(p.at)} // held back
		}
		return []time.Duration{0}
	}
	c.run(10 * time.Second)
	gaps := time.Duration(0)
	for _, e := range c.events[1] {
		gaps += e.Gap
	}
	// 20 to 30 ms waited when it stopped.
	if gaps < 50*time.Millisecond || gaps > 85*time.Millisecond {
		t.Errorf("a gap of %v", gaps)
	}
}

// A fixed buffer plays everything as late as it may be.
func TestFixedAudioPlayout(t *testing.T) {
	s := setup{streams: []stream{audioFromA}}
	s.fixedAudio = true
	c := newCall(t, s)
	c.run(5 * time.Second)
	for _, e := range c.events[1] {
		if e.Kind == endpoints.FrameRendered && e.Delay != c.delay+100*time.Millisecond {
			t.Fatalf("%v at %v", e.Delay, e.At)
		}
	}
}

// What clocks do shows in frames, RTP timestamps and sender reports, as for any other
// sender: in ten minutes a sound card that is fast by 100 ppm makes three frames more, and
// a wall clock that is slow by 200 ppm falls 120 ms behind.
//
// conformance: RTP-4.1-5
func TestClockDrift(t *testing.T) {
	fast := audioFromA
	fast.drift = 100
	c := newCall(t, setup{streams: []stream{fast}, drifts: [2]float64{-200, 0}, offsets: [2]time.Duration{time.Second, 0}})
	c.run(10 * time.Minute)
	var first, last *tapped
	frames := 0
	for i := range c.log {
		if p := &c.log[i]; p.from == 0 && !p.isRTCP() {
			if first == nil {
				first = p
			}
			last = p
			frames++
		}
	}
	if frames != 30_003 && frames != 30_004 {
		t.Errorf("%d frames", frames)
	}
	stamp := func(p *tapped) uint32 { return binary.BigEndian.Uint32(p.payload[4:]) }
	want := 48000 * 1.0001 * last.at.Sub(first.at).Seconds()
	if got := float64(stamp(last) - stamp(first)); got < want-2 || got > want+2 {
		t.Errorf("timestamps advance by %v, want %v", got, want)
	}
	for _, p := range c.rtcps(0) {
		sr, ok := p.messages[0].(*rtcp.SenderReport)
		if !ok {
			continue
		}
		seconds := p.at.Duration().Seconds()
		wall := simtime.NTP(sr.NTPTime).Time().Duration().Seconds()
		if off := wall - (seconds*(1-200e-6) + 1); off < -1e-6 || off > 1e-6 {
			t.Fatalf("at %v the report's clock shows %v", p.at, wall)
		}
		ticks := float64(sr.RTPTime - stamp(first))
		if want := 48000 * 1.0001 * (seconds - first.at.Duration().Seconds()); ticks < want-2 || ticks > want+2 {
			t.Fatalf("at %v the report's timestamp is %v after the first, want %v", p.at, ticks, want)
		}
	}
}

// Sound and picture of one source, in sessions of their own and with clocks that drift
// apart, are played together; the picture takes 80 ms longer.
//
// conformance: IMP-12.6-2, RTP-4.1-6, API-11.1-1
func TestLipSync(t *testing.T) {
	sound, picture := audioFromA, videoFromA
	sound.drift, picture.drift = 100, -100
	for _, tt := range []struct {
		name        string
		synced      bool
		least, most time.Duration // that picture and sound are apart, after a minute
	}{
		{"together", true, 0, 15 * time.Millisecond},
		{"each by itself", false, 50 * time.Millisecond, 85 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCall(t, setup{
				streams: []stream{sound, picture}, apart: true, lipSync: tt.synced,
				offsets: [2]time.Duration{time.Hour, 0}, drifts: [2]float64{50, 0},
			})
			c.path = func(p *tapped) []time.Duration {
				if p.from == 0 && !p.isRTCP() && p.payload[1]&0x7f == picture.pt {
					return []time.Duration{80 * time.Millisecond}
				}
				return []time.Duration{0}
			}
			c.run(10 * time.Minute)
			delay := map[endpoints.Kind]time.Duration{}
			closest, farthest := time.Hour, time.Duration(0)
			for _, e := range c.events[1] {
				if e.Kind != endpoints.FrameRendered {
					continue
				}
				delay[e.Section.Kind()] = e.Delay
				if e.At > simtime.At(time.Minute) {
					d := (delay[endpoints.Video] - delay[endpoints.Audio]).Abs()
					closest, farthest = min(closest, d), max(farthest, d)
				}
			}
			if closest < tt.least || farthest > tt.most {
				t.Errorf("picture and sound are %v to %v apart", closest, farthest)
			}
		})
	}
}

// A frame that is lost alone is restored from the one after it, which has a copy at a lower
// rate; of several in a row the last one is (RFC 6716 §2.1.7). Nothing is where the
// sender makes no copies, or the receiver hasn't said that it uses them.
//
// conformance: ROB-6.2-1
func TestInBandFEC(t *testing.T) {
	for _, tt := range []struct {
		copies, used bool
		lost         []int
		recovered    int
	}{
		{true, true, nil, 0},
		{true, true, []int{10}, 1},
		{true, true, []int{10, 12, 14, 100}, 4},
		{true, true, []int{10, 11}, 1},
		{true, true, []int{10, 11, 12, 13, 50}, 2},
		{false, true, []int{10, 12, 50}, 0},
		{true, false, []int{10, 12, 50}, 0},
	} {
		opus, err := audio.NewOpus(audio.OpusConfig{
			Start: 32 * units.Kbps, CBR: true, FEC: tt.copies, Speech: audio.Speech{Activity: audio.Always(), Random: rng.New(1).Stream("opus")},
		}, 0)
		if err != nil {
			t.Fatal(err)
		}
		c := newCall(t, setup{
			streams: []stream{{
				name: "voice", kind: endpoints.Audio, from: "A",
				speaker: endpoints.NewSpeaker([]endpoints.Voice{{Source: opus, Comfort: -1}}, nil),
			}},
			edit: func(_ int, sc *endpoints.SessionConfig) { sc.Sections[0].Formats[0].InBandFEC = tt.used },
		})
		n := -1
		c.lose(func(*rtp.Header, []byte) bool {
			n++
			return slices.Contains(tt.lost, n)
		})
		c.run(4 * time.Second)
		recovered, concealed := 0, 0
		for _, e := range c.events[1] {
			switch {
			case e.Kind == endpoints.FrameConcealed:
				concealed++
			case e.Kind == endpoints.FrameRendered && e.Size == 0:
				recovered++
			}
		}
		if recovered != tt.recovered || concealed != len(tt.lost)-tt.recovered {
			t.Errorf("%+v: %d recovered, %d concealed", tt, recovered, concealed)
		}
	}
}
