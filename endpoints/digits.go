package endpoints

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/audio"
	"rtpfabric/endpoints/dtmf"
	"rtpfabric/endpoints/playout"
	"rtpfabric/sim/simtime"
)

// Press lets keys be pressed in a section whose encoder is a [Speaker], one after the other and after those of before, from
// d.At on or from now if that has passed. Each begins with a frame of the audio, whose packets give way to those of the key
// (RFC 4733 §2.5.1.2): on the same SSRC, with the same sequence numbers and clock. What can't be
// sent in a pause, while the section is held or before there are keys waits. It is an error if there is no such key, or no
// format of [Events] for the clock of one of the speaker's codecs.
func (m *Section) Press(now simtime.Time, d dtmf.Digits) error {
	sp := m.speaker()
	if sp == nil {
		return errors.New("keys are pressed by somebody who speaks")
	}
	for i := range sp.voices {
		clock := sp.voices[i].Source.Clock()
		if m.events(clock) == nil {
			return fmt.Errorf("no format for telephone events at %d Hz", clock)
		}
		if err := d.Check(clock); err != nil {
			return err
		}
	}
	if m.keypad == nil {
		m.keypad = &dtmf.Sender{}
	}
	d.At = m.config.Send.Clock.At(max(d.At, now))
	m.keypad.Press(d)
	return nil
}

// Mute lets a section of audio send no audio until [Section.Unmute], but for telephone events. It is the choice of this end
// alone: RTCP goes on, and so does the rate that the section may have.
func (m *Section) Mute(now simtime.Time) { m.setMuted(now, true) }

// Unmute lets a section that was muted send audio again, from the next frame on.
func (m *Section) Unmute(now simtime.Time) { m.setMuted(now, false) }

func (m *Section) setMuted(now simtime.Time, muted bool) {
	if m.config.Kind != Audio || m.config.Send == nil || m.muted == muted {
		return
	}
	m.muted = muted
	kind := VoiceUnmuted
	if muted {
		kind = VoiceMuted
	}
	m.session.event(Event{Kind: kind, At: now, Section: m})
}

// speaker returns the section's encoder if that is somebody who speaks, otherwise nil.
func (m *Section) speaker() *Speaker {
	if m.config.Send == nil {
		return nil
	}
	sp, _ := m.config.Send.Encoder.(*Speaker)
	return sp
}

// events returns the section's format of telephone events with a clock, nil if there is none.
func (m *Section) events(clock int) *Format {
	i := slices.IndexFunc(m.config.Formats, func(f Format) bool { return f.Codec == CodecEvents && f.Clock == clock })
	if i < 0 {
		return nil
	}
	return &m.config.Formats[i]
}

// dial sends the packet of a key that takes the place of the frame from a time of the sampling clock until the next one.
// An event keeps the clock, and with it the SSRC, with which it has begun.
func (m *Section) dial(now, from simtime.Time, sp *Speaker) {
	if clock := sp.source().Clock(); !m.keypad.Busy() && clock != m.main.clock {
		m.session.changeClock(now, m, clock)
	}
	p := m.keypad.Packet(from, sp.NextFrame(), m.main.clock)
	m.utter(now)
	var payload [dtmf.Size]byte
	m.emitSpeech(&audio.Frame{
		Captured: m.config.Send.Clock.When(p.Start), Marker: p.First, Level: quietest, Payload: p.Append(payload[:0]),
	}, m.events(m.main.clock))
}

// quietest is the level of what is no sound (RFC 6464 §3).
const quietest = 127

// handleDigit takes a packet of a telephone event: its number isn't missing in the audio, and nothing of it is played.
func (s *Session) handleDigit(now simtime.Time, src *source, m *Section, f *Format, h *rtp.Header, ext uint64, b []byte) {
	e, ok := dtmf.Parse(b)
	if !ok {
		s.counts.Malformed++
		return
	}
	src.join(now, m)
	if src.audio == nil {
		return // a format of telephone events in a section of video
	}
	src.audio.Pass(ext)
	if src.fates != nil {
		src.fates.note(ext, playout.AudioPlayed)
	}
	if src.keys == nil {
		src.keys = &dtmf.Receiver{}
	}
	src.keys.Receive(now, h.Timestamp, f.Clock, e)
	src.drainDigits(now)
}

// drainDigits turns the keys that were pressed into events.
func (r *source) drainDigits(now simtime.Time) {
	for {
		d, ok := r.keys.Poll()
		if !ok {
			return
		}
		r.session.event(Event{Kind: DigitReceived, At: now, Section: r.section, SSRC: r.ssrc, Digit: d.Key, Media: d.Lasts.Round(time.Millisecond)})
	}
}

// dials reports whether a payload type is that of telephone events.
func (m *Section) dials(pt uint8) bool {
	if m == nil {
		return false
	}
	f, _ := m.format(pt)
	return f != nil && f.Codec == CodecEvents
}
