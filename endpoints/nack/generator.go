package nack

import (
	"slices"
	"time"

	"rtpfabric/sim/simtime"
)

// Config says how a [Generator] weighs a request.
type Config struct {
	// ReorderPackets and ReorderDelay are by how many numbers and how long after
	// the gap was seen a packet may come late; one that is later by either counts
	// as lost. Where stragglers need more the allowance grows, up to 128 packets
	// and MaxReorderDelay. With 0 packets requests are made at once until then.
	ReorderPackets  int
	ReorderDelay    time.Duration
	MaxReorderDelay time.Duration
	// RTT is assumed until [Generator.SetRTT] knows better.
	RTT time.Duration
	// Tries is how often a packet of each importance is asked for, at most.
	Tries [Levels]int
	// RTXTime is how long the sender keeps packets (RFC 4588 §8.1); 0 if it doesn't
	// say. What it has forgotten isn't asked for.
	RTXTime time.Duration
	// MaxMissing is how many packets are kept track of. If more are missing they
	// are all given up.
	MaxMissing int
}

// DefaultConfig asks at once until packets come out of order, and up to ten times,
// for at most 1000 packets.
func DefaultConfig() Config {
	return Config{
		ReorderDelay:    20 * time.Millisecond,
		MaxReorderDelay: 100 * time.Millisecond,
		RTT:             100 * time.Millisecond,
		Tries:           [Levels]int{Discardable: 1, Base: 10, Key: 10},
		MaxMissing:      1000,
	}
}

// Reason says why a missing packet was given up.
type Reason uint8

// The reasons.
const (
	TooLate     Reason = iota // it can't come, or hasn't come, before it is needed
	Exhausted                 // it was asked for as often as its importance deserves
	Unimportant               // its importance deserves no request
	Overflow                  // too many are missing
	Superseded                // a refresh point came after it
	TooCostly                 // to ask for it costs more than a refresh point
	Reasons                   // how many there are
)

func (r Reason) String() string {
	return [...]string{"too late", "exhausted", "unimportant", "overflow", "superseded", "too costly"}[r]
}

// Counters tell what became of missing packets. Missing is the sum of Recovered,
// Late, all of Abandoned, and those that still are.
type Counters struct {
	Gaps, Missing       uint64          // runs of missing numbers, numbers in them
	Requested, Repeated uint64          // packets asked for, and asked for again
	Suppressed          uint64          // requests that somebody else has made
	Late                uint64          // originals that filled a gap
	Needless            uint64          // of Late, those that had been asked for
	Recovered           uint64          // by retransmission, or otherwise repaired
	Abandoned           [Reasons]uint64 // given up
	Refreshes           uint64          // times that a refresh point became necessary
}

// Arrival is a packet of the original stream that has come.
type Arrival struct {
	// Seq is its extended sequence number.
	Seq uint64
	// Needed is when it is played out; Never if that isn't known.
	Needed simtime.Time
	// Lost is the importance of packets that are missing right before it, as far
	// as the caller can tell: that of its own frame unless it is the first packet.
	Lost Importance
	// Repaired says that it was sent again, or recovered by FEC.
	Repaired bool
	// Adjoins says that nothing is missing right before it: the numbers there belong
	// to repair packets in the same stream (RFC 5109), which nobody misses.
	Adjoins bool
}

// stage is what a missing packet waits for.
type stage uint8

const (
	reordered stage = iota // it may only be late
	due                    // the next NACK asks for it
	asked                  // an answer may be under way
	hopeless               // no further answer would come in time
)

// missing is a packet that hasn't come.
type missing struct {
	seq        uint64
	seen       simtime.Time // when the gap was
	needed     simtime.Time
	kept       simtime.Time // an answer can't come after this
	next       simtime.Time // of the stage, but for due and hopeless
	tries      int
	importance Importance
	stage      stage
}

// deadline is when the packet has to be here.
func (m *missing) deadline() simtime.Time { return min(m.needed, m.kept) }

// Generator finds gaps in one stream and decides about requests. Per packet:
// Arrived; when NextTimeout has come: HandleTimeout. If Pending, an early RTCP
// packet is wanted; Append is for every RTCP packet that is sent. If
// RefreshWanted, a PLI is the thing to send. In a group Asked is for every request of
// somebody else.
type Generator struct {
	config Config
	rtt    time.Duration

	started bool
	highest uint64
	needed  simtime.Time // when the packet with that number is
	list    []missing
	heard   []heard // requests of others
	order   reordering
	refresh bool
	gone    uint64 // highest number that was given up since refresh is set
	await   bool   // FEC may bring back what it is too late to ask for
	counts  Counters
}

// NewGenerator returns a generator for a stream of which nothing has come.
func NewGenerator(c Config) *Generator {
	return &Generator{config: c, rtt: c.RTT, list: make([]missing, 0, min(c.MaxMissing, 64))}
}

// SetRTT tells the round-trip time to the sender.
func (g *Generator) SetRTT(rtt time.Duration) { g.rtt = rtt }

// Arrived takes a packet of the stream, also those of which the number came
// before.
func (g *Generator) Arrived(now simtime.Time, a Arrival) {
	switch {
	case !g.started:
		g.started = true
		g.highest, g.needed = a.Seq, a.Needed
	case a.Seq > g.highest:
		if n := a.Seq - g.highest - 1; n > 0 && !a.Adjoins {
			g.open(now, n, a)
		}
		g.highest, g.needed = a.Seq, a.Needed
	default:
		g.fill(now, a)
	}
	g.HandleTimeout(now)
}

// open adds the n packets before a, which is the first one after them.
func (g *Generator) open(now simtime.Time, n uint64, a Arrival) {
	g.counts.Gaps++
	g.counts.Missing += n
	if uint64(len(g.list))+n > uint64(g.config.MaxMissing) {
		g.counts.Abandoned[Overflow] += uint64(len(g.list)) + n
		g.list = g.list[:0]
		g.wantRefresh(a.Seq - 1)
		return
	}
	if g.config.Tries[a.Lost] == 0 {
		g.counts.Abandoned[Unimportant] += n
		if a.Lost > Discardable {
			g.wantRefresh(a.Seq - 1)
		}
		return
	}
	kept := simtime.Never
	if g.config.RTXTime > 0 {
		// The sender sent it a way ago, and the answer takes as long.
		kept = now.Add(g.config.RTXTime)
	}
	for i := range n {
		g.list = append(g.list, missing{
			seq: g.highest + 1 + i, seen: now, needed: between(g.needed, a.Needed, i+1, n+1), kept: kept,
			next: now.Add(g.allowance().delay + 1), importance: a.Lost,
		})
	}
	g.suppressKnown(now)
}

// between estimates when a packet is needed from its neighbours
// (RFC 4588 §6.3).
func between(before, after simtime.Time, i, n uint64) simtime.Time {
	if before == simtime.Never || after == simtime.Never || after < before {
		return after
	}
	return before.Add(time.Duration(uint64(after.Sub(before)) / n * i))
}

// fill takes a packet from behind the highest number.
func (g *Generator) fill(now simtime.Time, a Arrival) {
	i, found := slices.BinarySearchFunc(g.list, a.Seq, func(m missing, seq uint64) int {
		switch {
		case m.seq < seq:
			return -1
		case m.seq > seq:
			return 1
		}
		return 0
	})
	if !found {
		return
	}
	m := g.list[i]
	g.list = slices.Delete(g.list, i, i+1)
	if a.Repaired {
		g.counts.Recovered++
		return
	}
	g.counts.Late++
	if m.tries > 0 {
		g.counts.Needless++
	}
	g.order.note(extent{g.highest - m.seq, now.Sub(m.seen)})
}

// allowance is how long a packet may be late before it counts as lost.
func (g *Generator) allowance() extent {
	e := g.order.extent()
	return extent{
		max(min(e.packets, maxReorderPackets), uint64(g.config.ReorderPackets)),
		max(min(e.delay, g.config.MaxReorderDelay), g.config.ReorderDelay),
	}
}

// OnRefreshPoint tells that a decoder refresh point begins with the given number
// and that the decoder has it: nothing before it is missed any more.
func (g *Generator) OnRefreshPoint(seq uint64) {
	kept := g.list[:0]
	for _, m := range g.list {
		if m.seq < seq {
			g.counts.Abandoned[Superseded]++
			continue
		}
		kept = append(kept, m)
	}
	g.list = kept
	g.refresh = g.refresh && g.gone >= seq
}

// Postpone tells that everything is played out by d later than was said, or
// earlier if d is negative.
func (g *Generator) Postpone(now simtime.Time, d time.Duration) {
	for i := range g.list {
		g.list[i].needed = g.list[i].needed.Add(d)
	}
	g.needed = g.needed.Add(d)
	g.HandleTimeout(now)
}

func (g *Generator) wantRefresh(seq uint64) {
	if !g.refresh {
		g.refresh, g.gone = true, seq
		g.counts.Refreshes++
	}
	g.gone = max(g.gone, seq)
}

// RefreshWanted reports whether something was given up that others are predicted
// from. It is so until an OnRefreshPoint behind Gone.
func (g *Generator) RefreshWanted() bool { return g.refresh }

// Gone returns the highest number that was given up, as long as RefreshWanted.
func (g *Generator) Gone() uint64 { return g.gone }

// Await tells whether FEC may bring packets back: those that can't come in time if they
// are asked for aren't given up before they are needed.
func (g *Generator) Await(fec bool) { g.await = fec }

// Awaits reports whether any packet from one number up to another one, exclusively, may
// come yet.
func (g *Generator) Awaits(from, to uint64) bool {
	for i := range g.list {
		if m := &g.list[i]; from <= m.seq && m.seq < to {
			return true
		}
	}
	return false
}

// GiveUp abandons all that is missing, as a refresh point costs less.
func (g *Generator) GiveUp() {
	if len(g.list) == 0 {
		return
	}
	g.counts.Abandoned[TooCostly] += uint64(len(g.list))
	last := g.list[len(g.list)-1].seq
	g.list = g.list[:0]
	g.wantRefresh(last)
}

// Missing returns how many packets are missing and not given up.
func (g *Generator) Missing() int { return len(g.list) }

// Counters returns what became of missing packets so far.
func (g *Generator) Counters() Counters { return g.counts }
