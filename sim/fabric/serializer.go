package fabric

import (
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// serializer puts the bits of one packet after the other on the wire.
type serializer struct {
	packet *packet.Packet
	start  simtime.Time // of the part of the packet that goes at the present rate
	bits   int64        // left at start
}

func (l *Link) startSerializing(now simtime.Time) {
	if l.Rate == 0 {
		return
	}
	p := l.Take(now)
	if p == nil {
		return
	}
	s := &l.serializer
	s.packet, s.start, s.bits = p, now, int64(p.Size)*8
	l.sending.Set(now.Add(l.serialTime(p)))
}

func (l *Link) serialTime(p *packet.Packet) time.Duration {
	if l.Rate <= 0 {
		return 0
	}
	return l.Rate.TimeToSend(p.Size)
}

func (l *Link) serialized(now simtime.Time) {
	p := l.serializer.packet
	l.serializer.packet = nil
	l.propagate(now, p, l.serialTime(p))
	l.startSerializing(now)
}

// SetRate changes the rate of the serializer, or of a medium that is [Adjustable].
// What is left of a packet in the serializer goes at the new rate.
func (l *Link) SetRate(now simtime.Time, r units.BitRate) {
	old := l.Rate
	l.Rate = r
	if q, ok := l.Queue.(RateAware); ok && r >= 0 {
		q.SetRate(r)
	}
	if l.Medium != nil {
		if m, ok := l.Medium.(Adjustable); ok {
			m.SetRate(now, r)
		}
		return
	}
	s := &l.serializer
	if s.packet == nil {
		l.startSerializing(now)
		return
	}
	if old > 0 {
		sent := int64(now.Sub(s.start).Seconds() * float64(old))
		s.bits = max(s.bits-sent, 0)
	}
	s.start = now
	switch {
	case r == 0:
		l.sending.Stop()
	case r < 0:
		l.sending.Set(now)
	default:
		ns := (s.bits*int64(time.Second) + int64(r) - 1) / int64(r)
		l.sending.Set(now.Add(time.Duration(ns)))
	}
}
