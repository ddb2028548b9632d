package endpoints

import (
	"encoding/binary"

	"rtpfabric/endpoints/encoder"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/playout"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// What this package doesn't know can be added in three places (RFC 8834 §9): header
// extensions and RTCP messages, which whoever doesn't know them ignores, and payload
// formats, which both ends have to agree on. What is added is as passive as the rest:
// it is asked, and told, and the time is a parameter.

// HeaderExtension is an element of RTP's header extension (RFC 8285). A packet must
// make sense without it (§4.1.1).
type HeaderExtension interface {
	// URI names the element. Entries of [SessionConfig.Extensions] give it its id.
	URI() string
	// Size is that of its data, 1 to 255 octets, the same in every packet.
	Size() int
	// Write fills in the data of a media packet that leaves, and Read takes that of one
	// that came. The data is theirs only during the call.
	Write(now simtime.Time, p RTPPacket, data []byte)
	Read(now simtime.Time, p RTPPacket, data []byte)
}

// RTPPacket is what a header extension may need to know of its packet.
type RTPPacket struct {
	SSRC, Timestamp uint32
	Seq             uint16
	PayloadType     uint8
	// Size of the packet before protection, headers included.
	Size units.Bytes
}

// Timing is when RTCP messages may go.
type Timing uint8

const (
	// WithReports waits for the next regular report (RFC 3550 §6.2).
	WithReports Timing = iota
	// AsFeedback may go early (RFC 4585 §3.5), if the profile has feedback.
	AsFeedback
)

// ControlMessage is a kind of RTCP message. It counts in RTCP's bandwidth like
// everything else.
type ControlMessage interface {
	// Type is the packet type of the messages, and Format the five bits of their first
	// octet that tell formats of one type apart (RFC 4585 §6.1).
	Type() (packetType, format uint8)
	// Timing says when a message may go, and MaxSize how large it is at most, in
	// octets.
	Timing() Timing
	MaxSize() int
	// Pending reports whether there is something to say.
	Pending() bool
	// Append appends a whole RTCP packet, sent by the given SSRC, of a multiple of four
	// octets. Then nothing is pending.
	Append(now simtime.Time, b []byte, ssrc uint32) []byte
	// Handle takes a message that came. An error means that it is malformed.
	Handle(now simtime.Time, b []byte) error
}

// PayloadFormat is how the frames of a codec are put into packets (RFC 8088). Each
// packet says what it is by itself, so that a loss spoils no other (RFC 2736 §3).
type PayloadFormat interface {
	// HeaderSize is that of what precedes the media in each packet.
	HeaderSize() int
	// WriteHeader writes it, and ReadHeader reads it; false if it is malformed.
	WriteHeader(b []byte, f encoder.Frame, first, last bool)
	ReadHeader(payload []byte) (PayloadHeader, bool)
}

// PayloadHeader is what a packet says about its frame.
type PayloadHeader struct {
	Size    int
	First   bool // packet of its frame
	Picture playout.Picture
	// Discardable says that nothing is predicted from the frame.
	Discardable bool
}

// parseCustomMedia reads a payload of a format that isn't built in. The media begin with
// the time of capture, as in any other.
func parseCustomMedia(f PayloadFormat, b []byte) (media, bool) {
	h, ok := f.ReadHeader(b)
	if !ok || h.Size > len(b) || h.First && len(b) < h.Size+trace {
		return media{}, false
	}
	m := media{first: h.First, head: h.Size, picture: h.Picture, discardable: h.Discardable}
	if h.First {
		m.captured = simtime.Time(binary.BigEndian.Uint64(b[h.Size:]))
	}
	return m, true
}

// readOwn hands the elements of a packet to the extensions that know them.
func (s *Session) readOwn(now simtime.Time, packet []byte) {
	for i, x := range s.config.HeaderExtensions {
		if d := s.scratch.elements.Data(headerext.Own(i)); len(d) == x.Size() {
			x.Read(now, describe(packet), d)
		}
	}
}

// writeOwn lets extensions fill in their part of a header extension.
func (s *Session) writeOwn(now simtime.Time, packet, block []byte, l *headerext.Layout) {
	for i, x := range s.config.HeaderExtensions {
		if d := l.Data(block, headerext.Own(i)); d != nil {
			x.Write(now, describe(packet), d)
		}
	}
}

func describe(packet []byte) RTPPacket {
	return RTPPacket{
		SSRC: binary.BigEndian.Uint32(packet[8:]), Timestamp: binary.BigEndian.Uint32(packet[4:]),
		Seq: binary.BigEndian.Uint16(packet[2:]), PayloadType: packet[1] & 0x7f, Size: units.Bytes(len(packet)),
	}
}

// ownMessage returns what knows an RTCP packet; nil if nothing does.
func (s *Session) ownMessage(b []byte) ControlMessage {
	for _, x := range s.config.ControlMessages {
		if t, format := x.Type(); len(b) >= 8 && b[1] == t && b[0]&0x1f == format {
			return x
		}
	}
	return nil
}

// appendOwn adds the messages that are pending, and may go now.
func (w *compound) appendOwn(now simtime.Time, st *Stream, regular bool) {
	for _, x := range w.s.config.ControlMessages {
		if x.Pending() && (regular || x.Timing() == AsFeedback) && len(w.b)+x.MaxSize() <= mtu {
			w.last = len(w.b)
			w.b = x.Append(now, w.b, st.ssrc)
		}
	}
}

// wantOwn asks RTCP's timing rules for an early packet if there is a message for one.
func (s *Session) wantOwn(now simtime.Time) {
	for _, x := range s.config.ControlMessages {
		if l := s.sections[0].main.local; l != nil && x.Timing() == AsFeedback && x.Pending() {
			s.timing.WantFeedbackFrom(now, l)
		}
	}
}

// ownPending reports whether there is a message of the session's that may go early.
func (s *Session) ownPending() bool {
	if !s.config.RTCP.AVPF {
		return false
	}
	for _, x := range s.config.ControlMessages {
		if x.Timing() == AsFeedback && x.Pending() {
			return true
		}
	}
	return false
}
