package topologies

import (
	"rtpfabric/endpoints"
	"rtpfabric/endpoints/encoder"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// transcoding is a picture on its way through a transcoder, which decodes it and encodes it anew for
// the other endpoint: at a rate of that path's, whatever it comes at.
type transcoding struct {
	from, to *endpoints.Section
	model    endpoints.StreamModel // of the source
	limits   bool
	encoder  *encoder.Transcoding
	decoded  uint64
	request
}

// useful is how many times the rate of what is sent the source's may be: more isn't seen after the
// second encoding (A.4.1 of the draft has 500 kbit/s for 250).
const useful = 2

// transcode returns the encoder of a stream that a transcoder sends.
func (s *Simulation) transcode(m *Media) encoder.Encoder {
	t := &transcoding{limits: !s.config.SFM.NoLimits}
	video := m.Video
	video.Layers = 1
	t.encoder = encoder.NewTranscoding(
		encoder.NewStatistical(video, m.Start, s.random.Stream("media/"+m.Flow()+"/encoder")),
		func(now simtime.Time, r units.BitRate) { t.settle(now, r) },
	)
	s.transcodings[m.Name] = t
	return t.encoder
}

// decode takes an event of the transcoder: pictures that are decoded.
func (s *Simulation) decode(e endpoints.Event) (more bool) {
	if e.Kind != endpoints.FrameRendered {
		return false
	}
	t := s.pictures[e.Section]
	if t == nil {
		return false
	}
	t.decoded++
	t.to.Transcode(e.At, e.At.Add(-e.Delay), e.Size)
	return true
}

// settle asks the source for no more than is of use at the rate that is sent.
func (t *transcoding) settle(now simtime.Time, r units.BitRate) {
	if t.limits && t.from != nil {
		t.ask(now, t.from, &t.model, useful*r)
	}
}

// connectPictures learns what comes and goes, when all calls are connected. What goes has the name of
// whose it is.
func (s *Simulation) connectPictures() {
	for _, in := range s.Flows {
		t := s.transcodings[in.Flow()]
		if t == nil || !s.forwards(in.To) {
			continue
		}
		t.from, t.model = in.Receiver, in.Model
		s.pictures[in.Receiver] = t
		for _, out := range s.Flows {
			if s.forwards(out.From) && out.Name == in.Flow() {
				t.to = out.Sender
				out.Sender.Represent(in.Session.Connection().CNAME())
			}
		}
	}
}
