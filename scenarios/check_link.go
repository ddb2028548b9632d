package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rtpfabric/scenarios/internal/strict"
)

// fieldsOf says which fields each type of something has, beside those that all
// have.
type fieldsOf map[string][]string

// only refuses fields that belong to other types, and asks for those that the
// type must have, which are marked with an exclamation mark.
func (c *checker) only(fields fieldsOf, typ, what string, p strict.Path) {
	own := map[string]bool{}
	for _, f := range fields[typ] {
		name, must := strings.CutSuffix(f, "!")
		own[name] = true
		if must && !c.places.Has(p.Child(name)) {
			c.fail(p.Child(name), "is missing", fmt.Sprintf("add %q, which %s of type %s needs", name+": …", what, typ))
		}
	}
	for _, other := range fields.names() {
		if q := p.Child(other); !own[other] && c.places.Has(q) {
			c.failKey(q, fmt.Sprintf("%s of type %s has no such field", what, typ), remedyFor(fields[typ]))
		}
	}
}

func remedyFor(fields []string) string {
	if len(fields) == 0 {
		return "remove it"
	}
	return "its fields are " + strings.ReplaceAll(strings.Join(fields, ", "), "!", "")
}

// names returns all fields of all types in a fixed order.
func (f fieldsOf) names() []string {
	var names []string
	for _, list := range f {
		for _, name := range list {
			names = append(names, strings.TrimSuffix(name, "!"))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

var impairmentFields = fieldsOf{
	"loss":            {"probability!"},
	"gilbert-elliott": {"good-to-bad!", "bad-to-good!", "loss-good", "loss-bad"},
	"positions":       {"packets!"},
	"outage":          {"during!"},
	"size-loss":       {"probability!", "fragment!"},
	"corruption":      {"probability!"},
	"duplication":     {"probability!"},
	"reordering":      {"probability!", "delay!"},
	"policer":         {"rate!", "burst!"},
}

func (c *checker) impairment(i *Impairment, p strict.Path) {
	c.only(impairmentFields, i.Type, "an impairment", p)
	for k, w := range i.During {
		if w.From >= c.s.Duration {
			c.fail(p.Child("during").Child(strconv.Itoa(k)), fmt.Sprintf("%s is not before the end of the run at %s", w, format(c.s.Duration)), "choose an earlier time or a longer duration")
		}
	}
	for k, n := range i.Packets {
		if n < 1 {
			c.fail(p.Child("packets").Child(strconv.Itoa(k)), fmt.Sprintf("%d is no position", n), "count packets from 1")
		}
	}
}

var queueFields = fieldsOf{
	"droptail": {},
	"red":      {"ecn", "min-threshold", "max-threshold", "max-probability", "weight"},
	"codel":    {"ecn", "target", "interval"},
	"fq-codel": {"ecn", "target", "interval", "flows", "quantum"},
	"pie":      {"ecn", "target"},
	"dualpi2":  {"target", "step", "coupling"},
	"priority": {"bands!"},
	"weighted": {"bands!"},
}

func (c *checker) queue(q *Queue, p strict.Path) {
	c.only(queueFields, q.Type, "a queue", p)
	if len(q.Bands) > 0 && c.places.Has(p.Child("length")) {
		c.failKey(p.Child("length"), "the bands have lengths, not the whole", "write the length into the bands' queues")
	}
	if q.MinThreshold != nil && q.MaxThreshold != nil && *q.MinThreshold >= *q.MaxThreshold {
		c.fail(p.Child("min-threshold"), fmt.Sprintf("%s is not below max-threshold, %s", *q.MinThreshold, *q.MaxThreshold), "let it be smaller")
	}
	if (q.Type == "priority" || q.Type == "weighted") && c.places.Has(p.Child("bands")) && len(q.Bands) == 0 {
		c.fail(p.Child("bands"), "there is no band", "write one at least, like [{dscp: [46]}, {}]")
	}
	for i := range q.Bands {
		b := &q.Bands[i]
		if q.Type == "priority" && q.Bands[i].Weight != 1 && c.places.Has(p.Child("bands").Child(strconv.Itoa(i)).Child("weight")) {
			c.failKey(p.Child("bands").Child(strconv.Itoa(i)).Child("weight"), "strict priority knows no weights", "write type: weighted, or remove it")
		}
		bp := p.Child("bands").Child(strconv.Itoa(i))
		ways := 0
		for _, there := range []bool{len(b.DSCP) > 0, len(b.Flows) > 0, b.LooksLike != ""} {
			if there {
				ways++
			}
		}
		if ways > 1 || ways == 0 && i < len(q.Bands)-1 {
			c.fail(bp, "a band takes packets in exactly one way", `write dscp, flows or looks-like; only the last band may go without`)
		}
		c.dscp(b.DSCP, bp.Child("dscp"))
		known := append(c.endpointNames(), c.trafficNames()...)
		for k, f := range b.Flows {
			if !slices.Contains(known, f) {
				c.fail(bp.Child("flows").Child(strconv.Itoa(k)), fmt.Sprintf("there is no endpoint or traffic %q", f), instead(f, known, "they"))
			}
		}
		if len(b.Queue.Bands) > 0 {
			c.fail(bp.Child("queue"), "bands don't have bands", "write a queue of another type")
			continue
		}
		c.queue(&b.Queue, bp.Child("queue"))
	}
}

// channelQueue refuses lengths in time where there is no rate to compute with:
// what a channel gives to a link depends on the others.
func (c *checker) channelQueue(q *Queue, p strict.Path) {
	if q.Length != nil && q.Length.Time > 0 {
		c.fail(c.firstOf(p.Child("length"), p), "a time says nothing because a channel has no rate", "write the length in B or packets")
	}
	for i := range q.Bands {
		c.channelQueue(&q.Bands[i].Queue, p.Child("bands").Child(strconv.Itoa(i)).Child("queue"))
	}
}

// maxDuplications bounds how many copies a link makes of a packet.
const maxDuplications = 3

func (c *checker) copies(d *Direction, p strict.Path) {
	n := 0
	for i := range d.Impairments {
		if d.Impairments[i].Type != "duplication" {
			continue
		}
		if n++; n > maxDuplications {
			c.fail(p.Child(strconv.Itoa(i)), fmt.Sprintf("more than %d duplications double the packets each time", maxDuplications), "remove some")
			return
		}
	}
}

// dscp checks a list of code points.
func (c *checker) dscp(list []int, p strict.Path) {
	for i, d := range list {
		if d < 0 || d > 63 {
			c.fail(p.Child(strconv.Itoa(i)), fmt.Sprintf("%d is no code point", d), "write 0 to 63")
		}
	}
}

var capacityFields = fieldsOf{
	"square":      {"low!", "high!", "period!"},
	"rising":      {"low!", "high!", "period!"},
	"falling":     {"low!", "high!", "period!"},
	"triangle":    {"low!", "high!", "period!"},
	"sine":        {"low!", "high!", "period!"},
	"random-walk": {"low!", "high!", "mean!"},
	"lte":         {"mean"},
	"5g":          {"mean"},
	"wifi":        {"mean"},
	"leo":         {"mean"},
	"geo":         {"mean"},
	"mahimahi":    {"file!"},
	"opennetlab":  {"file!", "direction"},
}

func (c *checker) capacity(d *Direction, p strict.Path) {
	v := d.Capacity
	c.only(capacityFields, v.Type, "a capacity", p)
	if v.Low != nil && v.High != nil && *v.Low > *v.High {
		c.fail(p.Child("low"), fmt.Sprintf("low, %s, is above high, %s", *v.Low, *v.High), "exchange them")
	}
	if v.File != "" {
		if _, err := c.s.ReadTrace(v); err != nil {
			problem, remedy := splitRemedy(err.Error())
			c.fail(p.Child("file"), problem, remedy)
		}
	}
	if d.Channel != "" {
		c.failKey(p, "a channel decides the rate already", "remove the capacity or the channel")
	}
}

// channelUse checks that a link's channels exist and have their transmitters
// named.
func (c *checker) channelUse(l *Link) {
	base := at("network", "links", l.Name)
	if ch := l.Forward.Channel; ch != "" && ch == l.Backward.Channel && c.s.cell(ch) {
		c.fail(c.firstOf(base.Child("channel"), base.Child("backward").Child("channel")), "a cell is one direction", "write one for the uplink into forward and one for the downlink into backward")
	}
	for _, side := range []struct {
		name string
		d    *Direction
	}{{"forward", &l.Forward}, {"backward", &l.Backward}} {
		if side.d.Channel == "" {
			continue
		}
		var names []string
		for _, ch := range c.s.Network.Channels {
			names = append(names, ch.Name)
		}
		p := c.firstOf(base.Child(side.name).Child("channel"), base.Child("channel"))
		if !slices.Contains(names, side.d.Channel) {
			c.fail(p, fmt.Sprintf("there is no channel %q", side.d.Channel), instead(side.d.Channel, names, "the channels"))
		}
		if side.d.Rate != nil {
			c.fail(p, "a channel decides the rate already", "remove the rate or the channel")
		}
	}
}

var channelFields = fieldsOf{
	"wifi": {"phy", "mode", "frame-errors", "aggregation", "wmm", "stations"},
	"cell": {"direction", "scheduler", "bandwidth", "coverage", "speed", "handovers"},
}

func (c *checker) channels() {
	nodes := c.s.Nodes()
	for i := range c.s.Network.Channels {
		ch := &c.s.Network.Channels[i]
		p := at("network", "channels", ch.Name)
		c.name(p, ch.Name, "a channel")
		c.only(channelFields, ch.Type, "a channel", p)
		used := false
		for _, l := range c.s.Network.Links {
			used = used || l.Forward.Channel == ch.Name || l.Backward.Channel == ch.Name
		}
		if !used {
			c.failKey(p, "no link uses the channel", fmt.Sprintf("add %q to a link, or remove the channel", "channel: "+ch.Name))
		}
		for _, s := range ch.Stations {
			if !slices.Contains(nodes, s.Name) {
				c.failKey(p.Child("stations").Child(s.Name), fmt.Sprintf("no link has the node %q", s.Name), instead(s.Name, nodes, "the nodes"))
			}
		}
	}
}

// behind checks who is behind a NAT.
func (c *checker) behind(n *Node, p strict.Path) {
	hosts := false
	for i, name := range n.NAT.Inside {
		for _, e := range c.s.Endpoints {
			hosts = hosts || e.At == name
		}
		hosts = hosts || slices.ContainsFunc(c.s.Topology.Boxes(), func(b Box) bool { return b.At == name })
		for _, t := range c.s.Traffic {
			hosts = hosts || t.From == name || t.To == name
		}
		for _, other := range c.s.Network.Nodes {
			if other.Name != n.Name && other.NAT != nil && slices.Contains(other.NAT.Inside, name) {
				c.fail(p.Child(strconv.Itoa(i)), fmt.Sprintf("%s is behind the NAT at %s already", name, other.Name), "put each node behind one NAT; NATs behind NATs can't be simulated")
			}
		}
	}
	for _, e := range c.s.Endpoints {
		if e.At == n.Name {
			c.fail(p, fmt.Sprintf("endpoint %s stands at the NAT's node", e.Name), "put the NAT at a node of its own")
		}
	}
	for _, b := range c.s.Topology.Boxes() {
		if b.At == n.Name {
			c.fail(p, fmt.Sprintf("the %s stands at the NAT's node", words[c.s.Topology.Type]), "put the NAT at a node of its own")
			break
		}
	}
	if !hosts {
		c.fail(p, "nobody is behind the NAT", "name nodes with endpoints or traffic")
	}
}

// nodes checks what stands at nodes.
func (c *checker) nodes() {
	known := c.s.Nodes()
	inside := func(list []string, p strict.Path) {
		for i, n := range list {
			if !slices.Contains(known, n) {
				c.fail(p.Child(strconv.Itoa(i)), fmt.Sprintf("no link has the node %q", n), instead(n, known, "the nodes"))
			}
		}
	}
	for i := range c.s.Network.Nodes {
		n := &c.s.Network.Nodes[i]
		p := at("network", "nodes", n.Name)
		if !slices.Contains(known, n.Name) {
			c.failKey(p, fmt.Sprintf("no link has the node %q", n.Name), instead(n.Name, known, "the nodes"))
		}
		if n.Firewall == nil && n.NAT == nil && n.Bleach == nil {
			c.failKey(p, "nothing stands at the node", "add firewall, nat or bleach, or remove it")
		}
		if n.Firewall != nil && n.NAT != nil {
			c.failKey(p.Child("firewall"), "the firewall would see addresses from both sides of the NAT", "put it at a node of its own")
		}
		if n.Firewall != nil {
			inside(n.Firewall.Inside, p.Child("firewall").Child("inside"))
		}
		if n.NAT != nil {
			inside(n.NAT.Inside, p.Child("nat").Child("inside"))
			c.behind(n, p.Child("nat").Child("inside"))
			if slices.Contains(n.NAT.Inside, n.Name) {
				c.fail(p.Child("nat").Child("inside"), "the NAT can't be behind itself", "name the nodes behind it")
			}
		}
		if n.Bleach != nil {
			c.dscp(n.Bleach.DropDSCP, p.Child("bleach").Child("drop-dscp"))
			if n.Bleach.ECN && n.Bleach.DropECN {
				c.fail(p.Child("bleach").Child("drop-ecn"), "what has been cleared can't be dropped for its ECN field", "choose ecn or drop-ecn")
			}
		}
	}
}
