package topologies

import (
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// SFM is Topo-SFM (RFC 7667 §3.7), the projecting mixer of draft-ietf-rtcweb-rtp-usage of
// July 2012, appendix A.3.3: a middlebox with a call to each endpoint, in which it sends
// what all others send it, each stream under an SSRC of its own.
const SFM = "sfm"

// projection is a stream on its way through the middlebox.
type projection struct {
	from  *endpoints.Section // that it comes in
	model endpoints.StreamModel
	legs  []*projected
	// limits says whether the sender is asked to send no more than the slowest leg bears
	// (RFC 5104 §4.2); asked is what it was asked for last, 0 for no limit.
	limits  bool
	asked   units.BitRate
	askedAt simtime.Time
}

// projected is the stream on one leg.
type projected struct {
	to     *endpoints.Section
	wanted units.BitRate // that the leg bears, of encoded media; 0 before anybody knows
}

// Pass implements [endpoints.Transit].
func (p *projection) Pass(now simtime.Time, _ *endpoints.Section, packet *endpoints.Passing) {
	if p.limits && now.Sub(p.askedAt) >= patience {
		p.settle(now)
	}
	for _, leg := range p.legs {
		leg.to.Forward(now, packet)
	}
}

// Senders are asked to change their rate if it is by more than a part of what they were asked
// for before, and not much more often than it takes to see what came of it.
const (
	noticeable = 0.05
	patience   = 500 * time.Millisecond
)

// settle asks the sender for what the slowest leg bears that sends the stream.
func (p *projection) settle(now simtime.Time) {
	least := p.model.Max
	for _, leg := range p.legs {
		if leg.wanted > 0 && !leg.to.Suspended() {
			least = min(least, leg.wanted)
		}
	}
	least = max(least, p.model.Min)
	was := p.asked
	if was == 0 {
		was = p.model.Max
	}
	change := float64(least) / float64(was)
	if change > 1-noticeable && change < 1+noticeable || change > 1 && now.Sub(p.askedAt) < patience {
		return
	}
	p.askedAt, p.asked = now, least
	if least >= p.model.Max {
		p.asked = 0
		p.from.Unlimit(now)
		return
	}
	p.from.Limit(now, p.model.Wire(least))
}

// forwards reports whether an endpoint is a middlebox that passes media on.
func (s *Simulation) forwards(name string) bool { return s.byName[name].config.Forwards }

// projectionOf returns what becomes of a stream at its middlebox.
func (s *Simulation) projectionOf(flow string) *projection {
	p := s.projections[flow]
	if p == nil {
		p = &projection{}
		s.projections[flow] = p
	}
	return p
}

// project lets middleboxes pass on what they get, when all calls are connected. Streams that
// go on have the CNAME of whose they are.
func (s *Simulation) project() {
	for _, f := range s.Flows {
		if s.forwards(f.To) {
			p := s.projectionOf(f.Flow())
			p.from, p.model = f.Receiver, f.Model
			p.limits = f.Kind == endpoints.Video && !s.config.SFM.NoLimits
			s.origins[f.Flow()] = f.Session.Connection()
		}
	}
	for _, f := range s.Flows {
		if !s.forwards(f.From) {
			continue
		}
		p, passage := s.projectionOf(f.Name), f.Sender.Passage()
		leg := &projected{to: f.Sender}
		p.legs = append(p.legs, leg)
		passage.From = p.from
		if p.limits {
			passage.Wanted = func(now simtime.Time, r units.BitRate) {
				leg.wanted = r
				p.settle(now)
			}
		}
		f.Sender.Represent(s.origins[f.Name].CNAME())
	}
}
