package scenarios

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"rtpfabric/endpoints/encoder"
	"rtpfabric/scenarios/internal/strict"
	"rtpfabric/sim/units"
)

// passedOn returns the streams to middleboxes, and those that they make of them.
func (s *Scenario) passedOn() []Media {
	var list []Media
	for _, m := range s.Media {
		m.To = s.Topology.BoxOf(m.From)
		list = append(list, m)
	}
	for _, box := range s.Topology.Boxes() {
		for _, peer := range box.Peers {
			list = append(list, s.passedTo(box.Name, peer)...)
		}
	}
	for _, pair := range s.Topology.Joins() {
		list = append(list, s.passedTo(pair[0], pair[1])...)
		list = append(list, s.passedTo(pair[1], pair[0])...)
	}
	return list
}

// passedTo returns the streams that a middlebox has for one of its peers, or for another
// middlebox.
func (s *Scenario) passedTo(box, to string) []Media {
	trunk := s.Topology.Stands(to)
	goes := func(m *Media) bool { return m.From != to && (s.Topology.Decodes() || s.decodes(to, m)) }
	if trunk {
		behind := s.Topology.Behind(box, to)
		goes = func(m *Media) bool { return slices.Contains(behind, m.From) }
	}
	var list []Media
	switch s.Topology.Type {
	case SwitchingMixer:
		return s.conceptual(box, to)
	case Mixer:
		return slices.Concat(s.mixFor(box, to, goes), s.composedFor(box, to, goes))
	case Transcoder:
		list = s.mixFor(box, to, goes)
	}
	for i := range s.Media {
		m := s.Media[i]
		if !goes(&m) || m.Kind == "audio" && s.Topology.Decodes() {
			continue
		}
		if m.Simulcast != "" && !trunk {
			first := slices.IndexFunc(s.Media, func(o Media) bool { return o.From == m.From && o.Simulcast == m.Simulcast })
			if first != i {
				continue
			}
			m.Name, m.RID, m.Encoder = m.Simulcast, "", s.qualities(&m)
		}
		switch {
		case s.Topology.Decodes():
			m.Encoder = transcoder(m.Encoder)
		case s.Topology.Type == SFM && m.Kind == "video" && m.Simulcast == "":
			m.Encoder = thinned(m.Encoder)
		}
		m.Name, m.From, m.To, m.Projected = m.FlowName(), box, to, true
		m.Bandwidth, m.Limits, m.TradeOffs = nil, nil, nil
		if s.Topology.Type != SFM || m.FEC == nil || m.FEC.Type != "flexfec" {
			m.FEC = nil // it ends here, as redundant data in the media's own packets does
		}
		list = append(list, m)
	}
	return list
}

// thinned returns the encoder of a picture of which the lowest temporal layer alone may go on.
func thinned(of *VideoEncoder) *VideoEncoder {
	e := *of
	e.Min = units.BitRate(float64(e.Min) * encoder.Parts(e.Layers)[0])
	return &e
}

// transcoder returns the encoder that encodes anew what another one has: it may go as far down as
// encoders do that aren't told otherwise.
func transcoder(of *VideoEncoder) *VideoEncoder {
	e := *of
	e.Min = min(e.Min, 150*units.Kbps)
	return &e
}

// qualities returns an encoder with the bounds of all qualities of a picture.
func (s *Scenario) qualities(of *Media) *VideoEncoder {
	all := *of.Encoder
	for i := range s.Media {
		if m := &s.Media[i]; m.From == of.From && m.Simulcast == of.Simulcast {
			all.Min, all.Max = min(all.Min, m.Encoder.Min), max(all.Max, m.Encoder.Max)
		}
	}
	all.Start = &all.Min
	return &all
}

// conceptual returns the streams that a switching mixer has for a peer: of each kind of media
// as many as it shows speakers, each like the first of that kind of anybody else.
func (s *Scenario) conceptual(box, peer string) []Media {
	var list []Media
	for _, kind := range []string{"video", "audio"} {
		i := slices.IndexFunc(s.Media, func(m Media) bool { return m.Kind == kind && m.From != peer })
		if i < 0 {
			continue
		}
		for k := range s.Topology.Shown() {
			m := s.Media[i]
			m.From, m.To, m.Name, m.Copy = box, peer, fmt.Sprint(kind, k+1), true
			m.Start, m.Stop, m.Lasts, m.Pauses = Moment{}, nil, nil, nil
			m.FEC, m.Bandwidth, m.Limits, m.TradeOffs = nil, nil, nil, nil
			list = append(list, m)
		}
	}
	return list
}

// mixFor returns the stream that a mixer has for a peer, if there is audio that goes there: in
// the codec that the peer itself uses; for another mixer in that of the first stream in it.
func (s *Scenario) mixFor(box, peer string, goes func(*Media) bool) []Media {
	own := slices.IndexFunc(s.Media, func(m Media) bool { return m.From == peer && m.Kind == "audio" })
	other := slices.IndexFunc(s.Media, func(m Media) bool { return goes(&m) && m.Kind == "audio" })
	if other < 0 {
		return nil
	}
	m := s.Media[other]
	if own >= 0 {
		m = s.Media[own]
	}
	m.From, m.To, m.Name, m.Copy = box, peer, m.Kind, true
	m.Start, m.Stop, m.Lasts, m.Pauses, m.ClockDrift = Moment{}, nil, nil, nil, 0
	m.FEC, m.Bandwidth, m.Limits, m.TradeOffs = nil, nil, nil, nil
	if m.Speech != nil {
		speech := *m.Speech
		speech.Talks, speech.Tone, speech.Switches = nil, nil, nil
		if m.Speech = &speech; !s.decodes(peer, &m) {
			speech.Codec = s.Endpoint(peer).Codecs[0]
		}
	}
	return []Media{m}
}

// codecs returns those of a stream of audio.
func (m *Media) codecs() []string {
	if m.Speech == nil {
		return []string{"opus"}
	}
	return m.Speech.Codecs()
}

// decodes reports whether an endpoint can decode a stream, as far as its codecs are known.
func (s *Scenario) decodes(endpoint string, m *Media) bool {
	e := s.Endpoint(endpoint)
	if m.Kind != "audio" || e == nil || len(e.Codecs) == 0 {
		return true
	}
	return !slices.ContainsFunc(m.codecs(), func(c string) bool { return !slices.Contains(e.Codecs, c) })
}

// Withheld is a stream that somebody isn't offered, as they can't decode it.
type Withheld struct{ Flow, To, Codec string }

// Withheld returns what an SFM doesn't offer.
func (s *Scenario) Withheld() []Withheld {
	var list []Withheld
	if s.Topology.Type != SFM {
		return nil
	}
	for _, peer := range s.Topology.Everyone() {
		for i := range s.Media {
			if m := &s.Media[i]; m.From != peer && !s.decodes(peer, m) {
				list = append(list, Withheld{m.FlowName(), peer, strings.Join(m.codecs(), " and ")})
			}
		}
	}
	return list
}

// composedFor returns the picture that a mixer has for a peer, put together of those that go there. It
// may be as good as the best of these, and as bad as encoders can be that aren't told otherwise.
func (s *Scenario) composedFor(box, peer string, goes func(*Media) bool) []Media {
	var list []Media
	for i := range s.Media {
		m := s.Media[i]
		if m.Kind != "video" || !goes(&m) {
			continue
		}
		if len(list) > 0 {
			list[0].Encoder.Max = max(list[0].Encoder.Max, m.Encoder.Max)
			continue
		}
		m.From, m.To, m.Name, m.Copy = box, peer, m.Kind, true
		m.Start, m.Stop, m.Lasts, m.Pauses, m.ClockDrift = Moment{}, nil, nil, nil, 0
		m.FEC, m.Bandwidth, m.Limits, m.TradeOffs = nil, nil, nil, nil
		m.Encoder = transcoder(m.Encoder)
		m.Encoder.Layers = 1
		list = append(list, m)
	}
	return list
}

// FlowName returns the name of the stream in records and expectations, such as
// S1/video, and S1/video>R1 in a mesh.
func (m *Media) FlowName() string {
	if m.Projected {
		return m.Name + ">" + m.To
	}
	return m.flowOf(m.From, m.To)
}

func (m *Media) flowOf(from, to string) string {
	name := m.Name
	if name == "" {
		name = m.Kind
	}
	if m.Copy || m.Projected {
		name += ">" + to
	}
	return from + "/" + name
}

// SourceNames returns the names of the sources of RTCP at the two ends of the
// stream: S1/video, which sends it, and R1/video, which receives it; in a mesh
// S1/video>R1 and R1/video>S1.
func (m *Media) SourceNames() (sender, receiver string) {
	return m.flowOf(m.From, m.To), m.flowOf(m.To, m.From)
}

// Streams returns the streams of media with their receivers: those of a mesh once for
// each of them.
func (s *Scenario) Streams() []Media {
	if s.Topology.Forwarded() {
		return s.passedOn()
	}
	if s.Topology.Forked() {
		return s.forkedStreams()
	}
	if !s.Topology.Meshed() {
		return s.Media
	}
	var list []Media
	for _, m := range s.Media {
		for _, peer := range s.Topology.Peers {
			if peer == m.From || m.To != "" && m.To != peer {
				continue
			}
			c := m
			c.To, c.Copy = peer, true
			list = append(list, c)
		}
	}
	return list
}

// sourceNames returns the names of the sources of RTCP at all ends of a stream,
// one of [Scenario.Streams], which with a relay are more than two.
func (s *Scenario) sourceNames(m *Media) []string {
	sender, receiver := m.SourceNames()
	if !s.Topology.Grouped() {
		return []string{sender, receiver}
	}
	names := []string{sender}
	for _, peer := range s.Topology.Everyone() {
		if peer != m.From {
			names = append(names, peer+sender[len(m.From):])
		}
	}
	return names
}

// MaxRate returns the highest rate of the stream's payload: of video that of
// its encoder, of audio its constant rate.
func (m *Media) MaxRate() units.BitRate {
	switch {
	case m.Speech != nil && m.Rate != nil && m.Frame != nil:
		return m.Speech.maxRate(*m.Rate, *m.Frame)
	case m.Kind == "audio" && m.Rate != nil:
		return *m.Rate
	case m.Kind == "audio":
		return defaultAudioRate
	case m.Encoder != nil:
		return m.Encoder.Max
	}
	return defaultEncoder().Max
}

// Stops returns when the stream ends, which is at the latest the end of the
// run.
func (m *Media) Stops(duration time.Duration) time.Duration {
	if m.Stop == nil {
		return duration
	}
	return min(m.Stop.From, duration)
}

// Stops returns when the traffic ends, which is at the latest the end of the
// run.
func (t *Traffic) Stops(duration time.Duration) time.Duration {
	if t.Stop == nil {
		return duration
	}
	return min(t.Stop.From, duration)
}

// Session is an RTP session of a call or a group.
type Session struct {
	Name  string // empty if there is no other
	Media []*Media
}

// streamsOf returns at least the streams between a pair of endpoints, or of a group: of a
// large conference not those of everybody, which are as many as the square of its peers.
func (s *Scenario) streamsOf(pair []string) []Media {
	switch {
	case s.Topology.Forwarded():
		var list []Media
		for _, m := range s.Media {
			if m.To = s.Topology.BoxOf(m.From); slices.Contains(pair, m.From) {
				list = append(list, m)
			}
		}
		for i, name := range pair {
			if s.Topology.Stands(name) {
				list = append(list, s.passedTo(name, pair[1-i])...)
			}
		}
		return list
	case s.Topology.Meshed():
		few := *s
		few.Topology.Peers, few.Media = pair, nil
		for i := range s.Media {
			if slices.Contains(pair, s.Media[i].From) {
				few.Media = append(few.Media, s.Media[i])
			}
		}
		return few.Streams()
	}
	return s.Streams()
}

// Sessions returns the RTP sessions of a pair of endpoints, or of a group.
func (s *Scenario) Sessions(pair []string) []Session {
	var list []Session
	streams := s.streamsOf(pair)
	for i := range streams {
		m := &streams[i]
		if !slices.Contains(pair, m.From) || !slices.Contains(pair, m.To) && !s.Topology.Grouped() {
			continue
		}
		name := ""
		switch {
		case s.bundled(pair):
		case s.Topology.Sessions == "per-kind":
			name = m.Kind
		default:
			name = m.Name
		}
		at := slices.IndexFunc(list, func(o Session) bool { return o.Name == name })
		if at < 0 {
			at, list = len(list), append(list, Session{Name: name})
		}
		list[at].Media = append(list[at].Media, m)
	}
	return list
}

// bundled reports whether media of a pair of endpoints, or of a group, share a session:
// nobody may be against it (RFC 8834 §4.4).
func (s *Scenario) bundled(of []string) bool {
	if s.Topology.Sessions != "bundle" {
		return false
	}
	for _, name := range of {
		if e := s.Endpoint(name); e != nil && !e.Bundle {
			return false
		}
	}
	return true
}

// SessionBandwidth is the bandwidth of a session whose fraction RTCP may use: what
// the scenario says, or the sum of the maximum rates of its media, which b=AS gives if it
// is there.
func (s *Scenario) SessionBandwidth(of Session) units.BitRate {
	if s.RTCP.Bandwidth != nil {
		return *s.RTCP.Bandwidth
	}
	var sum units.BitRate
	for _, m := range of.Media {
		sum += m.nominalRate()
	}
	return sum
}

// Window returns the stretch of time that the expectation is about; the whole
// run if it doesn't say.
func (e *Expect) Window(duration time.Duration) Interval {
	if e.During == nil {
		return Interval{To: duration}
	}
	return *e.During
}

// Link returns the link of that name, or nil.
func (s *Scenario) Link(name string) *Link {
	for i := range s.Network.Links {
		if s.Network.Links[i].Name == name {
			return &s.Network.Links[i]
		}
	}
	return nil
}

// Endpoint returns the endpoint of that name, or nil.
func (s *Scenario) Endpoint(name string) *Endpoint {
	for i := range s.Endpoints {
		if s.Endpoints[i].Name == name {
			return &s.Endpoints[i]
		}
	}
	return nil
}

// Nodes returns the nodes of the network in the order in which links name
// them.
func (s *Scenario) Nodes() []string {
	var nodes []string
	seen := map[string]bool{}
	for _, l := range s.Network.Links {
		for _, n := range l.Between {
			if !seen[n] {
				seen[n] = true
				nodes = append(nodes, n)
			}
		}
	}
	return nodes
}

func defaultEncoder() *VideoEncoder {
	e := &VideoEncoder{}
	strict.FillDefaults(e)
	return e
}

// cell reports whether a channel is a cell.
func (s *Scenario) cell(name string) bool {
	for _, ch := range s.Network.Channels {
		if ch.Name == name {
			return ch.Type == "cell"
		}
	}
	return false
}

// flowNames returns the names of all media streams and all traffic.
func (s *Scenario) flowNames() []string {
	var names []string
	for _, m := range s.Streams() {
		names = append(names, m.FlowName())
	}
	for i := range s.Traffic {
		names = append(names, s.Traffic[i].Name)
	}
	return names
}

// matching returns which of some names are selected by others, which may be
// patterns such as S*/video, in the order in which they are selected.
func matching(patterns, names []string) []string {
	var list []string
	for _, p := range patterns {
		for _, name := range names {
			if ok, err := path.Match(p, name); err == nil && ok && !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
	}
	return list
}

// CodePoint returns the DSCP of the stream's packets: what it says, or RFC 8837's
// Table 1 for its priority. Of the two that the table gives for video it is the
// first.
func (m *Media) CodePoint() uint8 {
	const df, le, ef, af41, af42 = 0, 1, 46, 34, 36
	if m.DSCP != nil {
		return uint8(*m.DSCP)
	}
	audio := m.Kind == "audio"
	switch m.Priority {
	case "very-low":
		return le
	case "medium", "high":
		switch {
		case audio:
			return ef
		case m.Priority == "high":
			return af41
		}
		return af42
	}
	return df
}
