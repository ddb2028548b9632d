package traffic

import (
	"fmt"
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/traffic/tcp"
	"rtpfabric/sim/units"
)

// Defaults of RFC 8868 §5.1; 1 KB is 1000 octets.
const (
	ShortTCPMinSize  units.Bytes = 30_000
	ShortTCPMaxSize  units.Bytes = 50_000
	ShortTCPMeanIdle             = 10 * time.Second
)

// ShortTCPConfig describes a short TCP flow of RFC 8868 §5.1: downloads with
// idle periods between them. The downloads of one burst start together, and the
// idle period begins when the last one of them is complete.
//
// The RFC's text describes one burst of 30 connections, Connections: 30. The
// ten flows of RFC 8867 §5.7 are ten sources with one connection each, of which
// two start on.
type ShortTCPConfig struct {
	// TCP is the sending end. Its local port is ignored: every connection has
	// a dynamic one of its own.
	TCP tcp.Config
	// Connections of a burst; 0 is 1.
	Connections int
	// StartOn starts with a burst, otherwise with an idle period.
	StartOn bool
	// Sizes are uniform between MinSize and MaxSize, both 0 for the defaults.
	MinSize, MaxSize units.Bytes
	// MeanIdle is the mean of the exponential idle period; 0 is the default.
	MeanIdle time.Duration
	// Start and Stop bound the times at which bursts begin; a Stop of 0 is
	// never. What has begun is completed.
	Start, Stop simtime.Time
	// Persistent keeps the connections for the next burst, which RFC 5681 §4.1
	// then restarts.
	Persistent bool
	// Random is the stream of this source.
	Random *rng.Stream
}

// Download is one file.
type Download struct {
	Size units.Bytes
	// Start is when its SYN, or with a persistent connection its data, was
	// ready to go; End when all of it was acknowledged, simtime.Never before.
	Start, End simtime.Time
}

// ShortTCP is the source of a short TCP flow: the server that downloads come
// from.
//
// Deviation (RFC 8868 §5.1): there is no request. The source opens the
// connection, so that a download takes as many round trips as one whose request
// goes with the client's last segment of the handshake.
type ShortTCP struct {
	config    ShortTCPConfig
	host      *tcp.Host
	timer     simtime.Time // of the next burst
	active    []transfer
	left      int // transfers of this burst that go on
	downloads []Download
	idle      time.Duration // the last one
}

type transfer struct {
	conn  *tcp.Conn
	until units.Bytes // complete when this much is acknowledged
	index int         // in downloads; -1 when complete
}

// NewShortTCP returns a source that begins at c.Start. An error says what is
// wrong with c.
func NewShortTCP(c ShortTCPConfig, pool *packet.Pool) (*ShortTCP, error) {
	if c.MinSize == 0 && c.MaxSize == 0 {
		c.MinSize, c.MaxSize = ShortTCPMinSize, ShortTCPMaxSize
	}
	if c.MeanIdle == 0 {
		c.MeanIdle = ShortTCPMeanIdle
	}
	if c.Stop == 0 {
		c.Stop = simtime.Never
	}
	c.Connections = max(c.Connections, 1)
	if c.MinSize < 1 || c.MaxSize < c.MinSize {
		return nil, fmt.Errorf("traffic: sizes of %d to %d: they must be positive and in order", c.MinSize, c.MaxSize)
	}
	if c.Random == nil {
		return nil, fmt.Errorf("traffic: a short TCP source needs a random stream")
	}
	if _, err := tcp.Listen(c.TCP, pool); err != nil {
		return nil, err
	}
	c.TCP.Local.Port = 0
	s := &ShortTCP{config: c, host: tcp.NewHost(c.TCP.Local.IP, pool), timer: c.Start}
	s.active = make([]transfer, c.Connections)
	if !c.StartOn {
		s.rest(c.Start)
	}
	return s, nil
}

// rest draws an idle period that begins now.
func (s *ShortTCP) rest(now simtime.Time) {
	s.idle = time.Duration(s.config.Random.Exponential(float64(s.config.MeanIdle)))
	s.timer = now.Add(max(s.idle, time.Nanosecond))
	if s.timer >= s.config.Stop {
		s.timer = simtime.Never
	}
}

// burst starts the downloads.
func (s *ShortTCP) burst(now simtime.Time) {
	s.timer = simtime.Never
	s.left = len(s.active)
	for i := range s.active {
		t := &s.active[i]
		span := uint64(s.config.MaxSize - s.config.MinSize + 1)
		size := s.config.MinSize + units.Bytes(s.config.Random.Float64()*float64(span))
		if t.conn == nil || t.conn.State() == tcp.Closed {
			conn, err := s.host.Dial(now, s.config.TCP)
			if err != nil {
				panic(err) // the configuration has been checked, and ports are many
			}
			t.conn, t.until = conn, 0
		}
		t.until += size
		t.index = len(s.downloads)
		s.downloads = append(s.downloads, Download{Size: size, Start: now, End: simtime.Never})
		t.conn.Write(size)
		if !s.config.Persistent {
			t.conn.Close()
		}
	}
}

// look notes downloads that are complete.
func (s *ShortTCP) look(now simtime.Time) {
	for i := range s.active {
		t := &s.active[i]
		if t.index < 0 || t.conn == nil {
			continue
		}
		done := t.conn.Acked() >= t.until
		if !done && t.conn.State() != tcp.Closed {
			continue
		}
		if done {
			s.downloads[t.index].End = now
		}
		t.index = -1
		if !s.config.Persistent {
			t.conn = nil
		}
		s.left--
		if s.left == 0 {
			s.rest(now)
		}
	}
}

// HandlePacket takes a packet and its ownership.
func (s *ShortTCP) HandlePacket(now simtime.Time, p *packet.Packet) {
	s.host.HandlePacket(now, p)
	s.look(now)
}

// HandleTimeout does everything that is due. An early call does nothing.
func (s *ShortTCP) HandleTimeout(now simtime.Time) {
	s.host.HandleTimeout(now)
	s.look(now)
	if now >= s.timer {
		s.burst(now)
	}
}

// PollPacket returns a packet to send, whose ownership passes to the caller;
// nil when there is none.
func (s *ShortTCP) PollPacket(now simtime.Time) *packet.Packet { return s.host.PollPacket(now) }

// NextTimeout returns the next deadline; simtime.Never if there is none.
func (s *ShortTCP) NextTimeout() simtime.Time { return min(s.timer, s.host.NextTimeout()) }

// Held returns how many packets the source owns between calls: none.
func (s *ShortTCP) Held() int { return 0 }

// Downloads returns all downloads so far in the order they began. The slice is
// the source's.
func (s *ShortTCP) Downloads() []Download { return s.downloads }

// Host returns the source's connections.
func (s *ShortTCP) Host() *tcp.Host { return s.host }
