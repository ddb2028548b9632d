package endpoints

import (
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints/fec"
	"rtpfabric/endpoints/nack"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// policy decides how much FEC a section sends, by what receivers report (RFC 8854 §8).
type policy struct {
	adaptive  *fec.Adaptive
	limit     units.Ratio // of what FEC may cost
	receivers []receiver
	packets   uint32 // of the main stream, at the last update
	at        simtime.Time
	target    units.BitRate
}

// receiver is what a peer's SSRC has reported on the section's main stream.
type receiver struct {
	ssrc    uint32
	media   uint32 // SSRC that it is about
	highest uint32
	lost    uint32
	at      simtime.Time
	loss    float64 // smoothed, 0 to 1
	known   bool
}

// Reports are judged in stretches of at least a second and that many packets; what a
// stretch says counts a quarter.
const (
	policyInterval = time.Second
	policyPackets  = 20
	policyWeight   = 0.25
)

// newPolicy returns nil if the section's protection is fixed.
func newPolicy(m *Section) *policy {
	if !m.session.config.Repair.Adaptive || m.config.Send == nil {
		return nil
	}
	p := &policy{adaptive: fec.NewAdaptive(fec.DefaultHold), limit: units.Ratio(m.fecShare())}
	if m.config.Kind == Audio {
		p.limit = units.Ratio(m.config.Send.Repeats)
	}
	m.protect(fec.Plan{})
	return p
}

// Plan returns how lost packets of the section are repaired now, as far as the sender
// decides it; the zero value if that doesn't change.
func (m *Section) Plan() fec.Plan {
	if m.policy == nil {
		return fec.Plan{}
	}
	return m.policy.adaptive.Plan()
}

// reported takes a report block of a peer's SSRC about the section's main stream.
func (m *Section) reported(now simtime.Time, by uint32, b *rtcp.ReceptionReport) {
	p := m.policy
	r := p.receiver(by)
	if r == nil {
		return
	}
	switch expected := int32(b.LastSequenceNumber - r.highest); {
	case r.media != b.SSRC || expected < 0: // the numbers began anew
		*r = receiver{ssrc: by, media: b.SSRC, highest: b.LastSequenceNumber, lost: b.TotalLost, at: now}
		return
	case now.Sub(r.at) < policyInterval || expected < policyPackets:
		return
	default:
		lost := max(int32(b.TotalLost-r.lost), 0)
		loss := min(float64(lost)/float64(expected), 1)
		if r.known {
			loss = r.loss + float64(policyWeight*(loss-r.loss))
		}
		*r = receiver{
			ssrc: by, media: b.SSRC, highest: b.LastSequenceNumber, lost: b.TotalLost, at: now, loss: loss, known: true,
		}
	}
	if now.Sub(p.at) >= policyInterval {
		m.plan(now)
	}
}

func (p *policy) receiver(ssrc uint32) *receiver {
	for i := range p.receivers {
		if p.receivers[i].ssrc == ssrc {
			return &p.receivers[i]
		}
	}
	if len(p.receivers) >= maxRequesters {
		return nil
	}
	p.receivers = append(p.receivers, receiver{ssrc: ssrc})
	return &p.receivers[len(p.receivers)-1]
}

// plan adapts the section's protection to the receiver that loses most.
func (m *Section) plan(now simtime.Time) {
	p, s := m.policy, m.session
	loss := 0.0
	for i := range p.receivers {
		loss = max(loss, p.receivers[i].loss)
	}
	if m.main.packets < p.packets { // another stream has the section's media now
		p.packets = 0
	}
	before := p.adaptive.Plan()
	plan := p.adaptive.Update(now, fec.Situation{
		Audio: m.config.Kind == Audio, Loss: units.Ratio(loss), RTT: s.rtt, Playout: s.config.PlayoutDelay,
		Packets: float64(m.main.packets-p.packets) / now.Sub(p.at).Seconds(), Share: p.limit,
		// Loss that comes with a target that falls is the controller's to answer.
		Congested: s.lastTarget.Media < p.target-p.target/50,
		NACK:      m.resend != nil, FEC: m.guard != nil || m.redundant != nil, Importance: nack.Base,
	})
	p.at, p.packets, p.target = now, m.main.packets, s.lastTarget.Media
	m.protect(plan)
	if plan.Overhead != before.Overhead || plan.RTX != before.RTX {
		s.event(Event{Kind: ProtectionChanged, At: now, Section: m})
		s.requestRates(now, nil)
	}
}

// protect puts a plan into effect.
func (m *Section) protect(plan fec.Plan) {
	switch {
	case m.guard != nil:
		m.guard.share = float64(plan.Overhead)
	case m.redundant != nil && m.redundant.audio != nil:
		m.redundant.audio.SetLevel(plan.Level)
	case m.redundant != nil:
		m.redundant.share = float64(plan.Overhead)
	}
}

// protects reports whether FEC is for packets of an importance: with a policy it isn't
// for those that nobody predicts from (RFC 8854 §8).
func (m *Section) protects(i nack.Importance) bool { return m.policy == nil || i > nack.Discardable }
