package topologies

import (
	"fmt"

	"rtpfabric/ccontrol"
	"rtpfabric/endpoints"
	"rtpfabric/endpoints/encoder"
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/protect"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/units"
)

// PointToPoint is Topo-Point-to-Point (RFC 7667 §3.1): two endpoints with one
// peer connection, whose media share one RTP session on one UDP flow.
const PointToPoint = "point-to-point"

// firstPayloadType is where dynamic payload types begin (RFC 3551 §3).
const firstPayloadType = 96

// connectPair connects two endpoints that exchange the given media.
func (s *Simulation) connectPair(call *Call, media []Media) error {
	pa, pb := s.byName[call.A], s.byName[call.B]
	addrA := packet.Addr{IP: pa.endpoint.Addr(), Port: pa.nextPort}
	addrB := packet.Addr{IP: pb.endpoint.Addr(), Port: pb.nextPort}
	pa.nextPort++
	pb.nextPort++
	ca, err := s.connect(call, call.A, addrA, s.seenFrom(addrA, addrB), media)
	if err != nil {
		return err
	}
	cb, err := s.connect(call, call.B, addrB, s.seenFrom(addrB, addrA), media)
	if err != nil {
		return err
	}
	s.Connections = append(s.Connections, ca, cb)
	for i, m := range media {
		from, to := ca.Sessions()[0], cb.Sessions()[0]
		if m.From == call.B {
			from, to = to, from
		}
		s.Flows = append(s.Flows, &Flow{
			Media: m, Sender: from.Sections()[i], Receiver: to.Sections()[i], Session: from,
			Model: s.model(&media[i]), RTCP: call.RTCP.Bandwidth,
		})
	}
	return nil
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

// connect opens one end.
func (s *Simulation) connect(call *Call, self string, local, remote packet.Addr, media []Media) (*endpoints.Connection, error) {
	c := s.config
	peer := call.A
	if peer == self {
		peer = call.B
	}
	cc := endpoints.SessionConfig{
		Local: local, Remote: remote, Protection: c.Protection,
		Keying: keying.NewPreshared(s.random, self, peer),
		RTCP:   call.RTCP, Feedback: c.Congestion.Feedback, FeedbackInterval: c.Congestion.Interval,
		ECN: c.Congestion.ECN, Marking: c.Marking,
		PlayoutDelay: c.PlayoutDelay,
	}
	var models []endpoints.StreamModel
	for i := range media {
		m := &media[i]
		sc := endpoints.SectionConfig{Name: m.Name, Kind: m.Kind, PayloadType: uint8(firstPayloadType + i)}
		if m.From == self {
			model := s.model(m)
			sc.Send = &endpoints.SendConfig{
				Encoder: s.newEncoder(m), Start: m.Start, Stop: m.Stop, Pauses: m.Pauses, DSCP: m.DSCP, Level: m.Level,
				PacketSize: m.PacketSize, Model: model,
			}
			models = append(models, model)
		}
		cc.Sections = append(cc.Sections, sc)
	}
	if len(models) > 0 {
		var err error
		limits := endpoints.Limits(models)
		limits.Weight = s.byName[self].weight
		if cc.Controller, err = s.newController(limits); err != nil {
			return nil, err
		}
	}
	return s.byName[self].endpoint.Connect(s.Loop.Now(), endpoints.ConnectionConfig{
		Peer: peer, Sessions: []endpoints.SessionConfig{cc},
	})
}

func (s *Simulation) newController(l ccontrol.Limits) (ccontrol.Controller, error) {
	name := s.config.Congestion.Controller
	spec, ok := ccontrol.Lookup(name)
	if !ok {
		return nil, fmt.Errorf("no controller %q", name)
	}
	return spec.Build(l, s.config.Congestion.Settings)
}

func (s *Simulation) newEncoder(m *Media) encoder.Encoder {
	switch {
	case m.Kind == endpoints.Audio:
		return encoder.NewAudio(m.Rate, m.Frame, m.Start)
	case m.Perfect:
		return encoder.NewPerfect(m.Video, m.Start)
	}
	return encoder.NewStatistical(m.Video, m.Start, s.random.Stream("media/"+m.Flow()+"/encoder"))
}

// model returns what a stream costs on the wire.
func (s *Simulation) model(m *Media) endpoints.StreamModel {
	tag := units.Bytes(0)
	if s.config.Protection != protect.None {
		tag = protect.TagRTP
	}
	lo, hi, start, fps := m.Video.Min, m.Video.Max, m.Video.Start, m.Video.FPS
	if m.Kind == endpoints.Audio {
		lo, hi, start, fps = m.Rate, m.Rate, m.Rate, 1/m.Frame.Seconds()
	}
	model := endpoints.NewStreamModel(m.Kind, lo, hi, start, fps, m.PacketSize, tag, s.config.Congestion.Feedback)
	model.Level = m.Level
	return model
}
