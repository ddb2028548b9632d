package lipsync_test

import (
	"testing"
	"time"

	"rtpfabric/endpoints/lipsync"
	"rtpfabric/sim/simtime"
)

// §3: with the extension streams are synchronised from their first packets on; with
// sender reports alone, an RTCP interval later.
//
// conformance: HDR-5.2.1-1
func TestTimeToSync(t *testing.T) {
	for _, stamps := range []bool{false, true} {
		c := newCall(t, sender{offset: time.Hour}, mic, camera)
		for i := range 100 {
			now := ms(40 * i)
			for _, s := range c.sources {
				if stamps {
					c.OnStamp(now, s.ssrc, simtime.ToNTP(c.sender.clock(now)), s.timestamp(now))
				} else if i == 60 {
					c.report(now, s)
				}
				c.play(now, s)
			}
		}
		want := time.Duration(0)
		if !stamps {
			want = 2400 * time.Millisecond
		}
		for _, ssrc := range []uint32{audio, video} {
			s, _ := c.Stats(ssrc)
			if got, ok := s.TimeToSync(); !ok || got != want {
				t.Errorf("extension %v: in sync after %v, %v, want %v", stamps, got, ok, want)
			}
		}
		if s, _ := c.Stats(audio); stamps && (s.Unsynced != 0 || s.Pairs != 100) {
			t.Errorf("%+v", s)
		}
	}
	if _, ok := (lipsync.Stats{Synced: simtime.Never}).TimeToSync(); ok {
		t.Error("in sync without a mapping")
	}
}

// A stream that joins with the extension is in sync from the first frame it plays: it
// needn't be slewed, as nothing of it was played before.
func TestJoining(t *testing.T) {
	c := newCall(t, sender{}, camera)
	c.run(ms(0), ms(20000))
	now := ms(20000)
	c.Add(now, audio, mic.rate)
	c.OnCNAME(now, audio, "a")
	c.OnStamp(now, audio, simtime.ToNTP(now), mic.timestamp(now))
	c.play(now, mic)
	if d := c.delays[audio]; !near(d, 190*time.Millisecond, time.Millisecond) {
		t.Errorf("the first frame is delayed by %v", d)
	}
}

// Stamps in every packet, which are exact, and those of sender reports make one line.
// Many in a short time don't crowd out what is known of the rate.
func TestDenseStamps(t *testing.T) {
	s := source{rate: 90000, drift: 100e-6}
	c := lipsync.NewClock(s.rate)
	for i := range 3000 {
		at := ms(10 * i)
		if r := c.Add(at, s.timestamp(at)); r != lipsync.Used {
			t.Fatalf("%d: %v", i, r)
		}
	}
	if got, want := c.Rate(), 90000*(1+100e-6); got < want-0.5 || got > want+0.5 {
		t.Errorf("%v Hz, want %v", got, want)
	}
}
