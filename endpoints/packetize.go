package endpoints

import (
	"encoding/binary"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/encoder"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

const (
	rtpHeader = 12
	// vp8Descriptor is VP8's payload descriptor with a 15-bit picture ID
	// (RFC 7741 §4.2).
	vp8Descriptor = 4
	// trace is the content of a frame's first octets after the codec's own
	// header: when it was taken. Receivers read frame delays from it.
	trace = 8
)

// descriptor returns the size of the payload format's header.
func (m *Section) descriptor() int {
	if m.config.Kind == Video {
		return vp8Descriptor
	}
	return 0
}

// packetize cuts a frame into packets of nearly equal size, each of which its
// emit function takes over. Packets have everything but what depends on the
// moment they leave.
func (m *Section) packetize(f encoder.Frame, emit func(*packet.Packet)) {
	s, st := m.session, m.main
	introduced := st.introduces(f.Key && m.config.Kind == Video)
	head := rtpHeader + int(st.layout(introduced).Size()) + m.descriptor()
	tag := s.protector.OverheadRTP()
	room := int(m.config.Send.PacketSize-tag) - head
	size := int(f.Size)
	n := (size + room - 1) / room
	m.pictureID = (m.pictureID + 1) & 0x7fff
	for i := range n {
		part := size*(i+1)/n - size*i/n
		p := s.endpoint.config.Pool.New()
		b := p.SetPayload(head + part)
		p.Size += tag
		p.Src, p.Dst = s.config.Local, s.config.Remote
		p.Hop = hop(st, introduced)
		h := rtp.Header{
			Version: 2, Marker: i == n-1, PayloadType: m.config.Formats[0].PayloadType,
			SequenceNumber: st.seq, Timestamp: st.rtpTime(f.Captured), SSRC: st.ssrc,
		}
		if m.config.Kind == Audio {
			h.Marker = f.Number == 0 // start of a talkspurt (RFC 7587 §4.1)
		}
		st.seq++
		if _, err := h.MarshalTo(b); err != nil {
			panic("endpoints: RTP header doesn't fit its packet: " + err.Error())
		}
		st.writeExtension(b, introduced, f.Captured, 0, false)
		m.writePayload(b[head-m.descriptor():], f, i == 0)
		emit(p)
	}
}

// writePayload writes what stands in for encoded media: the payload format's
// headers are real, the rest is a pattern.
func (m *Section) writePayload(b []byte, f encoder.Frame, first bool) {
	if m.config.Kind == Audio {
		b[0] = 0xf8 // Opus: CELT, fullband, 20 ms, mono, one frame (RFC 6716 §3.1)
		binary.BigEndian.PutUint64(b[1:], uint64(f.Captured))
		fill(b[1+trace:])
		return
	}
	b[0], b[1] = 0x80, 0x80 // X; I: a picture ID follows
	if first {
		b[0] |= 0x10 // S: start of partition 0
	}
	binary.BigEndian.PutUint16(b[2:], 0x8000|m.pictureID)
	b = b[vp8Descriptor:]
	if !first {
		fill(b)
		return
	}
	b = b[vp8FrameTag(b, f):]
	binary.BigEndian.PutUint64(b, uint64(f.Captured))
	fill(b[trace:])
}

// vp8FrameTag writes the uncompressed data chunk of a VP8 frame (RFC 6386
// §9.1) and returns its length.
func vp8FrameTag(b []byte, f encoder.Frame) int {
	tag := uint32(f.Size)&0x7ffff<<5 | 1<<4 // first partition's size, show_frame
	if !f.Key {
		tag |= 1
	}
	b[0], b[1], b[2] = byte(tag), byte(tag>>8), byte(tag>>16)
	if !f.Key {
		return 3
	}
	copy(b[3:], []byte{0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02}) // start code, 1280×720
	return 10
}

var pattern = func() (p [1500]byte) {
	for i := range p {
		p[i] = byte(i*151 + 43)
	}
	return p
}()

func fill(b []byte) {
	for len(b) > 0 {
		b = b[copy(b, pattern[:]):]
	}
}

// media reads what packetize wrote.
type media struct {
	first    bool
	captured simtime.Time
}

// parseMedia reads a payload; false if it is malformed.
func parseMedia(kind Kind, b []byte) (media, bool) {
	if kind == Audio {
		if len(b) < 1+trace {
			return media{}, false
		}
		return media{first: true, captured: simtime.Time(binary.BigEndian.Uint64(b[1:]))}, true
	}
	if len(b) < vp8Descriptor || b[0]&0x80 == 0 {
		return media{}, false
	}
	if b[0]&0x10 == 0 {
		return media{}, true
	}
	b = b[vp8Descriptor:]
	n := 3
	if len(b) > 0 && b[0]&1 == 0 {
		n = 10
	}
	if len(b) < n+trace {
		return media{}, false
	}
	return media{first: true, captured: simtime.Time(binary.BigEndian.Uint64(b[n:]))}, true
}
