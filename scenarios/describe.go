package scenarios

import (
	"fmt"
	"strings"
)

// String says in a few words what a direction of a link does to packets.
func (d Direction) String() string {
	var parts []string
	switch {
	case d.Channel != "":
		parts = append(parts, "channel "+d.Channel)
	case d.Capacity != nil:
		parts = append(parts, d.Capacity.String())
	case d.Rate != nil && d.Shaper != nil:
		parts = append(parts, fmt.Sprintf("%s shaped, burst %s", d.Rate, d.Shaper.Burst))
	case d.Rate != nil:
		parts = append(parts, d.Rate.String())
	}
	if d.Delay != nil {
		parts = append(parts, d.Delay.String())
	}
	if d.Queue != nil {
		parts = append(parts, d.Queue.String())
	}
	if j := d.Jitter; j != nil {
		parts = append(parts, fmt.Sprintf("%s %v", j.Model, j.Std))
	}
	if d.Loss != nil && *d.Loss > 0 {
		parts = append(parts, d.Loss.String()+" loss")
	}
	for i := range d.Impairments {
		parts = append(parts, d.Impairments[i].String())
	}
	return strings.Join(parts, ", ")
}

// String names the discipline and its length.
func (q *Queue) String() string {
	s := q.Type
	if len(q.Bands) > 0 {
		return fmt.Sprintf("%s of %d bands", s, len(q.Bands))
	}
	if q.Length != nil {
		s += " " + q.Length.String()
	}
	if q.ECN != nil && *q.ECN {
		s += " with ECN"
	}
	return s
}

// String says in a few words what the capacity does.
func (c *Capacity) String() string {
	switch {
	case c.File != "":
		return c.Type + " " + c.File
	case c.Low != nil && c.High != nil:
		return fmt.Sprintf("%s %s to %s", c.Type, c.Low, c.High)
	case c.Mean != nil:
		return fmt.Sprintf("%s around %s", c.Type, c.Mean)
	}
	return c.Type
}

// String names the impairment and how often it happens.
func (i *Impairment) String() string {
	switch {
	case i.Type == "gilbert-elliott":
		return fmt.Sprintf("gilbert-elliott %s/%s", i.GoodToBad, i.BadToGood)
	case i.Type == "policer":
		return fmt.Sprintf("policer %s", i.Rate)
	case i.Probability != nil:
		return fmt.Sprintf("%s %s", i.Probability, i.Type)
	}
	return i.Type
}

// String says in a few words what the traffic is.
func (t *Traffic) String() string {
	s := fmt.Sprintf("%s: %s from %s to %s", t.Name, t.Type, t.From, t.To)
	switch {
	case t.Type == "udp":
		s += fmt.Sprintf(", %s", t.Rate)
	case t.Chunks != nil:
		s += fmt.Sprintf(", %s, chunks of %s at %s", t.Control, format(t.Chunks.Period), t.Chunks.Rate)
	case t.Short != nil:
		s += fmt.Sprintf(", %s, %d sequences of downloads", t.Control, t.Short.Connections)
	default:
		s += fmt.Sprintf(", %s, unlimited", t.Control)
	}
	return s
}

// String names what stands at the node.
func (n *Node) String() string {
	var parts []string
	if n.Firewall != nil {
		parts = append(parts, "firewall")
	}
	if n.NAT != nil {
		parts = append(parts, "NAT")
	}
	if n.Bleach != nil {
		parts = append(parts, "bleach")
	}
	return "[" + strings.Join(parts, ", ") + "]"
}
