package endpoints

import (
	"encoding/binary"
	"time"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/audio"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/playout"
	"rtpfabric/endpoints/sound"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Limits of the delay of audio.
const (
	leastAudioDelay   = 20 * time.Millisecond
	firstAudioDelay   = 40 * time.Millisecond
	longestAudioDelay = 10 * time.Second
)

// startAudio lets the source be played from the next packet on, stopAudio no longer.
func (r *source) startAudio() {
	r.audio, r.audioClock = r.newAudioBuffer(), r.clock
	if r.session.config.ExtendedReports.VoIPMetrics {
		r.fates = newFates(r.highest)
	}
}

func (r *source) stopAudio() { r.audio, r.fates, r.keys = nil, nil, nil }

// newAudioBuffer returns the receive buffer of a source of audio.
func (r *source) newAudioBuffer() *playout.Adaptive {
	c := &r.session.config
	longest := min(max(c.PlayoutDelay, leastAudioDelay), longestAudioDelay)
	config := playout.AdaptiveConfig{
		Clock: int(r.clock), Min: leastAudioDelay, Start: min(firstAudioDelay, longest), Max: longest,
	}
	if c.FixedAudio {
		config.Min, config.Start = longest, longest
	}
	for _, f := range r.section.config.Formats {
		config.FEC = config.FEC || f.InBandFEC
	}
	return playout.NewAdaptive(config)
}

// insertAudio hands a packet of audio to the buffer.
func (r *source) insertAudio(now simtime.Time, f *Format, ext uint64, h *rtp.Header, captured simtime.Time, b []byte, repaired bool) {
	p := playout.AudioPacket{
		Seq: ext, Timestamp: h.Timestamp, Voice: true, Captured: captured, Size: units.Bytes(len(b)), PayloadType: h.PayloadType,
		Repeated: repaired,
	}
	switch f.Codec {
	case CodecOpus:
		d, ok := audio.PacketDuration(b)
		if !ok {
			r.session.counts.Malformed++
			return
		}
		p.Samples = uint32(int64(d) * r.clock / int64(time.Second))
		p.FEC = f.InBandFEC && audio.HasFEC(b)
		p.Voice = audio.TOC(b[0]).Mode() == audio.CELT || audio.HasVoice(b)
	case CodecPCMU, CodecPCMA:
		p.Samples = uint32(len(b))
	case CodecDVI4:
		p.Samples = 2 * uint32(len(b)-audio.DVI4Header)
	case CodecCN:
		p.Comfort, p.Voice = true, false
		p.Samples = uint32(int64(frameOfAudio) * r.clock / int64(time.Second))
	case CodecVP8, CodecEvents:
	}
	if r.section.config.Ear != nil {
		p.Payload = r.keep(h, b, repaired)
	}
	if !repaired { // what is repaired has no header extension of its own here
		if _, voice, ok := headerext.ReadAudioLevel(r.session.scratch.elements.Data(headerext.AudioLevel)); ok && !p.Comfort {
			p.Voice = voice
		}
	}
	if r.audioClock != r.clock { // RFC 7160 §4.2: a peer that keeps its SSRC
		r.audio, r.audioClock = r.newAudioBuffer(), r.clock
		if r.sync != nil {
			r.sync.Add(now, r.syncName, int(r.clock))
		}
	}
	r.audio.Insert(now, p)
	r.drainAudio(now)
}

// drainAudio turns the buffer's results into events.
func (r *source) drainAudio(now simtime.Time) {
	for {
		f, ok := r.audio.Poll()
		if !ok {
			return
		}
		e := Event{At: f.At, Section: r.section, SSRC: r.ssrc, Delay: f.Delay, Size: f.Size, Media: f.Media, Gap: f.Gap}
		if format, _ := r.section.format(f.PayloadType); format != nil {
			e.Codec = format.Codec
		}
		switch f.Outcome {
		case playout.AudioPlayed, playout.AudioRecovered:
			e.Kind = FrameRendered
			if r.sync != nil {
				r.audio.SetExtra(r.sync.played(now, r, f.Timestamp, r.audio.Ideal(f.Timestamp)))
			}
		case playout.AudioConcealed:
			e.Kind = FrameConcealed
		case playout.AudioLate:
			e.Kind = FrameLate
		case playout.AudioDiscarded:
			e.Kind = FrameDiscarded
		}
		if r.fates != nil {
			r.fates.note(f.Seq, f.Outcome)
		}
		r.session.event(e)
		if f.Payload != nil {
			r.hear(&f)
		}
	}
}

// keep returns a copy of a payload that is decoded when it is played, behind who is in it: their
// number, and the SSRC and the level of each.
func (r *source) keep(h *rtp.Header, b []byte, repaired bool) []byte {
	var kept []byte
	if n := len(r.spare); n > 0 {
		kept, r.spare = r.spare[n-1], r.spare[:n-1]
	}
	var buffer [sound.MostContributors]uint8
	levels, leveled := headerext.ReadMixerLevels(buffer[:0], r.session.scratch.elements.Data(headerext.MixerLevels), len(h.CSRC))
	kept = append(kept[:0], byte(len(h.CSRC)))
	for i, ssrc := range h.CSRC {
		level := uint8(audio.Unmeasured)
		if leveled && !repaired {
			level = levels[i]
		}
		kept = append(binary.BigEndian.AppendUint32(kept, ssrc), level)
	}
	return append(kept, b...)
}

// kept returns who is in a payload that was kept, and the payload.
func (r *source) kept(b []byte) ([]audio.Contributor, []byte) {
	n := int(b[0])
	b = b[1:]
	r.mixed = r.mixed[:0]
	for range n {
		r.mixed = append(r.mixed, audio.Contributor{SSRC: binary.BigEndian.Uint32(b), Level: b[4]})
		b = b[5:]
	}
	return r.mixed, b
}

// hear decodes a frame for whoever listens.
func (r *source) hear(f *playout.AudioResult) {
	r.spare = append(r.spare, f.Payload)
	format, _ := r.section.format(f.PayloadType)
	if f.Outcome != playout.AudioPlayed || format == nil {
		return
	}
	ear := r.section.config.Ear
	mixed, payload := r.kept(f.Payload)
	if format.Codec == CodecCN {
		if noise, ok := audio.ReadComfortNoise(payload); ok {
			ear.Comfort(r.ssrc, f.At, noise.Level)
		}
		return
	}
	coding, ok := format.Codec.coding()
	if !ok {
		return
	}
	if r.samples, ok = coding.Decode(r.samples[:0], payload); ok {
		ear.Play(r.ssrc, sound.Frame{At: f.At, Lasts: f.Lasts, Samples: r.samples, Spoken: f.At.Add(-f.Delay), Voice: f.Voice, Mixed: mixed})
	}
}
