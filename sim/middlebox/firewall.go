package middlebox

import (
	"fmt"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// Firewall asks its rules in order about every packet between its inside and
// its outside; the first that matches decides, and what none matches passes.
// Packets that stay on one side pass unasked.
type Firewall struct {
	rules  []Rule
	inside Hosts
	flows  flowTable
	hits   []uint64
}

// Action is what a rule does with a packet that it matches.
type Action uint8

// The actions.
const (
	Block Action = iota
	Accept
)

// Direction is a packet's way through the firewall.
type Direction uint8

// The directions.
const (
	AnyDirection Direction = iota
	Inbound
	Outbound
)

// Transport selects a protocol.
type Transport uint8

// The transports.
const (
	AnyTransport Transport = iota
	OnlyUDP
	OnlyTCP
)

// Content is what a rule looks for beyond addresses.
type Content uint8

// The contents.
const (
	AnyContent Content = iota
	// Unsolicited is no reply: nothing has gone the opposite way between the two
	// addresses within the firewall's timeout.
	Unsolicited
	// ReducedSizeRTCP is RTCP that doesn't start with a sender or receiver
	// report (RFC 5506 §3.4.1).
	ReducedSizeRTCP
)

// PortRange is inclusive. The zero value is all ports.
type PortRange struct{ First, Last uint16 }

func (r PortRange) has(p uint16) bool {
	return r == PortRange{} || p >= r.First && p <= r.Last
}

// Rule matches a packet if all its parts do. The zero value blocks everything.
type Rule struct {
	Action    Action
	Direction Direction
	Transport Transport
	// Source and Destination are the packet's ports.
	Source, Destination PortRange
	Content             Content
}

// BlockUDP blocks UDP in both directions.
func BlockUDP() Rule { return Rule{Transport: OnlyUDP} }

// BlockPorts blocks packets to the given ports outside, inclusive.
func BlockPorts(first, last uint16) Rule {
	return Rule{Direction: Outbound, Destination: PortRange{first, last}}
}

// BlockUnsolicited blocks what comes in without being a reply.
func BlockUnsolicited() Rule { return Rule{Direction: Inbound, Content: Unsolicited} }

// BlockReducedSizeRTCP blocks what RFC 5506 §3.4.1 warns of.
func BlockReducedSizeRTCP() Rule { return Rule{Content: ReducedSizeRTCP} }

// NewFirewall makes a firewall with the given hosts inside. A flow lives for
// timeout after its last packet in either direction; 0 means 2 minutes.
func NewFirewall(rules []Rule, timeout time.Duration, inside ...packet.IPv4) (*Firewall, error) {
	if timeout == 0 {
		timeout = 2 * time.Minute
	}
	if timeout < 0 {
		return nil, fmt.Errorf("firewall: timeout: %v is negative: write a time above 0", timeout)
	}
	w := &Firewall{rules: append([]Rule(nil), rules...), inside: NewHosts(inside...), hits: make([]uint64, len(rules))}
	stateful := false
	for i, r := range w.rules {
		for _, ports := range []PortRange{r.Source, r.Destination} {
			if ports.First > ports.Last {
				return nil, fmt.Errorf("firewall: rule %d: ports: %d to %d is empty: write the lower one first", i, ports.First, ports.Last)
			}
		}
		stateful = stateful || r.Content == Unsolicited
	}
	if stateful {
		w.flows = flowTable{timeout: timeout, byKey: map[flowKey]*flow{}}
	}
	return w, nil
}

// AddInside puts a host on the inside.
func (w *Firewall) AddInside(a packet.IPv4) { w.inside.Add(a) }

// Hits returns how many packets a rule has decided about.
func (w *Firewall) Hits(rule int) uint64 { return w.hits[rule] }

// Flows returns how many flows the firewall remembers.
func (w *Firewall) Flows(now simtime.Time) int {
	w.flows.expire(now)
	return len(w.flows.byKey)
}

// Handle asks the rules about packets between inside and outside. With nobody
// inside they hold for all packets, as for packets from inside.
func (w *Firewall) Handle(now simtime.Time, p *packet.Packet, _ *fabric.Link) bool {
	fromInside := w.inside.Has(p.Src.IP)
	switch {
	case len(w.inside) == 0:
		fromInside = true
	case fromInside == w.inside.Has(p.Dst.IP):
		return true
	}
	direction, key := Inbound, flowKey{p.Dst, p.Src, p.Protocol}
	if fromInside {
		direction, key = Outbound, flowKey{p.Src, p.Dst, p.Protocol}
	}
	w.flows.expire(now)
	known := w.flows.byKey[key]
	for i := range w.rules {
		if w.rules[i].matches(p, direction, fromInside || known != nil) {
			w.hits[i]++
			if w.rules[i].Action == Block {
				return false
			}
			break
		}
	}
	if w.flows.byKey != nil && (fromInside || known != nil) {
		w.flows.renew(now, key, known)
	}
	return true
}

// matches asks one rule. solicited says that the packet is from inside or a
// reply.
func (r *Rule) matches(p *packet.Packet, d Direction, solicited bool) bool {
	if r.Direction != AnyDirection && r.Direction != d ||
		r.Transport == OnlyUDP && p.Protocol != packet.UDP ||
		r.Transport == OnlyTCP && p.Protocol != packet.TCP ||
		!r.Source.has(p.Src.Port) || !r.Destination.has(p.Dst.Port) {
		return false
	}
	switch r.Content {
	case Unsolicited:
		return !solicited
	case ReducedSizeRTCP:
		return p.Protocol == packet.UDP && reducedSize(p.Payload)
	case AnyContent:
	}
	return true
}

// reducedSize tells RTCP from RTP by its packet type (RFC 5761 §4), and from
// what shares the port otherwise by the version.
func reducedSize(payload []byte) bool {
	const senderReport, receiverReport = 200, 201
	return len(payload) >= 4 && packet.IsRTCP(payload) && payload[1] != senderReport && payload[1] != receiverReport
}
