package scenarios

import (
	"fmt"
	"slices"

	"rtpfabric/scenarios/internal/strict"
)

// words are what messages call a middlebox.
var words = map[string]string{
	RelayName: "relay", SFM: "SFM", Mixer: "mixer", SwitchingMixer: "mixer", Gateway: Gateway, Transcoder: Transcoder,
}

// boxes checks who is connected to which middlebox, and reports whether that makes sense.
func (c *checker) boxes() bool {
	t, p, before := &c.s.Topology, at("topology", "peers"), len(c.errs)
	word := words[t.Type]
	switch {
	case len(t.Pairs) > 0:
		c.failKey(at("topology", "pairs"), "the "+word+" has one group and no pairs", `write "peers: [A, B, C]"`)
	case len(t.Cascade) > 0:
		c.cascade(word)
	case !c.standsAt(t.At, word, at("topology")):
	case t.Translates() && len(t.Peers) != 2:
		c.fail(c.firstOf(p, at("topology")), fmt.Sprintf("the %s stands between two peers, not %d", word, len(t.Peers)), "write two endpoints, like [A, B]")
	case len(t.Peers) < 2:
		c.fail(c.firstOf(p, at("topology")), fmt.Sprintf("the %s has two peers or more, not %d", word, len(t.Peers)), "write endpoints, like [A, B, C]")
	}
	if len(c.errs) > before {
		return false
	}
	unknown := false // then an endpoint may be missing by its name only
	for _, b := range t.Boxes() {
		list := p
		if len(t.Cascade) > 0 {
			list = c.firstOf(boxAt(b.Name).Child("peers"), boxAt(b.Name))
		}
		for i, peer := range b.Peers {
			again := slices.Contains(b.Peers[:i], peer) || t.BoxOf(peer) != b.Name
			unknown = unknown || c.s.Endpoint(peer) == nil
			c.boxPeer(peer, &b, again, list.Child(fmt.Sprint(i)))
		}
	}
	for _, e := range c.s.Endpoints {
		switch q := at("endpoints", e.Name); {
		case t.Stands(e.Name):
			c.failKey(q, fmt.Sprintf("%q is the name of the %s", e.Name, word), "give the endpoint another name")
		case t.Relayed() && !unknown && !slices.Contains(t.Everyone(), e.Name):
			c.failKey(q, "this endpoint takes no part", "add it to the peers of a relay, or remove it")
		}
	}
	return true
}

func boxAt(name string) strict.Path { return at("topology", "cascade", name) }

// standsAt checks the node of a middlebox.
func (c *checker) standsAt(node, word string, p strict.Path) bool {
	switch nodes := c.s.Nodes(); {
	case node == "":
		c.fail(p, "the "+word+" stands at no node", `add "at:" with the name of a node`)
	case !slices.Contains(nodes, node):
		c.fail(p.Child("at"), fmt.Sprintf("no link has the node %q", node), instead(node, nodes, "the nodes"))
	default:
		return true
	}
	return false
}

// boxPeer checks an endpoint that a middlebox passes packets on for.
func (c *checker) boxPeer(name string, b *Box, again bool, p strict.Path) {
	e, word := c.s.Endpoint(name), words[c.s.Topology.Type]
	switch {
	case e == nil:
		c.fail(p, fmt.Sprintf("there is no endpoint %q", name), instead(name, c.endpointNames(), "the endpoints"))
	case again:
		c.fail(p, fmt.Sprintf("%s stands here twice", name), "remove one of them")
	case !e.Symmetric:
		c.failKey(at("endpoints", name, "symmetric"), "the "+word+" sends to where packets come from", "remove it")
	case e.At == b.At:
		c.fail(p, fmt.Sprintf("%s is at %s like the %s, so no link lies between them", name, b.At, word), "put them at different nodes")
	case slices.Contains(c.s.Nodes(), e.At) && !c.connected(e.At, b.At):
		c.fail(p, fmt.Sprintf("no path leads from %s to %s", e.At, b.At), "add a link that joins them")
	}
}

// cascade checks several middleboxes and what joins them.
func (c *checker) cascade(word string) {
	t := &c.s.Topology
	for _, key := range []string{"at", "peers"} {
		if p := at("topology", key); c.places.Has(p) {
			c.failKey(p, "each "+word+" of a cascade has its own", "write it there")
			return
		}
	}
	switch p := at("topology", "cascade"); {
	case t.Type != RelayName && t.Type != Mixer && t.Type != SFM:
		c.failKey(p, "relays, mixers and SFMs can be joined, and nothing else", `write "type: sfm", or another of them`)
		return
	case len(t.Cascade) < 2:
		c.fail(p, "a cascade has two or more", `add another one, or write "at:" and "peers:" instead`)
		return
	case len(t.Everyone()) < 2:
		c.fail(p, fmt.Sprintf("the %ss have two peers or more, not %d", word, len(t.Everyone())), "write endpoints, like [A, B]")
		return
	}
	for i := range t.Cascade {
		b := &t.Cascade[i]
		c.name(boxAt(b.Name), b.Name, "the "+word)
		if !c.standsAt(b.At, word, boxAt(b.Name)) {
			return
		}
	}
	trunks := t.Trunks
	if len(trunks) == 0 {
		trunks = t.Joins()
	}
	for i, pair := range trunks {
		if !c.trunk(pair, trunks[:i]) {
			return
		}
	}
	c.joined()
}

// trunk checks one.
func (c *checker) trunk(pair []string, earlier [][]string) bool {
	t := &c.s.Topology
	p := c.firstOf(at("topology", "trunks", len(earlier)), at("topology", "cascade"))
	node := func(name string) string {
		return t.Cascade[slices.IndexFunc(t.Cascade, func(b Box) bool { return b.Name == name })].At
	}
	var names []string
	for _, b := range t.Cascade {
		names = append(names, b.Name)
	}
	if len(pair) != 2 || pair[0] == pair[1] {
		c.fail(p, "a trunk joins two", "write two names, like [west, east]")
		return false
	}
	for k, name := range pair {
		if !t.Stands(name) {
			c.fail(p.Child(fmt.Sprint(k)), fmt.Sprintf("the cascade has no %q", name), instead(name, names, "they"))
			return false
		}
	}
	same := func(o []string) bool { return slices.Contains(o, pair[0]) && slices.Contains(o, pair[1]) }
	a, b := node(pair[0]), node(pair[1])
	switch {
	case slices.ContainsFunc(earlier, same):
		c.fail(p, fmt.Sprintf("%s and %s are joined already", pair[0], pair[1]), "remove one of the two")
	case a == b:
		c.fail(p, fmt.Sprintf("%s and %s are both at %s, so no link lies between them", pair[0], pair[1], a), "put them at different nodes")
	case !c.connected(a, b):
		c.fail(p, fmt.Sprintf("no path leads from %s to %s", a, b), "add a link that joins them")
	default:
		return true
	}
	return false
}

// joined checks that all are, and what goes round.
func (c *checker) joined() {
	t, p := &c.s.Topology, c.firstOf(at("topology", "trunks"), at("topology", "cascade"))
	reached := t.beyond(t.Cascade[0].Name, "")
	for _, b := range t.Cascade {
		if !slices.Contains(reached, b.Name) {
			c.fail(p, fmt.Sprintf("no trunk joins %s to %s", b.Name, t.Cascade[0].Name), "add one")
			return
		}
	}
	switch {
	case !t.Circular():
	case t.Type == SFM:
		c.fail(p, "streams would go round without end, under another SSRC each time", "leave out a trunk that closes the circle")
	case t.Relayed() && !*t.Bind && slices.ContainsFunc(c.s.Network.Links, func(l Link) bool { return !l.Forward.limited() || !l.Backward.limited() }):
		c.failKey(at("topology", "bind"), "packets go round without end, and a link has no rate that would bound them", `add "rate:" to all links, or remove "bind: false"`)
	}
}
