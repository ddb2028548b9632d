package endpoints

import (
	"errors"

	"rtpfabric/endpoints/encoder"
	"rtpfabric/endpoints/rtcptiming"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Kind is a media type.
type Kind string

// The media types.
const (
	Video Kind = "video"
	Audio Kind = "audio"
)

// Clock rates of RTP timestamps, Hz: RFC 7741 §6.3 and RFC 7587 §4.1.
const (
	videoClock = 90000
	audioClock = 48000
)

// SectionConfig describes a media section: what SDP calls an m-line.
type SectionConfig struct {
	Name string
	Kind Kind
	// PayloadType is unique in its connection, and not from 64 to 95, which
	// RTCP's packet types would look like (RFC 5761 §4).
	PayloadType uint8
	// Send describes what this end sends; nil if it only receives.
	Send *SendConfig
}

// SendConfig describes a stream to send.
type SendConfig struct {
	Encoder encoder.Encoder
	// Start is when the encoder's first frame is due; before it the stream has
	// no part in the connection's rate.
	Start simtime.Time
	// Stop ends the stream with a BYE; simtime.Never doesn't.
	Stop simtime.Time
	// Pauses are stretches of time without frames, in order.
	Pauses []Pause
	// Level divides the rate among streams.
	Level Level
	// DSCP marks the stream's packets (RFC 8837).
	DSCP uint8
	// PacketSize bounds RTP packets, SRTP tag included.
	PacketSize units.Bytes
	// Model tells what the stream costs on the wire; see [StreamModel].
	Model StreamModel
}

// Pause is a stretch of time: From is in it, To isn't.
type Pause struct{ From, To simtime.Time }

// Section is a media section at one end. Each has an SSRC of its own, whether
// it sends or only reports (RFC 8108 §6.1).
type Section struct {
	SSRC uint32

	connection *Connection
	config     SectionConfig
	index      int
	local      *rtcptiming.Local // nil after the BYE
	clock      int

	seq      uint16 // of the next packet
	tsOffset uint32
	packets  uint32 // sent, for SRs
	octets   uint32 // of payload
	queued   int    // packets in the pacer
	stopped  bool

	dscp        uint8 // of media packets
	reached     bool  // the peer has got packets of the stream
	firstMarked simtime.Time
	marked      int // packets with the DSCP so far

	suspended   bool // sends nothing because the rate doesn't suffice
	suspendedAt simtime.Time

	extSeq    uint32 // extended number of the last packet that left
	reported  []bool // whether a packet left since the last report, by local section
	pictureID uint16
}

func newSection(c *Connection, index int, sc SectionConfig) (*Section, error) {
	if sc.PayloadType >= 64 && sc.PayloadType < 96 || sc.PayloadType > 127 {
		return nil, errors.New("payload type is from 64 to 95, which RTCP on the same port forbids, or above 127")
	}
	r := c.random.identity
	s := &Section{
		SSRC: r.Uint32(), connection: c, config: sc, index: index, clock: videoClock,
		// Half the space, so that sequence numbers don't wrap at once and
		// confuse SRTP's roll-over counter (RFC 3711 §3.3.1).
		seq: uint16(r.Uint32()) &^ 0x8000, tsOffset: r.Uint32(),
		reported: make([]bool, len(c.config.Sections)),
	}
	if sc.Kind == Audio {
		s.clock = audioClock
	}
	if sc.Send != nil && c.config.Marking != NeverMark {
		s.dscp = sc.Send.DSCP
	}
	s.skipPauses()
	return s, nil
}

// skipPauses postpones a frame that would be due in a pause.
func (s *Section) skipPauses() {
	if s.config.Send == nil {
		return
	}
	for _, p := range s.config.Send.Pauses {
		if due := s.config.Send.Encoder.NextFrame(); p.From <= due && due < p.To {
			s.config.Send.Encoder.Skip(p.To)
		}
	}
}

// active reports whether the section sends media now.
func (s *Section) active(now simtime.Time) bool {
	send := s.config.Send
	if send == nil || s.stopped || now < send.Start {
		return false
	}
	for _, p := range send.Pauses {
		if p.From <= now && now < p.To {
			return false
		}
	}
	return true
}

// Name returns the section's name.
func (s *Section) Name() string { return s.config.Name }

// Kind returns the media type.
func (s *Section) Kind() Kind { return s.config.Kind }

// Sends reports whether this end sends media in the section.
func (s *Section) Sends() bool { return s.config.Send != nil }

// Goal returns the rate that the encoder aims at; 0 if there is none or it has
// stopped.
func (s *Section) Goal() units.BitRate {
	if s.config.Send == nil || s.stopped {
		return 0
	}
	return s.config.Send.Encoder.Goal()
}

// rtpTime returns the RTP timestamp of a moment.
func (s *Section) rtpTime(at simtime.Time) uint32 {
	sec, ns := int64(at)/1e9, int64(at)%1e9
	ticks := sec*int64(s.clock) + ns*int64(s.clock)/1e9
	return s.tsOffset + uint32(ticks)
}

func (s *Section) nextTimeout() (simtime.Time, Reason) {
	send := s.config.Send
	if send == nil || s.local == nil {
		return simtime.Never, ReasonNone
	}
	if s.stopped {
		return simtime.Never, ReasonNone // the BYE waits for the pacer
	}
	if next := send.Encoder.NextFrame(); next < send.Stop {
		return next, ReasonFrame
	}
	return send.Stop, ReasonStop
}

func (s *Section) handleTimeout(now simtime.Time) {
	send := s.config.Send
	if send == nil || s.stopped || s.local == nil {
		return
	}
	for send.Encoder.NextFrame() <= now && now < send.Stop {
		if s.suspended {
			send.Encoder.Skip(now.Add(suspendedStep))
			s.skipPauses()
			s.connection.requestRates(now, nil) // it may go on
			continue
		}
		s.encode(now)
	}
	if now >= send.Stop {
		s.stopped = true
		s.connection.applyTarget(now)
	}
}

// encode makes a frame and hands its packets to the pacer.
func (s *Section) encode(now simtime.Time) {
	c := s.connection
	c.requestRates(now, s)
	f := s.config.Send.Encoder.Encode(now)
	s.skipPauses()
	c.event(Event{Kind: FrameEncoded, At: now, Section: s, Size: f.Size})
	s.packetize(f, func(p *packet.Packet) {
		s.queued++
		c.pacer.Push(p, s.config.Kind == Audio)
	})
}
