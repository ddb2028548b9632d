package runner_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"rtpfabric/sim/record"
)

// Calls that fork on networks that lose packets come about with one device, or say why not.
func TestForksOnBadNetworks(t *testing.T) {
	t.Parallel()
	runs := 24
	if testing.Short() {
		runs = 2
	}
	for seed := range runs {
		text := strings.ReplaceAll(forkedCall, "delay: 25ms}", fmt.Sprintf("delay: %dms, loss: %d%%}", 1+seed*7%150, seed%12))
		text = strings.Replace(text, "duration: 12s", "duration: 60s", 1) + fmt.Sprintf("  fork: {warm-up: %s, devices: {desktop: {accepts: 1s..9s}, tablet: {accepts: 1s..9s}, phone: {declines: 1s..9s}}}\nseed: %d\n",
			[]string{"none", "ice", "dtls", "media"}[seed%4], seed+1)
		r := runWatched(t, text, nil)
		agreed, failed := firstEvent(r, "alice", record.OfferAgreed), firstEvent(r, "alice", record.NegotiationFailed, "signalling-disconnected", "keying-failed")
		if math.IsNaN(agreed) && math.IsNaN(failed) {
			t.Errorf("seed %d: neither agreed nor failed: %v", seed+1, r.Events)
		}
		talks := 0
		for _, device := range forkedDevices {
			if r.Find(device+"/audio>alice", record.SendRate).Values[250] > 0 {
				talks++
			}
		}
		if talks > 1 {
			t.Errorf("seed %d: %d devices talk to alice in the end", seed+1, talks)
		}
	}
}
