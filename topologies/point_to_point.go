package topologies

import (
	"fmt"
	"slices"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/ccontrol/multicast"
	"rtpfabric/endpoints"
	"rtpfabric/endpoints/dtmf"
	"rtpfabric/endpoints/encoder"
	"rtpfabric/endpoints/fec/ulpfec"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/protect"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// PointToPoint is Topo-Point-to-Point (RFC 7667 §3.1): two endpoints with one
// peer connection.
const PointToPoint = "point-to-point"

// Payload types, as browsers have them.
const (
	typeVP8  = 96
	typeRTX  = 97
	typeFEC  = 98
	typeOpus = 111

	typeEvents48000 = 110
	typeEvents8000  = 126

	typeRED      = 63 // around Opus
	typeRED8000  = 62 // around codecs of telephony
	typeREDVideo = 116
	typeULPFEC   = 117
	typeRTXofRED = 118
)

// The ids of the header extensions that say where a stream belongs, as Chromium has them.
const (
	midExtension         = 4
	ridExtension         = 10
	repairedRIDExtension = 11
)

// identities returns the header extensions by which streams say which of several media sections they belong to (RFC
// 9143 §15), and which of several encodings they are (RFC 8852).
func identities(sections [][]*Media) []headerext.Entry {
	encodings := slices.ContainsFunc(sections, func(section []*Media) bool { return section[0].RID != "" })
	if len(sections) < 2 && !encodings {
		return nil
	}
	list := []headerext.Entry{{ID: midExtension, URI: headerext.MID.URI()}}
	if encodings {
		list = append(list, headerext.Entry{ID: ridExtension, URI: headerext.RID.URI()}, headerext.Entry{ID: repairedRIDExtension, URI: headerext.RepairedRID.URI()})
	}
	return list
}

// flow is a UDP flow.
type flow struct{ a, b packet.Addr }

// connectPair connects two endpoints.
func (s *Simulation) connectPair(call *Call) error {
	if s.byName[call.A].guest != nil || s.byName[call.B].guest != nil {
		return s.connectGuests(call)
	}
	s.distribute(call)
	a := endpoints.ConnectionConfig{Peer: call.B, CNAME: s.byName[call.A].config.CNAME, LipSync: s.config.LipSync}
	b := endpoints.ConnectionConfig{Peer: call.A, CNAME: s.byName[call.B].config.CNAME, LipSync: s.config.LipSync}
	extensions, allowed, err := s.offered(call)
	if err != nil {
		return err
	}
	a.Bandwidth, b.Bandwidth = allowed[0], allowed[1]
	var ends [2]*negotiation // of a call that is signalled
	for i := range call.Sessions {
		session := &call.Sessions[i]
		rtp, rtcp := s.ports(call, session.RTCPPort)
		sections := sectionsOf(session.Media)
		atA, err := s.sessionConfig(s.end(call.A, call.B, sessionEnd{session: session.Name, rtcp: session.RTCP[0], extensions: extensions, sections: sections, bandwidth: allowed[0]}))
		if err != nil {
			return err
		}
		atB, err := s.sessionConfig(s.end(call.B, call.A, sessionEnd{session: session.Name, rtcp: session.RTCP[1], extensions: extensions, sections: sections, bandwidth: allowed[1]}))
		if err != nil {
			return err
		}
		atA.Breakers, atB.Breakers = s.config.Breakers.Config, s.config.Breakers.Config
		names := [2]string{call.A, call.B}
		atA.Local, atB.Local = rtp.a, rtp.b
		if atA.Remote, atB.Remote = rtp.b, rtp.a; s.config.Gathering == nil { // otherwise checks find it out
			atA.Remote, atB.Remote = s.meet(rtp.a, rtp.b, names)
		}
		if session.RTCPPort {
			atA.RTCPLocal, atB.RTCPLocal = rtcp.a, rtcp.b
			atA.RTCPRemote, atB.RTCPRemote = s.meet(rtcp.a, rtcp.b, names)
		}
		if s.config.Signalling != nil {
			ends = [2]*negotiation{s.deferKeys(&atA, call.A, call.B), s.deferKeys(&atB, call.B, call.A)}
			s.describeEnds(call, [2]*endpoints.SessionConfig{&atA, &atB}, ends, extensions)
		} else {
			if err := s.secure(&atA, call, call.A, call.B); err != nil {
				return err
			}
			if err := s.secure(&atB, call, call.B, call.A); err != nil {
				return err
			}
		}
		s.introduce(&atA, &atB, s.like(call.B, call.A))
		s.introduce(&atB, &atA, s.like(call.A, call.B))
		atA.SourceOffset = s.sourceOffset(call.A)
		atB.SourceOffset = s.sourceOffset(call.B)
		atA.RemoteOffset, atB.RemoteOffset = atB.SourceOffset, atA.SourceOffset
		a.Sessions, b.Sessions = append(a.Sessions, atA), append(b.Sessions, atB)
	}
	ca, err := s.byName[call.A].endpoint.Connect(s.Loop.Now(), a)
	if err != nil {
		return err
	}
	cb, err := s.byName[call.B].endpoint.Connect(s.Loop.Now(), b)
	if err != nil {
		return err
	}
	s.Connections = append(s.Connections, ca, cb)
	if s.config.Signalling != nil {
		ends[0].session, ends[1].session = ca.Sessions()[0], cb.Sessions()[0]
		if s.config.Type == Fork {
			s.addLine(call, ends)
		} else {
			s.signal(call, ends)
		}
	}
	for i := range call.Sessions {
		s.addFlows(call, &call.Sessions[i], extensions, ca.Sessions()[i], cb.Sessions()[i])
	}
	return nil
}

// offered returns the header extensions of a call, and what A and B may send in it.
func (s *Simulation) offered(call *Call) ([]headerext.Entry, []units.BitRate, error) {
	var media []Media
	for i := range call.Sessions {
		media = append(media, call.Sessions[i].Media...)
	}
	extensions := endpoints.WithFeedback(s.config.Extensions, s.config.kinds(s.like(call.A, call.B), s.like(call.B, call.A))...)
	allowed, err := s.bandwidths([]string{call.A, call.B}, media, extensions)
	return extensions, allowed, err
}

// sourceOffset is how far the ports that an endpoint sends from are from those that it
// receives on.
func (s *Simulation) sourceOffset(name string) uint16 {
	if s.byName[name].config.Asymmetric {
		return 1 << 12
	}
	return 0
}

// ports takes the next free ports of both ends.
func (s *Simulation) ports(call *Call, rtcpPort bool) (rtp, rtcp flow) {
	next := func(name string) packet.Addr {
		p := s.byName[name]
		return packet.Addr{IP: p.endpoint.Addr(), Port: nextPort(&p.nextPort, rtcpPort)}
	}
	rtp = flow{next(call.A), next(call.B)}
	if s.config.Type == Fork {
		rtp.a.Port = firstPort // of all lines
	}
	if rtcpPort {
		rtcp = rtp
		rtcp.a.Port++
		rtcp.b.Port++
	}
	return rtp, rtcp
}

// nextPort takes a port, or the even one of two for RTP with RTCP beside it
// (RFC 3550 §11).
func nextPort(free *uint16, rtcpPort bool) uint16 {
	if !rtcpPort {
		*free++
		return *free - 1
	}
	*free += *free % 2
	*free += 2
	return *free - 2
}

// addFlows notes which sections the streams of a session have become.
func (s *Simulation) addFlows(call *Call, session *Session, extensions []headerext.Entry, a, b *endpoints.Session) {
	for at, section := range sectionsOf(session.Media) {
		for _, m := range section {
			from, to, rtcp := a, b, &session.RTCP[0]
			if m.From == call.B {
				from, to, rtcp = b, a, &session.RTCP[1]
			}
			s.Flows = append(s.Flows, &Flow{
				Media: *m, Sender: from.Sections()[at], Receiver: to.Sections()[at], Session: from,
				Model: s.model(extensions, m), RTCP: rtcp.Bandwidth,
			})
			s.scheduleRequests(m, to.Sections()[at])
		}
	}
}

// sectionsOf groups the streams of a session into media sections: the two
// directions of one name and kind go together.
func sectionsOf(media []Media) [][]*Media {
	var list [][]*Media
	for i := range media {
		m := &media[i]
		at := -1
		for j, section := range list {
			if o := section[0]; len(section) == 1 && o.Name == m.Name && o.Kind == m.Kind && o.From == m.To && o.To == m.From {
				at = j
				break
			}
		}
		if at < 0 {
			list = append(list, []*Media{m})
		} else {
			list[at] = append(list[at], m)
		}
	}
	return list
}

// seenFrom returns the address at which one host reaches another: its own, or
// the one that a NAT gives it. The NAT is asked before the call, as STUN asks
// (RFC 8489); what it does to packets later may be another thing.
func (s *Simulation) seenFrom(viewer, viewed packet.Addr) packet.Addr {
	for _, t := range s.translators {
		if t.inside[viewed.IP] && (!t.inside[viewer.IP] || t.box.Hides()) {
			viewed = t.box.Outside(s.Loop.Now(), viewed)
		}
	}
	return viewed
}

// sessionEnd is an endpoint in a session.
type sessionEnd struct {
	self, peer string
	session    string // name; that of the only session is empty
	rtcp       endpoints.RTCPConfig
	extensions []headerext.Entry
	sections   [][]*Media
	bandwidth  units.BitRate // that the end may send; 0 is no limit
	several    bool          // there are others besides the peer

	heard, given endpoints.Feedback
	wanted       *Control      // whose feedback is given
	estimates    time.Duration // how often the peer is told estimates that it doesn't want; 0 never
	led          *Led          // the end is a guest's
}

// end says what feedback an end of a call gets and gives.
func (s *Simulation) end(self, peer string, e sessionEnd) sessionEnd {
	c := &s.config
	e.self, e.peer = self, peer
	self, peer = s.like(self, peer), s.like(peer, self)
	e.heard, e.given, e.wanted = c.feedback(self, peer), c.feedback(peer, self), c.control(peer)
	if c.limits(self, peer) {
		e.estimates = c.control(self).Interval
	}
	return e
}

// sessionConfig returns one end of a session, but for its addresses and keys.
func (s *Simulation) sessionConfig(end sessionEnd) (endpoints.SessionConfig, error) {
	c := s.config
	sc := endpoints.SessionConfig{
		Name: end.session, Protection: s.protection(s.like(end.self, end.peer)), Cryptex: c.Security.Cryptex, Extensions: end.extensions,
		Repair: c.Repair, ExtendedReports: c.ExtendedReports,
		RTCP: end.rtcp, Feedback: end.given, FeedbackHeard: end.heard, FeedbackPace: end.wanted.Pace, FeedbackInterval: end.wanted.Interval,
		EstimateInterval: end.estimates, ECN: s.codepoint(&end), Marking: c.Marking,
		PlayoutDelay: c.PlayoutDelay, MaxSSRC: s.byName[end.self].config.MaxSSRC, DecodeTop: s.byName[end.self].config.DecodeTop, FixedAudio: c.FixedAudio,
	}
	sc.Extensions = append(slices.Clone(sc.Extensions), identities(end.sections)...)
	var models []endpoints.StreamModel
	for _, section := range end.sections {
		first := section[0]
		mc := endpoints.SectionConfig{Name: sectionName(first, end.peer), Kind: first.Kind, Formats: s.formats(section, s.like(end.self, end.peer))}
		if first.RID != "" {
			mc.Source, mc.RID = first.Origin()+"/"+first.Simulcast, first.RID
		}
		for _, m := range section {
			if m.From == end.self {
				model := s.model(end.extensions, m)
				if end.led != nil || s.byName[end.self].config.leads() {
					model = s.guestModel(m, end.extensions)
				}
				send, err := s.sendConfig(m, model)
				if err != nil {
					return sc, err
				}
				if end.led != nil {
					if send.PacketSize, err = s.guestPacket(m, end.extensions); err != nil {
						return sc, err
					}
				}
				mc.Send = send
				mc.SSRC, mc.MSID = m.SSRC, m.MSID
				models = append(models, model)
				continue
			}
			mc.RemoteSSRC, mc.RemoteMSID = m.SSRC, m.MSID
			switch {
			case !s.forwards(end.self):
				if c.Listen != nil && m.Kind == endpoints.Audio {
					mc.Ear = c.Listen(m)
				}
			case s.mixers[end.self] == nil:
				mc.Transit = s.sfms[end.self].projectionOf(m.Flow())
			case m.Kind == endpoints.Audio: // video is decoded as everywhere
				mixer := s.mixers[end.self]
				mc.Ear, sc.Selection = mixer.input(m.From), mixer.selection
			}
		}
		sc.Sections = append(sc.Sections, mc)
	}
	if err := s.estimator(&sc, end); err != nil {
		return sc, err
	}
	if len(models) > 0 && end.led != nil {
		sc.Controller = end.led
	} else if len(models) > 0 && !s.byName[end.self].config.leads() {
		limits := endpoints.Limits(models)
		if s.config.Type == Gateway && s.forwards(end.self) {
			limits.Max += limits.Max / slack
		}
		limits.Weight = s.byName[end.self].config.Weight
		if end.bandwidth > 0 {
			limits.Max = max(min(limits.Max, end.bandwidth), limits.Min)
			limits.Start = min(limits.Start, limits.Max)
		}
		var err error
		if sc.Controller, sc.Signals, err = s.controller(&end, limits); err != nil {
			return sc, err
		}
		if err := s.couple(&sc, end, limits, models); err != nil {
			return sc, err
		}
	}
	if end.led != nil {
		return sc, nil
	}
	return sc, s.intercept(&sc, &end, models)
}

// slack is the part by which a gateway may send more than what it passes on has at most, on
// average: nobody there makes less of it while a queue waits, which would never end.
const slack = 10

// formats returns the payload formats of a medium at an endpoint, which nobody changes: media with the same ones
// share them, as every packet needs one.
func (s *Simulation) formats(section []*Media, of string) []endpoints.Format {
	list := s.formatsOf(section, of)
	for _, other := range s.formatLists {
		if slices.Equal(other, list) {
			return other
		}
	}
	s.formatLists = append(s.formatLists, slices.Clip(list))
	return s.formatLists[len(s.formatLists)-1]
}

func (s *Simulation) formatsOf(section []*Media, of string) []endpoints.Format {
	has := func(scheme FECScheme) bool {
		return slices.ContainsFunc(section, func(m *Media) bool { return m.FEC.Scheme == scheme })
	}
	if section[0].Kind == endpoints.Audio {
		formats := []endpoints.Format{endpoints.Opus(typeOpus)}
		if i := slices.IndexFunc(section, func(m *Media) bool { return m.Speech != nil }); i >= 0 {
			formats = speechFormats(section[i].Speech.FEC)
		}
		for i := range formats {
			if f := &formats[i]; has(RED) {
				f.RED = typeRED
				if f.Codec != endpoints.CodecOpus {
					f.RED = typeRED8000
				}
			}
		}
		if slices.ContainsFunc(section, func(m *Media) bool { return m.Speech.dials() }) {
			formats = append(formats, eventFormats()...)
		}
		return formats
	}
	f := endpoints.VP8(typeVP8)
	if t := s.byName[of].config.VideoType; t != 0 {
		f.PayloadType = t
	}
	if s.config.RTX {
		f.RTX = typeRTX
	}
	if has(FlexFEC) {
		f.FEC = typeFEC
	}
	if has(ULPFEC) {
		f.RED, f.ULPFEC = typeREDVideo, typeULPFEC
		if s.config.RTX {
			f.RTX = typeRTXofRED
		}
	}
	return []endpoints.Format{f}
}

func (s *Simulation) sendConfig(m *Media, model endpoints.StreamModel) (*endpoints.SendConfig, error) {
	var source encoder.Encoder
	var contributors func(simtime.Time) []endpoints.Contributor
	var sources func() []uint32
	var err error
	switch mixer := s.mixers[m.From]; {
	case mixer != nil && m.Kind == endpoints.Video && s.config.Type == Mixer:
		c := s.compose(mixer, m)
		if source = c.encoder; !mixer.config.NoCSRC {
			sources, contributors = c.sources, mixer.visible(m.To)
		}
	case mixer != nil && m.Kind == endpoints.Video:
		source = s.transcode(m)
	case mixer != nil:
		source, err = s.mix(mixer, m)
		contributors = mixer.contributors(m.To)
	case m.Speech != nil && !s.forwards(m.From):
		source, err = s.newSpeaker(m)
	default:
		source = s.encoder(m, model)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Flow(), err)
	}
	var digits []dtmf.Digits
	if m.Speech != nil && !s.forwards(m.From) {
		digits = m.Speech.Digits
	}
	return &endpoints.SendConfig{
		Digits: digits, Contributors: contributors, Sources: sources,
		Encoder: source, Clock: simtime.NewClock(m.Start, m.ClockDrift), Start: m.Start, Stop: m.Stop, Pauses: m.Pauses, DSCP: m.DSCP, Level: m.Level, Layers: m.Video.Layers,
		PacketSize: m.PacketSize, Model: model, Bandwidth: m.Bandwidth, FEC: m.FEC.Share, Repeats: m.FEC.Level,
		BreakerGroup: s.config.Breakers.Group, FrameGroup: s.config.Breakers.Frames,
	}, nil
}

// controller makes the controller of an endpoint in a session.
func (s *Simulation) controller(end *sessionEnd, limits ccontrol.Limits) (ccontrol.Controller, []ccontrol.Signal, error) {
	of := Controlled{Connection: end.self + "-" + end.peer, Endpoint: end.self, Feedback: end.heard, Limits: limits}
	if end.session != "" {
		of.Connection += "/" + end.session
	}
	self := s.like(end.self, end.peer)
	control := s.config.control(self)
	of.Controller, of.Settings, of.Legacy = control.Controller, control.Settings, s.byName[self].config.Legacy
	build := s.config.Congestion.Make
	if build == nil {
		build = Registered
	}
	policy := s.config.Congestion.Receivers
	if !end.several || policy == "" || of.Controller == "fixed" {
		c, signals, err := build(&of)
		if err != nil {
			return nil, nil, &ControllerError{end.self, err}
		}
		return c, signals, nil
	}
	n, name := 0, of.Connection
	c, err := multicast.New(policy, func() (ccontrol.Controller, error) {
		if n++; n > 1 {
			of.Connection = fmt.Sprintf("%s.%d", name, n)
		}
		c, _, err := build(&of)
		return c, err
	})
	if err != nil {
		return nil, nil, &ControllerError{end.self, err}
	}
	return c, multicast.Signals, nil
}

// codepoint returns that of an end's packets. What nobody reports marks of isn't
// ECN-capable: the peer hasn't agreed to it (RFC 6679 §6.1.1).
func (s *Simulation) codepoint(end *sessionEnd) packet.ECN {
	if end.heard == endpoints.FeedbackRFC8888 || end.heard == endpoints.FeedbackECN {
		return s.config.Congestion.ECN
	}
	return packet.NotECT
}

// estimator gives an end that receives media the receiver's half of a controller: the
// peer's, or if that has none its own.
func (s *Simulation) estimator(sc *endpoints.SessionConfig, end sessionEnd) error {
	receives := slices.ContainsFunc(end.sections, func(section []*Media) bool {
		return slices.ContainsFunc(section, func(m *Media) bool { return m.From != end.self })
	})
	control, whose := end.wanted, end.peer
	if end.given != endpoints.FeedbackREMB {
		if end.estimates == 0 {
			return nil
		}
		control, whose = s.config.control(end.self), end.self
	}
	if !receives {
		return nil
	}
	spec, ok := ccontrol.Lookup(control.Controller)
	if !ok {
		return &ControllerError{whose, fmt.Errorf("no controller %q", control.Controller)}
	}
	var err error
	sc.EstimatorSignals = spec.EstimatorSignals
	if sc.Estimator, err = spec.BuildEstimator(control.Settings); err != nil {
		return &ControllerError{whose, err}
	}
	return nil
}

func (s *Simulation) newEncoder(m *Media, model endpoints.StreamModel) encoder.Encoder {
	video := m.Video
	video.Max, video.Start = model.Max, model.Start
	switch {
	case m.Kind == endpoints.Audio:
		return encoder.NewAudio(m.Rate, m.Frame, m.Start)
	case m.Perfect:
		return encoder.NewPerfect(video, m.Start)
	case m.Trace != nil && !m.Hybrid:
		return encoder.NewTraceDriven(video, m.Trace, m.Start)
	}
	random := s.random.Stream("media/" + m.Flow() + "/encoder")
	if m.Hybrid {
		return encoder.NewHybrid(video, m.Trace, m.Start, random)
	}
	return encoder.NewStatistical(video, m.Start, random)
}

// model returns what a stream costs on the wire with some header extensions.
func (s *Simulation) model(extensions []headerext.Entry, m *Media) endpoints.StreamModel {
	tag := units.Bytes(0)
	if s.protection(s.like(m.From, m.To)) != protect.None {
		tag = s.profile().OverheadRTP()
	}
	lo, hi, start, fps := m.Video.Min, m.Video.Max, m.Video.Start, m.Video.FPS
	if m.Kind == endpoints.Audio {
		rate := m.Rate
		if m.Speech != nil {
			rate = speechRate(m)
		}
		lo, hi, start, fps = rate, rate, rate, 1/m.Frame.Seconds()
	}
	extension, err := endpoints.ExtensionSize(extensions, endpoints.FeedbackNone, m.Kind)
	if err != nil {
		panic("topologies: " + err.Error())
	}
	model := endpoints.NewStreamModel(m.Kind, lo, hi, start, fps, m.PacketSize, tag, extension)
	switch mixer := s.mixers[m.From]; {
	case mixer == nil:
	case m.Kind == endpoints.Video && s.config.Type == Mixer:
		naming := mixer.overheadOfPictures(m.To)
		model.Overhead += naming
		model.Room -= naming
	default:
		model.Overhead += mixer.overhead(named(extensions, headerext.MixerLevels))
	}
	model.Level = m.Level
	switch m.FEC.Scheme {
	case RED: // a header for each earlier frame, and one for the packet's own
		model.Overhead += 1 + units.Bytes(m.FEC.Level)*(redHeader+lo.BytesIn(m.Frame))
	case ULPFEC:
		model.Overhead++
		model.Room -= 1 + ulpfec.MaxOverhead + extension
	case NoFEC, FlexFEC:
	}
	return bound(m, model)
}

// redHeader is what a repeated frame costs besides its own octets (RFC 2198 §3).
const redHeader units.Bytes = 4
