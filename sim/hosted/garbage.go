package hosted

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// A collection of garbage makes goroutines wait that allocate meanwhile, and so changes who of several
// that are ready is first: with one processor it is the only thing that does so as a rule. In a
// process that does one run it can be left to moments in which all guests rest.

var undisturbed atomic.Bool

// Undisturbed lets garbage be collected by the clocks of this process, while their guests rest, and not
// by the runtime at any time. Together with GOMAXPROCS=1 it makes guests' goroutines take turns in the same
// way each time. The returned function puts things back.
func Undisturbed() (restore func()) {
	percent := debug.SetGCPercent(-1)
	undisturbed.Store(true)
	return func() {
		undisturbed.Store(false)
		debug.SetGCPercent(percent)
	}
}

// leastHeap is how much may be allocated before garbage is looked for.
const leastHeap = 64 << 20

// garbage decides when to collect.
type garbage struct {
	sample [1]metrics.Sample
	limit  uint64
}

// collect frees memory if it is time to.
func (g *garbage) collect() {
	if !undisturbed.Load() {
		return
	}
	g.sample[0].Name = "/memory/classes/heap/objects:bytes"
	heap := func() uint64 {
		metrics.Read(g.sample[:])
		return g.sample[0].Value.Uint64()
	}
	if heap() > max(g.limit, leastHeap) {
		runtime.GC()
		g.limit = 2 * heap()
	}
}
