package scenarios

import (
	"math"
	"slices"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/scenarios/internal/strict"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/units"
)

// Defaults that depend on other fields, and so aren't in the schema's tags.
const (
	defaultFeedback  = 100 * time.Millisecond
	defaultEstimates = time.Second // libwebrtc's vie_remb.cc

	defaultQueueTime  = 300 * time.Millisecond // RFC 8867 §4.2
	defaultAudioRate  = 20 * units.Kbps        // RFC 8867 §4.3
	defaultFrameRate  = 30.0
	defaultAudioFrame = 20 * time.Millisecond

	defaultLevel                = 1
	defaultOverhead units.Ratio = 0.2

	defaultFQPackets             = 10240 // RFC 8290 §5.2
	defaultUDPPacket units.Bytes = 1500  // RFC 8868 §5.3

	// A channel has no rate of its own. 100 packets of 1500 octets are what
	// drivers of radios hold.
	defaultChannelQueue units.Bytes = 150_000
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
			c.Forward = c.Both.under(c.Forward, l.Forward.Rate)
			c.Backward = c.Both.under(c.Backward, l.Backward.Rate)
			c.Both = ChangeTo{}
		}
	}
	if t := &s.Topology; t.Bind == nil {
		t.Bind = valueOf(len(t.Cascade) > 0 && (t.Relayed() || t.Type == Mixer))
	}
	if s.Topology.Grouped() {
		s.Security.Keying = "preshared" // the key of a group
		if s.Breakers.Mode == "observe" {
			s.Breakers.Mode = "off" // they are for unicast (RFC 8083 §2)
		}
	}
	if g := s.Signalling; g != nil && len(g.Offers) == 0 && len(s.Topology.Peers) > 0 {
		g.Offers = []SignalledOffer{{By: s.Topology.Peers[0]}}
	}
	if i := s.ICE; i != nil && i.Trickle == nil {
		i.Trickle = valueOf(!s.Topology.Forked() && (s.Signalling == nil || s.Signalling.By != "gateway"))
	}
	if g := s.Signalling; g != nil && g.Fork == nil && s.Topology.Forked() {
		g.Fork = &Fork{}
		strict.FillDefaults(g.Fork)
	}
	if s.Congestion.Interval.Per == "" {
		s.Congestion.Interval = defaultInterval(s.Congestion.Feedback)
	}
	if s.Congestion.ECN == "" {
		s.Congestion.ECN = "off"
		if s.Congestion.Feedback == "ecn" {
			s.Congestion.ECN = "ect0"
		}
	}
	if e := s.Congestion.External; e != nil {
		s.Congestion.Controller = e.Label()
	}
	for i := range s.Endpoints {
		e := &s.Endpoints[i]
		if e.Congestion != nil {
			s.completeCongestion(e.Congestion)
		}
		if len(e.Interceptors) == 0 {
			e.Interceptors = nil
		}
	}
	random := rng.New(s.Seed)
	if g := s.Signalling; g != nil && g.Fork != nil {
		for i := range g.Fork.Devices {
			g.Fork.Devices[i].complete(random)
		}
	}
	for i := range s.Media {
		s.completeMedia(&s.Media[i], random)
	}
	for i := range s.Traffic {
		t := &s.Traffic[i]
		r := random.Stream("traffic/" + t.Name + "/times")
		t.Start = t.Start.draw(r)
		if t.Stop != nil {
			t.Stop = valueOf(t.Stop.draw(r))
		}
		t.complete()
	}
}

// complete draws what somebody does when a device rings.
func (d *ForkedDevice) complete(random *rng.Source) {
	r := random.Stream("signalling/" + d.Name + "/times")
	for _, m := range []**Moment{&d.Accepts, &d.Declines} {
		if *m != nil {
			*m = valueOf((*m).draw(r))
		}
	}
}

// draw picks a time from a stretch, uniformly.
func (m Moment) draw(r *rng.Stream) Moment {
	at := time.Duration(r.Uniform(float64(m.From), float64(m.To)))
	return Moment{From: at, To: at}
}

func (t *Traffic) complete() {
	switch t.Type {
	case "tcp":
		if t.Control == "" {
			t.Control = "newreno"
		}
	case "udp":
		if t.Packet == nil {
			t.Packet = valueOf(defaultUDPPacket)
		}
		if t.Rate == nil && len(t.Schedule) > 0 {
			t.Rate = valueOf(units.BitRate(0))
		}
	}
}

func (s *Scenario) completeMedia(m *Media, random *rng.Source) {
	if m.Name == "" {
		m.Name = m.Kind
	}
	if e := s.Endpoint(m.From); m.MSID == nil && e != nil && !e.Legacy() && !s.Topology.Grouped() && endpoints.CheckMSID([]string{m.From}) == nil {
		m.MSID = []string{m.From}
	}
	if m.To == "" && !s.Topology.Meshed() && !s.Topology.Forwarded() {
		m.To = s.otherPeer(m.From)
	}
	if e := s.Endpoint(m.From); e != nil && e.Leaves != nil && m.Stop == nil && m.Lasts == nil {
		m.Stop = &Moment{From: *e.Leaves, To: *e.Leaves}
	}
	m.FEC.complete()
	r := random.Stream("media/" + m.From + "/times") // an endpoint's streams start together
	m.Start = m.Start.draw(r)
	switch {
	case m.Lasts != nil && m.Stop == nil:
		end := min(m.Start.From+*m.Lasts, s.Duration)
		m.Stop, m.Lasts = &Moment{From: end, To: end}, nil
	case m.Stop == nil:
		m.Stop = &Moment{From: s.Duration, To: s.Duration}
	default:
		m.Stop = valueOf(m.Stop.draw(r))
	}
	switch m.Kind {
	case "video":
		if m.FEC == nil && s.Repair.FEC > 0 {
			m.FEC = &FEC{Type: "flexfec", Overhead: valueOf(s.Repair.FEC)}
		}
		if m.Encoder == nil {
			m.Encoder = defaultEncoder()
		}
		if m.Encoder.Start == nil {
			start := m.Encoder.Min
			m.Encoder.Start = &start
		}
		if m.Encoder.FPS == nil {
			m.Encoder.FPS = valueOf(s.frameRate(m.Encoder))
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

// complete fills in how much there is of the protection.
func (f *FEC) complete() {
	switch {
	case f == nil || f.Type == "none":
	case f.Type == "red":
		f.Level = firstOf(f.Level, valueOf(defaultLevel))
	default:
		f.Overhead = firstOf(f.Overhead, valueOf(defaultOverhead))
	}
}

// otherPeer returns whom an endpoint talks to, or "" if it takes part in no
// call or several.
func (s *Scenario) otherPeer(name string) string {
	other := ""
	for _, p := range s.Topology.Calls() {
		if len(p) != 2 || p[0] == p[1] || !slices.Contains(p, name) {
			continue
		}
		if other != "" {
			return ""
		}
		other = p[0]
		if other == name {
			other = p[1]
		}
	}
	return other
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
	d.Capacity = firstOf(d.Capacity, top.Capacity)
	if d.Channel == "" {
		d.Channel = top.Channel
	}
	if d.limited() {
		d.Shaper = firstOf(d.Shaper, top.Shaper)
		d.Queue = firstOf(d.Queue, top.Queue, &Queue{Type: "droptail"})
	}
	if d.Queue != nil {
		d.Queue.complete(d.Channel != "")
	}
	if d.Impairments == nil {
		d.Impairments = slices.Clone(top.Impairments)
	}
	for i := range d.Impairments {
		d.Impairments[i].complete()
	}
	d.Cost = firstOf(d.Cost, top.Cost)
	if d.Jitter = firstOf(d.Jitter, top.Jitter); d.Jitter != nil && d.Jitter.Mean == nil {
		j := *d.Jitter
		j.Mean = valueOf(time.Duration(j.Bound * float64(j.Std)))
		d.Jitter = &j
	}
	return d
}

// limited reports whether the direction has a rate of any kind, and so a queue.
func (d *Direction) limited() bool { return d.Rate != nil || d.Capacity != nil || d.Channel != "" }

// complete fills in the length of a queue without bands, and of those inside it. The bands
// are copied: the two directions of a link may have got them from one place.
func (q *Queue) complete(onChannel bool) {
	if q.Length == nil && q.Type != "priority" && q.Type != "weighted" {
		switch {
		case q.Type == "fq-codel":
			q.Length = &QueueLength{Packets: defaultFQPackets}
		case onChannel:
			q.Length = &QueueLength{Bytes: defaultChannelQueue}
		default:
			q.Length = &QueueLength{Time: defaultQueueTime}
		}
	}
	q.Bands = slices.Clone(q.Bands)
	for i := range q.Bands {
		q.Bands[i].Queue.complete(onChannel)
	}
}

func (i *Impairment) complete() {
	if i.Type == "gilbert-elliott" {
		i.LossGood = firstOf(i.LossGood, valueOf(units.Ratio(0)))
		i.LossBad = firstOf(i.LossBad, valueOf(units.Ratio(1)))
	}
}

// under returns c with what it leaves open taken from the top level; a rate
// only if the direction has one to change.
func (top ChangeTo) under(c ChangeTo, rate *units.BitRate) ChangeTo {
	if rate != nil {
		if c.Ratio == nil && c.Rate == nil {
			c.Ratio, c.Rate = top.Ratio, top.Rate
		}
		if c.Ratio != nil && c.Rate == nil {
			c.Rate, c.Ratio = valueOf(units.BitRate(math.Round(*c.Ratio*float64(*rate)))), nil
		}
	}
	c.Delay = firstOf(c.Delay, top.Delay)
	c.Loss = firstOf(c.Loss, top.Loss)
	c.Up = firstOf(c.Up, top.Up)
	c.Cost = firstOf(c.Cost, top.Cost)
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
