package runner

import (
	"rtpfabric/scenarios"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/middlebox"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

// firstExternal is the address of the first NAT (TEST-NET-2, RFC 5737).
const firstExternal packet.IPv4 = 198<<24 + 51<<16 + 100<<8 + 1

// External returns the address of the NAT at the node of an index, if there is one.
func External(node int) packet.IPv4 { return firstExternal + packet.IPv4(node) }

// stunServer is whom hosts behind a NAT ask for their address before a call
// (TEST-NET-1, and STUN's port).
var stunServer = packet.Addr{IP: 192<<24 + 2<<8 + 1, Port: 3478}

// node translates what stands at a node: firewall, NAT, bleaching.
func node(c *topologies.Config, n *scenarios.Node, index int) topologies.Node {
	out := topologies.Node{Name: n.Name}
	add := func(build func(*topologies.Env, *fabric.Node) fabric.Middlebox) { out.Boxes = append(out.Boxes, build) }
	if w := n.Firewall; w != nil {
		add(func(*topologies.Env, *fabric.Node) fabric.Middlebox { return firewall(c, w) })
	}
	if t := n.NAT; t != nil {
		external := External(index)
		add(func(env *topologies.Env, at *fabric.Node) fabric.Middlebox {
			inside := hostsAt(c, t.Inside)
			return nat{must(middlebox.NewNAT(env.Fabric, at, natConfig(t, external), inside...)), inside, !t.LocalCandidates}
		})
	}
	if b := n.Bleach; b != nil {
		add(func(*topologies.Env, *fabric.Node) fabric.Middlebox {
			var bc middlebox.BleacherConfig
			for _, d := range b.DropDSCP {
				bc.BlackHoles = append(bc.BlackHoles, uint8(d))
			}
			if b.DSCP {
				bc.DSCP = middlebox.BleachDSCP
			}
			if b.ECN {
				bc.ECN = middlebox.BleachECN
			}
			if b.DropECN {
				bc.ECN = middlebox.BlockECN
			}
			return must(middlebox.NewBleacher(bc))
		})
	}
	return out
}

func hostsAt(c *topologies.Config, nodes []string) []packet.IPv4 {
	var hosts []packet.IPv4
	for _, n := range nodes {
		hosts = append(hosts, c.AddrsAt(n)...)
	}
	return hosts
}

func firewall(c *topologies.Config, w *scenarios.Firewall) *middlebox.Firewall {
	var rules []middlebox.Rule
	if w.BlockUDP {
		rules = append(rules, middlebox.BlockUDP())
	}
	if w.ReducedSize {
		rules = append(rules, middlebox.BlockReducedSizeRTCP())
	}
	if len(w.Inside) > 0 {
		rules = append(rules, middlebox.BlockUnsolicited())
	}
	return must(middlebox.NewFirewall(rules, w.Timeout, hostsAt(c, w.Inside)...))
}

// nat knows who is behind it, and what they look like from outside.
type nat struct {
	*middlebox.NAT
	inside []packet.IPv4
	hides  bool
}

func (n nat) Hides() bool { return n.hides }

func (n nat) Inside() []packet.IPv4 { return n.inside }

// Outside is what a STUN server would tell the host.
func (n nat) Outside(now simtime.Time, inside packet.Addr) packet.Addr {
	if seen, ok := n.Map(now, inside, stunServer, packet.UDP); ok {
		return seen
	}
	return inside
}

func natConfig(t *scenarios.NAT, external packet.IPv4) middlebox.NATConfig {
	dependences := map[string]middlebox.Dependence{
		"endpoint-independent":       middlebox.EndpointIndependent,
		"address-dependent":          middlebox.AddressDependent,
		"address-and-port-dependent": middlebox.AddressAndPortDependent,
	}
	c := middlebox.NATConfig{
		External: []packet.IPv4{external},
		Mapping:  dependences[t.Mapping], Filtering: dependences[t.Filtering],
		Timeout: t.Timeout, InboundRefresh: t.RefreshInbound,
	}
	if !t.PortPreservation {
		c.Ports = middlebox.SequentialPort
	}
	if !t.Hairpinning {
		c.Hairpinning = middlebox.NoHairpin
	}
	return c
}
