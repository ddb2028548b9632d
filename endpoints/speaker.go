package endpoints

import (
	"encoding/binary"
	"time"

	"rtpfabric/endpoints/audio"
	"rtpfabric/endpoints/encoder"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/sound"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Voice is one of the codecs that a section of audio may use.
type Voice struct {
	Source audio.Source
	// Format is the codec's among the section's formats; Comfort that of its
	// comfort noise (RFC 3389), -1 if it has none.
	Format, Comfort int
}

// Switch changes to another voice. Nobody is told before (RFC 8834 §4.3).
type Switch struct {
	At    simtime.Time
	Voice int
}

// Speaker is the encoder of a section that speaks, with one codec at a time.
type Speaker struct {
	voices   []Voice
	switches []Switch // those to come, in order
	current  int
	buffer   []byte
}

// NewSpeaker returns a speaker that begins with the first voice.
func NewSpeaker(voices []Voice, switches []Switch) *Speaker {
	s := &Speaker{voices: voices, switches: switches}
	for _, v := range voices {
		s.buffer = append(s.buffer, make([]byte, max(0, v.Source.MaxPayload()-len(s.buffer)))...)
	}
	return s
}

func (s *Speaker) source() audio.Source { return s.voices[s.current].Source }

// Request asks for a rate.
func (s *Speaker) Request(now simtime.Time, r units.BitRate) { s.source().Request(now, r) }

// Goal returns the rate while somebody speaks.
func (s *Speaker) Goal() units.BitRate { return s.source().Goal() }

// NextFrame returns when the next frame is due.
func (s *Speaker) NextFrame() simtime.Time { return s.source().NextFrame() }

// Skip lets no frame be due before the given time.
func (s *Speaker) Skip(until simtime.Time) {
	for i := range s.voices {
		s.voices[i].Source.Skip(until)
	}
}

// Refresh does nothing.
func (*Speaker) Refresh() {}

// Encode makes a frame of which only the size is known. Sections use the frame
// itself.
func (s *Speaker) Encode(now simtime.Time) encoder.Frame {
	f, _, _ := s.speak(now)
	return encoder.Frame{Number: f.Number, Captured: f.Captured, Size: units.Bytes(len(f.Payload)), Key: true}
}

// speak makes the frame that is due, and tells its format; false if nothing is sent.
func (s *Speaker) speak(now simtime.Time) (f audio.Frame, format int, ok bool) {
	for len(s.switches) > 0 && s.switches[0].At <= now {
		s.current, s.switches = s.switches[0].Voice, s.switches[1:]
		s.source().Skip(now)
	}
	v := &s.voices[s.current]
	f, ok = v.Source.Encode(now, s.buffer)
	if format = v.Format; f.Comfort {
		format = v.Comfort
	}
	return f, format, ok && format >= 0
}

// coding returns how samples are coded, false of codecs that endpoints only model.
func (c Codec) coding() (audio.Coding, bool) {
	switch c {
	case CodecPCMU:
		return audio.MuLaw, true
	case CodecPCMA:
		return audio.ALaw, true
	case CodecDVI4:
		return audio.ADPCM, true
	case CodecOpus, CodecVP8, CodecCN, CodecEvents:
	}
	return 0, false
}

// mark writes the time of capture, from which receivers read delays, into a payload of a
// codec that has room for it: among the samples of G.711 and DVI4, after Opus' header.
func (c Codec) mark(payload []byte, captured simtime.Time) {
	if coding, ok := c.coding(); ok {
		coding.HideTime(payload, captured)
	} else if at := audio.PacketHeader(payload); c == CodecOpus && len(payload) >= at+trace {
		binary.BigEndian.PutUint64(payload[at:], uint64(captured))
	}
}

// captured reads the time of capture, if payloads of the codec are marked; ok is false of one
// that is too short.
func (c Codec) captured(payload []byte) (at simtime.Time, marked, ok bool) {
	if coding, real := c.coding(); real {
		at, ok = coding.HiddenTime(payload)
		return at, true, ok
	}
	if c != CodecOpus {
		return 0, false, len(payload) > 0
	}
	n := audio.PacketHeader(payload)
	if len(payload) < n+trace {
		return 0, true, false
	}
	return simtime.Time(binary.BigEndian.Uint64(payload[n:])), true, true
}

// Frames of a talk spurt come one after the other, and those for comfort noise now and then. When no
// spurt has gone on for a while, video may have what audio leaves of the rate.
const (
	spurtGap = 150 * time.Millisecond
	hush     = 500 * time.Millisecond
)

// utter notes a frame of speech that is sent.
func (m *Section) utter(now simtime.Time) {
	if now.Sub(m.spoke) <= spurtGap {
		m.talked = now
	}
	m.spoke = now
}

// silent reports whether nobody talks whose audio the section sends, or passes on.
func (m *Section) silent(now simtime.Time) bool {
	_, speaks := m.config.Send.Encoder.(*Speaker)
	return (speaks || m.passage != nil) && now.Sub(m.talked) > hush
}

// speak sends the frame of speech that is due, if any.
func (m *Section) speak(now simtime.Time, sp *Speaker) {
	s := m.session
	send := m.config.Send
	from := sp.NextFrame()
	f, format, ok := sp.speak(send.frameTime(now))
	f.Captured = send.Clock.When(f.Captured)
	if m.keypad != nil && m.keypad.Due(from) {
		m.hushed = m.hushed || ok && f.Marker
		m.dial(now, from, sp)
		m.skipPauses()
		return
	}
	m.skipPauses()
	if m.muted {
		m.hushed = m.hushed || ok
		return
	}
	if !ok {
		return
	}
	f.Marker, m.hushed = f.Marker || m.hushed, false // a talk spurt begins (RFC 3551 §4.1)
	m.utter(now)
	to := &m.config.Formats[format]
	if to.Clock != m.main.clock {
		s.changeClock(now, m, to.Clock)
	}
	s.event(Event{Kind: FrameEncoded, At: now, Section: m, Size: units.Bytes(len(f.Payload))})
	m.emitSpeech(&f, to)
}

// emitSpeech puts a frame of speech into a packet and hands that to the pacer.
func (m *Section) emitSpeech(f *audio.Frame, format *Format) {
	s, st := m.session, m.main
	introduced := st.introduces(false)
	contributors := f.Contributors[:min(len(f.Contributors), sound.MostContributors)]
	layout := st.layoutOf(introduced, len(contributors))
	head := rtpHeader + 4*len(contributors) + int(layout.Size())
	size := min(head+len(f.Payload)+f.Padding, int(m.config.Send.PacketSize-s.protector.OverheadRTP()))
	p := s.endpoint.config.Pool.New()
	b := p.SetPayload(size)
	p.Size += s.protector.OverheadRTP()
	p.Src, p.Dst = s.config.Local, s.config.Remote
	p.Hop = hop(st, introduced, importanceOf(encoder.Frame{}))
	b[0], b[1] = 0x80|byte(len(contributors)), format.PayloadType
	if f.Marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], st.seq)
	binary.BigEndian.PutUint32(b[4:], st.rtpTime(f.Captured))
	binary.BigEndian.PutUint32(b[8:], st.ssrc)
	st.seq++
	for i, c := range contributors {
		binary.BigEndian.PutUint32(b[rtpHeader+4*i:], c.SSRC)
	}
	st.writeExtension(b, introduced, f.Captured, f.Level, f.Voice)
	if d := layout.Data(b[rtpHeader+4*len(contributors):], headerext.MixerLevels); d != nil {
		for i, c := range contributors {
			d[i] = c.Level
		}
	}
	n := copy(b[head:], f.Payload)
	spoken := f.Captured
	if f.Spoken != 0 {
		spoken = f.Spoken
	}
	format.Codec.mark(b[head:head+n], spoken)
	if pad := b[head+n:]; len(pad) > 0 { // RFC 3550 §5.1
		clear(pad)
		pad[len(pad)-1] = byte(len(pad))
		b[0] |= 0x20
	}
	if m.redundant != nil {
		m.pushRedundant(p)
		return
	}
	m.push(p)
}

// changeClock moves a section's media to a new SSRC, because the clock of RTP
// timestamps has another rate (RFC 7160 §4.1). The old one says BYE when the last of
// its packets has left.
func (s *Session) changeClock(now simtime.Time, m *Section, clock int) {
	old := m.main
	if old.packets == 0 && old.queued == 0 { // nobody has seen it yet
		old.clock = clock
		return
	}
	next := s.newStream(m, clock, 0)
	next.layouts = old.layouts
	next.join(now)
	m.main, old.retired = next, true
	m.limits = newLimits(next)
	s.event(Event{Kind: SSRCChanged, At: now, Section: m, SSRC: next.ssrc, Previous: old.ssrc})
}
