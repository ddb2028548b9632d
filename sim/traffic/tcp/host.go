package tcp

import (
	"fmt"
	"slices"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// Host is any number of connections at one address, one after the other and at
// the same time. It is passive like [Conn] and hands packets to the connection
// they belong to; whoever writes to a connection drains the host afterwards.
// Its work per event grows with the connections that are open: it is meant for
// tens, not thousands.
type Host struct {
	// Accepted is called with a connection that a listener has made; Retired
	// with one that has ended, before the host forgets it. Both may be nil.
	Accepted, Retired func(now simtime.Time, c *Conn)
	// Admit says whether a SYN to a listener is looked at; otherwise it is dropped, as with a full backlog. nil looks at all.
	Admit func(local, remote packet.Addr) bool
	// Number returns the number that a connection begins with (RFC 9293 §3.4.1); nil leaves that to its configuration.
	Number func(now simtime.Time, local, remote packet.Addr) uint32
	// Refuse lets the host answer segments of no connection with a RST (RFC 9293 §3.10.7.1).
	Refuse bool

	addr       packet.IPv4
	pool       *packet.Pool
	conns      []*Conn
	listeners  []Config
	nextPort   uint16
	polled     int // where PollPacket goes on
	unexpected uint64
	refusals   packet.FIFO
}

// firstPort begins the dynamic ports (RFC 6335 §6).
const firstPort = 49152

// NewHost returns a host without connections.
func NewHost(addr packet.IPv4, pool *packet.Pool) *Host {
	return &Host{addr: addr, pool: pool, nextPort: firstPort}
}

// Listen accepts connections to a port with this configuration, whose Local and
// Remote are ignored.
func (h *Host) Listen(port uint16, cfg Config) error {
	cfg.Local, cfg.Remote = packet.Addr{IP: h.addr, Port: port}, packet.Addr{}
	if _, err := cfg.withDefaults(); err != nil {
		return err
	}
	for _, l := range h.listeners {
		if l.Local.Port == port {
			return fmt.Errorf("tcp: port %d of %v has a listener already", port, h.addr)
		}
	}
	h.listeners = append(h.listeners, cfg)
	return nil
}

// Dial opens a connection to cfg.Remote, from cfg.Local.Port or, if that is 0,
// from the next dynamic port that is free.
func (h *Host) Dial(now simtime.Time, cfg Config) (*Conn, error) {
	cfg.Local.IP = h.addr
	for range 1 << 14 {
		if cfg.Local.Port != 0 {
			break
		}
		if h.find(packet.Addr{IP: h.addr, Port: h.nextPort}, cfg.Remote) == nil {
			cfg.Local.Port = h.nextPort
		}
		h.nextPort = max(h.nextPort+1, firstPort)
	}
	if cfg.Local.Port == 0 || h.find(cfg.Local, cfg.Remote) != nil {
		return nil, fmt.Errorf("tcp: no free port from %v to %v", h.addr, cfg.Remote)
	}
	if h.Number != nil {
		cfg.ISS = h.Number(now, cfg.Local, cfg.Remote)
	}
	c, err := Dial(cfg, h.pool, now)
	if err != nil {
		return nil, err
	}
	h.conns = append(h.conns, c)
	return c, nil
}

func (h *Host) find(local, remote packet.Addr) *Conn {
	for _, c := range h.conns {
		if c.config.Local == local && c.config.Remote == remote {
			return c
		}
	}
	return nil
}

// Unlisten ends listening at a port. Connections that it has made stay.
func (h *Host) Unlisten(port uint16) {
	h.listeners = slices.DeleteFunc(h.listeners, func(l Config) bool { return l.Local.Port == port })
}

// HandlePacket takes a packet and its ownership. One that belongs to no
// connection is counted, dropped, and answered with a RST if the host refuses.
func (h *Host) HandlePacket(now simtime.Time, p *packet.Packet) {
	var c *Conn
	if p.Protocol == packet.TCP {
		c = h.find(p.Dst, p.Src)
	}
	if c == nil {
		c = h.accept(now, p)
	}
	if c == nil {
		h.unexpected++
		h.refuse(p)
		return
	}
	c.HandlePacket(now, p)
	h.retire(now)
}

// refuse drops a segment of no connection, and answers it.
func (h *Host) refuse(p *packet.Packet) {
	defer h.pool.Release(p)
	var in Header
	if !h.Refuse || p.Protocol != packet.TCP || in.Parse(p.Payload) != nil || in.Flags&RST != 0 || in.Flags&SYN != 0 && h.listens(p.Dst) {
		return
	}
	out := Header{Seq: in.Ack, Flags: RST, WindowScale: -1}
	if in.Flags&ACK == 0 {
		length := uint32(p.Body) + uint32(len(p.Payload)-in.dataOffset(p.Payload))
		for _, f := range []Flags{SYN, FIN} {
			if in.Flags&f != 0 {
				length++
			}
		}
		out = Header{Ack: in.Seq + length, Flags: RST | ACK, WindowScale: -1}
	}
	r := h.pool.New()
	r.SetSegment(out.Len(), 0)
	out.Put(r.Payload, p.Dst.Port, p.Src.Port)
	r.Src, r.Dst, r.Drawn = p.Dst, p.Src, p.Drawn
	sum := Checksum(r)
	r.Payload[16], r.Payload[17] = byte(sum>>8), byte(sum)
	h.refusals.Push(r)
}

// listens reports whether there is a listener at an address.
func (h *Host) listens(at packet.Addr) bool {
	return slices.ContainsFunc(h.listeners, func(l Config) bool { return l.Local == at })
}

// accept makes a connection for a SYN to a listener.
func (h *Host) accept(now simtime.Time, p *packet.Packet) *Conn {
	if p.Protocol != packet.TCP || len(p.Payload) < headerMin || Flags(p.Payload[13])&(SYN|ACK|RST) != SYN {
		return nil
	}
	for _, l := range h.listeners {
		if l.Local != p.Dst {
			continue
		}
		if h.Admit != nil && !h.Admit(p.Dst, p.Src) {
			return nil
		}
		l.Remote = p.Src
		if h.Number != nil {
			l.ISS = h.Number(now, l.Local, l.Remote)
		}
		c, err := Listen(l, h.pool)
		if err != nil {
			panic(err) // Listen has checked the configuration
		}
		h.conns = append(h.conns, c)
		if h.Accepted != nil {
			h.Accepted(now, c)
		}
		return c
	}
	return nil
}

// HandleTimeout does everything that is due.
func (h *Host) HandleTimeout(now simtime.Time) {
	for _, c := range h.conns {
		if c.NextTimeout() <= now {
			c.HandleTimeout(now)
		}
	}
	h.retire(now)
}

// retire forgets connections that have ended and have nothing more to send.
func (h *Host) retire(now simtime.Time) {
	for i := 0; i < len(h.conns); {
		c := h.conns[i]
		if c.state != Closed || c.rstPending {
			i++
			continue
		}
		copy(h.conns[i:], h.conns[i+1:])
		h.conns[len(h.conns)-1] = nil
		h.conns = h.conns[:len(h.conns)-1]
		if h.Retired != nil {
			h.Retired(now, c)
		}
	}
}

// PollPacket returns a packet to send, whose ownership passes to the caller;
// nil when there is none.
func (h *Host) PollPacket(now simtime.Time) *packet.Packet {
	if p := h.refusals.Pop(); p != nil {
		return p
	}
	for range h.conns {
		if h.polled >= len(h.conns) {
			h.polled = 0
		}
		if p := h.conns[h.polled].PollPacket(now); p != nil {
			return p
		}
		h.polled++
	}
	return nil
}

// NextTimeout returns the next deadline; simtime.Never if there is none.
func (h *Host) NextTimeout() simtime.Time {
	at := simtime.Never
	for _, c := range h.conns {
		at = min(at, c.NextTimeout())
	}
	return at
}

// Held returns how many packets the host owns: refusals that nobody has polled.
func (h *Host) Held() int { return h.refusals.Len() }

// Conns returns the connections that haven't ended. The slice is the host's.
func (h *Host) Conns() []*Conn { return h.conns }

// Unexpected returns how many packets came that belong to no connection.
func (h *Host) Unexpected() uint64 { return h.unexpected }
