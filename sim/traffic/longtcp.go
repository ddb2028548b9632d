// Package traffic is what else uses a network: applications over TCP, and UDP
// without congestion control, as RFC 8868 §5 models them.
//
// Every source and sink is a passive object with one address. Its host hands it
// packets and the time, and after any Handle method drains PollPacket, then
// re-reads NextTimeout, which then lies in the future. A source starts by
// itself: its first deadline is its start.
package traffic

import (
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/traffic/tcp"
	"rtpfabric/sim/units"
)

// LongTCPConfig describes a long-lived flow (RFC 8868 §5.1): from Start to Stop
// there is always more to send.
type LongTCPConfig struct {
	// TCP is the sending end, with both addresses.
	TCP tcp.Config
	// Start is when the SYN goes out; Stop is when no new data is sent any more
	// and the connection is closed, 0 is never.
	Start, Stop simtime.Time
}

// LongTCP is the source of a long-lived flow.
type LongTCP struct {
	config LongTCPConfig
	conn   *tcp.Conn
	pool   *packet.Pool
	timer  simtime.Time
}

// NewLongTCP returns a source that begins at c.Start. An error says what is
// wrong with c.TCP.
func NewLongTCP(c LongTCPConfig, pool *packet.Pool) (*LongTCP, error) {
	if _, err := tcp.Listen(c.TCP, pool); err != nil {
		return nil, err
	}
	if c.Stop == 0 {
		c.Stop = simtime.Never
	}
	return &LongTCP{config: c, pool: pool, timer: c.Start}, nil
}

// HandlePacket takes a packet and its ownership.
func (l *LongTCP) HandlePacket(now simtime.Time, p *packet.Packet) {
	if l.conn == nil {
		l.pool.Release(p)
		return
	}
	l.conn.HandlePacket(now, p)
}

// HandleTimeout does everything that is due. An early call does nothing.
func (l *LongTCP) HandleTimeout(now simtime.Time) {
	if l.conn != nil {
		l.conn.HandleTimeout(now)
	}
	if now < l.timer {
		return
	}
	if l.conn == nil {
		l.timer = l.config.Stop
		l.conn, _ = tcp.Dial(l.config.TCP, l.pool, now) // checked by NewLongTCP
		l.conn.Write(tcp.Unlimited)
		return
	}
	l.timer = simtime.Never
	l.conn.Truncate()
	l.conn.Close()
}

// PollPacket returns a packet to send, whose ownership passes to the caller;
// nil when there is none.
func (l *LongTCP) PollPacket(now simtime.Time) *packet.Packet {
	if l.conn == nil {
		return nil
	}
	return l.conn.PollPacket(now)
}

// NextTimeout returns the next deadline; simtime.Never if there is none.
func (l *LongTCP) NextTimeout() simtime.Time {
	if l.conn == nil {
		return l.timer
	}
	return min(l.timer, l.conn.NextTimeout())
}

// Held returns how many packets the source owns between calls: none.
func (l *LongTCP) Held() int { return 0 }

// Conn returns the connection; nil before the start.
func (l *LongTCP) Conn() *tcp.Conn { return l.conn }

// Acked returns how much data has been acknowledged.
func (l *LongTCP) Acked() units.Bytes {
	if l.conn == nil {
		return 0
	}
	return l.conn.Acked()
}
