package scenarios

import (
	"time"

	"rtpfabric/sim/units"
)

// Defaults that depend on other fields, and so aren't in the schema's tags.
const (
	defaultQueueTime  = 300 * time.Millisecond // RFC 8867 §4.2
	defaultAudioRate  = 20 * units.Kbps        // RFC 8867 §4.3
	defaultAudioFrame = 20 * time.Millisecond
)

// complete fills in every default that depends on other fields, and moves what
// links say for both directions into the directions. Completing twice changes
// nothing.
func (s *Scenario) complete() {
	for i := range s.Network.Links {
		l := &s.Network.Links[i]
		l.Forward, l.Backward = l.Resolve()
		l.Both = Direction{}
		for j := range l.Schedule {
			c := &l.Schedule[j]
			c.Forward = c.Both.under(c.Forward, l.Forward.Rate != nil)
			c.Backward = c.Both.under(c.Backward, l.Backward.Rate != nil)
			c.Both = ChangeTo{}
		}
	}
	for i := range s.Media {
		s.completeMedia(&s.Media[i])
	}
	s.RTCP.Bandwidth = valueOf(s.SessionBandwidth())
}

func (s *Scenario) completeMedia(m *Media) {
	if m.Name == "" {
		m.Name = m.Kind
	}
	if m.To == "" {
		m.To = s.otherPeer(m.From)
	}
	if m.Stop == nil {
		m.Stop = valueOf(s.Duration)
	}
	switch m.Kind {
	case "video":
		if m.Encoder == nil {
			m.Encoder = defaultEncoder()
		}
		if m.Encoder.Start == nil {
			start := m.Encoder.Min
			m.Encoder.Start = &start
		}
	case "audio":
		if m.Rate == nil {
			m.Rate = valueOf(defaultAudioRate)
		}
		if m.Frame == nil {
			m.Frame = valueOf(defaultAudioFrame)
		}
	}
}

// otherPeer returns the peer that isn't the given one, or "" if the peers
// aren't two.
func (s *Scenario) otherPeer(name string) string {
	switch p := s.Topology.Peers; {
	case len(p) != 2:
		return ""
	case p[0] == name:
		return p[1]
	case p[1] == name:
		return p[0]
	}
	return ""
}

// Resolve returns what packets meet in each direction: the direction's own
// fields, then those of the link's top level, then the defaults. Delay and
// Loss are never nil. Rate is nil if it is unlimited; Queue is nil if there is
// neither a rate nor a queue of the direction's own.
func (l *Link) Resolve() (forward, backward Direction) {
	return l.Both.under(l.Forward), l.Both.under(l.Backward)
}

// under returns d with what it leaves open taken from the top level.
func (top Direction) under(d Direction) Direction {
	d.Rate = firstOf(d.Rate, top.Rate)
	d.Delay = firstOf(d.Delay, top.Delay, valueOf(time.Duration(0)))
	d.Loss = firstOf(d.Loss, top.Loss, valueOf(units.Ratio(0)))
	if d.Rate != nil {
		d.Queue = firstOf(d.Queue, top.Queue, &Queue{Type: "droptail", Length: QueueLength{Time: defaultQueueTime}})
	}
	if d.Jitter = firstOf(d.Jitter, top.Jitter); d.Jitter != nil && d.Jitter.Mean == nil {
		j := *d.Jitter
		j.Mean = valueOf(time.Duration(j.Bound * float64(j.Std)))
		d.Jitter = &j
	}
	return d
}

// under returns c with what it leaves open taken from the top level; a rate
// only if the direction has one to change.
func (top ChangeTo) under(c ChangeTo, hasRate bool) ChangeTo {
	if hasRate {
		c.Rate = firstOf(c.Rate, top.Rate)
	}
	c.Delay = firstOf(c.Delay, top.Delay)
	c.Loss = firstOf(c.Loss, top.Loss)
	return c
}

func firstOf[T any](choices ...*T) *T {
	for _, c := range choices {
		if c != nil {
			v := *c
			return &v
		}
	}
	return nil
}

func valueOf[T any](v T) *T { return &v }
