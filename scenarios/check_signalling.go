package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rtpfabric/scenarios/internal/strict"
)

// signalling checks how a call is agreed on.
func (c *checker) signalling() {
	g, t := c.s.Signalling, &c.s.Topology
	if g == nil {
		return
	}
	p := at("signalling")
	if !slices.Contains(c.s.Nodes(), g.At) {
		c.fail(p.Child("at"), fmt.Sprintf("no link has the node %q", g.At), instead(g.At, c.s.Nodes(), "the nodes"))
		return
	}
	alone := t.Type == "point-to-point" && len(t.Peers) == 2 && t.Relay == "" || t.Forked()
	several := t.Sessions != "bundle" || !c.s.RTCP.Mux || slices.ContainsFunc(c.s.Endpoints, func(e Endpoint) bool { return !e.Bundle })
	other := c.s.Protection == "none" || slices.ContainsFunc(c.s.Endpoints, func(e Endpoint) bool {
		return e.Protection == "none" || e.Legacy() || e.Interworking || !e.Symmetric
	})
	values := g.Resolution == "tie-breaker"
	c.apply([]rule{
		{!alone, p, "signalling is between the two peers of one call, or a caller and devices", `write "topology: {peers: [A, B]}" without a relay, or "type: fork", or remove it`},
		{c.s.Hosted(), p, "stacks and parts of pion describe themselves before the run", "use endpoints of ours, or remove it"},
		{several, p, "a call that is signalled has one RTP session on one port", "leave topology.sessions, bundle and rtcp.mux as they are"},
		{other, p, "descriptions are of endpoints as WebRTC has them", "leave protection, type, interworking and symmetric as they are"},
		{g.By == "server" && g.Gateway != (SignallingGateway{Policy: "random", Override: true}), p.Child("gateway"), "here is a server", `write "by: gateway", or remove it`},
		{g.By == "server" && g.UserAgent != (SignallingSIP{}), p.Child("user-agent"), "without a gateway both peers are browsers", `write "by: gateway", or remove it`},
		{!values && g.Bits != 32, p.Child("bits"), "offers have no values", `write "resolution: tie-breaker", or remove it`},
		{!values && g.Resolves, p.Child("resolves"), "offers have no values", `write "resolution: tie-breaker", or remove it`},
		{!values && (g.Gateway.Policy != "random" || !g.Gateway.Override || g.Gateway.Values), p.Child("gateway"), "offers of browsers have no values", `write "resolution: tie-breaker", or leave "processing" alone`},
		{g.Fork != nil && !t.Forked(), p.Child("fork"), "here is no fork", `write "topology: {type: fork, …}", or remove it`},
		{g.By == "gateway" && g.Resolves, p.Child("resolves"), "here is a gateway, which always compares", `write "by: server", or remove it`},
	})
	if !alone || t.Forked() && !c.callsAreKnown() {
		return
	}
	for _, peer := range t.Peers {
		if peer == g.By {
			c.failKey(at("endpoints", peer), fmt.Sprintf("%q is the name of what is between the peers", peer), "give the endpoint another name")
		}
		if e := c.s.Endpoint(peer); e != nil && !c.connected(e.At, g.At) {
			c.fail(p.Child("at"), fmt.Sprintf("no path leads from %s to %s", e.At, g.At), "add a link that joins them")
		}
	}
	for i := range c.s.Network.Nodes {
		c.passes(&c.s.Network.Nodes[i])
	}
	for i := range c.s.Endpoints {
		if name := c.s.Endpoints[i].Name; strings.HasPrefix(name, "signalling-") {
			c.failKey(at("endpoints", name), fmt.Sprintf("%q could be the name of a capture of signalling", name), "give the endpoint another name")
		}
	}
	for i := range g.Peers {
		c.signallingPeer(&g.Peers[i])
	}
	if t.Forked() {
		c.forking()
	}
	for i := range g.Offers {
		o, p := &g.Offers[i], at("signalling", "offers", i)
		if !slices.Contains(t.Peers, o.By) {
			c.fail(p.Child("by"), fmt.Sprintf("%q is none of the peers", o.By), instead(o.By, t.Peers, "the peers"))
		} else {
			c.sends(p.Child("sends"), o.By, o.Sends)
		}
		if o.At >= c.s.Duration {
			c.fail(p.Child("at"), fmt.Sprintf("the run is over at %s", format(c.s.Duration)), "choose an earlier time or a longer duration")
		}
	}
	c.restarts()
}

// leastPoll bounds how often a server may be asked.
const leastPoll = 10 * time.Millisecond

// passes checks that those who open connections reach whom they call through what stands at a node.
func (c *checker) passes(n *Node) {
	inside, what := n.insides()
	g, peers, p := c.s.Signalling, c.s.Topology.Peers, at("signalling")
	isInside := func(peer string) bool {
		e := c.s.Endpoint(peer)
		return e != nil && slices.Contains(inside, e.At)
	}
	clients, box := peers, slices.Contains(inside, g.At)
	if g.By == "gateway" {
		clients = peers[:1]
		if isInside(peers[1]) && !box {
			c.fail(p.Child("by"), fmt.Sprintf("%s is behind the %s at %s, and the gateway, which opens the connection to it, isn't", peers[1], what, n.Name),
				fmt.Sprintf("put the gateway behind the %s as well, or let the first peer be behind it instead", what))
		}
	}
	for _, peer := range clients {
		if box && !isInside(peer) {
			c.fail(p.Child("at"), fmt.Sprintf("the %s is behind the %s at %s, and %s, which opens a connection to it, isn't", g.By, what, n.Name, peer),
				"put it where all who call it reach it")
		}
	}
	if c.s.Topology.Forked() && c.s.ICE == nil && n.NAT != nil && n.NAT.LocalCandidates && isInside(peers[0]) {
		beside := slices.IndexFunc(peers[1:], isInside)
		outside := slices.IndexFunc(peers[1:], func(device string) bool { return !isInside(device) })
		if beside >= 0 && outside >= 0 {
			c.fail(p, fmt.Sprintf("%s is behind the NAT at %s beside %s, but not beside %s, and has one address in its offer to both", peers[0], n.Name, peers[1+beside], peers[1+outside]),
				`write "local-candidates: false" at the NAT, or put all devices on one side of it`)
		}
	}
}

// signallingPeer checks what signalling knows of a peer.
func (c *checker) signallingPeer(d *SignallingPeer) {
	g, peers, p := c.s.Signalling, c.s.Topology.Peers, at("signalling", "peers", d.Name)
	switch {
	case !slices.Contains(peers, d.Name):
		c.failKey(p, fmt.Sprintf("%q is none of the peers", d.Name), instead(d.Name, peers, "the peers"))
		return
	case g.By == "gateway" && d.Name == peers[1] && d.Poll+d.LongPoll > 0:
		c.failKey(p, "a user agent of SIP doesn't ask for messages", `remove "poll" and "long-poll"`)
	case d.Poll > 0 && d.LongPoll > 0:
		c.fail(p.Child("long-poll"), "it asks at intervals already", `choose "poll" or "long-poll"`)
	case d.Poll > 0 && d.Poll < leastPoll, d.LongPoll > 0 && d.LongPoll < leastPoll:
		c.fail(c.firstOf(p.Child("poll"), p.Child("long-poll")), "nobody asks that often", "write 10ms or more")
	case d.Phase > 0 && d.Poll+d.LongPoll == 0:
		c.fail(p.Child("phase"), "it doesn't ask for messages", `write "poll: …", or remove it`)
	}
	c.sends(p.Child("sends"), d.Name, d.Sends)
}

// sends checks which of a peer's media it wants to send.
func (c *checker) sends(p strict.Path, peer string, list *[]string) {
	if list == nil {
		return
	}
	var names []string
	for _, m := range c.s.Media {
		switch {
		case m.From != peer:
		case m.RID == "":
			names = append(names, m.Name)
		case !slices.Contains(names, m.Simulcast): // all encodings are one media section
			names = append(names, m.Simulcast)
		}
	}
	c.words(p, *list, names, "the media of "+peer)
}
