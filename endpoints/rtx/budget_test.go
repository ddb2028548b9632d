package rtx_test

import (
	"testing"
	"time"

	"rtpfabric/endpoints/nack"
	"rtpfabric/endpoints/rtx"
	"rtpfabric/sim/units"
)

// RFC 4588 §7: however much is asked for, no more is sent again than the share of
// the media's rate, but for what was saved up. What is refused is counted.
//
// conformance: ROB-6.1-8
func TestBudgetLimitsTheRate(t *testing.T) {
	c := rtx.BudgetConfig{Share: 0.1, Burst: 200 * time.Millisecond, Floor: 3000}
	b := rtx.NewBudget(ms(0), c, 2*units.Mbps) // 25 kB/s; the bucket holds 5 kB
	sent, refused := units.Bytes(0), uint64(0)
	for i := range 10_000 {
		if b.Spend(ms(i), 1000, nack.Key, 0) {
			sent += 1000
		} else {
			refused++
		}
	}
	if sent < 253_000 || sent > 255_000 {
		t.Errorf("%d bytes in 10 s, want 250 kB and the 5 kB of the bucket", sent)
	}
	if got := b.Refused(nack.Key); got != refused || b.Refused(nack.Base) != 0 {
		t.Errorf("%d refused, want %d", got, refused)
	}
	if rate := b.Rate(ms(10_000)); rate < 190*units.Kbps || rate > 210*units.Kbps {
		t.Errorf("rate %d", rate)
	}
	if rate := b.Rate(ms(10_600)); rate != 0 {
		t.Errorf("rate %d after a pause", rate)
	}
	if rate := b.Rate(ms(1e8)); rate != 0 {
		t.Errorf("rate %d after a long pause", rate)
	}
}

// RFC 4588 §7: "MAY selectively retransmit only the packets that it deems
// important".
//
// conformance: ROB-6.1-8
func TestBudgetPrefersImportant(t *testing.T) {
	c := rtx.BudgetConfig{Share: 0.1, Burst: 400 * time.Millisecond}
	b := rtx.NewBudget(ms(0), c, 1*units.Mbps) // the bucket holds 5000 bytes
	for level, want := range []int{nack.Discardable: 3, nack.Base: 1, nack.Key: 2} {
		n := 0
		for b.Spend(ms(0), 800, nack.Importance(level), 0) {
			n++
		}
		if n != want {
			t.Errorf("level %d: %d packets, want %d", level, n, want)
		}
	}
}

// The bucket of a slow stream holds a packet at least; that of a fast one shrinks
// with its rate.
func TestBudgetFollowsTheRate(t *testing.T) {
	c := rtx.BudgetConfig{Share: 0.2, Burst: 100 * time.Millisecond, Floor: 1500}
	b := rtx.NewBudget(ms(0), c, 10*units.Kbps) // 250 bytes/s
	if !b.Spend(ms(0), 1500, nack.Key, 0) || b.Spend(ms(0), 1, nack.Key, 0) {
		t.Error("not a packet and nothing more")
	}
	if b.Spend(ms(3990), 1000, nack.Key, 0) || !b.Spend(ms(4000), 1000, nack.Key, 0) {
		t.Error("1000 bytes don't take 4 s")
	}
	b.SetMediaRate(ms(4000), 8*units.Mbps) // 20 kB of bucket
	if b.Spend(ms(4004), 1000, nack.Key, 0) || !b.Spend(ms(4005), 1000, nack.Key, 0) {
		t.Error("1000 bytes don't take 5 ms")
	}
	b.SetMediaRate(ms(9000), 0)
	if !b.Spend(ms(9000), 1500, nack.Key, 0) || b.Spend(ms(9000), 1, nack.Key, 0) {
		t.Error("not the floor and nothing more")
	}
	if b.Spend(ms(99_000), 1, nack.Key, 0) {
		t.Error("it fills without media")
	}
}

// Who asks for the same again and again doesn't take from the budget what others' first requests need.
func TestBudgetForWhatIsNew(t *testing.T) {
	b := rtx.NewBudget(0, rtx.BudgetConfig{Share: 0.2, Burst: 500 * time.Millisecond}, 800*units.Kbps) // 10 kB
	n := 0
	for b.Spend(0, 1000, nack.Base, 2) {
		n++
	}
	if n != 2 {
		t.Errorf("%d packets of 1 kB that went twice already, want 2", n)
	}
	for b.Spend(0, 1000, nack.Base, 1) {
		n++
	}
	if n != 7 {
		t.Errorf("then %d in all, want 7", n)
	}
}
