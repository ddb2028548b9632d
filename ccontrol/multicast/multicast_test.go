package multicast_test

import (
	"slices"
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/ccontrol/multicast"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// told is a controller whose rate is the estimate that it hears, which times out a second after
// that.
type told struct {
	rate    units.BitRate
	sent    int
	timeout simtime.Time
}

func (c *told) OnSent(simtime.Time, ccontrol.Sent) { c.sent++ }
func (c *told) OnFeedback(now simtime.Time, r *ccontrol.Report) {
	c.rate, c.timeout = r.Estimate, now.Add(time.Second)
}
func (c *told) OnTimeout(simtime.Time)    { c.rate, c.timeout = c.rate/2, simtime.Never }
func (c *told) NextTimeout() simtime.Time { return c.timeout }
func (c *told) Target() ccontrol.Target {
	return ccontrol.Target{Media: c.rate, Pacing: 2 * c.rate, Window: units.Bytes(c.rate / 1000)}
}

func build(t *testing.T, p multicast.Policy) (*multicast.Controller, *[]*told) {
	t.Helper()
	var made []*told
	c, err := multicast.New(p, func() (ccontrol.Controller, error) {
		made = append(made, &told{rate: 300_000, timeout: simtime.Never})
		return made[len(made)-1], nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, &made
}

// One rate suits all: the least capable path's. Who is left behind doesn't count.
//
// conformance: TOP-A.4.3-5
func TestPolicies(t *testing.T) {
	for _, tt := range []struct {
		policy multicast.Policy
		rates  []units.BitRate
		want   units.BitRate
		behind float64
	}{
		{multicast.Least, []units.BitRate{3_000_000, 1_000_000, 300_000}, 300_000, 0},
		{multicast.DropWorst, []units.BitRate{3_000_000, 1_000_000, 300_000}, 1_000_000, 1},
		{multicast.DropWorst, []units.BitRate{1_000_000, 900_000, 300_000}, 900_000, 1},
		{multicast.DropWorst, []units.BitRate{1_000_000, 900_000, 700_000}, 700_000, 0},
		{multicast.DropWorst, []units.BitRate{1_000_000, 200_000, 200_000}, 200_000, 0},
		{multicast.DropWorst, []units.BitRate{200_000}, 200_000, 0},
		{multicast.Least, nil, 300_000, 0},
	} {
		c, _ := build(t, tt.policy)
		for i, r := range tt.rates {
			c.OnFeedbackFrom(0, string(rune('B'+i)), &ccontrol.Report{Estimate: r})
		}
		got := c.Target()
		if got != (ccontrol.Target{Media: tt.want, Pacing: 2 * tt.want, Window: units.Bytes(tt.want / 1000)}) {
			t.Errorf("%s of %v: %+v, want %d", tt.policy, tt.rates, got, tt.want)
		}
		values := c.Signals(nil)
		if len(values) != len(multicast.Signals) || values[0] != float64(len(tt.rates)) || values[1] != tt.behind {
			t.Errorf("%s of %v: signals %v", tt.policy, tt.rates, values)
		}
		if len(tt.rates) > 0 && (values[2] != float64(slices.Min(tt.rates)) || values[3] != float64(slices.Max(tt.rates))) {
			t.Errorf("%s of %v: signals %v", tt.policy, tt.rates, values)
		}
	}
}

// What one receiver says doesn't reach another's controller; all see what is sent. Timers are
// each controller's own, and who has left is forgotten.
//
// conformance: TOP-A.4.3-4
func TestEachReceiverHasAController(t *testing.T) {
	c, made := build(t, multicast.Least)
	c.OnSent(0, ccontrol.Sent{})
	c.OnFeedbackFrom(1e9, "B", &ccontrol.Report{Estimate: 400_000})
	c.OnFeedbackFrom(2e9, "C", &ccontrol.Report{Estimate: 800_000})
	c.OnFeedback(2e9, &ccontrol.Report{Estimate: 1})
	c.OnSent(2e9, ccontrol.Sent{})
	b, of, next := (*made)[0], (*made)[1], (*made)[2]
	if b.rate != 400_000 || of.rate != 800_000 || b.sent != 2 || of.sent != 1 || next.sent != 1 {
		t.Errorf("%+v, %+v, %+v", b, of, next)
	}
	if at := c.NextTimeout(); at != 2e9 {
		t.Errorf("the next timeout is at %v", at)
	}
	c.OnTimeout(2e9)
	if b.rate != 200_000 || of.rate != 800_000 {
		t.Errorf("after B's timeout B has %d and C %d", b.rate, of.rate)
	}
	c.Left(2e9, "B")
	if got := c.Target().Media; got != 800_000 {
		t.Errorf("without B the rate is %d", got)
	}
	c.Left(2e9, "nobody")
	c.Left(2e9, "C")
	if got := c.Target().Media; got != 300_000 {
		t.Errorf("without anybody the rate is %d", got)
	}
}
