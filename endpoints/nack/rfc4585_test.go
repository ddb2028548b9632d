package nack_test

import (
	"slices"
	"testing"

	"rtpfabric/endpoints/nack"
	"rtpfabric/sim/simtime"
)

// §3.5.2 step 5: what another receiver asks for isn't asked for, whether that was
// before the loss was noticed, by up to T_retention, or while the own request waited.
// If no answer comes within the round trip, the packet is asked for after all.
//
// conformance: TIM-4.2-3
func TestSuppression(t *testing.T) {
	for _, c := range []struct {
		what  string
		asked []uint64
		at    simtime.Time
		want  []uint64
	}{
		{"while the request waits", []uint64{2, 3}, ms(2015), nil},
		{"a part of it", []uint64{3}, ms(2015), []uint64{2}},
		{"more than is missing", []uint64{2, 3, 5, 9}, ms(2015), nil},
		{"something else", []uint64{5}, ms(2015), []uint64{2, 3}},
		{"just before", []uint64{2, 3}, ms(1990), nil},
		{"T_retention before", []uint64{2, 3}, ms(10), nil},
		{"longer ago", []uint64{2, 3}, ms(5), []uint64{2, 3}},
		{"nothing", nil, ms(5), []uint64{2, 3}},
	} {
		r := newReceiver(t, nil)
		r.get(ms(0), 1)
		ask := func() {
			for _, seq := range c.asked {
				r.Asked(c.at, seq)
			}
		}
		if c.at < ms(2010) {
			ask()
		}
		r.Arrived(ms(2010), nack.Arrival{Seq: 4, Needed: simtime.Never, Lost: nack.Base})
		if c.at >= ms(2010) {
			ask()
		}
		if got := r.Append(ms(2020), nil, 10); !slices.Equal(got, c.want) || r.Pending() {
			t.Errorf("%s: asks for %v, want %v", c.what, got, c.want)
		}
		if n := r.Counters().Suppressed; n != uint64(2-len(c.want)) {
			t.Errorf("%s: %d requests suppressed", c.what, n)
		}
		again := 0
		for now := r.NextTimeout(); again == 0 && now < ms(4000); now = r.NextTimeout() {
			r.HandleTimeout(now)
			if again = len(r.Append(now, nil, 10)); again > 0 && now < ms(2010).Add(rtt) {
				t.Errorf("%s: asks again at %v", c.what, now)
			}
		}
		if again == 0 {
			t.Errorf("%s: nobody answers, and nothing is asked for again", c.what)
		}
	}
}
