package crosscheck

import (
	"slices"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/pionnet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// tap notes all packets that are sent in our network, and what becomes of them.
type tap struct {
	fabric.Observer
	packets []pionnet.Packet
	fates   []fate
	lost    map[string][]int // by link, what its loss models took
	largest units.Bytes
}

// fate is what became of a packet in our network.
type fate struct {
	arrived simtime.Time
	link    string // where it was dropped, if at a link
	why     fabric.DropReason
	dropped bool
}

func newTap() *tap { return &tap{Observer: fabric.Nobody, lost: map[string][]int{}} }

// open reports whether the packet was still under way at the end.
func (f *fate) open() bool { return !f.dropped && f.arrived == simtime.Never }

// open counts such packets.
func (t *tap) open() int {
	n := 0
	for i := range t.fates {
		if t.fates[i].open() {
			n++
		}
	}
	return n
}

// turnsBack reports whether any of the hosts sends to an address, the outside of a NAT that they are behind.
func (t *tap) turnsBack(hosts []packet.IPv4, external packet.IPv4) bool {
	return slices.ContainsFunc(t.packets, func(k pionnet.Packet) bool {
		return k.To.IP == external && slices.Contains(hosts, k.From.IP)
	})
}

func (t *tap) PacketSent(now simtime.Time, p *packet.Packet) {
	t.packets = append(t.packets, pionnet.Packet{At: now, From: p.Src, To: p.Dst, Size: p.Size})
	t.fates = append(t.fates, fate{arrived: simtime.Never})
	t.largest = max(t.largest, p.Size)
}

func (t *tap) PacketDelivered(now simtime.Time, p *packet.Packet) {
	i := p.ID - 1
	t.fates[i].arrived = now
	t.packets[i].Inner, t.packets[i].Seen = p.Dst, p.Src
}

func (t *tap) PacketDropped(_ simtime.Time, l *fabric.Link, p *packet.Packet, why fabric.DropReason) {
	i := p.ID - 1
	t.fates[i].why, t.fates[i].dropped = why, true
	if l == nil {
		return
	}
	t.fates[i].link = l.Name
	if why == fabric.RandomLoss {
		t.lost[l.Name] = append(t.lost[l.Name], int(i))
	}
}
