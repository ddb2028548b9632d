package playout_test

import (
	"fmt"
	"testing"
	"time"

	"rtpfabric/endpoints/playout"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// receiver is a buffer for 25 frames a second at 90 kHz, each of three packets,
// on a path of 20 ms, with a play-out delay of 100 ms.
type receiver struct {
	t       *testing.T
	b       *playout.Buffer
	results []playout.Result
	seq0    uint64
	ts0     uint32
	now     simtime.Time
	pending []timed
}

type timed struct {
	at simtime.Time
	p  playout.Packet
}

const (
	period  = 40 * time.Millisecond
	path    = 20 * time.Millisecond
	wait    = 100 * time.Millisecond
	packets = 3
)

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	return &receiver{t: t, b: playout.NewBuffer(playout.Config{Clock: 90000, Delay: wait}), seq0: 1 << 16}
}

// packet returns packet k of frame n.
func (r *receiver) packet(n, k int) playout.Packet {
	p := playout.Packet{
		Seq: r.seq0 + uint64(packets*n+k), Timestamp: r.ts0 + uint32(3600*n),
		First: k == 0, Last: k == packets-1, Size: units.Bytes(100 + k),
	}
	if p.First {
		p.Captured = simtime.At(time.Duration(n) * period)
	}
	return p
}

// frame lets frame n arrive, each packet a millisecond after the one before,
// late by the given time; without those of its packets that are named.
func (r *receiver) frame(n int, late time.Duration, without ...int) {
	for k := range packets {
		skip := false
		for _, w := range without {
			skip = skip || w == k
		}
		if !skip {
			r.one(n, k, late)
		}
	}
}

func (r *receiver) one(n, k int, late time.Duration) {
	at := simtime.At(time.Duration(n)*period + path + time.Duration(k)*time.Millisecond + late)
	r.pending = append(r.pending, timed{at, r.packet(n, k)})
}

// run lets everything arrive, and time go on for d after that.
func (r *receiver) run(d time.Duration) {
	r.t.Helper()
	end := r.now
	for _, x := range r.pending {
		end = max(end, x.at)
	}
	end = end.Add(d)
	for {
		next, i := r.b.NextTimeout(), -1
		for j, x := range r.pending {
			if x.at < next || x.at == next && i >= 0 && r.pending[i].at > x.at {
				next, i = x.at, j
			}
		}
		if next > end {
			r.now = end
			return
		}
		r.now = max(r.now, next)
		if i < 0 {
			r.b.HandleTimeout(r.now)
			if at := r.b.NextTimeout(); at <= r.now {
				r.t.Fatalf("HandleTimeout at %v, and the deadline is %v", r.now, at)
			}
		} else {
			r.b.Insert(r.now, r.pending[i].p)
			r.pending = append(r.pending[:i], r.pending[i+1:]...)
		}
		for x, ok := r.b.Poll(); ok; x, ok = r.b.Poll() {
			if x.At != r.now {
				r.t.Errorf("a result of %v at %v", x.At, r.now)
			}
			r.results = append(r.results, x)
		}
	}
}

// want checks the results: "r" rendered, "l" late, "x" lost.
func (r *receiver) want(outcomes string) {
	r.t.Helper()
	got := ""
	for _, x := range r.results {
		got += map[playout.Outcome]string{playout.Rendered: "r", playout.Late: "l", playout.Lost: "x"}[x.Outcome]
	}
	if got != outcomes {
		r.t.Errorf("outcomes %q, want %q: %+v", got, outcomes, r.results)
	}
}

func (r *receiver) delay(i int, want time.Duration) {
	r.t.Helper()
	if i >= len(r.results) {
		r.t.Fatalf("only %d results", len(r.results))
	}
	if r.results[i].Delay != want {
		r.t.Errorf("result %d: delay %v, want %v", i, r.results[i].Delay, want)
	}
}

// complete is when a frame that isn't late has all its packets.
const complete = path + (packets-1)*time.Millisecond

func TestInOrder(t *testing.T) {
	r := newReceiver(t)
	for n := range 5 {
		r.frame(n, 0)
	}
	r.run(time.Second)
	r.want("rrrrr")
	for i, x := range r.results {
		r.delay(i, complete)
		if x.Size != 303 || x.Frozen != 0 {
			t.Errorf("result %d: %+v", i, x)
		}
	}
	if r.b.NextTimeout() != simtime.Never {
		t.Errorf("a deadline at %v with nothing to wait for", r.b.NextTimeout())
	}
}

// Packets and frames out of order are put into it; nothing is rendered before
// what precedes it.
func TestReordering(t *testing.T) {
	r := newReceiver(t)
	r.frame(0, 0)
	r.frame(1, 60*time.Millisecond) // after frame 2
	r.frame(2, 0)
	r.one(3, 2, -time.Millisecond*2) // its packets backwards
	r.one(3, 1, 0)
	r.one(3, 0, 2*time.Millisecond)
	r.run(time.Second)
	r.want("rrrr")
	r.delay(1, complete+60*time.Millisecond)
	r.delay(2, complete+20*time.Millisecond) // when frame 1 is there
	if r.results[1].At != r.results[2].At {
		t.Error("frame 2 doesn't go with frame 1")
	}
}

// A frame with a lost packet is waited for until its deadline; what waits
// behind it goes then. A second later it is lost.
func TestLostPacket(t *testing.T) {
	for missing := range packets {
		t.Run(fmt.Sprint(missing), func(t *testing.T) {
			r := newReceiver(t)
			for n := range 8 {
				if n == 3 {
					r.frame(n, 0, missing)
				} else {
					r.frame(n, 0)
				}
			}
			r.run(2 * time.Second)
			r.want("rrrrrrrx")
			// Frame 3's deadline: the media time, 20 ms for the fastest
			// packet, 100 ms.
			deadline := simtime.At(3*period + path + wait)
			for i := 3; i < 5; i++ {
				if at := r.results[i].At; at != deadline {
					t.Errorf("frame %d is rendered at %v, want when frame 3 is given up at %v", i+1, at, deadline)
				}
			}
			if at := r.results[7].At; at != deadline.Add(time.Second) {
				t.Errorf("given up for lost at %v, want %v", at, deadline.Add(time.Second))
			}
			if s := r.results[7].Size; s != 303-units.Bytes(100+missing) {
				t.Errorf("%v came of it", s)
			}
		})
	}
}

// Nothing is known of a frame of which nothing came; what follows waits for it
// no longer than until its own deadline, and the rest isn't affected.
func TestLostFrame(t *testing.T) {
	for _, gone := range []int{1, 2, 5} {
		r := newReceiver(t)
		for n := range 30 {
			if n < 10 || n >= 10+gone {
				r.frame(n, 0)
			}
		}
		r.run(2 * time.Second)
		if len(r.results) != 30-gone {
			t.Fatalf("%d results", len(r.results))
		}
		for i, x := range r.results {
			if x.Outcome != playout.Rendered || x.Delay > path+wait {
				t.Errorf("%d frames gone, result %d: %+v", gone, i, x)
			}
		}
		r.delay(29-gone, complete)
		r.delay(9, complete)
	}
}

// A frame that is complete after its deadline, within a second, is late: not
// rendered, and not lost.
func TestLateFrame(t *testing.T) {
	t.Run("one packet late", func(t *testing.T) {
		for late := range packets {
			r := newReceiver(t)
			for n := range 10 {
				if n == 3 {
					r.frame(n, 0, late)
					r.one(n, late, 300*time.Millisecond)
				} else {
					r.frame(n, 0)
				}
			}
			r.run(3 * time.Second)
			if n := len(r.results); n != 10 {
				t.Errorf("packet %d late: %d results, want 10", late, n)
			}
			r.want(order(r.results, 3, 'l'))
			for _, x := range r.results {
				if x.Outcome == playout.Late && x.Delay != path+time.Duration(late)*time.Millisecond+300*time.Millisecond {
					t.Errorf("packet %d late: delay %v", late, x.Delay)
				}
			}
		}
	})
	t.Run("whole frame late", func(t *testing.T) {
		r := newReceiver(t)
		for n := range 12 {
			if n == 3 {
				r.frame(n, 300*time.Millisecond)
			} else {
				r.frame(n, 0)
			}
		}
		r.run(3 * time.Second)
		r.want(order(r.results, 3, 'l'))
		if len(r.results) != 12 {
			t.Errorf("%d results", len(r.results))
		}
	})
	t.Run("too late", func(t *testing.T) {
		r := newReceiver(t)
		for n := range 60 {
			if n == 3 {
				r.frame(n, 0, 1)
				r.one(n, 1, 1800*time.Millisecond)
			} else {
				r.frame(n, 0)
			}
		}
		r.run(3 * time.Second)
		lost, rendered := 0, 0
		for _, x := range r.results {
			switch x.Outcome {
			case playout.Lost:
				lost++
			case playout.Rendered:
				rendered++
			case playout.Late:
				t.Error("late by more than a second counts as lost")
			case playout.Undecodable:
				t.Error("there is no decoder")
			}
		}
		if rendered != 59 || lost == 0 {
			t.Errorf("%d rendered, %d lost", rendered, lost)
		}
	})
}

// order is the outcomes of which all but one are rendered, in the order that
// results have them; it has exactly one of the other kind.
func order(results []playout.Result, _ int, kind byte) string {
	out, seen := "", false
	for _, x := range results {
		if x.Outcome != playout.Rendered && !seen {
			out += string(kind)
			seen = true
			continue
		}
		out += "r"
	}
	if !seen {
		out += string(kind)
	}
	return out
}

// Two frames with holes, and the tails of frames late: each frame has exactly
// one outcome.
func TestEveryFrameHasOneOutcome(t *testing.T) {
	for seed := range uint64(200) {
		random := rng.New(seed).Stream("path")
		r := newReceiver(t)
		const frames = 100
		complete := 0
		some := 0
		for n := range frames {
			got := 0
			for k := range packets {
				if random.Bool(0.1) && n > 0 {
					continue
				}
				late := time.Duration(0)
				if random.Bool(0.1) && n > 0 {
					late = time.Duration(random.Uniform(0, 900) * 1e6)
				}
				got++
				r.one(n, k, late)
			}
			if got == packets {
				complete++
			}
			if got > 0 {
				some++
			}
		}
		r.run(5 * time.Second)
		whole := 0
		for _, x := range r.results {
			if x.Outcome != playout.Lost {
				whole++
				if x.Size != 303 {
					t.Fatalf("seed %d: a frame of %v", seed, x.Size)
				}
			}
		}
		if whole != complete || len(r.results) != some {
			t.Fatalf("seed %d: %d frames complete, %d with a packet at least; %d and %d results", seed, complete, some, whole, len(r.results))
		}
	}
}

// Frames of one packet need no marker to be complete, and one that is missing is no freeze.
func TestOnePacketFrames(t *testing.T) {
	b := playout.NewBuffer(playout.Config{Clock: 48000, Delay: 60 * time.Millisecond})
	n, late := 0, 0
	for i := range 500 {
		if i%50 == 49 {
			continue
		}
		sent := time.Duration(i) * 20 * time.Millisecond
		now := simtime.At(sent + 20*time.Millisecond)
		if b.NextTimeout() <= now {
			b.HandleTimeout(b.NextTimeout())
		}
		b.Insert(now, playout.Packet{Seq: uint64(70000 + i), Timestamp: uint32(960 * i), First: true, Last: true, Size: 160, Captured: simtime.At(sent)})
		for x, ok := b.Poll(); ok; x, ok = b.Poll() {
			n++
			if x.Frozen != 0 {
				t.Errorf("frozen for %v", x.Frozen)
			}
			if x.Outcome != playout.Rendered {
				late++
			}
			if x.Delay > 80*time.Millisecond {
				t.Errorf("delay %v", x.Delay)
			}
		}
	}
	b.HandleTimeout(simtime.At(20 * time.Second))
	for _, ok := b.Poll(); ok; _, ok = b.Poll() {
		n++
	}
	if n != 490 || late != 0 {
		t.Errorf("%d results, %d late", n, late)
	}
}

// W3C webrtc-stats, freezeCount: the time between two rendered frames is equal
// to or exceeds max(3·δ, δ + 150 ms), with δ the mean of the last 30.
func TestFreeze(t *testing.T) {
	for _, c := range []struct {
		gap  time.Duration // with frames every 40 ms: max(120, 190) = 190 ms
		want bool
	}{
		{80 * time.Millisecond, false},
		{189 * time.Millisecond, false},
		{190 * time.Millisecond, true},
		{200 * time.Millisecond, true},
		{3 * time.Second, true},
	} {
		b := playout.NewBuffer(playout.Config{Clock: 1000, Delay: time.Minute})
		at, seq := simtime.At(time.Second), uint64(1)
		frozen := time.Duration(0)
		frame := func() {
			b.Insert(at, playout.Packet{Seq: seq, Timestamp: uint32(at / 1e6), First: true, Last: true, Size: 1})
			seq++
			for x, ok := b.Poll(); ok; x, ok = b.Poll() {
				frozen = max(frozen, x.Frozen)
			}
		}
		for range 60 {
			at = at.Add(40 * time.Millisecond)
			frame()
		}
		if frozen != 0 {
			t.Fatalf("frozen for %v at 25 frames a second", frozen)
		}
		at = at.Add(c.gap)
		frame()
		if c.want && frozen != c.gap || !c.want && frozen != 0 {
			t.Errorf("a gap of %v: frozen for %v, want a freeze: %v", c.gap, frozen, c.want)
		}
	}
	// At one frame in 200 ms the limit is three of them.
	b := playout.NewBuffer(playout.Config{Clock: 1000, Delay: time.Minute})
	at := simtime.Time(0)
	for i, gap := range []time.Duration{200, 200, 200, 200, 500, 599} {
		at = at.Add(gap * time.Millisecond)
		b.Insert(at, playout.Packet{Seq: uint64(i + 1), Timestamp: uint32(at / 1e6), First: true, Last: true, Size: 1})
		for x, ok := b.Poll(); ok; x, ok = b.Poll() {
			if x.Frozen != 0 {
				t.Errorf("gap %d: frozen for %v", i, x.Frozen)
			}
		}
	}
}

// A path that gets longer makes frames late, until play-out follows; one that
// gets shorter is followed at once.
func TestPathDelayGrows(t *testing.T) {
	r := newReceiver(t)
	const change, frames = 250, 1500 // after 10 s, and a minute in all
	for n := range frames {
		late := time.Duration(0)
		if n >= change {
			late = 200 * time.Millisecond
		}
		r.frame(n, late)
	}
	r.run(5 * time.Second)
	if len(r.results) != frames {
		t.Fatalf("%d results", len(r.results))
	}
	lastLate := -1
	for i, x := range r.results {
		switch x.Outcome {
		case playout.Lost:
			t.Fatalf("frame %d lost", i)
		case playout.Late:
			lastLate = i
		case playout.Rendered, playout.Undecodable:
		}
	}
	if lastLate < change {
		t.Error("no frame is late when the path gets longer than the play-out delay")
	}
	// Two horizons of 10 s.
	if seconds := float64(lastLate-change) * period.Seconds(); seconds > 20.5 {
		t.Errorf("frames are late for %.1f s", seconds)
	}

	r = newReceiver(t)
	for n := range 500 {
		late := 200 * time.Millisecond
		if n >= 250 {
			late = 0
		}
		r.frame(n, late)
	}
	r.run(5 * time.Second)
	// Only those that were overtaken on the way are late.
	for i, x := range r.results {
		if x.Outcome != playout.Rendered && (i < 245 || i > 255) {
			t.Fatalf("result %d: %+v", i, x)
		}
	}
	if len(r.results) != 500 {
		t.Errorf("%d results", len(r.results))
	}
}
