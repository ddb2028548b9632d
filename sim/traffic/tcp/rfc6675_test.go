package tcp

import (
	"testing"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/units"
)

const testSMSS = 1000

func board(segments int) *scoreboard {
	return &scoreboard{una: 0, nxt: seq(segments * testSMSS), smss: testSMSS}
}

// segs is the span of segments from to, the last one excluded.
func segs(from, to int) span { return span{seq(from * testSMSS), seq(to * testSMSS)} }

// §4, IsLost (): DupThresh discontiguous blocks, or more than two segments'
// worth of octets, above.
func TestIsLost(t *testing.T) {
	for _, v := range []struct {
		blocks []span
		edge   int // first segment that isn't lost
	}{
		{nil, 0},
		// Exactly 2·SMSS, and more: by a segment, by an octet.
		{[]span{segs(1, 3)}, 0},
		{[]span{segs(1, 4)}, 1},
		{[]span{{1000, 3001}}, 1},
		// Two blocks and three.
		{[]span{{1000, 1010}, {2000, 2010}}, 0},
		{[]span{{1000, 1010}, {2000, 2010}, {3000, 3010}}, 1},
		{[]span{segs(2, 3), segs(4, 5), segs(6, 7)}, 2},
		{[]span{segs(2, 3), segs(4, 5), segs(6, 7), segs(8, 9)}, 4},
		{[]span{segs(2, 3), segs(5, 9)}, 5},
	} {
		b := board(10)
		b.update(v.blocks)
		for s := range 10 {
			if got := b.isLost(seq(s * testSMSS)); got != (s < v.edge) {
				t.Errorf("%v: segment %d lost = %v", v.blocks, s, got)
			}
		}
	}
}

// §4, SetPipe () and NextSeg (), step by step: segments 0, 1, 4 and 9 of ten are
// missing.
func TestNextSegAndPipe(t *testing.T) {
	b := board(10)
	b.update([]span{segs(2, 4)})
	b.update([]span{segs(5, 9)})
	b.enter()
	want := func(what string, pipe int64, hole span, lost bool) {
		t.Helper()
		if b.pipe() != pipe*testSMSS {
			t.Errorf("%s: pipe %d, want %d segments", what, b.pipe(), pipe)
		}
		g, ok := b.hole(lost)
		if ok != (hole != span{}) || g != hole {
			t.Errorf("%s: hole %v %v, want %v", what, g, ok, hole)
		}
	}
	want("rule 1", 1, segs(0, 1), true) // in flight: only 9, which nothing proves lost
	b.retransmitted(1000)
	want("after a repetition", 2, segs(1, 2), true)
	b.retransmitted(2000)
	want("next hole", 3, segs(4, 5), true)
	b.retransmitted(5000)
	want("none left", 4, span{}, true)
	want("nor by rule 3, above the highest block", 4, span{}, false)
	b.rescueRxt = 1000
	if _, ok := b.rescue(10000); ok {
		t.Error("rescue before HighACK is beyond RescueRxt")
	}
	b.advance(4000)
	want("partial", 2, span{}, true)
	if g, ok := b.rescue(10000); !ok || g != segs(9, 10) {
		t.Errorf("rescue %v %v", g, ok)
	}
	if _, ok := b.rescue(10000); ok {
		t.Error("a second rescue")
	}
	b.timeout()
	want("timeout", 0, segs(4, 5), true)
}

// Rule 3: what isn't lost yet but below the highest block.
func TestRule3(t *testing.T) {
	b := board(6)
	b.update([]span{segs(1, 4), segs(5, 6)})
	b.enter()
	b.retransmitted(1000)
	if g, ok := b.hole(true); ok {
		t.Errorf("segment 4 is taken for lost: %v", g)
	}
	if g, ok := b.hole(false); !ok || g != segs(4, 5) {
		t.Errorf("rule 3 gives %v %v", g, ok)
	}
}

// The scoreboard against the RFC's definitions octet by octet.
func TestScoreboardAgainstDefinition(t *testing.T) {
	r := rng.New(7).Stream("board")
	for range 300 {
		const n = 60
		b := &scoreboard{nxt: n, smss: 4}
		var sacked [n]bool
		una, highRxt := 0, 0
		for range 25 {
			switch r.Uint64() % 4 {
			case 0, 1:
				from := una + int(r.Uint64()%uint64(n-una+1))
				to := min(n, from+int(r.Uint64()%8))
				b.update([]span{{seq(from), seq(to)}})
				for i := from; i < to; i++ {
					sacked[i] = true
				}
			case 2:
				if una < n {
					una += int(r.Uint64()%3) + 1
					una = min(una, n)
					b.advance(seq(una))
					highRxt = max(highRxt, una)
				}
			case 3:
				highRxt = max(highRxt, una+int(r.Uint64()%uint64(n-una+1)))
				b.retransmitted(seq(highRxt))
			}
			pipe, octets, blocks := 0, 0, 0
			for s := n - 1; s >= una; s-- {
				if sacked[s] {
					octets++
					if s == n-1 || !sacked[s+1] {
						blocks++
					}
					continue
				}
				lost := blocks >= 3 || octets > 2*4
				if got := b.isLost(seq(s)); lost && !got {
					t.Fatalf("octet %d isn't lost", s)
				}
				if !b.isLost(seq(s)) {
					pipe++
				}
				if s < highRxt {
					pipe++
				}
			}
			if int(b.pipe()) != pipe {
				t.Fatalf("pipe %d, want %d", b.pipe(), pipe)
			}
		}
	}
}

// §5 on a path: of a window of 40, many segments are lost; all are repaired in
// one recovery without a timeout, and the window is half of the flight.
func TestSACKRecovery(t *testing.T) {
	n, fwd, _ := newTapped(t, 50*ms)
	lost := []int{30, 31, 35, 40, 41, 42, 50, 60}
	fwd.fate = drop(lost...)
	p := n.connect(0, 0, Config{}, Config{DelayedAck: -1})
	p.snd.Write(Unlimited)
	n.run(time.Second)
	s := p.snd.Stats()
	if s.Recoveries != 1 || s.Timeouts != 0 || s.Retransmitted != uint64(len(lost)) {
		t.Errorf("%+v", s)
	}
	if got := p.snd.Ssthresh() / 1448; got != 20 {
		t.Errorf("ssthresh of %d segments after 40 in flight", got)
	}
}

// The blocks that a receiver sends (RFC 2018 §4): the one that changed last
// first, and three at most beside timestamps.
func TestSACKBlocks(t *testing.T) {
	n, fwd, back := newTapped(t, 50*ms)
	fwd.fate = drop(0, 2, 4, 6)
	p := n.connect(0, 0, Config{}, Config{})
	p.snd.Write(9 * 1448)
	n.run(190 * ms)
	want := [][]uint32{{1}, {3, 1}, {5, 3, 1}, {7, 5, 3}, {7, 5, 3}}
	got := back.seen[1:]
	if len(got) != len(want) {
		t.Fatalf("%d acknowledgments", len(got))
	}
	for i, w := range want {
		if got[i].SACKBlocks != len(w) {
			t.Fatalf("acknowledgment %d has %d blocks", i, got[i].SACKBlocks)
		}
		for j, b := range w {
			if got[i].SACK[j][0] != b*1448+1 {
				t.Errorf("acknowledgment %d, block %d begins at %d, want segment %d", i, j, got[i].SACK[j][0], b)
			}
		}
	}
	if e := got[4].SACK[0][1]; e != 9*1448+1 {
		t.Errorf("the last block ends at %d", e)
	}
}

// RFC 6582 §3.2: a partial acknowledgment repeats the next hole at once, one a
// round trip; the full one ends recovery with ssthresh.
func TestNewRenoPartial(t *testing.T) {
	n, fwd, _ := newTapped(t, 50*ms)
	fwd.fate = drop(30, 33, 36)
	p := n.connect(0, 0, Config{NoSACK: true}, Config{DelayedAck: -1, NoSACK: true})
	p.snd.Write(Unlimited)
	n.run(time.Second)
	var at []time.Duration
	for _, s := range fwd.seen {
		for _, seg := range []uint32{30, 33, 36} {
			if s.Seq == seg*1448+1 && s.nth > 40 {
				at = append(at, s.at.Duration())
			}
		}
	}
	if len(at) != 3 || at[1]-at[0] != 100*ms || at[2]-at[1] != 100*ms {
		t.Errorf("repetitions at %v", at)
	}
	s := p.snd.Stats()
	if s.Recoveries != 1 || s.Timeouts != 0 || p.snd.Ssthresh() != 20*1448 {
		t.Errorf("%+v, ssthresh %d", s, p.snd.Ssthresh()/1448)
	}
}

// Without SACK, duplicates that a timeout's repetitions cause start no fast
// retransmit (RFC 6582 §4).
func TestNoFastRetransmitAfterTimeout(t *testing.T) {
	n, _, back := newTapped(t, 50*ms)
	back.fate = func(s tapped) fabric.Fate { // acknowledgments are cut off for a while
		if s.at > 300*1e6 && s.at < 1600*1e6 {
			return fabric.Lose
		}
		return fabric.Pass
	}
	p := n.connect(0, 0, Config{NoSACK: true}, Config{NoSACK: true, DelayedAck: -1})
	p.snd.Write(units.Bytes(200 * 1448))
	n.run(10 * time.Second)
	if s := p.snd.Stats(); s.Recoveries != 0 || s.Timeouts == 0 || p.rcv.Received() != 200*1448 {
		t.Errorf("%+v", s)
	}
}
