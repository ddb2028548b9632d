package pionnet

import (
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing/synctest"
	"time"

	"rtpfabric/sim/hosted/bubble"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// network is a vnet that is on.
type network struct {
	space   *space
	hosts   map[ipv4]listener // by vnet's addresses
	changes []change
	stop    func() error
	close   []func() error // in the order of packets
}

// change is one of a stage.
type change struct {
	Change
	set func(Change)
}

// Play sends packets, in order of time, through a vnet and returns what became of each. The packets are
// of the sizes that the list says and have vnet count all of it, though it knows no headers: a
// datagram holds as much as the IP packet that it stands for. patience bounds the time on the clock of
// the world. If the line can't be as the tree says, the error is an [Unable].
func Play(v Version, tree *Router, packets []Packet, patience time.Duration) ([]Fate, error) {
	p := &player{packets: packets, fates: make([]Fate, len(packets)), known: map[packet.Addr]packet.Addr{}}
	err := bubble.Run(patience, func() error {
		var err error
		switch v {
		case V2:
			p.network, err = v2.build(tree)
		case V4:
			p.network, err = v4.build(tree)
		default:
			panic("pionnet: no version " + string(v))
		}
		if err != nil {
			return err
		}
		return p.play()
	})
	return p.fates, err
}

// player sends packets through a network and sees what comes.
type player struct {
	*network
	packets []Packet
	fates   []Fate
	sockets map[packet.Addr]net.PacketConn // by the address that packets name
	began   time.Time

	mu sync.Mutex
	// known are vnet's addresses for those outside of NATs.
	known map[packet.Addr]packet.Addr
}

const (
	// idSize is that of a packet's number, with which every datagram begins.
	idSize = 8
	// before is how long mappings are asked for before the first packet.
	before = time.Second
	// afterwards is how long what is still under way has time to arrive.
	afterwards = time.Minute
	// patientFor is how long a packet waits for its address to become known, in steps of a
	// nanosecond: what it answers may come that much later than it did in the fabric.
	patientFor = time.Microsecond
)

func idOf(payload []byte) int { return int(int64(binary.BigEndian.Uint64(payload))) }

func (p *player) play() error {
	if err := p.open(); err != nil {
		return err
	}
	p.began = time.Now().Add(before)
	p.ask()
	slices.SortStableFunc(p.changes, func(a, b change) int { return int(a.At - b.At) })
	for i := range p.packets {
		for len(p.changes) > 0 && p.changes[0].At <= p.packets[i].At {
			p.wait(p.changes[0].At)
			p.changes[0].set(p.changes[0].Change)
			p.changes = p.changes[1:]
		}
		p.wait(p.packets[i].At)
		if err := p.send(i); err != nil {
			return err
		}
	}
	time.Sleep(afterwards)
	return p.end()
}

// wait sleeps until a time and until everything that is due then is done.
func (p *player) wait(until simtime.Time) {
	time.Sleep(time.Until(p.began.Add(until.Duration())))
	synctest.Wait()
}

func (p *player) now() simtime.Time { return simtime.At(time.Since(p.began)) }

// open opens a socket at every address that packets come from or go to.
func (p *player) open() error {
	p.sockets = map[packet.Addr]net.PacketConn{}
	for i := range p.packets {
		k := &p.packets[i]
		for _, a := range []packet.Addr{k.From, k.To, k.Inner} {
			at, ok := p.space.hosts[a.IP]
			if _, there := p.sockets[a]; !ok || there {
				continue
			}
			socket, err := p.listen(packet.Addr{IP: at, Port: a.Port}, p.receive)
			if err != nil {
				return err
			}
			p.sockets[a] = socket
		}
	}
	return nil
}

// listen opens a socket whose datagrams a function gets.
func (p *player) listen(at packet.Addr, receive func(payload []byte, from packet.Addr)) (net.PacketConn, error) {
	socket, err := p.hosts[at.IP](udpAddr(at))
	if err != nil {
		return nil, fmt.Errorf("vnet: %w", err)
	}
	go func() {
		b := make([]byte, 1<<16)
		for {
			n, from, err := socket.ReadFrom(b)
			if err != nil {
				return // closed
			}
			receive(b[:n], addrOf(from))
		}
	}()
	return socket, nil
}

// receive notes a packet's arrival, and what vnet made of its sender's address.
func (p *player) receive(payload []byte, from packet.Addr) {
	i := idOf(payload)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fates[i].Arrived = p.now()
	if k := &p.packets[i]; p.space.outside[k.Seen.IP] != 0 {
		p.known[k.Seen] = from
	}
}

// ask lets hosts behind a NAT ask a host in front of it for the addresses that others send packets to, as
// they would ask a STUN server before a call.
func (p *player) ask() {
	var asked []packet.Addr
	inner := map[packet.Addr]packet.Addr{} // by what stands for them outside
	for i := range p.packets {
		k := &p.packets[i]
		if _, there := inner[k.To]; there || p.sockets[k.Inner] == nil || p.space.outside[k.To.IP] == 0 {
			continue
		}
		inner[k.To] = k.Inner
		asked = append(asked, k.To)
	}
	server := packet.Addr{IP: p.space.observer, Port: stunPort}
	socket, err := p.listen(server, func(payload []byte, from packet.Addr) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.known[asked[idOf(payload)]] = from
	})
	if err != nil {
		panic(err) // the address is the observer's own
	}
	p.sockets[server] = socket
	for i, a := range asked {
		_, _ = p.sockets[inner[a]].WriteTo(binary.BigEndian.AppendUint64(nil, uint64(i)), udpAddr(server))
		synctest.Wait()
	}
}

// stunPort is RFC 8489's.
const stunPort = 3478

// send sends a packet, and waits until all have done what they do at once.
func (p *player) send(i int) error {
	k, f := &p.packets[i], &p.fates[i]
	f.Arrived = simtime.Never
	to, ok := p.address(k.To)
	for waited := time.Duration(0); !ok && waited < patientFor; waited += time.Nanosecond {
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		to, ok = p.address(k.To)
	}
	f.Sent, f.Addressed = p.now(), ok
	if !ok {
		return nil
	}
	payload := make([]byte, max(int(k.Size), idSize))
	binary.BigEndian.PutUint64(payload, uint64(i))
	if _, err := p.sockets[k.From].WriteTo(payload, udpAddr(to)); err != nil {
		return fmt.Errorf("vnet: packet %d from %v to %v: %w", i, k.From, k.To, err)
	}
	synctest.Wait()
	return nil
}

// address returns vnet's address for one that a packet names.
func (p *player) address(a packet.Addr) (packet.Addr, bool) {
	if at, ok := p.space.hosts[a.IP]; ok {
		return packet.Addr{IP: at, Port: a.Port}, true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	known, ok := p.known[a]
	return known, ok
}

// end ends everything that vnet has started.
func (p *player) end() error {
	err := p.stop()
	synctest.Wait()
	for _, c := range p.close {
		if e := c(); err == nil {
			err = e
		}
	}
	for _, s := range p.sockets {
		if e := s.Close(); err == nil {
			err = e
		}
	}
	synctest.Wait()
	if err != nil {
		return fmt.Errorf("vnet: closing: %w", err)
	}
	return nil
}

func udpAddr(a packet.Addr) *net.UDPAddr {
	return &net.UDPAddr{IP: net.IPv4(byte(a.IP>>24), byte(a.IP>>16), byte(a.IP>>8), byte(a.IP)), Port: int(a.Port)}
}

func addrOf(a net.Addr) packet.Addr {
	u, ok := a.(*net.UDPAddr)
	if !ok {
		return packet.Addr{}
	}
	ip := u.IP.To4()
	if ip == nil {
		return packet.Addr{}
	}
	return packet.Addr{IP: ipv4(binary.BigEndian.Uint32(ip)), Port: uint16(u.Port)}
}
