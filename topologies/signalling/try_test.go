package signalling

import (
	"fmt"
	"testing"
	"time"
	"slices"

	"rtpfabric/endpoints/signalling/glare"
	"rtpfabric/sim/simtime"
)

func TestTry(t *testing.T) {
	for _, p := range [][2]int{{0, 0}, {1, 1}, {2, 2}, {5, 5}, {10, 10}, {3, 0}, {4, 0}, {5, 0}, {0, 5}} {
		for _, r := range []glare.Resolution{glare.Timers, glare.TieBreaker, glare.Polite} {
			x := Experiment{Path: ByServer, Resolution: r, Latency: 50 * time.Millisecond, Window: 500 * time.Millisecond,
				Delivery: [2]Delivery{{Poll: time.Duration(p[0]) * time.Second}, {Poll: time.Duration(p[1]) * time.Second}}}
			const n = 2000
			g, again, never, unsame := 0, 0, 0, 0
			var ts []float64
			start := time.Now()
			for seed := range n {
				o := x.Run(uint64(seed))
				if o.Rounds > 0 {
					g++
					if o.Rounds > 1 {
						again++
					}
					if o.Settled == simtime.Never {
						never++
					} else {
						ts = append(ts, o.Settled.Seconds())
					}
				}
				if !o.Same {
					unsame++
				}
			}
			slices.Sort(ts)
			mean := 0.0
			for _, v := range ts {
				mean += v / float64(len(ts))
			}
			q := func(p float64) float64 {
				if len(ts) == 0 {
					return 0
				}
				return ts[int(p*float64(len(ts)-1))]
			}
			fmt.Printf("%v %-11v glare %.3f again %.3f never %.3f mean %.2f 95%% %.2f max %.2f unsame %d  %v/run\n", p, r, float64(g)/n, float64(again)/float64(g), float64(never)/float64(g), mean, q(.95), q(1), unsame, time.Since(start)/n)
		}
	}
}
