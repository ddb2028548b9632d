package topologies

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/ice"
	"rtpfabric/endpoints/jsep"
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/sim/engine"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// trickle is when ends learn of each other's addresses: at once, but after they have begun, so that the
// two don't race.
const trickle = time.Millisecond

// side is one end of a call with a guest in it.
type side struct {
	name, peer string
	party      *party
	rtcp       endpoints.RTCPConfig
	end        GuestEnd          // nil if it is ours
	described  *jsep.Description // what it has told the other end
	addr       packet.Addr
	remote     packet.Addr // where it reaches the other end
	other      *side
	checks     *ice.Full // of an end of ours that gathers candidates; nil otherwise
	cname      string
	led        *Led // nil if it is ours
}

// connectGuests connects two endpoints of which one at least is a guest. One of ours offers, as it
// has the payload types, unless the guest has several encodings to offer, or gets its SSRCs from a translator; its ICE is lite.
func (s *Simulation) connectGuests(call *Call) error {
	if len(call.Sessions) != 1 || call.Sessions[0].RTCPPort {
		return errors.New("a guest bundles its media and RTCP")
	}
	session := &call.Sessions[0]
	extensions := endpoints.WithFeedback(s.config.Extensions, s.config.kinds(s.like(call.A, call.B), s.like(call.B, call.A))...)
	sections := sectionsOf(session.Media)
	sides := [2]*side{
		{name: call.A, peer: call.B, party: s.byName[call.A], rtcp: session.RTCP[0]},
		{name: call.B, peer: call.A, party: s.byName[call.B], rtcp: session.RTCP[1]},
	}
	sides[0].other, sides[1].other = sides[1], sides[0]
	offerer, answerer := sides[0], sides[1]
	encodings := slices.ContainsFunc(sections, func(section []*Media) bool { return section[0].RID != "" })
	offers := encodings || s.config.translates() // the guest
	if (answerer.party.guest == nil) != offers {
		offerer, answerer = answerer, offerer
	}
	if encodings {
		extensions = append(extensions, identities(sections)...)
	}
	for _, e := range sides {
		if err := s.openSide(e, extensions, sections); err != nil {
			return err
		}
	}
	if err := exchange(offerer, answerer); err != nil {
		return fmt.Errorf("%s and %s: %w", call.A, call.B, err)
	}
	for _, e := range sides {
		if e.end != nil && s.config.translates() { // whose name stands beyond the translator, too
			e.cname = e.named()
		}
	}
	extensions = agreed(extensions, answerer.described)
	if offers { // with the ids of who offers, the same in all sections (RFC 8285 §7)
		extensions = slices.Clone(answerer.described.Sections[0].Extensions)
	}
	if sides[0].remote, sides[1].remote = sides[1].addr, sides[0].addr; s.config.Gathering == nil { // otherwise checks find it out
		sides[0].remote, sides[1].remote = s.meet(sides[0].addr, sides[1].addr, [2]string{call.A, call.B})
	}
	var sessions [2]*endpoints.Session
	for i, e := range sides {
		c, err := s.connectSide(e, sides[1-i], extensions, sections)
		if err != nil {
			return err
		}
		s.Connections = append(s.Connections, c)
		sessions[i] = c.Sessions()[0]
	}
	s.addFlows(call, session, extensions, sessions[0], sessions[1])
	return nil
}

// openSide prepares an end, so that it can describe itself.
func (s *Simulation) openSide(e *side, extensions []headerext.Entry, sections [][]*Media) error {
	if e.cname = e.party.config.CNAME; e.cname == "" {
		e.cname = endpoints.NewCNAME(s.random.Stream("cname/" + e.name + "/" + e.peer))
	}
	description := s.describe(e, extensions, sections)
	if e.party.guest == nil {
		description.Lite, description.Setup = !s.config.Security.FullICE, jsep.ActPass
		description.ICE = s.credentials(e.name, e.peer)
		description.Fingerprint = s.identity(e.name).Fingerprint()
		e.addr = packet.Addr{IP: e.party.endpoint.Addr(), Port: nextPort(&e.party.nextPort, false)}
		e.described = description
		return nil
	}
	end := s.end(e.name, e.peer, sessionEnd{})
	call := GuestCall{
		Peer: e.peer, Sections: description.Sections, Heard: end.heard, Given: end.given, Interval: end.wanted.Interval,
		NACK: s.config.Repair.NACK, Led: &Led{}, Interceptors: e.party.config.Interceptors,
		Found: func(now simtime.Time, candidate string) { s.tellCandidate(now, e.other, candidate) },
	}
	var models []endpoints.StreamModel
	for _, section := range sections {
		for _, m := range section {
			if m.From == e.name {
				models = append(models, s.guestModel(m, extensions))
			}
		}
	}
	if len(models) > 0 {
		call.Controller, call.Limits = s.config.control(e.name).Controller, endpoints.Limits(models)
		call.Led.Lead(call.Limits.Start)
		if call.Controller == "fixed" {
			call.Led.Lead(call.Limits.Max)
		}
	}
	var err error
	if e.end, err = e.party.guest.Open(call); err != nil {
		return fmt.Errorf("endpoint %s: %w", e.name, err)
	}
	e.led = call.Led
	return nil
}

// exchange lets two ends describe themselves to each other.
func exchange(offerer, answerer *side) error {
	var offer string
	var err error
	if offerer.end == nil {
		offer = offerer.described.String()
	} else {
		if offer, err = offerer.end.Offer(); err != nil {
			return err
		}
		if offerer.described, err = jsep.Parse(offer); err != nil {
			return err
		}
	}
	var answer string
	if answerer.end == nil {
		answerTo(offerer.described, answerer.described, offerer.party.config.StackOptions["dtls"] == "passive")
		answer = answerer.described.String()
	} else {
		if answer, err = answerer.end.Answer(offer); err != nil {
			return err
		}
		if answerer.described, err = jsep.Parse(answer); err != nil {
			return err
		}
		answerer.addr = answerer.end.Addr()
	}
	if offerer.end != nil {
		if err := offerer.end.Accept(answer); err != nil {
			return err
		}
		offerer.addr = offerer.end.Addr()
	}
	if err := offerer.described.Agrees(answerer.described); err != nil {
		return err
	}
	return agreeOnEncodings(offerer.described, answerer.described)
}

// named returns the CNAME that an end has told the other one, if it sends anything.
func (e *side) named() string {
	for i := range e.described.Sections {
		if name := e.described.Sections[i].CNAME; name != "" {
			return name
		}
	}
	return e.cname
}

// agreed returns those header extensions that an answer has.
func agreed(extensions []headerext.Entry, answer *jsep.Description) []headerext.Entry {
	return slices.DeleteFunc(slices.Clone(extensions), func(e headerext.Entry) bool {
		return !slices.ContainsFunc(answer.Sections, func(s jsep.Section) bool {
			return slices.ContainsFunc(s.Extensions, func(o headerext.Entry) bool { return o.URI == e.URI })
		})
	})
}

// describe returns what an end says of its media.
func (s *Simulation) describe(e *side, extensions []headerext.Entry, sections [][]*Media) *jsep.Description {
	d := &jsep.Description{Session: uint64(s.random.Stream("description/"+e.name+"/"+e.peer).Uint32()) + 1}
	end := s.end(e.name, e.peer, sessionEnd{})
	for i, at := range leading(sections) {
		section := sections[at]
		first := section[0]
		out := jsep.Section{
			Kind: first.Kind, MID: fmt.Sprint(i), Formats: slices.Clone(s.formats(section, s.like(e.name, e.peer))), Extensions: extensions,
			Feedback: feedbackOf(first.Kind, s.config.Repair.NACK, end.heard, end.given),
		}
		for _, m := range section {
			if m.From != e.name {
				out.Receives = true
				continue
			}
			out.Sends, out.MSID = true, m.MSID
			if m.Speech != nil { // what is sent is first
				codec := m.Speech.Codecs[0]
				slices.SortStableFunc(out.Formats, func(a, b endpoints.Format) int { return cmp.Compare(rank(a, codec), rank(b, codec)) })
			}
			if m.RID != "" {
				out.RIDs, out.Simulcast = encodingsOf(m, sections)
				continue
			}
			out.SSRC = m.SSRC // of a translator's session, the same on both sides
			if e.party.guest == nil {
				out.CNAME = e.cname
				if out.SSRC == 0 {
					out.SSRC = s.random.Stream("ssrc/"+e.name+"/"+m.Flow()).Uint32() | 1 // not 0
				}
				if out.Formats[0].RTX != 0 && s.config.Repair.NACK {
					out.RTX = out.SSRC ^ 0x80000000
				}
			}
		}
		d.Sections = append(d.Sections, out)
	}
	return d
}

// rank of a format is less if it is of a codec.
func rank(f endpoints.Format, codec endpoints.Codec) int {
	if f.Codec == codec {
		return 0
	}
	return 1
}

// feedbackOf returns the values of a=rtcp-fb lines.
func feedbackOf(kind endpoints.Kind, nack bool, kinds ...endpoints.Feedback) []string {
	var list []string
	if slices.Contains(kinds, endpoints.FeedbackTWCC) {
		list = append(list, "transport-cc")
	}
	if slices.Contains(kinds, endpoints.FeedbackRFC8888) {
		list = append(list, "ack ccfb")
	}
	if kind == endpoints.Video {
		if nack {
			list = append(list, "nack")
		}
		list = append(list, "nack pli", "ccm fir")
	}
	return list
}

// guestModel returns what a stream of a guest costs by the measure of the guest's application, which takes the
// rate that its controller names for the encoder's.
func (s *Simulation) guestModel(m *Media, extensions []headerext.Entry) endpoints.StreamModel {
	model := s.model(extensions, m)
	model.Overhead = 0
	return model
}

// guestPacket returns how large a packet of a guest's media may be before the guest adds a header
// extension, if it has one, and protects it.
func (s *Simulation) guestPacket(m *Media, extensions []headerext.Entry) (units.Bytes, error) {
	numbers := slices.DeleteFunc(slices.Clone(extensions), func(e headerext.Entry) bool { return e.URI != headerext.TransportSeq.URI() })
	extension, err := endpoints.ExtensionSize(numbers, endpoints.FeedbackNone, m.Kind)
	if m.RID != "" { // each packet says where it belongs
		extension += guestIdentity + units.Bytes(len(m.RID))
	}
	return m.PacketSize - s.profile().OverheadRTP() - extension, err
}

// guestIdentity is the most that a MID of two digits and a RID add to a packet of a guest's, but for the RID itself: the
// heads of two elements, and of the block if there is no other element, and padding.
const guestIdentity = 2 + 2 + 2 + 4 + 3

// connectSide opens an end of ours, or the media of a guest's.
func (s *Simulation) connectSide(e, other *side, extensions []headerext.Entry, sections [][]*Media) (*endpoints.Connection, error) {
	sc, err := s.sessionConfig(s.end(e.name, e.peer, sessionEnd{rtcp: e.rtcp, extensions: extensions, sections: sections, led: e.led}))
	if err != nil {
		return nil, err
	}
	sc.Extensions = extensions // those of the answer: without encodings pion's has no MID
	sc.Local, sc.Remote = e.addr, e.remote
	for i, at := range mediaOf(sections) {
		m, own, of := &sc.Sections[i], &e.described.Sections[at], &other.described.Sections[at]
		m.SSRC, m.RepairSSRC, m.RemoteSSRC, m.RemoteRepairSSRC = own.SSRC, own.RTX, of.SSRC, of.RTX
		if m.RID != "" { // whoever gets encodings isn't told SSRCs
			m.SSRC, m.RepairSSRC, m.RemoteSSRC, m.RemoteRepairSSRC = 0, 0, 0, 0
			if e.end != nil {
				m.SSRC, m.RepairSSRC = e.end.SSRCs(at, m.RID)
			}
		}
	}
	if e.end != nil {
		return s.carried(e, sc)
	}
	sc.Breakers = s.config.Breakers.Config
	s.secureBeside(&sc, e, other)
	c, err := e.party.endpoint.Connect(s.Loop.Now(), endpoints.ConnectionConfig{
		Peer: e.peer, CNAME: e.cname, Sessions: []endpoints.SessionConfig{sc},
	})
	if t, gathers := sc.Keying.(*ice.Transport); gathers && err == nil {
		s.tellCandidates(e, c.Sessions()[0], t)
	}
	return c, err
}

// secureBeside gives an end of ours a handshake with a guest, which begins when the guest has checked that it
// reaches this end, or both have checked each other.
func (s *Simulation) secureBeside(sc *endpoints.SessionConfig, e, other *side) {
	config := dtls.Config{
		Role: dtls.Client, Identity: s.identity(e.name), PeerFingerprint: other.described.Fingerprint,
		Profiles: []keying.Profile{s.profile()}, Random: s.random.Stream("dtls/" + e.name + "/" + e.peer), Stranger: true, InitialTimeout: s.config.Security.Timeout,
	}
	if other.described.Setup == jsep.Active || e.described.Setup == jsep.Passive {
		config.Role = dtls.Server
	}
	sc.Handshake, sc.Profile = true, 0
	if s.config.Security.FullICE {
		full := ice.NewFull(dtls.New(config), s.checker(e.name, e.peer, 1, e.described.Setup == jsep.ActPass, e.described.ICE, ice.HostCandidate(e.addr)), e.addr, e.remote)
		if s.config.Gathering != nil {
			sc.Keying = s.gatherBeside(e, full)
		} else {
			sc.Keying = full
		}
		full.Agent().Begin(s.Loop.Now(), other.described.ICE, ice.HostCandidate(e.remote))
		return
	}
	sc.Keying = ice.NewLite(dtls.New(config), e.described.ICE, other.described.ICE.Fragment, s.random.Stream("ice/"+e.name+"/"+e.peer+"/opening"))
}

// carried opens the media of a guest's end.
func (s *Simulation) carried(e *side, sc endpoints.SessionConfig) (*endpoints.Connection, error) {
	plain := endpoints.SessionConfig{
		Carried: true, Local: sc.Local, Remote: sc.Remote, Controller: sc.Controller, Signals: e.led.names, Sections: sc.Sections,
		PlayoutDelay: sc.PlayoutDelay, FixedAudio: sc.FixedAudio, Repair: endpoints.RepairConfig{Decoder: sc.Repair.Decoder, Refresh: sc.Repair.Refresh},
	}
	c, err := e.party.endpoint.Connect(s.Loop.Now(), endpoints.ConnectionConfig{
		Peer: e.peer, CNAME: e.cname, Sessions: []endpoints.SessionConfig{plain},
	})
	if err != nil {
		return nil, err
	}
	session := c.Sessions()[0]
	s.Loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
		if err := e.end.Carry(session, sc.Remote); err != nil {
			session.CarrierFailed(now)
		}
		s.clock.Settle()
		e.party.host.drain(now)
	})).Set(s.Loop.Now().Add(trickle))
	return c, nil
}
