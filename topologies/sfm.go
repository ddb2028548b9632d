package topologies

import (
	"slices"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/encoder"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// SFM is Topo-SFM (RFC 7667 §3.7), the projecting mixer of draft-ietf-rtcweb-rtp-usage of
// July 2012, appendix A.3.3: a middlebox with a call to each endpoint, in which it sends
// what all others send it, each stream under an SSRC of its own.
const SFM = "sfm"

// SwitchingMixer is a media-switching Topo-Mixer (RFC 7667 §3.6.2; A.3.2 of the draft): the
// same middlebox with a fixed number of streams of its own on each leg, through which go those
// of the latest speakers.
const SwitchingMixer = "switching-mixer"

// sfm is what the streams of a middlebox have in common. Another middlebox is to it a peer that
// gets and sends the streams of several.
type sfm struct {
	projections map[string]*projection // by the flow that they come as
	order       []*projection
	// Only the lastN latest speakers are seen, if it isn't 0; and heard, by a mixer that
	// switches.
	lastN    int
	slots    []*slots
	speakers *speakers
	limits   bool // see SFMConfig
	pauses   bool
	wake     func(now simtime.Time) // does what there is to do when something has changed
}

func newSFM(c *SFMConfig) *sfm {
	return &sfm{projections: map[string]*projection{}, limits: !c.NoLimits, pauses: c.Pauses, lastN: c.LastN}
}

// projection is a stream on its way through the middlebox.
type projection struct {
	sfm    *sfm
	origin string             // whose it is
	home   bool               // it comes from there, and not from another middlebox
	cname  string             // of that
	from   *endpoints.Section // that it comes in
	model  endpoints.StreamModel
	legs   []*projected
	bears  []units.BitRate // what each of these does, side by side; empty if that isn't known
	past   []*projected    // that show something else since
	room   []projected     // memory of legs
	request
	layers   []float64 // parts of the rate that temporal layers have with all lower ones; nil if there is one
	pace     pace
	lookedAt simtime.Time // when legs and limits were seen to last without being told
}

// projected is the stream on one leg.
type projected struct {
	to       *endpoints.Section
	receiver string
	beyond   *projection   // what another middlebox makes of it, if that is the receiver
	wanted   units.BitRate // that the leg bears, of encoded media; 0 before anybody knows
	at       int           // where the leg was last among those of a projection
	choice   *choice       // of a picture that comes in several qualities
	thinning *thinning     // of one with temporal layers
}

// Pass implements [endpoints.Transit].
func (p *projection) Pass(now simtime.Time, _ *endpoints.Section, packet *endpoints.Passing) {
	m := p.sfm
	if p.home && p.model.Kind == endpoints.Audio && m.lastN > 0 && m.speakers.heard(now, p.origin) {
		m.speakers.changed(now, m)
	}
	if p.layers != nil {
		p.pace.arrived(now, packet, p.layers)
	}
	if now.Sub(p.lookedAt) >= patience {
		p.look(now)
	}
	for _, leg := range p.legs {
		switch {
		case leg.to.Session().PeerLeft():
		case leg.thinning != nil && !leg.thinning.passes(packet):
			leg.to.LeaveOut(now, packet)
		case leg.choice == nil || leg.choice.passes(now, leg, p, packet):
			leg.to.Forward(now, packet)
		default:
			leg.to.Complete(now, packet)
		}
	}
	for _, leg := range p.past {
		if !leg.to.Session().PeerLeft() {
			leg.to.Complete(now, packet)
		}
	}
}

// look does what is due from time to time.
func (p *projection) look(now simtime.Time) {
	m := p.sfm
	p.lookedAt = now
	if m.speakers.dismiss() {
		m.speakers.changed(now, m)
	}
	for _, leg := range p.legs {
		if leg.choice != nil {
			leg.choice.choose(now, leg)
		}
	}
	if p.model.Kind != endpoints.Video {
		return
	}
	p.settle(now)
	rate := p.pace.rate
	if p.asked > 0 {
		rate = min(rate, p.asked)
	}
	for _, leg := range p.legs {
		if leg.thinning != nil {
			leg.thinning.choose(now, leg, rate, p.layers)
		}
	}
}

// Omit implements [endpoints.Transit].
func (p *projection) Omit(now simtime.Time, _ *endpoints.Section, source uint32, seq uint64) {
	for _, leg := range p.legs {
		leg.to.Omit(now, source, seq)
	}
	for _, leg := range p.past {
		leg.to.Omit(now, source, seq)
	}
}

// choose shows everybody the latest speakers.
func (m *sfm) choose(now simtime.Time) {
	if m.lastN == 0 {
		return
	}
	seen, heard := m.latest(endpoints.Video), m.latest(endpoints.Audio)
	for _, s := range m.slots {
		if s.kind == endpoints.Video {
			m.assign(s, seen)
		} else {
			m.assign(s, heard)
		}
	}
	for _, p := range m.order {
		if p.model.Kind == endpoints.Audio || len(m.slots) > 0 {
			continue
		}
		for _, leg := range p.legs {
			leg.to.Passage().Switch(leg.shows(seen, p.origin, m.lastN))
		}
	}
	for _, p := range m.order {
		for _, leg := range p.legs {
			leg.to.Reallocate(now)
		}
		if p.model.Kind == endpoints.Video {
			p.settle(now)
		}
	}
}

// shows reports whether the receiver sees somebody, or any receiver beyond another middlebox.
func (l *projected) shows(seen []string, origin string, lastN int) bool {
	if l.beyond == nil {
		return slices.Contains(shown(seen, lastN, l.receiver), origin)
	}
	return slices.ContainsFunc(l.beyond.legs, func(far *projected) bool { return far.shows(seen, origin, lastN) })
}

// uses reports whether the leg sends a stream to anybody, also beyond another middlebox.
func (l *projected) uses(p *projection) bool {
	if !l.to.Passage().On() || l.to.Session().PeerLeft() || l.to.Halted() || l.choice != nil && !l.choice.uses(p) {
		return false
	}
	return l.beyond == nil || slices.ContainsFunc(l.beyond.legs, func(far *projected) bool { return far.uses(l.beyond) })
}

// latest returns the latest speakers of those who send media of a kind, one more than anybody
// is shown: nobody looks at themself.
func (m *sfm) latest(kind endpoints.Kind) []string {
	list := make([]string, 0, m.lastN+1)
	for _, name := range m.speakers.order {
		if len(list) <= m.lastN && m.source(name, kind) != nil {
			list = append(list, name)
		}
	}
	return list
}

// source returns the first stream of somebody's media of a kind, nil if there is none.
func (m *sfm) source(name string, kind endpoints.Kind) *projection {
	for _, p := range m.order {
		if p.origin == name && p.model.Kind == kind {
			return p
		}
	}
	return nil
}

// Senders are asked to change their rate if it is by more than a part of what they were asked
// for before, and not much more often than it takes to see what came of it.
const (
	noticeable = 0.05
	patience   = 500 * time.Millisecond
)

// request is the limit that a sender was asked to keep to last (RFC 5104 §4.2).
type request struct {
	asked   units.BitRate // 0 for none
	askedAt simtime.Time
}

// ask asks the sender of what comes in a section for a rate, within what it can do; not if that
// is about what it was asked for before.
func (r *request) ask(now simtime.Time, from *endpoints.Section, model *endpoints.StreamModel, rate units.BitRate) {
	rate = min(max(rate, model.Min), model.Max)
	was := r.asked
	if was == 0 {
		was = model.Max
	}
	change := float64(rate) / float64(was)
	if change > 1-noticeable && change < 1+noticeable || change > 1 && now.Sub(r.askedAt) < patience {
		return
	}
	r.askedAt, r.asked = now, rate
	if rate == model.Max {
		r.asked = 0
		from.Unlimit(now)
	} else {
		from.Limit(now, model.Wire(rate))
	}
	from.Session().SendDue(now)
}

// settle asks the sender for what the legs bear that send the stream; for as little as possible if
// none does.
func (p *projection) settle(now simtime.Time) {
	if p.pause(now) || !p.sfm.limits {
		return
	}
	rate, sends := p.slowest()
	switch {
	case !sends:
		rate = p.model.Min
	case p.layers != nil:
		rate = min(rate, p.layered())
	}
	p.ask(now, p.from, &p.model, rate)
}

// pause lets the sender pause the stream if nobody gets it, and go on otherwise; it reports whether it is to be paused. What
// another middlebox sends goes on: who gets it may change there at any moment.
func (p *projection) pause(now simtime.Time) bool {
	if !p.sfm.pauses || !p.home || p.model.Kind != endpoints.Video {
		return false
	}
	if _, sends := p.slowest(); !sends {
		p.from.Pause(now)
		return true
	}
	p.from.Resume(now)
	return false
}

// slowest returns what the slowest leg bears, of as many temporal layers as can go there, and whether
// any sends the stream.
func (p *projection) slowest() (least units.BitRate, sends bool) {
	if len(p.bears) == 0 {
		for i, leg := range p.legs {
			leg.at = i
			p.bears = append(p.bears, leg.bears(p))
		}
	}
	least = p.model.Max
	for i, bears := range p.bears {
		if sends && bears >= least {
			continue // whatever it does changes nothing
		}
		leg := p.legs[i]
		if !leg.uses(p) {
			continue
		}
		sends = true
		if !leg.to.Suspended() {
			least = min(least, bears)
		}
	}
	return least, sends
}

// learns takes the rate that a leg bears from now on.
func (p *projection) learns(leg *projected, rate units.BitRate) {
	leg.wanted = rate
	if len(p.bears) == 0 {
		return
	}
	if leg.at >= len(p.legs) || p.legs[leg.at] != leg { // it is one of several projections
		leg.at = slices.Index(p.legs, leg)
	}
	p.bears[leg.at] = leg.bears(p)
}

// joined notes that legs have come, or gone.
func (p *projection) joined() { p.bears = p.bears[:0] }

// Withheld returns the streams that aren't offered to everybody.
func (s *Simulation) Withheld() []Withheld { return s.config.SFM.Withheld }

// forwards reports whether an endpoint is a middlebox that passes media on.
func (s *Simulation) forwards(name string) bool {
	p := s.byName[name]
	return p != nil && p.config.Forwards
}

// place moves a new leg to where the others are: all are looked through when one bears another rate.
func (p *projection) place(leg *projected) *projected {
	if len(p.room) == cap(p.room) {
		p.room = make([]projected, 0, max(8, 2*cap(p.room)))
	}
	p.room = append(p.room, *leg)
	return &p.room[len(p.room)-1]
}

// projectionOf returns what becomes of a stream at the middlebox.
func (m *sfm) projectionOf(flow string) *projection {
	p := m.projections[flow]
	if p == nil {
		p = &projection{sfm: m}
		m.projections[flow] = p
		m.order = append(m.order, p)
	}
	return p
}

// project lets middleboxes pass on what they get, when all calls are connected. Streams that
// go on have the CNAME of whose they are.
func (s *Simulation) project() {
	homes := map[string]*Flow{}
	all := &speakers{talk: map[string]*spurt{}, homes: map[string]*endpoints.Session{}}
	for _, f := range s.Flows {
		if s.sfms[f.To] == nil || s.forwards(f.From) {
			continue
		}
		if homes[f.From] == nil {
			all.order = append(all.order, f.From)
			homes[f.From], all.homes[f.From] = f, f.Receiver.Session()
		}
	}
	for _, f := range s.Flows {
		m := s.sfms[f.To]
		if m == nil {
			continue
		}
		p := m.projectionOf(f.Flow())
		if s.config.Type == SFM && f.Video.Layers > 1 && f.Simulcast == "" {
			p.layers = encoder.Parts(f.Video.Layers)
		}
		p.origin, p.home, p.from, p.model, p.cname = f.Origin(), !s.forwards(f.From), f.Receiver, f.Model, homes[f.Origin()].Session.Connection().CNAME()
	}
	for _, f := range s.Flows {
		if m := s.sfms[f.From]; m != nil {
			s.passOn(m, f)
		}
	}
	for i := range s.config.Endpoints {
		name := s.config.Endpoints[i].Name
		if m := s.sfms[name]; m != nil {
			m.speakers, m.wake = all, func(now simtime.Time) { s.byName[name].host.drain(now) }
			all.boxes = append(all.boxes, m)
			m.choose(s.Loop.Now())
		}
	}
}

// passOn makes a stream of a middlebox one through which media go that it gets.
func (s *Simulation) passOn(m *sfm, f *Flow) {
	leg, passage := &projected{to: f.Sender, receiver: f.To}, f.Sender.Passage()
	if far := s.sfms[f.To]; far != nil {
		leg.beyond = far.projectionOf(f.Flow())
	}
	switch {
	case !f.Projected:
		m.addSlot(leg, &s.config.SFM)
		return
	case f.Simulcast != "" && leg.beyond == nil:
		m.simulcast(s, f, leg)
		return
	}
	p := m.projections[f.Name]
	if p == nil { // it comes from another middlebox
		p = m.projections[f.Name+">"+f.From]
	}
	leg = p.place(leg)
	p.legs = append(p.legs, leg)
	if p.layers != nil {
		leg.thinning = newThinning(len(p.layers))
	}
	p.joined()
	passage.From = p.from
	passage.Wanted = func(now simtime.Time, r units.BitRate) {
		p.learns(leg, r)
		p.settle(now)
	}
	f.Sender.Represent(p.cname)
}
