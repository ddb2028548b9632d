package endpoints

import (
	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// StreamModel tells what a stream costs on the wire at a given encoder rate.
type StreamModel struct {
	Kind  Kind
	Level Level
	// Min, Max and Start are encoder rates; of audio all are its rate.
	Min, Max, Start units.BitRate
	// FrameRate is in frames per second.
	FrameRate float64
	// Overhead is what each packet costs beyond its part of the frame, and
	// Room how much of a frame fits into a packet.
	Overhead, Room units.Bytes
}

// NewStreamModel returns the model of a stream whose packets are bounded by
// packetSize, with the given overhead of protection and of header extensions.
func NewStreamModel(kind Kind, min, max, start units.BitRate, frameRate float64, packetSize, tag, extension units.Bytes) StreamModel {
	head := units.Bytes(rtpHeader) + tag + extension
	if kind == Video {
		head += vp8Descriptor
	}
	return StreamModel{
		Kind: kind, Min: min, Max: max, Start: start, FrameRate: frameRate,
		Overhead: head + udpIP, Room: packetSize - head,
	}
}

const udpIP units.Bytes = 28

// Wire returns the rate on the wire that a rate of encoded media takes. Frames
// of varying size leave their last packet half full on average, so that a
// frame of size B takes B/room + 1/2 packets; a frame that fits one takes one.
func (m StreamModel) Wire(encoded units.BitRate) units.BitRate {
	frame := float64(encoded) / 8 / m.FrameRate
	packets := 1.0
	if x := frame/float64(m.Room) + 0.5; x > 1 {
		packets = x
	}
	return encoded + units.BitRate(float64(8*m.Overhead)*m.FrameRate*packets)
}

// Encoded is the inverse of Wire; it isn't negative.
func (m StreamModel) Encoded(wire units.BitRate) units.BitRate {
	perPacket := float64(float64(8*m.Overhead) * m.FrameRate)
	one := float64(wire) - perPacket
	if one/8/m.FrameRate/float64(m.Room)+0.5 <= 1 {
		return units.BitRate(max(one, 0))
	}
	share := float64(m.Overhead) / float64(m.Room)
	return units.BitRate((float64(wire) - float64(perPacket/2)) / (1 + share))
}

// Limits returns the boundary conditions of a controller that governs the
// given streams together. At the least rate all audio is sent and the video of the
// highest level, of several the one that needs least, at its minimum: others are suspended
// before.
func Limits(streams []StreamModel) ccontrol.Limits {
	var l ccontrol.Limits
	var most *StreamModel
	for i := range streams {
		m := &streams[i]
		switch {
		case m.Kind == Audio:
			l.Min += m.Wire(m.Min)
		case most == nil || precedes(m.Level.weight(), most.Level.weight(), float64(m.Wire(m.Min)), float64(most.Wire(most.Min))):
			most = m
		}
		l.Max += m.Wire(m.Max)
		l.Start += m.Wire(m.Start)
	}
	if most != nil {
		l.Min += most.Wire(most.Min)
	}
	return l
}

// precedes reports whether a video is sent rather than another one where there isn't room for
// both: by its level's weight, or if that is the same as it needs less.
func precedes(weight, other, floor, otherFloor float64) bool {
	return weight > other || weight == other && floor < otherFloor
}

// Priority returns the priority of a flow that has the given streams, for coupled
// congestion control: the values of RFC 8699 §5.2 for their levels, added up over videos,
// which share the rate. Audio counts where there is no video, as it takes the same
// whatever the rate.
func Priority(streams []StreamModel) float64 {
	video, audio := 0.0, 0.0
	for i := range streams {
		w := streams[i].Level.weight()
		if streams[i].Kind == Video {
			video += w
		} else {
			audio += w
		}
	}
	if video > 0 {
		return video
	}
	return audio
}

// followOthers lets sessions follow rates that others' feedback has changed (RFC 8699
// §5.3.1, step 3d).
func (e *Endpoint) followOthers(now simtime.Time) {
	if !e.coupled {
		return
	}
	for _, s := range e.sessions {
		if c, ok := s.config.Controller.(ccontrol.Coupled); ok && s.entered && !s.gone() && c.Moved() {
			s.touch()
			s.applyTarget(now)
			s.pump(now)
		}
	}
}

// applyTarget reads the controller's target, gives it to pacer and encoders, and
// begins the probe that the controller asks for.
func (s *Session) applyTarget(now simtime.Time) {
	cc := s.controller
	if cc == nil {
		return
	}
	t := cc.Target()
	if s.config.Without.Pacing {
		t.Pacing = ccontrol.Unpaced
	}
	changed := t.Media != s.lastTarget.Media || t.Pacing != s.lastTarget.Pacing
	s.lastTarget = t
	if s.probing.probe.ID == 0 {
		s.pacer.SetRate(t.Pacing)
	}
	if changed {
		s.requestRates(now, nil)
		s.event(Event{Kind: TargetChanged, At: now})
	}
	s.pollProbe(now)
}
