package external

import (
	"testing"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Whatever a program prints, what comes of it is something that a host can use.
func FuzzReplies(f *testing.F) {
	f.Add([]byte(`{"signals":[{"name":"a"}]}`), []byte(`{"target":{"media":1e5,"pacing":2e5,"window":3},"next_timeout_ns":200,"signals":{"a":null},"probe":{"id":1,"rate":5,"packets":1}}`))
	f.Add([]byte(`{"target":{"media":1e400}}`), []byte(`{"target":{"media":-0.1}}`))
	f.Add([]byte(`{}`), []byte(`{"next_timeout_ns":9.3e18}`))
	f.Add([]byte("42"), []byte("99999999999999999999"))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		const now simtime.Time = 100
		limits := ccontrol.Limits{Min: 10 * units.Kbps, Max: units.Mbps, Start: 20 * units.Kbps}
		for _, name := range []string{SimrunV1, AlphaRTC} {
			e := &Controller{config: Config{Exec: []string{"fuzz"}, Limits: limits}, next: simtime.Never}
			e.setTarget(limits.Start)
			var p protocol = &simrunV1{controller: e}
			if name == AlphaRTC {
				p = &alphaRTC{controller: e}
			}
			if p.begun(first) != nil || p.replied(now, second) != nil {
				continue
			}
			if g := e.Target(); g.Media < 1 || g.Pacing < 1 || g.Window < 0 {
				t.Errorf("%s: target %v", name, g)
			}
			if e.NextTimeout() <= now {
				t.Errorf("%s: time-out %v", name, e.NextTimeout())
			}
			if probe, ok := e.PollProbe(now); ok && (probe.ID == 0 || probe.Rate < 1) {
				t.Errorf("%s: probe %v", name, probe)
			}
			if len(e.Signals(nil)) != len(e.SignalNames()) {
				t.Errorf("%s: %d signals of %d", name, len(e.Signals(nil)), len(e.SignalNames()))
			}
		}
	})
}
