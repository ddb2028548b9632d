package topologies

import (
	"fmt"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/audio"
	"rtpfabric/endpoints/dtmf"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Speech describes audio that is somebody talking, in one codec after the other.
type Speech struct {
	// Codecs are what is used, the first one from the start.
	Codecs []endpoints.Codec
	// Switches change between them.
	Switches []endpoints.Switch
	// Conversation takes turns with the other end after ITU-T P.59; otherwise
	// somebody talks all the time.
	Conversation bool
	// Talks, if there are any, say when somebody talks instead.
	Talks []audio.Spurt
	// Tone is the frequency of a hum in place of the voice, Hz; 0 is none.
	Tone float64
	// DTX sends next to nothing in silence; VBR lets sizes of Opus follow the speech.
	DTX, VBR bool
	// FEC is Opus' in-band one.
	FEC bool
	// Digits are keys that are pressed, in order. Keypad says that keys may be pressed besides, with
	// [endpoints.Section.Press].
	Digits []dtmf.Digits
	Keypad bool
}

// newSpeaker returns the speaker of a stream.
func (s *Simulation) newSpeaker(m *Media) (*endpoints.Speaker, error) {
	var voices []endpoints.Voice
	formats := speechFormats(m.Speech.FEC)
	for _, codec := range m.Speech.Codecs {
		source, err := s.newVoice(m, codec)
		if err != nil {
			return nil, err
		}
		v := endpoints.Voice{Source: source, Format: formatOf(formats, codec), Comfort: -1}
		if codec != endpoints.CodecOpus {
			v.Comfort = formatOf(formats, endpoints.CodecCN)
		}
		voices = append(voices, v)
	}
	return endpoints.NewSpeaker(voices, m.Speech.Switches), nil
}

// speechFormats are what a section with speech may contain. DVI4 is for legacy peers
// (RFC 7874 §3).
func speechFormats(fec bool) []endpoints.Format {
	formats := append(endpoints.DefaultAudio(), endpoints.DVI4())
	for i := range formats {
		formats[i].InBandFEC = fec && formats[i].Codec == endpoints.CodecOpus
	}
	return formats
}

// eventFormats are those of telephone events, one for each clock (RFC 4733 §2.1).
func eventFormats() []endpoints.Format {
	return []endpoints.Format{endpoints.Events(typeEvents48000, 48000), endpoints.Events(typeEvents8000, 8000)}
}

// dials reports whether keys may be pressed.
func (s *Speech) dials() bool { return s != nil && (s.Keypad || len(s.Digits) > 0) }

func formatOf(formats []endpoints.Format, c endpoints.Codec) int {
	for i, f := range formats {
		if f.Codec == c {
			return i
		}
	}
	return -1
}

// newVoice returns one codec of a stream. All hear the same speech.
func (s *Simulation) newVoice(m *Media, codec endpoints.Codec) (audio.Source, error) {
	speech := audio.Speech{
		Activity: s.activity(m), Random: s.random.Stream("media/" + m.Flow() + "/" + string(codec)),
	}
	if m.Speech.Tone > 0 {
		speech.Tone, speech.Levels = m.Speech.Tone, audio.LevelConfig{Spread: -1, NoiseSpread: -1, Noise: -127}
	}
	if m.Speech.DTX || m.Speech.VBR {
		speech.Overhang.Fixed = shortPause
	}
	switch codec {
	case endpoints.CodecOpus:
		return audio.NewOpus(audio.OpusConfig{
			Start: m.Rate, Max: m.Rate, Frame: m.Frame, CBR: !m.Speech.VBR, DTX: m.Speech.DTX, FEC: m.Speech.FEC, Speech: speech,
		}, m.Start)
	case endpoints.CodecPCMU, endpoints.CodecPCMA, endpoints.CodecDVI4:
		return audio.NewTelephone(audio.TelephoneConfig{
			Coding: codings[codec], Frame: m.Frame, Speech: speech,
			Silence: audio.SilenceConfig{Suppress: m.Speech.DTX, ComfortNoise: m.Speech.DTX},
		}, m.Start)
	case endpoints.CodecVP8, endpoints.CodecCN, endpoints.CodecEvents:
	}
	return nil, fmt.Errorf("no codec %q for speech", codec)
}

// shortPause is what counts as part of the speech around it (ITU-T P.59).
const shortPause = 200 * time.Millisecond

// activity says when the party of a stream talks. Both ends of a call draw the same
// conversation.
func (s *Simulation) activity(m *Media) audio.Activity {
	if len(m.Speech.Talks) > 0 {
		script, err := audio.NewScript(m.Speech.Talks...)
		if err != nil {
			panic("topologies: " + err.Error())
		}
		return script
	}
	if !m.Speech.Conversation {
		return audio.Always()
	}
	a, b := min(m.From, m.To), max(m.From, m.To)
	party := audio.A
	if m.From == b {
		party = audio.B
	}
	return audio.NewConversation(simtime.Time(0), audio.P59(), s.random.Stream("conversation/"+a+"/"+b)).Talker(party)
}

// speechRate is the highest payload rate of a stream of speech.
func speechRate(m *Media) units.BitRate {
	rate := units.BitRate(0)
	for _, c := range m.Speech.Codecs {
		switch c {
		case endpoints.CodecPCMU, endpoints.CodecPCMA:
			rate = max(rate, 64*units.Kbps)
		case endpoints.CodecDVI4: // and the octets of state in every packet
			rate = max(rate, 32*units.Kbps+units.BitRate(32/m.Frame.Seconds()))
		default:
			rate = max(rate, m.Rate)
		}
	}
	return rate
}
