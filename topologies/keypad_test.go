package topologies_test

import (
	"context"
	"testing"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/dtmf"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

// Whoever has a keypad may be made to press keys while the run goes on, muted or not; without one there is no format for them.
func TestKeypad(t *testing.T) {
	for _, keypad := range []bool{true, false} {
		sim, err := topologies.Build(call(topologies.Media{
			From: "S", To: "R", Name: "m", Speech: &topologies.Speech{Codecs: []endpoints.Codec{endpoints.CodecPCMA}, Keypad: keypad},
		}))
		if err != nil {
			t.Fatal(err)
		}
		heard := map[byte]simtime.Time{}
		sim.OnEvent(func(e endpoints.Event) {
			if e.Kind == endpoints.DigitReceived {
				heard[e.Digit] = e.At
			}
		})
		run := func(until time.Duration) {
			if err := sim.Run(context.Background(), simtime.At(until)); err != nil {
				t.Fatal(err)
			}
		}
		s := sim.Flows[0].Sender
		s.Mute(sim.Loop.Now())
		run(time.Second)
		if err := s.Press(sim.Loop.Now(), dtmf.Digits{Keys: "0", Press: 100 * time.Millisecond}); (err == nil) != keypad {
			t.Errorf("keypad %v: %v", keypad, err)
		}
		run(2 * time.Second)
		switch at, ok := heard['0']; {
		case ok != keypad:
			t.Errorf("keypad %v: heard %v", keypad, heard)
		case ok && (at < simtime.At(1090*time.Millisecond) || at > simtime.At(1130*time.Millisecond)):
			t.Errorf("heard at %v", at)
		}
		if n := s.Session().Counts().RTPSent; keypad && n != 7 || !keypad && n != 0 {
			t.Errorf("keypad %v: %d packets of somebody who is muted", keypad, n)
		}
		s.Unmute(sim.Loop.Now())
		run(3 * time.Second)
		if n := s.Session().Counts().RTPSent; n < 50 {
			t.Errorf("%d packets of somebody who isn't muted any more", n)
		}
	}
}
