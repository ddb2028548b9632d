// Package multicast lets a sender whose packets go to several receivers, as behind a relay, have
// a controller for each of them: their paths have nothing in common but the first hop. What
// they allow becomes one rate, by that of the least capable path (RFC 7667 §4.1) or of the
// next.
package multicast

import (
	"math"
	"slices"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Policy says whose rate is sent.
type Policy string

// The policies.
const (
	// Least suits all: the lowest of the rates.
	Least Policy = "least"
	// DropWorst suits all but the least capable path, if its rate is less than three quarters
	// of the next one's: controllers hardly allow half as much again as is sent. That path gets
	// more than it carries.
	DropWorst Policy = "drop-worst"
)

// Signals are the inner values that [Controller] shows.
var Signals = []ccontrol.Signal{
	{Name: "receivers", Help: "receivers that have a controller"},
	{Name: "left-behind", Help: "receivers whose rate doesn't count"},
	{Name: "least", Unit: "bit/s", Help: "rate that the least capable path allows"},
	{Name: "most", Unit: "bit/s", Help: "rate that the most capable path allows"},
}

// Controller has a controller for each receiver: a [ccontrol.Multicast].
type Controller struct {
	policy    Policy
	build     func() (ccontrol.Controller, error)
	spare     ccontrol.Controller // of the next receiver
	receivers []receiver          // in the order in which they were heard
}

type receiver struct {
	name string
	ccontrol.Controller
}

// New returns a controller without receivers, which sends at the rate at which each of them
// begins. build makes the controller of one.
func New(policy Policy, build func() (ccontrol.Controller, error)) (*Controller, error) {
	spare, err := build()
	if err != nil {
		return nil, err
	}
	return &Controller{policy: policy, build: build, spare: spare}, nil
}

// OnSent implements [ccontrol.Controller].
func (c *Controller) OnSent(now simtime.Time, s ccontrol.Sent) {
	c.spare.OnSent(now, s)
	for i := range c.receivers {
		c.receivers[i].OnSent(now, s)
	}
}

// OnFeedback has nothing to do: nobody has said it.
func (*Controller) OnFeedback(simtime.Time, *ccontrol.Report) {}

// OnFeedbackFrom implements [ccontrol.Multicast].
func (c *Controller) OnFeedbackFrom(now simtime.Time, name string, r *ccontrol.Report) {
	c.of(name).OnFeedback(now, r)
}

// of returns the controller of a receiver.
func (c *Controller) of(name string) ccontrol.Controller {
	if i := c.index(name); i >= 0 {
		return c.receivers[i]
	}
	c.receivers = append(c.receivers, receiver{name, c.spare})
	spare, err := c.build()
	if err != nil { // what was built before can be built again
		panic("multicast: " + err.Error())
	}
	c.spare = spare
	return c.receivers[len(c.receivers)-1]
}

func (c *Controller) index(name string) int {
	return slices.IndexFunc(c.receivers, func(r receiver) bool { return r.name == name })
}

// Left implements [ccontrol.Multicast].
func (c *Controller) Left(_ simtime.Time, name string) {
	if i := c.index(name); i >= 0 {
		c.receivers = slices.Delete(c.receivers, i, i+1)
	}
}

// OnTimeout implements [ccontrol.Controller].
func (c *Controller) OnTimeout(now simtime.Time) {
	for _, r := range c.all() {
		if r.NextTimeout() <= now {
			r.OnTimeout(now)
		}
	}
}

// NextTimeout implements [ccontrol.Controller].
func (c *Controller) NextTimeout() simtime.Time {
	next := simtime.Never
	for _, r := range c.all() {
		next = min(next, r.NextTimeout())
	}
	return next
}

// all returns the controllers of all receivers, or of the one to come.
func (c *Controller) all() []receiver {
	if len(c.receivers) == 0 {
		return []receiver{{"", c.spare}}
	}
	return c.receivers
}

// Target implements [ccontrol.Controller].
func (c *Controller) Target() ccontrol.Target {
	list := c.all()
	floor := c.floor(list)
	t := ccontrol.Target{Media: math.MaxInt64, Pacing: math.MaxInt64}
	for _, r := range list {
		of := r.Target()
		if of.Media < floor {
			continue
		}
		t.Media, t.Pacing = min(t.Media, of.Media), min(t.Pacing, of.Pacing)
		if of.Window > 0 && (t.Window == 0 || of.Window < t.Window) {
			t.Window = of.Window
		}
	}
	return t
}

// floor is the rate below which that of a receiver doesn't count.
func (c *Controller) floor(list []receiver) units.BitRate {
	if c.policy != DropWorst {
		return 0
	}
	rates := make([]units.BitRate, len(list))
	for i, r := range list {
		rates[i] = r.Target().Media
	}
	slices.Sort(rates)
	if len(rates) > 1 && rates[0] < rates[1]*3/4 {
		return rates[1]
	}
	return 0
}

// Signals implements [ccontrol.Observable].
func (c *Controller) Signals(values []float64) []float64 {
	least, most := math.NaN(), math.NaN()
	floor, behind := float64(c.floor(c.receivers)), 0
	for i, r := range c.receivers {
		rate := float64(r.Target().Media)
		if i == 0 {
			least, most = rate, rate
		}
		least, most = min(least, rate), max(most, rate)
		if rate < floor {
			behind++
		}
	}
	return append(values, float64(len(c.receivers)), float64(behind), least, most)
}
