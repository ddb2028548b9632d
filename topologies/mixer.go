package topologies

import (
	"fmt"
	"slices"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/audio"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/sound"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Mixer is a media-mixing Topo-Mixer (RFC 7667 §3.6.1; A.3.1 of draft-ietf-rtcweb-rtp-usage of
// July 2012): a middlebox with a call to each endpoint, which decodes the audio of all, or of
// the loudest, and sends everybody what the others say in one stream of its own.
const Mixer = "mixer"

// MixerConfig says what such a middlebox does.
type MixerConfig struct {
	// Loudest is how many are heard at a time; 0 is all.
	Loudest int
	// NoCSRC leaves out of packets whose sounds they have, and how loud each is: to each
	// endpoint the mixer is then the only one there is.
	NoCSRC bool
}

// mixer is what the calls of a mixer have in common.
type mixer struct {
	config    MixerConfig
	bus       *sound.Bus
	selection *sound.Selection // whom it decodes; nil for all
	inputs    []*mixerInput
	voices    []*audio.Telephone
	legs      []*endpoints.Session
}

// mixerInput is what a participant says.
type mixerInput struct {
	*sound.Input
	origin, cname string
}

// mixFrame is how much sound a packet of a mixer has.
const mixFrame = 20 * time.Millisecond

// Mixes are how much a mixer has done.
type Mixes struct {
	// Frames is how many frames of 20 ms it has made, and Mixes how many of them in all, as
	// not everybody hears the same. Decodes and Encodes count frames of single streams, and of a
	// transcoder pictures.
	Frames, Mixes, Decodes, Encodes uint64
}

// newMixer returns the mixer of a configuration; nil if it has none.
func newMixer(c *Config) *mixer {
	if c.Type != Mixer && c.Type != Transcoder {
		return nil
	}
	m := &mixer{config: c.Mixer, bus: sound.NewBus(mixFrame, c.Mixer.Loudest)}
	if named(c.Extensions, headerext.AudioLevel) && c.Mixer.Loudest > 0 {
		m.selection = &sound.Selection{Top: c.Mixer.Loudest}
	}
	for i := range c.Calls {
		for k := range c.Calls[i].Sessions {
			for _, stream := range c.Calls[i].Sessions[k].Media {
				if stream.Kind == endpoints.Audio && stream.From != c.Calls[i].B {
					m.inputs = append(m.inputs, &mixerInput{Input: m.bus.NewInput(), origin: stream.From})
				}
			}
		}
	}
	return m
}

// named reports whether a header extension is signalled.
func named(list []headerext.Entry, k headerext.Kind) bool {
	return slices.ContainsFunc(list, func(e headerext.Entry) bool { return e.URI == k.URI() })
}

// input returns what a participant says, nil if it only listens.
func (m *mixer) input(origin string) *mixerInput {
	i := slices.IndexFunc(m.inputs, func(in *mixerInput) bool { return in.origin == origin })
	if i < 0 {
		return nil
	}
	return m.inputs[i]
}

// ear returns where a section of a mixer hands what it hears.
func (m *mixer) ear(stream *Media) sound.Ear { return m.input(stream.From).Input }

// codings are the codecs that a mixer can decode and encode.
var codings = map[endpoints.Codec]audio.Coding{
	endpoints.CodecPCMU: audio.MuLaw, endpoints.CodecPCMA: audio.ALaw, endpoints.CodecDVI4: audio.ADPCM,
}

// mix returns what a leg of the mixer sends: all but the peer's own sound, in its codec.
func (s *Simulation) mix(stream *Media) (*endpoints.Speaker, error) {
	if stream.Speech == nil {
		return nil, fmt.Errorf("a mixer has nothing to encode it with")
	}
	codec := stream.Speech.Codecs[0]
	coding, ok := codings[codec]
	if !ok {
		return nil, fmt.Errorf("a mixer can't encode %s", codec)
	}
	var self *sound.Input
	if in := s.mixer.input(stream.To); in != nil {
		self = in.Input
	}
	voice, err := audio.NewTelephone(audio.TelephoneConfig{
		Coding: coding, Frame: mixFrame, Input: s.mixer.bus.NewOutput(self, s.mixer.config.NoCSRC),
		Speech:  audio.Speech{Random: s.random.Stream("media/" + stream.Flow())},
		Silence: audio.SilenceConfig{Suppress: stream.Speech.DTX, ComfortNoise: stream.Speech.DTX},
	}, stream.Start)
	if err != nil {
		return nil, err
	}
	s.mixer.voices = append(s.mixer.voices, voice)
	formats := speechFormats(false)
	return endpoints.NewSpeaker([]endpoints.Voice{{
		Source: voice, Format: formatOf(formats, codec), Comfort: formatOf(formats, endpoints.CodecCN),
	}}, nil), nil
}

// contributors returns whom a leg's packets have named of late: all but the peer itself.
func (m *mixer) contributors(peer string) func(now simtime.Time) []endpoints.Contributor {
	if m.config.NoCSRC {
		return nil
	}
	var list []endpoints.Contributor
	return func(now simtime.Time) []endpoints.Contributor {
		list = list[:0]
		for _, in := range m.inputs {
			if at, ever := in.Mixed(); in.origin != peer && ever && now.Sub(at) < recent {
				list = append(list, endpoints.Contributor{SSRC: in.SSRC, CNAME: in.cname})
			}
		}
		return list
	}
}

// recent is for how long SDES has the name of somebody whose sound was in a mix.
const recent = 10 * time.Second

// overhead returns what naming them adds to a leg's packets at most.
func (m *mixer) overhead(leveled bool) units.Bytes {
	n := min(len(m.inputs), sound.MostContributors)
	if m.config.Loudest > 0 {
		n = min(n, m.config.Loudest)
	}
	switch {
	case m.config.NoCSRC:
		return 0
	case leveled: // in words of four octets, behind a header that may be there already
		return units.Bytes(4*n + 4 + (n+4)/4*4)
	}
	return units.Bytes(4 * n)
}

// connect learns who takes part, when all calls are connected.
func (m *mixer) connect(s *Simulation) {
	for _, f := range s.Flows {
		switch {
		case s.forwards(f.From):
			m.legs = append(m.legs, f.Session)
		case f.Kind == endpoints.Audio:
			m.input(f.From).cname = f.Session.Connection().CNAME()
		}
	}
	if s.config.Type == Transcoder {
		m.represent(s)
	}
}

// departed passes on that somebody has left (RFC 3550 §7.3).
func (m *mixer) departed(from *endpoints.Session, ssrc uint32) {
	i := slices.IndexFunc(m.inputs, func(in *mixerInput) bool { return in.SSRC == ssrc })
	if m.config.NoCSRC || i < 0 {
		return
	}
	m.inputs[i].Left()
	for _, leg := range m.legs {
		if leg != from {
			leg.PassBye(ssrc)
		}
	}
}

// Mixer returns the name of the mixer, empty if there is none.
func (s *Simulation) Mixer() string {
	for i := range s.config.Endpoints {
		if e := &s.config.Endpoints[i]; e.Forwards && s.mixer != nil {
			return e.Name
		}
	}
	return ""
}

// Mixes returns how much the mixer has done.
func (s *Simulation) Mixes() Mixes {
	sum := Mixes{Frames: s.mixer.bus.Frames(), Mixes: s.mixer.bus.Mixes()}
	for _, in := range s.mixer.inputs {
		sum.Decodes += in.Decoded()
	}
	for _, v := range s.mixer.voices {
		sum.Encodes += v.Encodes()
	}
	for _, t := range s.transcodings {
		sum.Decodes += t.decoded
		sum.Encodes += t.encoder.Encoded()
	}
	return sum
}
