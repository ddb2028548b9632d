package plots

import (
	"testing"
	"time"

	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

// Charts over time show when circuit breakers tripped: one rule for those that did so
// together, other ones for those that only observe, none for alarms.
//
// conformance: CC-7.1-2
func TestTripsAreMarked(t *testing.T) {
	r := synthetic(1)
	add := func(at time.Duration, entity, kind string) {
		r.Events = append(r.Events, record.Event{At: simtime.At(at), Entity: entity, Kind: kind})
	}
	add(30*time.Second, "S1/video", record.BreakerObserved)
	add(50*time.Second, "S1/video", record.BreakerTripped)
	add(50*time.Second, "S1/audio", record.BreakerTripped)
	add(55*time.Second, "S1/audio", record.BreakerAlarm)
	add(55*time.Second, "S1/audio", record.BreakerWatched)
	first := options(t, render(t, r))["rates"]["series"].([]any)[0].(map[string]any)
	labels := map[float64]string{}
	for _, m := range first["markLine"].(map[string]any)["data"].([]any) {
		if label, ok := m.(map[string]any)["label"].(map[string]any); ok {
			labels[m.(map[string]any)["xAxis"].(float64)] = label["formatter"].(string)
		}
	}
	if len(labels) != 2 || labels[30] != "breaker (observed)" || labels[50] != "breaker" {
		t.Errorf("trips are marked %v", labels)
	}
}
