package ssrctable_test

import (
	"math"
	"testing"
	"time"

	"rtpfabric/endpoints/ssrctable"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

const ours, theirs = 0x1111, 0x2222

var (
	peer  = packet.Addr{IP: 0x0a000002, Port: 5000}
	peerC = packet.Addr{IP: 0x0a000002, Port: 5001}
	other = packet.Addr{IP: 0x0a000003, Port: 5000}
)

// heard is a step of a script: what comes, from where, and the verdict.
type heard struct {
	kind  ssrctable.Kind
	ssrc  uint32
	from  packet.Addr
	cname string // of an SDES chunk, if not empty
	want  ssrctable.Verdict
}

func play(t *testing.T, table *ssrctable.Table, steps ...heard) {
	t.Helper()
	for i, s := range steps {
		var got ssrctable.Verdict
		if s.cname != "" {
			got = table.Described(simtime.Time(i), s.ssrc, s.from, s.cname)
		} else {
			got = table.Heard(simtime.Time(i), s.kind, s.ssrc, s.from)
		}
		if got != s.want {
			t.Errorf("step %d: verdict %d, want %d", i, got, s.want)
		}
	}
}

const (
	data    = ssrctable.Data
	control = ssrctable.Control
)

// §8.2: the established source is kept, the newcomer's packets are dropped; the
// CNAME tells a collision from a loop.
//
// conformance: SSR-4.8-5
func TestThirdParties(t *testing.T) {
	table := ssrctable.New("me")
	play(t, table,
		heard{data, theirs, peer, "", ssrctable.Accept},
		heard{control, theirs, peerC, "them", ssrctable.Accept}, // another port of RTCP
		heard{data, theirs, other, "", ssrctable.ThirdPartyLoop},
		heard{control, theirs, other, "them", ssrctable.ThirdPartyLoop},
		heard{control, theirs, other, "somebody", ssrctable.ThirdPartyCollision},
		heard{control, theirs, peerC, "somebody", ssrctable.ThirdPartyCollision}, // behind one translator
		heard{data, theirs, peer, "", ssrctable.Accept},
	)
	if table.CNAME(theirs) != "them" {
		t.Errorf("CNAME %q", table.CNAME(theirs))
	}
	table.Remove(theirs)
	play(t, table, heard{data, theirs, other, "", ssrctable.Accept})
}

func TestNewcomerMayBeKept(t *testing.T) {
	table := ssrctable.New("me")
	table.Policy = ssrctable.KeepNewcomer
	play(t, table,
		heard{data, theirs, peer, "", ssrctable.Accept},
		heard{data, theirs, other, "", ssrctable.Accept},
		heard{control, theirs, other, "them", ssrctable.Accept},
	)
}

// §8.2: a collision with our own SSRC is told until it is given up; then the
// value is the other party's, and what loops back is only counted, so that no
// flood of BYEs follows.
//
// conformance: SSR-4.8-4, IMP-12.4-4
func TestOwnCollisionAndLoop(t *testing.T) {
	table := ssrctable.New("me")
	table.AddLocal(ours)
	play(t, table,
		heard{data, ours, peer, "", ssrctable.OwnCollision},
		heard{data, ours, peer, "", ssrctable.OwnCollision},
	)
	table.GiveUp(0, ours, data, peer)
	next := table.Unused(rng.New(1).Stream("ssrc"))
	table.AddLocal(next)
	play(t, table,
		heard{data, ours, peer, "", ssrctable.Accept},
		heard{data, next, peer, "", ssrctable.OwnLooped},
		heard{control, next, peer, "", ssrctable.OwnLooped}, // RTP and RTCP on one port
		heard{data, next, other, "", ssrctable.OwnCollision},
	)
}

// §8.2: an address is forgotten when nothing conflicting came for ten intervals.
func TestConflictsExpire(t *testing.T) {
	table := ssrctable.New("me")
	table.AddLocal(ours)
	table.GiveUp(0, ours, data, peer)
	table.AddLocal(ours + 1)
	table.Expire(simtime.At(49*time.Second), 5*time.Second)
	play(t, table, heard{data, ours + 1, peer, "", ssrctable.OwnLooped}) // at 0 s
	table.Expire(simtime.At(51*time.Second), 5*time.Second)
	play(t, table, heard{data, ours + 1, peer, "", ssrctable.OwnCollision})
}

// §8.1: the probability that N random values collide is 1-exp(-N²/2^(L+1)). The
// formula is tested with ten bits, which leave something to count.
//
// conformance: SSR-4.8-3
func TestCollisionProbability(t *testing.T) {
	const n, bits, trials = 20, 10, 4000
	r := rng.New(7).Stream("ssrc")
	collided := 0
	for range trials {
		seen := map[uint32]bool{}
		for range n {
			v := r.Uint32() >> (32 - bits)
			if seen[v] {
				collided++
				break
			}
			seen[v] = true
		}
	}
	// The RFC's approximation, with N(N-1) in place of N², which differs at such
	// a small N.
	want := 1 - math.Exp(-float64(n*(n-1))/math.Pow(2, bits+1))
	got := float64(collided) / trials
	if sigma := math.Sqrt(want * (1 - want) / trials); math.Abs(got-want) > 3.3*sigma {
		t.Errorf("%.4f of the trials collide, want %.4f ± %.4f", got, want, 3.3*sigma)
	}
}

func TestUnusedAvoidsKnownValues(t *testing.T) {
	table := ssrctable.New("me")
	first := table.Unused(rng.New(3).Stream("ssrc"))
	table.AddLocal(first)
	if again := table.Unused(rng.New(3).Stream("ssrc")); again == first {
		t.Error("a value in use was drawn again")
	}
}
