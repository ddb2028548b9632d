package plots

import (
	"fmt"
	"slices"
	"strings"

	"rtpfabric/sim/record"
)

// Above these sizes parts that are alike are drawn once.
const (
	maxBoxes = 10
	maxNodes = 8
)

// fold returns a topology in which parts that are alike stand once, if there are
// too many to draw: nodes at the end of equal links to one neighbour with like
// endpoints, and endpoints at one node with like flows. Three at least make a
// group, which is called after its first and last member.
func fold(top record.Topology) record.Topology {
	if len(top.Endpoints) <= maxBoxes && len(top.Nodes) <= maxNodes {
		return top
	}
	f := folder{top: top, node: map[string]string{}, endpoint: map[string]string{}}
	f.foldNodes()
	f.foldEndpoints()
	return f.folded()
}

// folder knows what each part is folded into.
type folder struct {
	top            record.Topology
	node, endpoint map[string]string
	addr           map[string]string // of groups of endpoints
}

// groups puts names with equal keys together, in order of the first.
func groups(names []string, key func(string) string) [][]string {
	var list [][]string
	at := map[string]int{}
	for _, n := range names {
		k := key(n)
		if k == "" {
			list = append(list, []string{n})
			continue
		}
		i, known := at[k]
		if !known {
			i = len(list)
			at[k] = i
			list = append(list, nil)
		}
		list[i] = append(list[i], n)
	}
	return list
}

// groupName names a group of three or more; smaller ones aren't groups.
func groupName(members []string) string {
	if len(members) < 3 {
		return ""
	}
	return members[0] + " … " + members[len(members)-1]
}

func (f *folder) foldNodes() {
	key := func(n string) string {
		var link *record.Link
		for i := range f.top.Links {
			if k := &f.top.Links[i]; k.From == n || k.To == n {
				if link != nil {
					return "" // not at the end
				}
				link = k
			}
		}
		if link == nil {
			return ""
		}
		var hosts []string
		for _, e := range f.top.Endpoints {
			if e.At == n {
				hosts = append(hosts, f.habits(e.Name))
			}
		}
		slices.Sort(hosts)
		neighbour, out, in := link.To, link.Forward, link.Backward
		if link.To == n {
			neighbour, out, in = link.From, link.Backward, link.Forward
		}
		return strings.Join([]string{neighbour, out, in, strings.Join(hosts, ";")}, "|")
	}
	for _, g := range groups(f.top.Nodes, key) {
		for _, n := range g {
			f.node[n] = n
			if name := groupName(g); name != "" {
				f.node[n] = name
			}
		}
	}
}

// habits says what an endpoint sends and receives.
func (f *folder) habits(endpoint string) string {
	var list []string
	for _, flow := range f.top.Flows {
		if flow.From == endpoint {
			list = append(list, "sends "+flow.Kind)
		}
		if flow.To == endpoint {
			list = append(list, "gets "+flow.Kind)
		}
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), ",")
}

func (f *folder) foldEndpoints() {
	f.addr = map[string]string{}
	at := map[string]string{}
	var names []string
	for _, e := range f.top.Endpoints {
		at[e.Name] = f.node[e.At]
		f.addr[e.Name] = e.Addr
		names = append(names, e.Name)
	}
	for _, g := range groups(names, func(e string) string { return at[e] + "|" + f.habits(e) }) {
		for _, e := range g {
			f.endpoint[e] = e
			if name := groupName(g); name != "" {
				f.endpoint[e] = name
				f.addr[name] = fmt.Sprintf("%d alike", len(g))
			}
		}
	}
}

// folded makes the smaller topology.
func (f *folder) folded() record.Topology {
	out := record.Topology{Type: f.top.Type}
	for _, n := range f.top.Nodes {
		if name := f.node[n]; !slices.Contains(out.Nodes, name) {
			out.Nodes = append(out.Nodes, name)
		}
	}
	for _, e := range f.top.Endpoints {
		name := f.endpoint[e.Name]
		if !slices.ContainsFunc(out.Endpoints, func(x record.Endpoint) bool { return x.Name == name }) {
			out.Endpoints = append(out.Endpoints, record.Endpoint{Name: name, At: f.node[e.At], Addr: f.addr[name]})
		}
	}
	for _, g := range f.links() {
		k := g[0]
		k.From, k.To = f.node[k.From], f.node[k.To]
		if len(g) > 1 {
			k.Name = fmt.Sprintf("%s … %s", k.Name, g[len(g)-1].Name)
		}
		out.Links = append(out.Links, k)
	}
	for _, flow := range f.top.Flows {
		flow.From, flow.To = f.endpoint[flow.From], f.endpoint[flow.To]
		if !slices.ContainsFunc(out.Flows, func(x record.Flow) bool {
			return x.From == flow.From && x.To == flow.To && x.Kind == flow.Kind && x.Controller == flow.Controller
		}) {
			out.Flows = append(out.Flows, flow)
		}
	}
	return out
}

// links groups those that join the same two parts alike.
func (f *folder) links() [][]record.Link {
	var list [][]record.Link
	at := map[[4]string]int{}
	for _, k := range f.top.Links {
		ends := [4]string{f.node[k.From], f.node[k.To], k.Forward, k.Backward}
		i, known := at[ends]
		if !known {
			i = len(list)
			at[ends] = i
			list = append(list, nil)
		}
		list[i] = append(list[i], k)
	}
	return list
}
