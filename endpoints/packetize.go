package endpoints

import (
	"cmp"
	"encoding/binary"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/audio"
	"rtpfabric/endpoints/encoder"
	"rtpfabric/endpoints/fec/flexfec"
	"rtpfabric/endpoints/playout"
	"rtpfabric/endpoints/sound"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

const (
	rtpHeader = 12
	// trace is the content of a frame's first octets after the codec's own
	// header: when it was taken. Receivers read frame delays from it.
	trace = 8
)

// descriptor returns the size of the payload format's header.
func (m *Section) descriptor() int {
	switch custom := m.config.Formats[0].Custom; {
	case m.config.Kind == Audio:
		return 0
	case custom != nil:
		return custom.HeaderSize()
	case m.layered():
		return vp8LayeredDescriptor
	}
	return vp8Descriptor
}

// packetize cuts a frame into packets of nearly equal size, each of which its
// emit function takes over. Packets have everything but what depends on the
// moment they leave.
func (m *Section) packetize(f encoder.Frame, emit func(*packet.Packet)) {
	s, st := m.session, m.main
	introduced := st.introduces(f.Key && m.config.Kind == Video)
	var sources []uint32
	if name := m.config.Send.Sources; name != nil {
		sources = name()
		sources = sources[:min(len(sources), sound.MostContributors)]
	}
	head := rtpHeader + 4*len(sources) + int(st.layout(introduced).Size()) + m.descriptor()
	sampled := cmp.Or(f.Composed, f.Captured)
	tag := s.protector.OverheadRTP()
	room := int(m.config.Send.PacketSize-tag) - head
	if m.resend != nil {
		room -= osn // the packet may be sent again
	}
	if m.guard != nil {
		room -= flexfec.Overhead(1, fecSpan)
	}
	if m.redundant != nil {
		room -= m.redundant.reduction(int(st.layout(introduced).Size()))
	}
	importance := importanceOf(f)
	size := int(f.Size)
	if m.marksPictures() {
		size = max(size, leastMarked)
	}
	n := (size + room - 1) / room
	m.pictureID = (m.pictureID + 1) & 0x7fff
	for i := range n {
		part := size*(i+1)/n - size*i/n
		p := s.endpoint.config.Pool.New()
		b := p.SetPayload(head + part)
		p.Size += tag
		p.Src, p.Dst = s.config.Local, s.config.Remote
		p.Hop = hop(st, introduced, importance)
		h := rtp.Header{
			Version: 2, Marker: i == n-1, PayloadType: m.config.Formats[0].PayloadType,
			SequenceNumber: st.seq, Timestamp: st.rtpTime(sampled), SSRC: st.ssrc, CSRC: sources,
		}
		if m.config.Kind == Audio {
			h.Marker = f.Number == 0 // start of a talkspurt (RFC 7587 §4.1)
		}
		m.notePicture(st.seq)
		st.seq++
		if _, err := h.MarshalTo(b); err != nil {
			panic("endpoints: RTP header doesn't fit its packet: " + err.Error())
		}
		st.writeExtension(b, introduced, sampled, 0, false)
		m.writePayload(b[head-m.descriptor():], f, i, n)
		emit(p)
	}
}

// writePayload writes what stands in for encoded media: the payload format's
// headers are real, the rest is a pattern.
func (m *Section) writePayload(b []byte, f encoder.Frame, i, n int) {
	if m.config.Kind == Audio {
		fill(b)
		if !audio.PutHeader(b, f.Duration) { // scenarios have none that Opus hasn't
			audio.PutHeader(b, frameOfAudio)
		}
		// Where there is no room for both, the mark takes the place of padding.
		binary.BigEndian.PutUint64(b[audio.PacketHeader(b):], uint64(f.Captured))
		return
	}
	first := i == 0
	if custom := m.config.Formats[0].Custom; custom != nil {
		custom.WriteHeader(b[:custom.HeaderSize()], f, first, i == n-1)
		b = b[custom.HeaderSize():]
	} else if b = m.writeVP8(b, f, first); first {
		b = b[writeVP8Frame(b, f):]
	}
	if first {
		binary.BigEndian.PutUint64(b, uint64(f.Captured))
		b = b[trace:]
	}
	if m.marksPictures() {
		b = m.writeMarks(b, &f, i, n)
	}
	fill(b)
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

// media is what a payload says.
type media struct {
	first    bool // packet of its frame
	captured simtime.Time
	// head is the size of the payload format's own header; picture and
	// discardable are what it says about video.
	head        int
	picture     playout.Picture
	discardable bool
	slice       playout.Region // if packets are marked
	untraced    bool           // it doesn't say when it was captured
}

// parseMedia reads a payload; false if it is malformed.
func parseMedia(f *Format, b []byte) (media, bool) {
	if f.Custom != nil {
		return parseCustomMedia(f.Custom, b)
	}
	if f.Codec == CodecVP8 {
		return parseVP8Media(b)
	}
	at, marked, ok := f.Codec.captured(b)
	return media{first: true, captured: at, untraced: !marked}, ok
}
