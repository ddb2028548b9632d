package scenarios

import (
	"fmt"
	"time"

	"rtpfabric/scenarios/internal/strict"
)

func (c *checker) network() {
	if len(c.s.Network.Links) == 0 {
		c.fail(at("network", "links"), "there is no link", `add "bottleneck: {between: [A, B]}"`)
	}
	for i := range c.s.Network.Links {
		l := &c.s.Network.Links[i]
		c.name(at("network", "links", l.Name), l.Name, "a link")
		c.between(l)
		c.direction(l, "forward", &l.Forward)
		c.direction(l, "backward", &l.Backward)
		c.channelUse(l)
		c.topLevelQueue(l)
		c.topLevelShaper(l)
		c.schedule(l)
	}
	c.channels()
	c.nodes()
}

func (c *checker) between(l *Link) {
	p := at("network", "links", l.Name, "between")
	if len(l.Between) != 2 {
		c.fail(p, fmt.Sprintf("a link joins two nodes, not %d", len(l.Between)), "write two names, like [A, B]")
		return
	}
	for i, node := range l.Between {
		c.name(p.Child(fmt.Sprint(i)), node, "a node")
	}
	if l.Between[0] == l.Between[1] {
		c.fail(p, fmt.Sprintf("the link joins %s to itself", l.Between[0]), "write two different nodes")
	}
}

func (c *checker) direction(l *Link, side string, d *Direction) {
	base := at("network", "links", l.Name)
	own := base.Child(side)
	if d.Rate != nil && *d.Rate == 0 {
		c.fail(c.firstOf(own.Child("rate"), base.Child("rate")), "0bps from the start would carry nothing", "write a rate above 0bps here and the outage into the schedule")
	}
	if q := own.Child("queue"); !d.limited() && d.Queue != nil && d.Queue.Length != nil && d.Queue.Length.Time > 0 {
		c.fail(c.firstOf(q.Child("length"), q), fmt.Sprintf("a time says nothing because %s/%s has no rate", l.Name, side), `add a "rate:" beside the queue, or write the length in B or packets`)
	}
	whereOf := func(field string) strict.Path { return c.firstOf(own.Child(field), base.Child(field)) }
	if d.Queue != nil {
		c.queue(d.Queue, whereOf("queue"))
	}
	for i := range d.Impairments {
		c.impairment(&d.Impairments[i], whereOf("impairments").Child(fmt.Sprint(i)))
	}
	if d.Capacity != nil {
		c.capacity(d, whereOf("capacity"))
	}
	if s := d.Shaper; s != nil && s.PeakRate != nil && d.Rate != nil && *s.PeakRate < *d.Rate {
		c.fail(whereOf("shaper").Child("peak-rate"), fmt.Sprintf("%s is below the rate, %s", *s.PeakRate, *d.Rate), "write a rate above it, or leave it out")
	}
	if d.Queue != nil && d.Channel != "" {
		c.channelQueue(d.Queue, whereOf("queue"))
	}
	c.copies(d, whereOf("impairments"))
	if d.Shaper != nil && (d.Rate == nil || d.Capacity != nil || d.Channel != "") {
		c.failKey(whereOf("shaper"), "a shaper needs a constant rate", `add "rate: 1Mbps" beside it, and no capacity or channel`)
	}
}

// topLevelShaper refuses a shaper that no direction has a rate for.
func (c *checker) topLevelShaper(l *Link) {
	p := at("network", "links", l.Name, "shaper")
	if c.places.Has(p) && l.Forward.Shaper == nil && l.Backward.Shaper == nil {
		c.fail(p, "the shaper would shape nothing because no direction has a rate", `add "rate: 1Mbps" to the link, to forward or to backward`)
	}
}

// topLevelQueue refuses a queue that no direction uses.
func (c *checker) topLevelQueue(l *Link) {
	p := at("network", "links", l.Name, "queue")
	if c.places.Has(p) && !l.Forward.limited() && !l.Backward.limited() {
		c.fail(p, "the queue would never fill because no direction has a rate", `add "rate: 1Mbps" to the link, to forward or to backward`)
	}
}

func (c *checker) schedule(l *Link) {
	base := at("network", "links", l.Name, "schedule")
	last := time.Duration(-1)
	for i, change := range l.Schedule {
		p := base.Child(fmt.Sprint(i))
		switch {
		case change.At <= last:
			c.fail(p.Child("at"), fmt.Sprintf("%s is not after the change before, at %s", format(change.At), format(last)), "put the changes in order of time, one for each time")
		case change.At >= c.s.Duration:
			c.fail(p.Child("at"), fmt.Sprintf("%s is not before the end of the run at %s", format(change.At), format(c.s.Duration)), "choose an earlier time or a longer duration")
		}
		last = change.At
		c.changedRate(l, p)
		for _, q := range []strict.Path{p, p.Child("forward"), p.Child("backward")} {
			if c.places.Has(q.Child("rate")) && c.places.Has(q.Child("ratio")) {
				c.failKey(q.Child("ratio"), "the rate is said already", "remove the rate or the ratio")
			}
		}
		if change.Forward == (ChangeTo{}) && change.Backward == (ChangeTo{}) && !c.places.Has(p.Child("rate")) && !c.places.Has(p.Child("ratio")) {
			c.fail(p, "nothing changes here", `add what changes, like "forward: {rate: 2.5Mbps}"`)
		}
	}
}

// changedRate refuses a change of rate where there is no rate to change: such
// a direction has no queue either.
func (c *checker) changedRate(l *Link, change strict.Path) {
	remedy := fmt.Sprintf(`give the link a rate from the start, like "rate: 1Mbps" in %q`, l.Name)
	for _, field := range []string{"rate", "ratio"} {
		side := func(name string, d *Direction) {
			p := change.Child(name).Child(field)
			switch {
			case !c.places.Has(p):
			case d.Capacity != nil || d.Channel != "":
				c.fail(p, fmt.Sprintf("the rate of %s/%s is not the schedule's to change", l.Name, name), "remove its capacity or channel, or this")
			case d.Rate == nil:
				c.fail(p, fmt.Sprintf("%s/%s has no rate that could change", l.Name, name), remedy)
			}
		}
		side("forward", &l.Forward)
		side("backward", &l.Backward)
		if p := change.Child(field); c.places.Has(p) && l.Forward.Rate == nil && l.Backward.Rate == nil {
			c.fail(p, fmt.Sprintf("%s has no rate that could change", l.Name), remedy)
		}
		if p := change.Child(field); c.places.Has(p) && (l.Forward.Capacity != nil || l.Backward.Capacity != nil) {
			c.fail(p, fmt.Sprintf("the rate of %s is not the schedule's to change", l.Name), "remove its capacity, or this")
		}
	}
}

func format(d time.Duration) string { return strict.FormatDuration(d) }
