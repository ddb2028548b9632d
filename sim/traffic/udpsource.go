package traffic

import (
	"encoding/binary"
	"errors"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// The payload of a UDP source begins with these fields, big endian, and is
// filled up with zeros:
//
//	octet  0–7   sequence number, from 0
//	octet  8–15  time of sending, nanoseconds since the start of the run
//	octet 16–19  flow identifier
const udpFields = 20

// UDPConfig describes a UDP source without congestion control.
type UDPConfig struct {
	Local, Remote packet.Addr
	// Flow identifies the source in its packets.
	Flow    uint32
	Pattern Pattern
	// Start is when the pattern begins; nothing is sent at or after Stop, 0 is
	// never.
	Start, Stop simtime.Time
	DSCP        uint8
	ECN         packet.ECN
}

// UDPSource sends UDP packets as a pattern says.
type UDPSource struct {
	config UDPConfig
	pool   *packet.Pool
	at     simtime.Time // of the next packet
	size   units.Bytes
	seq    uint64
	bytes  units.Bytes
}

// NewUDPSource returns a source that begins at c.Start. The pattern is the
// source's from then on. An error says what is wrong with c.
func NewUDPSource(c UDPConfig, pool *packet.Pool) (*UDPSource, error) {
	if c.Pattern == nil {
		return nil, errors.New("traffic: a UDP source needs a pattern")
	}
	if err := c.Pattern.check(); err != nil {
		return nil, err
	}
	if c.Stop == 0 {
		c.Stop = simtime.Never
	}
	s := &UDPSource{config: c, pool: pool}
	s.schedule(c.Start, true)
	return s, nil
}

func (s *UDPSource) schedule(after simtime.Time, first bool) {
	s.at, s.size = s.config.Pattern.next(after, first)
	if s.at >= s.config.Stop {
		s.at = simtime.Never
	}
}

// HandlePacket takes a packet and its ownership, and drops it.
func (s *UDPSource) HandlePacket(_ simtime.Time, p *packet.Packet) { s.pool.Release(p) }

// HandleTimeout does nothing: what is due comes from PollPacket.
func (s *UDPSource) HandleTimeout(simtime.Time) {}

// PollPacket returns a packet that is due, whose ownership passes to the
// caller; nil when there is none.
func (s *UDPSource) PollPacket(now simtime.Time) *packet.Packet {
	if s.at > now {
		return nil
	}
	p := s.pool.New()
	b := p.SetPayload(int(s.size - packet.HeaderIPv4UDP))
	clear(b)
	binary.BigEndian.PutUint64(b[0:], s.seq)
	binary.BigEndian.PutUint64(b[8:], uint64(now))
	binary.BigEndian.PutUint32(b[16:], s.config.Flow)
	p.Src, p.Dst = s.config.Local, s.config.Remote
	p.DSCP, p.ECN = s.config.DSCP, s.config.ECN
	s.seq++
	s.bytes += p.Size
	s.schedule(s.at, false)
	return p
}

// NextTimeout returns when the next packet leaves; simtime.Never if there is
// none.
func (s *UDPSource) NextTimeout() simtime.Time { return s.at }

// Held returns how many packets the source owns between calls: none.
func (s *UDPSource) Held() int { return 0 }

// Sent returns how many packets were sent, and their size with headers.
func (s *UDPSource) Sent() (packets uint64, size units.Bytes) { return s.seq, s.bytes }
