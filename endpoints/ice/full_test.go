package ice_test

import (
	"testing"
	"time"

	"rtpfabric/endpoints/ice"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// fullPair returns two ends that check each other, with a step that says hello behind each.
func fullPair(remote packet.Addr) [2]*ice.Full {
	var ends [2]*ice.Full
	var creds [2]ice.Credentials
	for i := range ends {
		random := rng.New(1).Stream(string(rune('A' + i)))
		creds[i] = ice.NewCredentials(random)
		agent := ice.NewAgent(ice.Config{Controlling: i == 0, Local: creds[i], Candidates: hosts(i, 1), Random: random})
		to := addr(1-i, 0)
		if i == 1 {
			to = remote
		}
		ends[i] = ice.NewFull(&step{}, agent, addr(i, 0), to)
	}
	for i, e := range ends {
		e.Agent().Begin(0, creds[1-i], hosts(1-i, 1)...)
	}
	return ends
}

// exchange lets the two ends talk, 10 ms away from each other, and returns when each has said hello.
func exchange(t *testing.T, ends [2]*ice.Full, until time.Duration, cut simtime.Time) (said [2]simtime.Time) {
	t.Helper()
	type flight struct {
		at      simtime.Time
		to      int
		payload []byte
	}
	var flying []flight
	for now := simtime.Time(0); now < simtime.At(until); now = now.Add(time.Millisecond) {
		for len(flying) > 0 && flying[0].at <= now {
			f := flying[0]
			flying = flying[1:]
			ends[f.to].HandleCheck(now, &packet.Packet{Src: addr(1-f.to, 0), Dst: addr(f.to, 0), Payload: f.payload})
		}
		for i, e := range ends {
			if e.NextTimeout() <= now {
				e.HandleTimeout(now)
			}
			for b := e.PollPayload(now); b != nil; b = e.PollPayload(now) {
				if string(b) == "hello" {
					said[i] = now
				} else if now < cut {
					flying = append(flying, flight{now.Add(10 * time.Millisecond), 1 - i, b})
				}
			}
		}
	}
	return said
}

// The step says nothing before a pair is nominated, and the session ends when consent is lost.
func TestFull(t *testing.T) {
	ends := fullPair(addr(0, 0))
	said := exchange(t, ends, 50*time.Second, simtime.At(10*time.Second))
	for i, e := range ends {
		if said[i] < simtime.At(30*time.Millisecond) || said[i] > simtime.At(200*time.Millisecond) {
			t.Errorf("end %d says hello at %v", i, said[i])
		}
		if !e.Closed() || !e.Muted() || e.Err() == nil || e.Astray() != 0 { // this step has no keys, so that there is an error
			t.Errorf("end %d: closed %t, %v, %d astray", i, e.Closed(), e.Err(), e.Astray())
		}
	}
}

// Without a way there is an error, and the step never begins.
func TestFullWithoutAWay(t *testing.T) {
	ends := fullPair(addr(0, 0))
	said := exchange(t, ends, 45*time.Second, 0)
	for i, e := range ends {
		if said[i] != 0 || e.Err() == nil || e.Closed() {
			t.Errorf("end %d: hello at %v, %v", i, said[i], e.Err())
		}
	}
}

// What has to go elsewhere than to the session's address can't.
func TestFullAstray(t *testing.T) {
	ends := fullPair(addr(0, 7))
	exchange(t, ends, time.Second, simtime.Never)
	if ends[1].Astray() == 0 {
		t.Error("nothing went astray")
	}
}
