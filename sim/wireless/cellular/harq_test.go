package cellular

import (
	"testing"
	"time"

	"rtpfabric/sim/units"
)

// A block is lost with the given probability each time, and comes again 8 ms
// after; packets stay in order. 20,000 packets: the shares' standard errors are
// 0.2 % and 0.07 %.
func TestHARQ(t *testing.T) {
	c := plain(RoundRobin)
	c.BLER = 0.1
	n := newNet(t, 1, c)
	e := n.user(UserConfig{Rate: 40 * units.Mbps})
	e.keep = true
	e.each(0, 50*ms, 20000)
	n.run(1001 * time.Second)
	counts := map[time.Duration]float64{}
	for i, at := range e.at {
		counts[at.Sub(e.sent[i])]++
	}
	want(t, "at once", counts[ms]/20000, 0.9, 0.008)
	want(t, "after one repetition", counts[9*ms]/20000, 0.09, 0.08)
	want(t, "after two", counts[17*ms]/20000, 0.009, 0.25)
	repetitions := 0.0
	for delay, packets := range counts {
		repetitions += float64((delay-ms)/(8*ms)) * packets
	}
	if s := n.stats(0); s.TTIs != 20000 || s.Delivered != 20000 || float64(s.BlockErrors) != repetitions {
		t.Errorf("%+v", s)
	}
}

// What was sent after a lost block waits for it: of two packets in two TTIs the
// second arrives at once only if neither was lost.
func TestHARQWaitsForLostBlock(t *testing.T) {
	c := plain(RoundRobin)
	c.BLER = 0.5
	n := newNet(t, 1, c)
	e := n.user(UserConfig{Rate: 9600 * units.Kbps}) // 1200 bytes in a TTI
	e.keep = true
	const pairs = 5000
	e.each(0, 100*ms, pairs)
	e.each(0, 100*ms, pairs)
	n.run(510 * time.Second)
	first, second := 0.0, 0.0
	for i := 0; i+1 < len(e.at); i += 2 {
		if e.got[i+1] < e.got[i] || e.at[i+1] < e.at[i] {
			t.Fatalf("packet %d at %v after %d at %v", e.got[i+1], e.at[i+1], e.got[i], e.at[i])
		}
		if e.at[i].Sub(e.sent[i]) == ms {
			first++
		}
		if e.at[i+1].Sub(e.sent[i+1]) == 2*ms {
			second++
		}
	}
	// Standard errors of 1.4 % and 2.5 %.
	want(t, "first at once", first/pairs, 0.5, 0.05)
	want(t, "second at once", second/pairs, 0.25, 0.09)
}

func TestHARQKeepsOrderAndCostsCapacity(t *testing.T) {
	c := plain(ProportionalFair)
	c.BLER = 0.2
	n := newNet(t, 1, c)
	for range 3 {
		e := n.user(UserConfig{Rate: 12 * units.Mbps}).saturate(100)
		e.keep = true
	}
	n.run(30 * time.Second)
	for i, e := range n.ends {
		for j := 1; j < len(e.got); j++ {
			if e.got[j] < e.got[j-1] {
				t.Fatalf("user %d: packet %d after %d", i, e.got[j], e.got[j-1])
			}
		}
		// 30,000 TTIs: a standard error of 0.25 % for the total.
		want(t, "throughput", float64(n.stats(i).Bytes)*8/30, 4e6*0.8, 0.02)
	}
}

// TTIs that begin in a handover's gap don't serve the user, and others have them.
// RFC 8869 §2: packets are queued and go once the handover is done.
func TestHandoverGap(t *testing.T) {
	n := newNet(t, 1, plain(RoundRobin))
	low := -3.0
	e := n.user(UserConfig{SNR: 20, Handovers: []Handover{{At: 20 * ms, Gap: 50 * ms}, {At: 90 * ms, Gap: 10*ms + 1, SNR: &low}}})
	e.keep = true
	for i := range 100 {
		e.each(time.Duration(i)*2*ms, 0, 1)
	}
	n.run(300 * ms)
	if len(e.at) != 100 {
		t.Fatalf("%d packets arrived", len(e.at))
	}
	for i, at := range e.at {
		start := at.Duration() - ms // of the TTI
		if start >= 20*ms && start < 70*ms || start >= 90*ms && start < 101*ms {
			t.Errorf("packet %d was sent in the TTI at %v", i, start)
		}
	}
	first := func(from time.Duration) time.Duration {
		for _, at := range e.at {
			if at.Duration() > from {
				return at.Duration()
			}
		}
		return 0
	}
	// 39 Mbit/s: the first four packets of the gap go in the first TTI after it.
	if first(20*ms) != 71*ms || e.at[13] != e.at[10] || e.at[14] == e.at[13] {
		t.Errorf("after the gap: %v", e.at[9:16])
	}
	// At -3 dB 3.5 Mbit/s: 439 bytes in a TTI, three for a packet.
	if first(90*ms) != 104*ms {
		t.Errorf("after the second gap at %v", first(90*ms))
	}
}

// A block that is lost before a handover is sent again after it.
func TestHandoverDelaysRepetition(t *testing.T) {
	c := plain(RoundRobin)
	c.BLER = 0.999
	n := newNet(t, 1, c)
	e := n.user(UserConfig{SNR: 20, Handovers: []Handover{{At: 5 * ms, Gap: 100 * ms}}})
	e.each(0, 0, 1)
	n.run(100 * ms)
	if s := n.stats(0); s.BlockErrors != 1 || s.Blocks == 0 {
		t.Errorf("%+v in the gap", s)
	}
	n.resume(107 * ms)
	if s := n.stats(0); s.BlockErrors != 2 {
		t.Errorf("%+v, want a repetition at 105 ms", s)
	}
}
