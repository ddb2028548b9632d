package cellular

import (
	"fmt"
	"testing"
	"time"

	"rtpfabric/sim/units"
)

// Users with equal constant channels have equal shares, and all of it.
func TestEqualUsers(t *testing.T) {
	for _, s := range []Scheduler{RoundRobin, ProportionalFair} {
		n := newNet(t, 1, plain(s))
		for range 5 {
			n.user(UserConfig{Rate: 20 * units.Mbps}).saturate(100)
		}
		n.run(10 * time.Second)
		for i := range 5 {
			want(t, fmt.Sprintf("%s, user %d", s, i), float64(n.stats(i).Sent)*8/10, 4e6, 0.001)
		}
	}
}

// Round robin gives equal time: the cell carries the mean of the users' rates.
// So does proportional fair if the rates are constant.
func TestTotalIsMeanRate(t *testing.T) {
	rates := []units.BitRate{1 * units.Mbps, 5 * units.Mbps, 12 * units.Mbps, 44 * units.Mbps}
	for _, s := range []Scheduler{RoundRobin, ProportionalFair} {
		n := newNet(t, 1, plain(s))
		for _, r := range rates {
			n.user(UserConfig{Rate: r}).saturate(200)
		}
		n.run(20 * time.Second)
		total := 0.0
		for i, r := range rates {
			got := float64(n.stats(i).Sent) * 8 / 20
			total += got
			want(t, fmt.Sprintf("%s at %v", s, r), got, float64(r)/4, 0.01)
		}
		want(t, string(s)+" in total", total, 15.5e6, 0.005)
	}
}

// RFC 8869 §2: proportional fair waits for good times. Twelve users with equal
// means and independent fading have equal shares of time, and more throughput
// than with round robin.
func TestMultiUserDiversity(t *testing.T) {
	total := func(s Scheduler) (bits float64) {
		c := plain(s)
		n := newNet(t, 3, c)
		for range 12 {
			n.user(UserConfig{SNR: 5, Speed: 30}).saturate(100)
		}
		n.run(20 * time.Second)
		for i := range 12 {
			st := n.stats(i)
			bits += float64(st.Sent) * 8 / 20
			want(t, fmt.Sprintf("%s, share of user %d", s, i), float64(n.cell.Stats().Share(st)), 1.0/12, 0.08)
		}
		return bits
	}
	rr, pf := total(RoundRobin), total(ProportionalFair)
	t.Logf("round robin %.2f Mbit/s, proportional fair %.2f (gain %.2f)", rr/1e6, pf/1e6, pf/rr)
	// The mean of alpha·B·log2(1+s·x) over an exponential x, and over the greatest
	// of twelve, which bounds what a scheduler can do.
	mean, best := 0.0, 0.0
	last := 0.0
	for x := 0.0005; x < 40; x += 0.001 {
		r := float64(Downlink.rate(ratio(5)*x, 10e6))
		f := 1 - exp(-x)
		mean += r * exp(-x) * 0.001
		g := pow(f, 12)
		best += r * (g - last)
		last = g
	}
	// Below -10 dB nobody is served, and another one has the TTI.
	mean /= exp(-ratio(-10) / ratio(5))
	want(t, "round robin", rr, mean, 0.02)
	if pf < 0.85*best || pf > best || pf < 1.4*rr {
		t.Errorf("proportional fair %.2f Mbit/s, the best user's mean is %.2f, round robin has %.2f", pf/1e6, best/1e6, rr/1e6)
	}
}

// The resource blocks of a TTI go round if one user may have only so many.
func TestUserBlocks(t *testing.T) {
	c := plain(RoundRobin)
	c.UserBlocks = 10
	n := newNet(t, 1, c)
	for range 7 {
		n.user(UserConfig{Rate: 20 * units.Mbps}).saturate(50)
	}
	n.run(7 * time.Second)
	for i := range 7 {
		want(t, "throughput", float64(n.stats(i).Sent)*8/7, 20e6/7, 0.001)
	}
	if s := n.cell.Stats(); s.Blocks != 50*s.TTIs || s.TTIs != 7001 {
		t.Errorf("%+v", s)
	}
	one := newNet(t, 1, c)
	one.user(UserConfig{Rate: 20 * units.Mbps}).saturate(50)
	one.run(time.Second)
	want(t, "alone", float64(one.stats(0).Sent)*8, 4e6, 0.002)
}

// What one user leaves of a TTI the next one gets.
func TestTTIIsShared(t *testing.T) {
	n := newNet(t, 1, plain(RoundRobin))
	for range 5 {
		// 1250 bytes in a TTI, 25 in a resource block: 8 of 50 each.
		e := n.user(UserConfig{Rate: 10 * units.Mbps})
		e.keep, e.size = true, 200
		e.each(0, 0, 1)
	}
	n.run(time.Second)
	for i, e := range n.ends {
		wantTimes(t, e.at, ms)
		if s := n.stats(i); s.Blocks != 8 || s.TTIs != 1 || s.Sent != 200 {
			t.Errorf("user %d: %+v", i, s)
		}
	}
	if s := n.cell.Stats(); s.TTIs != 1 || s.Blocks != 40 || s.Share(n.stats(0)) != 0.2 {
		t.Errorf("cell: %+v", s)
	}
}
