package scenarios

import (
	"fmt"
	"slices"
	"strings"
)

// gathering checks how ends gather candidates.
func (c *checker) gathering() {
	i, p := c.s.ICE, at("ice")
	if i == nil {
		return
	}
	if !slices.Contains(c.s.Nodes(), i.At) {
		c.fail(p.Child("at"), fmt.Sprintf("no link has the node %q", i.At), instead(i.At, c.s.Nodes(), "the nodes"))
		return
	}
	g := c.s.Signalling
	c.apply([]rule{
		{g == nil && c.unsignalled() != "", p, c.unsignalled() + " tell each other of candidates in descriptions, and without signalling there are none", `add "signalling: {at: M}", or remove it`},
		{g == nil && c.s.Topology.Relay != "", at("topology", "relay"), "ends that gather candidates have nothing between them", `remove it, or "ice"`},
		{g == nil && !*i.Trickle, p.Child("trickle"), "candidates of a pion stack follow its description", "remove it"},
		{g == nil && i.Policy != "all", p.Child("policy"), "beside a pion stack all candidates are used", "remove it"},
		{g == nil && i.Pool, p.Child("pool"), "beside a pion stack gathering begins with the run", "remove it"},
		{c.s.Security.ICE != "full", c.firstOf(at("security", "ice"), p), "nobody checks candidates", `write "security: {ice: full}"`},
		{c.s.Topology.Forked() && *i.Trickle, p.Child("trickle"), "lines of a fork take no candidates after a description", `write "trickle: false", or remove it`},
		{g != nil && g.By == "gateway" && *i.Trickle, p.Child("trickle"), "user agents of SIP take no candidates after a description", `write "trickle: false", or remove it`},
		{i.Policy == "relay" && !i.TURN, p.Child("policy"), "there are no relayed candidates", `write "turn: true", or "policy: all"`},
	})
	if g != nil && g.Fork != nil {
		for _, d := range g.Fork.Devices {
			for j, r := range d.Replaces {
				if r.Moves {
					c.fail(at("signalling", "fork", "devices", d.Name, "replaces", j, "moves"), "nobody gathers candidates for another port", `remove it, or "ice"`)
				}
			}
		}
	}
	for _, peer := range c.s.Topology.Peers {
		if e := c.s.Endpoint(peer); e != nil && !c.connected(e.At, i.At) {
			c.fail(p.Child("at"), fmt.Sprintf("no path leads from %s to %s", e.At, i.At), "add a link that joins them")
		}
	}
	for n := range c.s.Network.Nodes {
		if nat := c.s.Network.Nodes[n].NAT; nat != nil && !nat.LocalCandidates {
			c.fail(at("network", "nodes", c.s.Network.Nodes[n].Name, "nat", "local-candidates"), "ends that gather candidates tell their own addresses as well", `remove it, or "ice"`)
		}
		inside, what := c.s.Network.Nodes[n].insides()
		for _, peer := range c.s.Topology.Peers {
			if e := c.s.Endpoint(peer); e != nil && slices.Contains(inside, i.At) && !slices.Contains(inside, e.At) {
				c.fail(p.Child("at"), fmt.Sprintf("the server is behind the %s at %s, and %s, which asks it, isn't", what, c.s.Network.Nodes[n].Name, peer),
					"put it where both ends reach it")
			}
		}
	}
}

// unsignalled names a call in which neither end is a pion stack, which exchanges descriptions without signalling; "" if there is
// none.
func (c *checker) unsignalled() string {
	calls := c.s.Topology.Calls()
	if len(calls) == 0 {
		return "ends"
	}
	for _, call := range calls {
		if !slices.ContainsFunc(call, func(name string) bool {
			e := c.s.Endpoint(name)
			return e != nil && e.pion()
		}) {
			return strings.Join(call, " and ")
		}
	}
	return ""
}

// insides returns the nodes behind a node's NAT or firewall, and which of the two it is.
func (n *Node) insides() (nodes []string, what string) {
	switch {
	case n.NAT != nil:
		return n.NAT.Inside, "NAT"
	case n.Firewall != nil:
		return n.Firewall.Inside, "firewall"
	}
	return nil, ""
}

// restarts checks offers that restart ICE.
func (c *checker) restarts() {
	first := slices.MinFunc(c.s.Signalling.Offers, func(a, b SignalledOffer) int { return int(a.At - b.At) }).At
	for i, o := range c.s.Signalling.Offers {
		p := at("signalling", "offers", i, "restart")
		switch {
		case !o.Restart:
		case c.s.Security.ICE != "full" || c.s.Topology.Forked():
			c.fail(p, "there are no checks that could begin anew", `write "security: {ice: full}" in a call of two, or remove it`)
		case o.At == first:
			c.fail(p, "it is the first offer, with which checks begin", "remove it, or offer it later")
		}
	}
}
