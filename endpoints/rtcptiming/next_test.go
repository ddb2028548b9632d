package rtcptiming_test

import (
	"slices"
	"testing"
	"time"

	"rtpfabric/endpoints/rtcptiming"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// Whatever happens, alone or after something else, the next deadline is the earliest of all timers.
func TestNextDeadlineIsTheEarliest(t *testing.T) {
	for seed := range uint64(40) {
		r := rng.New(seed).Stream("operations")
		c := rtcptiming.Config{AVPF: seed%2 == 0, Bandwidth: 50e3, Minimum: 5 * time.Second, Burst: int(seed % 3), FirstSize: 100, Random: rng.New(seed).Stream("rtcp")}
		if seed%4 == 0 {
			c.TrrInterval = time.Second
		}
		s := rtcptiming.New(c)
		now := simtime.Time(0)
		var locals []*rtcptiming.Local
		joined := uint32(0)
		one := func() *rtcptiming.Local { return locals[r.Uint64()%uint64(len(locals))] }
		due := func() {
			for {
				switch d := s.Due(now, r.Uint64()%2 == 0); d.Kind {
				case rtcptiming.Regular:
					s.SentRegular(now, append([]*rtcptiming.Local{d.Local}, s.Candidates(d.Local)...))
				case rtcptiming.Early:
					s.SentEarly(now, d.Local)
				case rtcptiming.Minimal:
					s.SentMinimal(now, d.Local)
				case rtcptiming.Bye:
					s.Leave(now, d.Local)
					locals = slices.DeleteFunc(locals, func(l *rtcptiming.Local) bool { return l == d.Local })
				case rtcptiming.None:
					if d.Gone == nil {
						return
					}
				}
			}
		}
		operations := []struct {
			name string
			do   func()
		}{
			{"join", func() { joined++; locals = append(locals, s.Join(now, joined)) }},
			{"leave", func() {
				if len(locals) > 1 {
					s.Leave(now, locals[0])
					locals = locals[1:]
				}
			}},
			{"quit", func() { s.Quit(now, one(), 100) }},
			{"hear", func() { s.HeardRTP(now, 1000+uint32(r.Uint64()%100), nil) }},
			{"bye", func() { s.HeardBye(now, 1000+uint32(r.Uint64()%100)); s.CountBye(100) }},
			{"feedback", func() { s.SetMultiparty(r.Uint64()%2 == 0); s.WantFeedback(now) }},
			{"feedback from one", func() { s.WantFeedbackFrom(now, one()) }},
			{"wait", func() {
				now = max(now, s.NextTimeout())
				due()
			}},
		}
		operations[0].do()
		for range 2000 {
			op := operations[r.Uint64()%uint64(len(operations))]
			switch {
			case len(locals) == 0:
				op = operations[0]
			case len(locals) > 5 && op.name == "join":
				continue
			}
			op.do()
			if got, want := s.NextTimeout(), s.Earliest(); got != want {
				t.Fatalf("seed %d, after %s: the next deadline is %v, the earliest timer %v", seed, op.name, got, want)
			}
		}
	}
}
