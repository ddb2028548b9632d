package topologies

import (
	"fmt"
	"slices"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/ice"
	"rtpfabric/endpoints/jsep"
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// negotiation is one end's part in agreeing on a call.
type negotiation struct {
	s       *Simulation
	self    string
	other   string
	local   packet.Addr // as this end sees itself
	remote  packet.Addr // and the other one
	moves   bool        // the other end may come to have another port, and other credentials
	step    *keying.Deferred
	session *endpoints.Session // known once there is a connection
	own     *jsep.Description
	peer    *jsep.Description // as it has to describe itself
	// handshake makes a step, opening one that opens the way for the other end's first packets, which checks do by
	// themselves. Keys that are there with the agreement need neither.
	handshake func(dtls.Role) keying.Step
	opening   func(keying.Step) keying.Step
	preshared keying.Step
	checks    *ice.Full    // of the step; nil without
	restarts  restarts     // of the checks
	gathering *gathering   // nil if candidates are known
	gate      *keying.Gate // before the handshake that a device of a fork begins; nil elsewhere
	answered  bool         // the other end has answered an offer, so that both know who begins the handshake

	// By media section: what this end can send and receive, the name of what it sends, and the simulcast streams that
	// it has agreed to get.
	can   []jsep.Section
	names []string
	takes []jsep.Section
	// What it wants to send, what its offer says of that, and what holds; nil stands for all.
	wants, offered, holds []string
}

// deferKeys lets a session's keys wait for an agreement.
func (s *Simulation) deferKeys(sc *endpoints.SessionConfig, self, peer string) *negotiation {
	n := &negotiation{s: s, self: self, other: peer, step: keying.NewDeferred(), local: sc.Local, remote: sc.Remote}
	n.restarts.may = s.config.Security.FullICE && s.config.Type != Fork
	sc.Keying = n.step
	if !s.handshakes(self) {
		sc.Profile = s.profile()
		n.preshared = keying.NewPreshared(s.random, self, peer)
		return n
	}
	sc.Handshake = true
	name, begun := "dtls/"+self+"/"+peer, 0
	n.handshake = func(role dtls.Role) keying.Step {
		begun++
		step := keying.Step(dtls.New(s.dtlsConfig(role, self, peer, s.random.Stream(fmt.Sprintf("%s/%d", name, begun)))))
		if !s.config.Security.FullICE {
			return step
		}
		if s.config.Type == Fork && role == dtls.Client {
			n.gate = keying.NewGate(step)
			step = n.gate
		}
		n.checks = ice.NewFull(step, n.checker(role == dtls.Server), n.local, n.remote)
		if n.gathering != nil {
			n.checks.Use(n.gathering.transport)
		}
		return n.checks
	}
	if s.config.Gathering != nil {
		n.gathering = s.newGathering(n, peer)
		sc.Keying = n.gathering.transport
	}
	n.opening = func(step keying.Step) keying.Step { return keying.NewOpening(step, s.random.Stream(name+"/opening")) }
	return n
}

// describes says which media the end would send, as far as the other end would get them, and get. It names the SSRCs that
// they have now, and those that others had as well (RFC 5576 §5).
func (n *negotiation) describes(sends []string, peer *jsep.Description) {
	if n.gathering != nil {
		n.gathering.describe(n.own)
	}
	for i := range n.can {
		own := &n.own.Sections[i]
		if ssrc := n.ssrcOf(i); own.SSRC != ssrc {
			if own.SSRC != 0 {
				own.Previous = append(slices.Clone(own.Previous), own.SSRC)
			}
			own.SSRC, own.CNAME = ssrc, n.session.Connection().CNAME()
		}
		own.Sends = n.can[i].Sends && (sends == nil || slices.Contains(sends, n.names[i]))
		own.Receives = n.can[i].Receives
		if peer != nil { // RFC 3264 §6.1
			own.Sends, own.Receives = own.Sends && peer.Sections[i].Receives, own.Receives && peer.Sections[i].Sends
		}
		n.describeEncodings(i, peer)
	}
}

// Offer describes the end, which from now on is ready for whoever answers (RFC 8842 §5.2).
func (n *negotiation) Offer(now simtime.Time) string {
	n.offered = n.wants
	n.own.Setup = jsep.ActPass
	fresh := n.preshared == nil && (!n.step.Begun() || n.dead())
	if !fresh {
		n.offerRestart()
	} else if n.dead() {
		n.renew()
	}
	n.describes(n.offered, nil)
	if fresh {
		n.step.Begin(n.handshake(dtls.Server), false)
		n.stir(now)
	}
	return n.own.String()
}

// dead reports whether checks have come to nothing before there was a handshake: the next agreement begins with new ones.
func (n *negotiation) dead() bool {
	return n.checks != nil && !n.step.Heard() && (n.checks.Agent().State() == ice.Failed || n.checks.Agent().State() == ice.Disconnected)
}

// Rollback takes the offer back, and with it the readiness.
func (n *negotiation) Rollback(now simtime.Time) {
	n.withdrawRestart(now)
	if n.preshared == nil && !n.step.Client() {
		n.step.Reset()
	}
}

// Answer takes an offer. Whoever answers begins the handshake, unless that is under way (RFC 8842 §5.3, §5.5).
func (n *negotiation) Answer(now simtime.Time, offer string) (string, error) {
	d, err := n.fits(offer, jsep.ActPass)
	if err != nil {
		return "", err
	}
	n.answerRestart(now, d)
	dead := n.dead()
	if dead {
		n.renew()
	}
	n.describes(n.holds, d)
	n.own.Setup = jsep.Active
	switch {
	case n.preshared != nil:
		n.step.Begin(n.preshared, true)
	case dead: // and nothing of it is worth keeping
		n.step.Begin(n.handshake(dtls.Client), true)
	case n.step.Begun() && !n.step.Client() && (n.answered || n.step.Heard()):
		n.own.Setup = jsep.Passive
	case !n.step.Client():
		n.step.Begin(n.handshake(dtls.Client), true)
	}
	n.apply(now, d)
	return n.own.String(), nil
}

// Agree takes the answer to the end's offer.
func (n *negotiation) Agree(now simtime.Time, answer string) error {
	d, err := n.fits(answer, jsep.Active, jsep.Passive)
	if err != nil {
		return err
	}
	if err := n.restarted(d); err != nil {
		return err
	}
	n.holds, n.answered = n.offered, true
	switch client := n.step.Client(); {
	case n.preshared != nil:
		n.step.Begin(n.preshared, false)
	case client == (d.Setup == jsep.Passive): // as they were
	case client && !n.step.Heard(): // nobody has heard of the handshake that this end has begun for an earlier offer
		n.step.Begin(n.handshake(dtls.Server), false)
	default:
		return fmt.Errorf("a=setup:%s, and this end has the same part in the handshake", d.Setup)
	}
	if n.preshared == nil && n.checks == nil && !n.step.Client() && !n.step.Heard() {
		n.step.Wrap(n.opening)
	}
	n.apply(now, d)
	return nil
}

// apply lets those sections send that both ends want to, and the ends check whether they reach each other.
func (n *negotiation) apply(now simtime.Time, peer *jsep.Description) {
	if n.checks != nil {
		n.check(now, peer)
	}
	n.expect(peer)
	for _, section := range n.session.Sections() {
		if n.sends(section, peer) {
			section.Release(now)
		} else {
			section.Hold(now)
		}
	}
	n.stir(now)
}

// mentions reports whether the end's description has an SSRC.
func (n *negotiation) mentions(ssrc uint32) bool {
	return slices.ContainsFunc(n.own.Sections, func(s jsep.Section) bool { return s.SSRC == ssrc })
}

// expect lets the end know the SSRCs that the other one has described.
func (n *negotiation) expect(peer *jsep.Description) {
	for _, section := range n.session.Sections() {
		if d := &peer.Sections[section.Medium()]; d.SSRC != 0 {
			section.Expect(d.SSRC, d.Previous...)
		}
	}
}

// fits reads a description. An error says why this end's session can't be made of it.
func (n *negotiation) fits(text string, setups ...jsep.Setup) (*jsep.Description, error) {
	d, err := jsep.Parse(text)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(setups, d.Setup) {
		return nil, fmt.Errorf("a=setup:%s, not %s", d.Setup, setups[0])
	}
	same := n.gathering != nil || d.Addr == n.peer.Addr && (d.ICE == n.peer.ICE || n.restarts.may) || n.moves && d.Addr.IP == n.peer.Addr.IP
	if d.Fingerprint != n.peer.Fingerprint || !same {
		return nil, fmt.Errorf("it is of somebody else, at %v", d.Addr)
	}
	return d, n.own.Agrees(d)
}

// stir lets the session do what its keys have to do.
func (n *negotiation) stir(now simtime.Time) {
	n.session.HandleKeying(now)
	n.s.byName[n.self].host.drain(now)
}

// describeEnds gives both ends their descriptions.
func (s *Simulation) describeEnds(call *Call, configs [2]*endpoints.SessionConfig, ends [2]*negotiation, extensions []headerext.Entry) {
	names := [2]string{call.A, call.B}
	var described [2]*jsep.Description
	for i, name := range names {
		e := &side{name: name, peer: names[1-i], party: s.byName[name], cname: s.byName[name].config.CNAME}
		sections := sectionsOf(call.Sessions[0].Media)
		d := s.describe(e, extensions, sections)
		d.Addr = configs[1-i].Remote // as the other end reaches it
		d.Fingerprint = s.identity(name).Fingerprint()
		if s.config.Security.FullICE {
			d.ICE, d.Candidates = s.credentials(name, names[1-i]), []ice.Candidate{ice.HostCandidate(d.Addr)}
		}
		for j, at := range leading(sections) { // SSRCs are drawn by the session, unless they are given
			section := &d.Sections[j]
			section.SSRC, section.RTX = configs[i].Sections[at].SSRC, 0
			section.Extensions = configs[i].Extensions
			rtcp := call.Sessions[0].RTCP[i]
			section.RTCP = partOf(&rtcp, len(d.Sections))
			section.TrrInterval, section.FullSize = rtcp.TrrInterval, !rtcp.ReducedSize
		}
		described[i] = d
	}
	for i, n := range ends {
		n.own, n.peer = described[i], described[1-i]
		n.can, n.takes = slices.Clone(n.own.Sections), make([]jsep.Section, len(n.own.Sections))
		sections := sectionsOf(call.Sessions[0].Media)
		for j, at := range leading(sections) {
			n.own.Sections[j].RIDs, n.own.Sections[j].Simulcast = nil, nil // nobody has been told
			name := ""
			for _, m := range sections[at] {
				if m.From == names[i] {
					name = m.medium()
				}
			}
			n.names = append(n.names, name)
		}
	}
}

// partOf returns a media section's part of the bandwidth of RTCP, which add up.
func partOf(c *endpoints.RTCPConfig, sections int) *jsep.RTCPBandwidth {
	part := c.Bandwidth / units.BitRate(sections)
	share := c.SenderShare
	if share == 0 {
		share = 0.25 // RFC 3550 §6.2
	}
	senders := units.BitRate(max(share, 0) * float64(part))
	return &jsep.RTCPBandwidth{Senders: senders, Receivers: part - senders}
}
