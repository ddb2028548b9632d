package keying_test

import (
	"testing"
	"time"

	"rtpfabric/endpoints/keying"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// A binding indication goes out at once and every half second, until a packet of
// the other end comes.
func TestOpening(t *testing.T) {
	o := keying.NewOpening(keying.NewPreshared(rng.New(1), "a", "b"), rng.New(1).Stream("opening"))
	var at []simtime.Time
	for now := simtime.Time(0); now < simtime.At(2*time.Second); now = o.NextTimeout() {
		b := o.PollPayload(now)
		if len(b) != 20 || b[0] != 0 || b[1] != 0x11 || b[4] != 0x21 || b[5] != 0x12 {
			t.Fatalf("%x is no binding indication", b)
		}
		at = append(at, now)
		if o.PollPayload(now) != nil {
			t.Fatal("two at a time")
		}
	}
	if len(at) != 4 || at[3] != simtime.At(1500*time.Millisecond) {
		t.Errorf("indications at %v", at)
	}
	o.HandlePacket(simtime.At(2*time.Second), &packet.Packet{})
	if o.NextTimeout() != simtime.Never || o.PollPayload(simtime.At(time.Hour)) != nil {
		t.Error("it goes on after the other end was heard")
	}
}
