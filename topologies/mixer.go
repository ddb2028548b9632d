package topologies

import (
	"fmt"
	"slices"
	"strings"
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
	// Bind lets mixers that are joined mix a source only as it comes from where it was heard
	// first. So they break loops (RFC 3550 §8.2), as far as packets name their sources.
	Bind bool
	// Speaker gives who has spoken last a large tile; otherwise all are of one size.
	Speaker bool
	// NoLimits leaves senders of pictures alone, which are otherwise asked for no more than is of use
	// in their tile.
	NoLimits bool
}

// mixer is what the calls of a mixer have in common.
type mixer struct {
	config    MixerConfig
	bus       *sound.Bus
	selection *sound.Selection // whom it decodes; nil for all
	inputs    []*mixerInput
	voices    []*audio.Telephone
	legs      []*endpoints.Session
	sources   int // that there are in all, also behind other mixers
	// bound says from which other mixer an SSRC was heard first; nil if that doesn't matter.
	bound      *bindings
	suppressed uint64 // frames that weren't mixed, as they came from elsewhere

	cameras      []string // who sends pictures
	pictures     []*shownPicture
	compositions []*composition
	speakers     speakers
	scene        []*shownPicture // memory of arrange

	scratch []uint32 // whom a frame has
	before  Mixes    // how much had been done when it was restarted
}

// mixerInput is what a participant says, or another mixer's mix.
type mixerInput struct {
	*sound.Input
	mixer         *mixer
	place         int // among the inputs
	origin, cname string
	session       *endpoints.Session
	closed        simtime.Time // until then nothing is heard that comes here
}

// Play implements [sound.Ear].
func (in *mixerInput) Play(ssrc uint32, f sound.Frame) {
	if !in.mixer.admits(in, ssrc, &f) {
		in.mixer.suppressed++
		return
	}
	if in.mixer.config.Speaker {
		in.mixer.listen(in, &f)
	}
	in.Input.Play(ssrc, f)
}

// closes is for how long nothing is mixed of what another mixer sends when it has had somebody who
// is heard elsewhere: what goes on in a circle is found again at once. forgets is after which time
// somebody may be heard from another mixer than before.
const (
	closes  = time.Second
	forgets = time.Second
)

// admits reports whether a frame is mixed. What another mixer sends isn't if it has somebody who is
// heard elsewhere: it has come in a circle, and so has what it will have for a while. If names show that
// two are different who have the same SSRC, both are mixed, so that they get to know and one gives it up.
func (m *mixer) admits(in *mixerInput, ssrc uint32, f *sound.Frame) bool {
	if m.bound == nil || !in.Mixes {
		return true
	}
	of := append(m.scratch[:0], ssrc)
	for _, c := range f.Mixed {
		if !in.Gone(c.SSRC) {
			of = append(of, c.SSRC)
		}
	}
	m.scratch = of
	if slices.ContainsFunc(of, func(ssrc uint32) bool { return m.heardElsewhere(f.At, in, ssrc) }) {
		in.closed = f.At.Add(closes)
		m.bound.release(in.place)
	}
	if f.At < in.closed {
		return false
	}
	for _, ssrc := range of {
		m.bound.admit(f.At, ssrc, in.place)
	}
	return true
}

// heardElsewhere reports whether who comes from another mixer is a participant of this one, or is
// heard from a third one.
func (m *mixer) heardElsewhere(now simtime.Time, in *mixerInput, ssrc uint32) bool {
	for _, own := range m.inputs {
		if !own.Mixes && own.SSRC == ssrc && ssrc != 0 && !own.session.PeerLeft() && !differ(in.nameOf(ssrc), own.cname) {
			return true
		}
	}
	from, other := m.bound.elsewhere(now, ssrc, in.place)
	return other && !differ(in.nameOf(ssrc), m.inputs[from].nameOf(ssrc))
}

// differ reports whether two names are known not to be the same.
func differ(a, b string) bool { return a != "" && b != "" && a != b }

// mixFrame is how much sound a packet of a mixer has.
const mixFrame = 20 * time.Millisecond

// Mixes are how much a mixer has done.
type Mixes struct {
	// Frames is how many frames of 20 ms it has made, and Mixes how many of them in all, as
	// not everybody hears the same. Decodes and Encodes count frames of single streams, and of a
	// transcoder pictures.
	Frames, Mixes, Decodes, Encodes uint64
	// Suppressed is how many frames weren't mixed, as they came in a circle.
	Suppressed uint64
}

func (m *Mixes) add(o Mixes) {
	m.Frames += o.Frames
	m.Mixes += o.Mixes
	m.Decodes += o.Decodes
	m.Encodes += o.Encodes
	m.Suppressed += o.Suppressed
}

// mixes reports whether middleboxes decode and add up audio.
func (c *Config) mixes() bool { return c.Type == Mixer || c.Type == Transcoder }

// newMixer returns the mixer of that name.
func newMixer(c *Config, name string) *mixer {
	m := &mixer{config: c.Mixer, bus: sound.NewBus(mixFrame, c.Mixer.Loudest), speakers: speakers{talk: map[string]*spurt{}}}
	if named(c.Extensions, headerext.AudioLevel) && c.Mixer.Loudest > 0 {
		m.selection = &sound.Selection{Top: c.Mixer.Loudest}
	}
	if c.Mixer.Bind {
		m.bound = newBindings(forgets)
	}
	for i := range c.Calls {
		for k := range c.Calls[i].Sessions {
			for _, stream := range c.Calls[i].Sessions[k].Media {
				if stream.Kind != endpoints.Audio {
					if stream.To == name {
						m.cameras = append(m.cameras, stream.From)
					}
					continue
				}
				if !c.endpoint(stream.From).Forwards {
					m.sources++
				}
				if stream.To == name {
					in := &mixerInput{Input: m.bus.NewInput(), mixer: m, place: len(m.inputs), origin: stream.From}
					in.Mixes = c.endpoint(stream.From).Forwards
					m.inputs = append(m.inputs, in)
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

// codings are the codecs that a mixer can decode and encode.
var codings = map[endpoints.Codec]audio.Coding{
	endpoints.CodecPCMU: audio.MuLaw, endpoints.CodecPCMA: audio.ALaw, endpoints.CodecDVI4: audio.ADPCM,
}

// mix returns what a leg of the mixer sends: all but the peer's own sound, in its codec.
func (s *Simulation) mix(m *mixer, stream *Media) (*endpoints.Speaker, error) {
	if stream.Speech == nil {
		return nil, fmt.Errorf("a mixer has nothing to encode it with")
	}
	codec := stream.Speech.Codecs[0]
	coding, ok := codings[codec]
	if !ok {
		return nil, fmt.Errorf("a mixer can't encode %s", codec)
	}
	var self *sound.Input
	if in := m.input(stream.To); in != nil {
		self = in.Input
	}
	voice, err := audio.NewTelephone(audio.TelephoneConfig{
		Coding: coding, Frame: mixFrame, Input: m.bus.NewOutput(self, m.config.NoCSRC),
		Speech:  audio.Speech{Random: s.random.Stream("media/" + stream.Flow())},
		Silence: audio.SilenceConfig{Suppress: stream.Speech.DTX, ComfortNoise: stream.Speech.DTX},
	}, stream.Start)
	if err != nil {
		return nil, err
	}
	m.voices = append(m.voices, voice)
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
	var heard []uint32
	return func(now simtime.Time) []endpoints.Contributor {
		list = list[:0]
		for _, in := range m.inputs {
			if in.origin == peer {
				continue
			}
			heard = in.Mixed(heard[:0], now.Add(-recent))
			for _, ssrc := range heard {
				if c := (endpoints.Contributor{SSRC: ssrc, CNAME: in.nameOf(ssrc)}); c.CNAME != "" && !slices.Contains(list, c) {
					list = append(list, c)
				}
			}
		}
		return list
	}
}

// nameOf returns the CNAME of somebody who is heard on the input, as another mixer has told it if
// that sends it; "" if it hasn't.
func (in *mixerInput) nameOf(ssrc uint32) string {
	if !in.Mixes || ssrc == in.SSRC {
		return in.cname
	}
	return in.session.CNAMEOf(ssrc)
}

// recent is for how long SDES has the name of somebody whose sound was in a mix.
const recent = 10 * time.Second

// overhead returns what naming them adds to a leg's packets at most.
func (m *mixer) overhead(leveled bool) units.Bytes {
	n := min(m.sources, sound.MostContributors)
	alone := !slices.ContainsFunc(m.inputs, func(in *mixerInput) bool { return in.Mixes })
	if m.config.Loudest > 0 && alone {
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

// connectMixers learns who takes part, when all calls are connected.
func (s *Simulation) connectMixers() {
	for _, f := range s.Flows {
		if m := s.mixers[f.From]; m != nil {
			m.legs = append(m.legs, f.Session)
		}
		if m := s.mixers[f.To]; m != nil && f.Kind == endpoints.Audio {
			in := m.input(f.From)
			in.cname, in.session = f.Session.Connection().CNAME(), f.Receiver.Session()
		}
	}
	if s.config.Type == Transcoder {
		for _, f := range s.Flows {
			if m := s.mixers[f.From]; m != nil {
				m.represent(f)
			}
		}
	}
}

// departed passes on that somebody has left (RFC 3550 §7.3).
func (m *mixer) departed(now simtime.Time, from *endpoints.Session, ssrc uint32) {
	gone := false
	for _, p := range m.pictures {
		if p.session == from && p.ssrc == ssrc {
			p.ssrc, p.gone, gone = 0, ssrc, true
		}
	}
	m.arrange(now)
	m.settle(now)
	for _, in := range m.inputs {
		if in.session != from {
			continue
		}
		gone = in.Left(ssrc) || gone
		if m.bound != nil {
			m.bound.forget(ssrc, in.place)
		}
	}
	if m.config.NoCSRC || !gone {
		return
	}
	_, kind, _ := strings.Cut(from.Name(), "/") // sessions of another kind have other SSRCs
	for _, leg := range m.legs {
		if _, of, _ := strings.Cut(leg.Name(), "/"); leg != from && of == kind {
			leg.PassBye(ssrc)
		}
	}
}

// Mixers returns the names of the mixers.
func (s *Simulation) Mixers() []string {
	var names []string
	for i := range s.config.Endpoints {
		if e := &s.config.Endpoints[i]; s.mixers[e.Name] != nil {
			names = append(names, e.Name)
		}
	}
	return names
}

// Mixes returns how much a mixer has done.
func (s *Simulation) Mixes(name string) Mixes {
	m := s.mixers[name]
	sum := m.before
	sum.add(Mixes{Frames: m.bus.Frames(), Mixes: m.bus.Mixes(), Suppressed: m.suppressed})
	for _, in := range m.inputs {
		sum.Decodes += in.Decoded()
	}
	for _, v := range m.voices {
		sum.Encodes += v.Encodes()
	}
	for _, p := range m.pictures {
		sum.Decodes += p.decoded
	}
	for _, c := range m.compositions {
		sum.Encodes += c.encoder.Encoded()
	}
	for _, t := range s.transcodings {
		sum.Decodes += t.decoded
		sum.Encodes += t.encoder.Encoded()
	}
	return sum
}
