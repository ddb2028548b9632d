package rtcptiming

import (
	"slices"
	"testing"

	"rtpfabric/endpoints/ssrcs"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// Who keeps the places of members notes the same as who doesn't, though members leave and others move up.
func TestKeptPlaces(t *testing.T) {
	random := rng.New(1).Stream("places")
	var keeps, looks memberTable
	places := make([]ssrcs.Place, 30)
	for now := simtime.Time(1); now < 5000; now++ {
		ssrc := random.Uint32() % uint32(len(places))
		if random.Uint32()%8 == 0 {
			keeps.remove(ssrc)
			looks.remove(ssrc)
		} else {
			keeps.sent(now, ssrc, &places[ssrc])
			looks.sent(now, ssrc, nil)
		}
		if !slices.Equal(keeps.list, looks.list) || keeps.sending != looks.sending {
			t.Fatalf("at %d: %v and %d senders, not %v and %d", now, keeps.list, keeps.sending, looks.list, looks.sending)
		}
	}
}
