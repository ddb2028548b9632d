package traffic

import (
	"fmt"
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/traffic/tcp"
	"rtpfabric/sim/units"
)

// ChunkedTCPConfig describes streaming in chunks, the periodic bursts of
// RFC 8836 §2 requirement 1g: every Period a chunk of Rate·Period goes over one
// connection as fast as TCP allows, and the first Buffer chunks go one right
// after the other. A chunk that takes longer than its period delays the next.
type ChunkedTCPConfig struct {
	// TCP is the sending end, with both addresses.
	TCP    tcp.Config
	Rate   units.BitRate // of the media
	Period time.Duration // a chunk's playing time
	Buffer int           // chunks that are fetched ahead
	// Start is when the SYN goes out; no chunk begins at or after Stop, 0 is
	// never.
	Start, Stop simtime.Time
}

// ChunkedTCP is the source of a chunked stream.
type ChunkedTCP struct {
	config ChunkedTCPConfig
	pool   *packet.Pool
	conn   *tcp.Conn
	timer  simtime.Time // of the next chunk
	ahead  int
	chunks []Download
	until  units.Bytes // acknowledged when the present chunk is complete
	busy   bool
}

// NewChunkedTCP returns a source that begins at c.Start. An error says what is
// wrong with c.
func NewChunkedTCP(c ChunkedTCPConfig, pool *packet.Pool) (*ChunkedTCP, error) {
	if c.Rate <= 0 || c.Period <= 0 {
		return nil, fmt.Errorf("traffic: chunks of %v at %v: both must be positive", c.Period, c.Rate)
	}
	if _, err := tcp.Listen(c.TCP, pool); err != nil {
		return nil, err
	}
	if c.Stop == 0 {
		c.Stop = simtime.Never
	}
	return &ChunkedTCP{config: c, pool: pool, timer: c.Start, ahead: c.Buffer}, nil
}

// HandlePacket takes a packet and its ownership.
func (s *ChunkedTCP) HandlePacket(now simtime.Time, p *packet.Packet) {
	if s.conn == nil {
		s.pool.Release(p)
		return
	}
	s.conn.HandlePacket(now, p)
	s.look(now)
}

// look notes that a chunk is complete and says when the next one is due.
func (s *ChunkedTCP) look(now simtime.Time) {
	if !s.busy || s.conn.Acked() < s.until {
		return
	}
	s.busy = false
	last := &s.chunks[len(s.chunks)-1]
	last.End = now
	due := last.Start.Add(s.config.Period)
	if s.ahead > 0 {
		s.ahead--
		due = now
	}
	s.timer = max(due, now)
	s.begin(now)
}

// begin starts a chunk that is due.
func (s *ChunkedTCP) begin(now simtime.Time) {
	if s.busy || s.timer > now {
		return
	}
	s.timer = simtime.Never
	if now >= s.config.Stop {
		s.conn.Close()
		return
	}
	size := s.config.Rate.BytesIn(s.config.Period)
	s.conn.Write(size)
	s.until += size
	s.busy = true
	s.chunks = append(s.chunks, Download{Size: size, Start: now, End: simtime.Never})
}

// HandleTimeout does everything that is due. An early call does nothing.
func (s *ChunkedTCP) HandleTimeout(now simtime.Time) {
	if s.conn == nil {
		if now < s.timer {
			return
		}
		s.conn, _ = tcp.Dial(s.config.TCP, s.pool, now) // checked by NewChunkedTCP
	}
	s.conn.HandleTimeout(now)
	s.begin(now)
}

// PollPacket returns a packet to send, whose ownership passes to the caller;
// nil when there is none.
func (s *ChunkedTCP) PollPacket(now simtime.Time) *packet.Packet {
	if s.conn == nil {
		return nil
	}
	return s.conn.PollPacket(now)
}

// NextTimeout returns the next deadline; simtime.Never if there is none.
func (s *ChunkedTCP) NextTimeout() simtime.Time {
	if s.conn == nil {
		return s.timer
	}
	return min(s.timer, s.conn.NextTimeout())
}

// Held returns how many packets the source owns between calls: none.
func (s *ChunkedTCP) Held() int { return 0 }

// Conn returns the connection; nil before the start.
func (s *ChunkedTCP) Conn() *tcp.Conn { return s.conn }

// Chunks returns the chunks so far. The slice is the source's.
func (s *ChunkedTCP) Chunks() []Download { return s.chunks }
