package topologies

import (
	"slices"
	"strings"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/ice"
	"rtpfabric/sim/engine"
	"rtpfabric/sim/simtime"
)

// Ends of a call with a guest that ask a server for candidates tell each other of them as they are found (RFC 8838). What tells
// them isn't simulated, and takes a millisecond.

// gatherBeside lets an end of ours gather candidates, and check them.
func (s *Simulation) gatherBeside(e *side, full *ice.Full) *ice.Transport {
	g := s.config.Gathering
	c := ice.SocketConfig{Local: e.addr, STUN: iceServerAddr, Random: s.random.Stream("ice/" + e.name + "/" + e.peer + "/gathering")}
	if g.Relays {
		c.TURN, c.Username, c.Password = iceServerAddr, e.name, password(s.random, e.name)
	}
	socket := ice.NewSocket(c)
	t := ice.NewTransport(full, socket, e.remote)
	full.Use(t)
	e.checks = full
	socket.Gather(s.Loop.Now())
	return t
}

// tellCandidates tells the other end of what an end of ours finds, but for its own address, of which that knows.
func (s *Simulation) tellCandidates(e *side, session *endpoints.Session, t *ice.Transport) {
	before, told := e.party.host.inside, []ice.Candidate{}
	e.party.host.inside = func(event endpoints.Event) (more bool) {
		if before != nil {
			more = before(event)
		}
		if event.Kind != endpoints.CandidateGathered || event.Session != session {
			return more
		}
		for _, c := range t.Candidates() {
			if c.Type != ice.Host && !slices.Contains(told, c) {
				told = append(told, c)
				s.tellCandidate(event.At, e.other, candidatePrefix+c.String())
			}
		}
		return more
	}
}

const candidatePrefix = "candidate:"

// tellCandidate tells an end of a candidate of the other one's.
func (s *Simulation) tellCandidate(now simtime.Time, e *side, candidate string) {
	s.Loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
		if e.end != nil {
			_ = e.end.AddCandidate(candidate) // what a stack doesn't take is of no use to it
			s.clock.Settle()
		} else if c, err := ice.ParseCandidate(strings.TrimPrefix(candidate, candidatePrefix)); err == nil && e.checks != nil {
			e.checks.AddRemote(now, c)
		}
		e.party.host.drain(now)
	})).Set(now.Add(trickle))
}
