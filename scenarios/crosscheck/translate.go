package crosscheck

import (
	"fmt"
	"slices"
	"strings"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/pionnet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
	"rtpfabric/topologies"
)

// plan is a scenario's network as a tree of vnet's routers.
type plan struct {
	tree *pionnet.Router
	// explained is why packets may fare otherwise.
	explained map[pionnet.Version][]string
	// enters says by direction of a link where packets are when they come to it.
	enters map[string]*pionnet.Router
}

// lose has the routers lose what our links have lost.
func (p *plan) lose(lost map[string][]int) {
	for _, r := range p.enters {
		r.Loses = map[int]bool{}
	}
	for link, packets := range lost {
		for _, i := range packets {
			p.enters[link].Loses[i] = true
		}
	}
}

// Why packets may fare otherwise.
const (
	serializerNote = "vnet has no serializer: a bucket of a large packet stands for it, which lets the first go at once"
	riseNote       = "v4 notices a rate that rises only when the next packet comes, or would have gone at the old one"
	insideNote     = "vnet's routers turn packets back that hosts behind one NAT send to its outside"
	giantNote      = "nothing gets past a packet in vnet that is larger than the bucket; a link of ours abandons it"
	portNote       = "vnet gives another port to a mapping that is made anew, which a NAT that preserves ports doesn't"
	bucketNote     = "v2 fills its bucket at intervals of 100 ms and more, and only when a packet comes; what waits goes only then"
	lengthNote     = "the length of v2's queue can't follow the rate"
)

// translate makes a plan of a scenario's network, for the packets of a run. What vnet knows nothing of is an
// [pionnet.Unable].
func translate(s *scenarios.Scenario, c *topologies.Config, played *tap) (*plan, error) {
	base := &translator{scenario: s, config: c, played: played}
	if err := base.checkTree(); err != nil {
		return nil, err
	}
	// Links are shaped in both directions only in the middle: which link that is is open.
	var best *translator
	for i := range s.Network.Links {
		t := base.around(&s.Network.Links[i])
		if t != nil && (best == nil || len(t.obstacles) < len(best.obstacles)) {
			best = t
		}
	}
	if best == nil {
		return nil, &pionnet.Unable{Reason: "no packet crosses a link"}
	}
	if len(best.obstacles) > 0 {
		return nil, &pionnet.Unable{Reason: strings.Join(best.obstacles, "; ")}
	}
	return best.plan, nil
}

// translator makes a plan around one link.
type translator struct {
	scenario  *scenarios.Scenario
	config    *topologies.Config
	plan      *plan
	played    *tap
	obstacles []string
}

func (t *translator) obstacle(format string, args ...any) {
	if o := fmt.Sprintf(format, args...); !slices.Contains(t.obstacles, o) {
		t.obstacles = append(t.obstacles, o)
	}
}

func (t *translator) explain(note string, versions ...pionnet.Version) {
	for _, v := range versions {
		if !slices.Contains(t.plan.explained[v], note) {
			t.plan.explained[v] = append(t.plan.explained[v], note)
		}
	}
}

// checkTree refuses networks with loops, or of several parts.
func (t *translator) checkTree() error {
	group := map[string]string{} // who stands for the nodes that are joined
	var find func(n string) string
	find = func(n string) string {
		if g, ok := group[n]; ok && g != n {
			return find(g)
		}
		return n
	}
	for i := range t.scenario.Network.Links {
		l := &t.scenario.Network.Links[i]
		a, b := find(l.Between[0]), find(l.Between[1])
		if a == b {
			return &pionnet.Unable{Reason: fmt.Sprintf("%s closes a loop, and vnet's routers are a tree", l.Name)}
		}
		group[a] = b
	}
	var first string
	for _, n := range t.scenario.Nodes() {
		switch part := find(n); {
		case len(t.config.AddrsAt(n)) == 0:
		case first == "":
			first = part
		case part != first:
			return &pionnet.Unable{Reason: "the network has parts that no link joins"}
		}
	}
	return nil
}

// around takes a link to be in the middle; it returns nil if one side has no hosts.
func (t *translator) around(middle *scenarios.Link) *translator {
	for _, end := range middle.Between {
		if !t.populated(end, middle) {
			return nil
		}
	}
	root := &pionnet.Router{Name: "root"}
	n := &translator{scenario: t.scenario, config: t.config, played: t.played, plan: &plan{
		tree: root, explained: map[pionnet.Version][]string{}, enters: map[string]*pionnet.Router{},
	}}
	forward, backward := n.stage(middle, true), n.stage(middle, false)
	// What both directions have in common is the root's, as only what crosses the link passes there.
	root.Delay = min(forward.Delay, backward.Delay)
	for _, s := range []*pionnet.Stage{&forward, &backward} {
		s.Delay -= root.Delay
		for i := range s.Changes {
			s.Changes[i].At = s.Changes[i].At.Add(root.Delay)
		}
	}
	n.grow(root, middle.Between[0], middle, pionnet.Path{Down: backward})
	n.grow(root, middle.Between[1], middle, pionnet.Path{Down: forward})
	return n
}

// name returns that of a link's direction.
func name(l *scenarios.Link, forward bool) string {
	if forward {
		return l.Name + "/forward"
	}
	return l.Name + "/backward"
}

// grow adds a node with all that lies behind it to a router.
func (t *translator) grow(above *pionnet.Router, node string, via *scenarios.Link, path pionnet.Path) {
	hosts := t.config.AddrsAt(node)
	r := &pionnet.Router{Name: node, Above: path, NAT: t.boxes(node, hosts, via)}
	for _, x := range t.links(node, via) {
		if !t.populated(x.far, x.Link) {
			continue
		}
		down, up := t.stage(x.Link, x.forward), t.stage(x.Link, !x.forward)
		t.grow(r, x.far, x.Link, t.path(x, down, up))
	}
	at := r // where packets are that are about to leave the node
	if len(hosts) == 1 && len(r.Routers) == 0 && len(r.Hosts) == 0 && r.NAT == nil {
		above.Hosts = append(above.Hosts, pionnet.Host{Addr: hosts[0], Above: path})
		at = above
	} else {
		for _, h := range hosts {
			r.Hosts = append(r.Hosts, pionnet.Host{Addr: h})
		}
		above.Routers = append(above.Routers, r)
	}
	for _, x := range t.links(node, nil) {
		t.plan.enters[name(x.Link, x.forward)] = at
	}
}

// end is a link as seen from a node.
type end struct {
	*scenarios.Link
	far     string // node
	forward bool   // is the direction that leads there
}

// links returns those at a node but for one.
func (t *translator) links(node string, but *scenarios.Link) []end {
	var list []end
	for i := range t.scenario.Network.Links {
		l := &t.scenario.Network.Links[i]
		switch {
		case l == but:
		case l.Between[0] == node:
			list = append(list, end{l, l.Between[1], true})
		case l.Between[1] == node:
			list = append(list, end{l, l.Between[0], false})
		}
	}
	return list
}

// behind returns a node and all that lie behind it, seen from a link.
func (t *translator) behind(node string, via *scenarios.Link) []string {
	list := []string{node}
	for _, x := range t.links(node, via) {
		list = append(list, t.behind(x.far, x.Link)...)
	}
	return list
}

// populated reports whether hosts are at a node or behind it.
func (t *translator) populated(node string, via *scenarios.Link) bool {
	return slices.ContainsFunc(t.behind(node, via), func(at string) bool { return len(t.config.AddrsAt(at)) > 0 })
}

// path joins a router and one that lies behind it.
func (t *translator) path(x end, down, up pionnet.Stage) pionnet.Path {
	if up.Rate > 0 {
		t.obstacle("%s has a rate: vnet shapes packets in both directions of one link only", name(x.Link, !x.forward))
	}
	if up.Delay > down.Delay {
		t.obstacle("%s takes longer than %s: what vnet delays on its way up it delays as much on its way down",
			name(x.Link, !x.forward), name(x.Link, x.forward))
	}
	down.Delay -= up.Delay
	return pionnet.Path{Delay: up.Delay, Down: down}
}

// boxes translates what stands at a node; nil if there is no NAT.
func (t *translator) boxes(node string, hosts []packet.IPv4, via *scenarios.Link) *pionnet.NAT {
	for i := range t.scenario.Network.Nodes {
		n := &t.scenario.Network.Nodes[i]
		if n.Name != node {
			continue
		}
		if n.Firewall != nil {
			t.obstacle("%s has a firewall", node)
		}
		if n.Bleach != nil {
			t.obstacle("%s changes markings", node)
		}
		if n.NAT != nil {
			return t.nat(node, n.NAT, runner.External(i), len(hosts) > 0, via)
		}
	}
	return nil
}

// stage is what packets meet in one direction of a link.
func (t *translator) stage(l *scenarios.Link, isForward bool) pionnet.Stage {
	d, back := l.Resolve()
	if !isForward {
		d = back
	}
	n := name(l, isForward)
	s := pionnet.Stage{Delay: *d.Delay}
	for _, x := range []struct {
		there bool
		what  string
	}{
		{d.Capacity != nil, "a capacity that varies"},
		{d.Channel != "", "a channel"},
		{d.Jitter != nil, "jitter"},
		{d.Shaper != nil && d.Shaper.PeakRate != nil, "a peak rate"},
		{d.Queue != nil && d.Queue.Type != "droptail", "a queue that isn't drop-tail"},
		{d.Rate != nil && d.Queue != nil && d.Queue.Length != nil && d.Queue.Length.Packets > 0, "a queue that counts packets"},
	} {
		if x.there {
			t.obstacle("%s has %s", n, x.what)
		}
	}
	for i := range d.Impairments {
		if typ := d.Impairments[i].Type; !slices.Contains([]string{"loss", "gilbert-elliott", "positions", "outage", "size-loss"}, typ) {
			t.obstacle("%s has %s", n, typ)
		}
	}
	if d.Rate != nil && d.Queue.Type == "droptail" {
		s.Rate, s.Burst, s.Queue = *d.Rate, t.played.largest, queueAt(d.Queue, *d.Rate)
		if d.Shaper == nil {
			t.explain(serializerNote, pionnet.V2, pionnet.V4)
		} else if s.Burst = d.Shaper.Burst; s.Burst < t.played.largest {
			t.explain(giantNote, pionnet.V2, pionnet.V4)
		}
		t.explain(bucketNote, pionnet.V2)
	}
	t.changes(&s, l, isForward, d.Queue)
	return s
}

// changes adds a link's schedule.
func (t *translator) changes(s *pionnet.Stage, l *scenarios.Link, isForward bool, q *scenarios.Queue) {
	n := name(l, isForward)
	rate := s.Rate
	for _, ch := range l.Schedule {
		to := ch.Forward
		if !isForward {
			to = ch.Backward
		}
		if to.Delay != nil || to.Up != nil {
			t.obstacle("the schedule of %s changes more than rate and loss", n)
		}
		if to.Rate == nil || s.Rate == 0 {
			continue
		}
		if *to.Rate > rate {
			t.explain(riseNote, pionnet.V4)
		}
		if q.Length.Time > 0 {
			t.explain(lengthNote, pionnet.V2)
		}
		change := pionnet.Change{At: simtime.At(ch.At), Rate: *to.Rate, Queue: s.Queue}
		if *to.Rate > 0 {
			change.Queue = queueAt(q, *to.Rate)
		}
		rate = *to.Rate
		s.Changes = append(s.Changes, change)
	}
}

// queueAt is how much a queue holds at a rate.
func queueAt(q *scenarios.Queue, rate units.BitRate) units.Bytes {
	if q.Length.Time > 0 {
		return rate.BytesIn(q.Length.Time)
	}
	return q.Length.Bytes
}

// nat translates a NAT. All that lies behind it must be inside, and nothing else.
func (t *translator) nat(node string, n *scenarios.NAT, external packet.IPv4, hosts bool, via *scenarios.Link) *pionnet.NAT {
	behind := t.behind(node, via)
	if hosts && !slices.Contains(n.Inside, node) {
		t.obstacle("hosts at %s are outside of its NAT: vnet's routers have no such place", node)
	}
	for _, at := range behind {
		if at != node && !slices.Contains(n.Inside, at) && len(t.config.AddrsAt(at)) > 0 {
			t.obstacle("%s is behind the NAT at %s and not inside", at, node)
		}
		if t.played.turnsBack(t.config.AddrsAt(at), external) {
			t.explain(insideNote, pionnet.V2, pionnet.V4)
		}
	}
	for _, at := range n.Inside {
		if !slices.Contains(behind, at) && len(t.config.AddrsAt(at)) > 0 {
			t.obstacle("%s is inside the NAT at %s, and the middle of the network lies between them", at, node)
		}
	}
	if n.RefreshInbound {
		t.obstacle("packets from outside keep mappings of the NAT at %s alive", node)
	}
	if n.PortPreservation {
		t.explain(portNote, pionnet.V2, pionnet.V4)
	}
	return &pionnet.NAT{
		External: external, Mapping: dependences[n.Mapping], Filtering: dependences[n.Filtering], Timeout: n.Timeout,
	}
}

var dependences = map[string]pionnet.Dependence{
	"endpoint-independent":       pionnet.EndpointIndependent,
	"address-dependent":          pionnet.AddressDependent,
	"address-and-port-dependent": pionnet.AddressAndPortDependent,
}
