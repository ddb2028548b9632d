package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"rtpfabric/scenarios/internal/strict"
)

var trafficFields = fieldsOf{
	"tcp": {"control", "ecn", "short", "chunks"},
	"udp": {"rate", "packet", "schedule", "on", "off", "poisson"},
}

// let checks the named numbers.
func (c *checker) let() {
	for _, n := range c.s.Let {
		p := at("let", n.Name)
		if v, err := strconv.Atoi(n.Value); err != nil || v < 0 {
			c.fail(p, fmt.Sprintf("%q is not a whole number", n.Value), "write digits only, like 12")
		}
	}
}

func (c *checker) traffic() {
	nodes := c.s.Nodes()
	for i := range c.s.Traffic {
		t := &c.s.Traffic[i]
		p := at("traffic", t.Name)
		c.name(p, t.Name, "traffic")
		if c.s.Endpoint(t.Name) != nil {
			c.failKey(p, fmt.Sprintf("an endpoint is called %s already", t.Name), "choose another name")
		}
		c.only(trafficFields, t.Type, "traffic", p)
		known := true
		for _, end := range []struct{ key, node string }{{"from", t.From}, {"to", t.To}} {
			if !slices.Contains(nodes, end.node) {
				known = false
				c.fail(p.Child(end.key), fmt.Sprintf("no link has the node %q", end.node), instead(end.node, nodes, "the nodes"))
			}
		}
		switch {
		case !known:
		case t.From == t.To:
			c.fail(p.Child("to"), fmt.Sprintf("the traffic stays at %s", t.To), "name two different nodes")
		case !c.connected(t.From, t.To):
			c.fail(p.Child("to"), fmt.Sprintf("no path leads from %s to %s", t.From, t.To), "add a link that joins them")
		}
		c.trafficTimes(t, p)
		if t.Type == "udp" {
			c.udp(t, p)
		}
		if t.Short != nil && t.Chunks != nil {
			c.failKey(p.Child("chunks"), "traffic is either short flows or a stream in chunks", "remove short or chunks")
		}
		if s := t.Short; s != nil {
			if s.Least > s.Most {
				c.fail(c.firstOf(p.Child("short").Child("least"), p.Child("short").Child("most")), fmt.Sprintf("least, %s, is above most, %s", s.Least, s.Most), "exchange them")
			}
			if s.StartOn > s.Connections {
				c.fail(p.Child("short").Child("start-on"), fmt.Sprintf("%d of %d connections can't start on", s.StartOn, s.Connections), "write at most the number of connections")
			}
		}
	}
}

func (c *checker) trafficNames() []string {
	var names []string
	for i := range c.s.Traffic {
		names = append(names, c.s.Traffic[i].Name)
	}
	return names
}

func (c *checker) trafficTimes(t *Traffic, p strict.Path) {
	stop := t.Stops(c.s.Duration)
	switch {
	case t.Stop != nil && t.Stop.From > c.s.Duration:
		c.fail(p.Child("stop"), fmt.Sprintf("%s lies after the end of the run at %s", format(t.Stop.From), format(c.s.Duration)), "choose an earlier time or a longer duration")
	case t.Start.From >= stop:
		c.fail(c.firstOf(p.Child("start"), p.Child("stop")), fmt.Sprintf("the traffic starts at %s, which is not before it stops at %s", format(t.Start.From), format(stop)), "let it start earlier or stop later")
	}
}

func (c *checker) udp(t *Traffic, p strict.Path) {
	if t.Rate == nil {
		c.fail(p.Child("rate"), "is missing", `add "rate: 1Mbps"`)
		return
	}
	if (t.On == nil) != (t.Off == nil) {
		c.fail(c.firstOf(p.Child("on"), p.Child("off")), "on and off belong together", `write both, like "on: 1s" and "off: 1s"`)
	}
	if t.Poisson != nil && *t.Poisson {
		switch {
		case t.On != nil || len(t.Schedule) > 0:
			c.failKey(p.Child("poisson"), "a Poisson source has one rate all the time", "remove poisson, or the schedule, on and off")
			return
		case *t.Rate == 0:
			c.fail(c.firstOf(p.Child("rate"), p), "0bps would send nothing", "write a rate above 0bps")
			return
		}
	}
	if *t.Rate == 0 && len(t.Schedule) == 0 {
		c.fail(p.Child("rate"), "0bps would send nothing", "write a rate above 0bps, or a schedule")
	}
	if t.On != nil && len(t.Schedule) > 0 {
		c.failKey(p.Child("schedule"), "a source that goes on and off has one rate", "remove the schedule, or on and off")
	}
	last := time.Duration(-1)
	for i, s := range t.Schedule {
		q := p.Child("schedule").Child(strconv.Itoa(i)).Child("at")
		switch {
		case s.At <= last:
			c.fail(q, fmt.Sprintf("%s is not after the change before, at %s", format(s.At), format(last)), "put the changes in order of time, one for each time")
		case s.At >= c.s.Duration:
			c.fail(q, fmt.Sprintf("%s is not before the end of the run at %s", format(s.At), format(c.s.Duration)), "choose an earlier time or a longer duration")
		}
		last = s.At
	}
}
