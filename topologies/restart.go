package topologies

import (
	"errors"
	"fmt"

	"rtpfabric/endpoints/ice"
	"rtpfabric/endpoints/jsep"
	"rtpfabric/sim/simtime"
)

// restarts is how an end begins its checks anew (RFC 8445 §9): with other credentials, by which the other end knows
// (RFC 8839 §4.4.1.1.1). The handshake stays as it is (RFC 8842 §4).
type restarts struct {
	may    bool // others as well
	agents int  // how many there have been
	// wanted says that the next offer restarts; before are the credentials of before one that isn't answered, zero if there is
	// none.
	wanted bool
	before ice.Credentials
	peer   ice.Credentials // of the description that holds
	fresh  int             // credentials that were drawn
	// undo are the credentials of both ends before the offer that this end has answered with a restart; zero if it hasn't.
	undo [2]ice.Credentials
}

// checker returns an agent with the end's credentials and candidates.
func (n *negotiation) checker(controlling bool) *ice.Agent {
	n.restarts.agents++
	candidates := []ice.Candidate{ice.HostCandidate(n.local)}
	if n.gathering != nil {
		candidates = n.gathering.socket.Candidates()
	}
	return n.s.checker(n.self, n.other, n.restarts.agents, controlling, n.own.ICE, candidates...)
}

// restart gives the end other credentials and an agent that has them, in the role of the one before (RFC 8445 §6.1.1).
func (n *negotiation) restart() {
	n.draw()
	n.checks.Restart(n.checker(n.checks.Agent().Controlling()))
}

// draw draws other credentials.
func (n *negotiation) draw() {
	n.restarts.fresh++
	n.own.ICE = ice.NewCredentials(n.s.random.Stream(fmt.Sprintf("ice/%s/%s/restart/%d", n.self, n.other, n.restarts.fresh)))
}

// renew gives an end whose checks have come to nothing other credentials, where the other end takes them for its.
func (n *negotiation) renew() {
	if r := &n.restarts; r.may {
		n.draw()
		r.wanted, n.answered = false, false
	}
}

// restarted refuses an answer that restarts what the offer doesn't (RFC 8839 §4.4.1.1.1).
func (n *negotiation) restarted(d *jsep.Description) error {
	r := &n.restarts
	if n.checks == nil || n.checks.Agent().State() == ice.New || r.peer == (ice.Credentials{}) || d.ICE == r.peer {
		return nil
	}
	return errors.New("the answer restarts ICE, and the offer doesn't")
}

// Revert implements [signalling.Reverter]: a restart that this end has answered isn't one.
func (n *negotiation) Revert(now simtime.Time) {
	if r := &n.restarts; r.undo != [2]ice.Credentials{} {
		n.own.ICE, r.peer, r.undo = r.undo[0], r.undo[1], [2]ice.Credentials{}
		n.checks.Withdraw()
		n.stir(now)
	}
}

// offerRestart restarts with an offer, if that is wanted.
func (n *negotiation) offerRestart() {
	if r := &n.restarts; r.wanted && n.checks != nil {
		r.before = n.own.ICE
		n.restart()
	}
}

// withdrawRestart takes it back with the offer. It is wanted still.
func (n *negotiation) withdrawRestart(now simtime.Time) {
	if r := &n.restarts; r.before != (ice.Credentials{}) {
		n.own.ICE, r.before = r.before, ice.Credentials{}
		n.checks.Withdraw()
		n.stir(now)
	}
}

// answerRestart restarts as the offer does. Servers are asked by now, unless candidates may follow.
func (n *negotiation) answerRestart(now simtime.Time, d *jsep.Description) {
	anew := n.restartsBy(d.ICE)
	if g := n.gathering; g != nil && (!g.socket.Begun() || anew && g.ready() && n.s.config.Gathering.Trickle) {
		g.begin(now)
	}
	n.restarts.undo = [2]ice.Credentials{}
	if anew {
		n.restarts.undo = [2]ice.Credentials{n.own.ICE, n.restarts.peer}
		n.restart()
	}
}

// restartsBy reports whether the other end's credentials are others than those that hold.
func (n *negotiation) restartsBy(peer ice.Credentials) bool {
	r := &n.restarts
	return n.checks != nil && r.peer != (ice.Credentials{}) && peer != r.peer && !n.dead()
}

// check lets the agent check the candidates of a description, and of fragments that came before it.
func (n *negotiation) check(now simtime.Time, d *jsep.Description) {
	if r := &n.restarts; r.before != (ice.Credentials{}) {
		r.wanted, r.before = false, ice.Credentials{}
	}
	n.restarts.peer = d.ICE
	n.checks.Begin(now, d.ICE, d.Candidates...)
	if g := n.gathering; g != nil {
		g.theirs = d.Complete
		for _, f := range g.early {
			n.addCandidates(now, f)
		}
		g.early = nil
		g.expect(now)
	}
}

func (n *negotiation) addCandidates(now simtime.Time, f *jsep.Fragment) {
	if f.ICE != n.restarts.peer {
		return
	}
	for _, c := range f.Candidates {
		n.checks.AddRemote(now, c)
	}
	n.gathering.theirs = n.gathering.theirs || f.Complete
	n.gathering.expect(now)
}

// AddCandidates implements [signalling.Trickler].
func (n *negotiation) AddCandidates(now simtime.Time, fragment string) error {
	f, err := jsep.ParseFragment(fragment)
	switch {
	case err != nil:
		return err
	case n.gathering == nil:
		return fmt.Errorf("%d candidates, and here they are known", len(f.Candidates))
	case n.checks != nil && f.ICE == n.restarts.peer:
		n.addCandidates(now, f)
		n.stir(now)
	case len(n.gathering.early) < maxEarlyFragments:
		n.gathering.early = append(n.gathering.early, f)
	}
	return nil
}
