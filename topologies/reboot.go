package topologies

import (
	"fmt"

	"rtpfabric/endpoints"
	"rtpfabric/sim/engine"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// BoxChange is a middlebox whose process dies, or is there again.
type BoxChange struct {
	At   simtime.Time
	Name string
	Up   bool
	// Missed is how many packets have come while nobody took them, if it is there again.
	Missed uint64
}

// OnBox tells a function of every change of a middlebox.
func (s *Simulation) OnBox(sink func(BoxChange)) { s.boxChanged = sink }

// scheduleRestarts lets the middlebox die and come back.
func (s *Simulation) scheduleRestarts() {
	if len(s.config.Restarts) == 0 {
		return
	}
	name, h := s.restarted()
	h.pool = s.Fabric.Pool()
	for n, r := range s.config.Restarts {
		s.Loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
			if s.byName[name] != nil {
				s.byName[name].endpoint.Die()
			}
			h.timer.Stop()
			h.dead, h.missed = true, 0
			s.boxChanged(BoxChange{At: now, Name: name})
		})).Set(r.At)
		s.Loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
			h.dead = false
			if r, is := h.stack.(*relay); is {
				r.forget()
			} else if err := s.revive(now, name, n+1); err != nil {
				panic(fmt.Sprintf("topologies: seed %d, at %v: %s can't be restarted: %v", s.config.Seed, now, name, err))
			}
			s.boxChanged(BoxChange{At: now, Name: name, Up: true, Missed: h.missed})
			h.drain(now)
		})).Set(r.At.Add(r.For))
	}
}

// restarted returns the middlebox, of which there is one.
func (s *Simulation) restarted() (string, *host) {
	if names := s.Relays(); len(names) > 0 {
		return names[0], s.relays[names[0]]
	}
	for i := range s.config.Endpoints {
		if e := &s.config.Endpoints[i]; e.Forwards {
			return e.Name, s.byName[e.Name].host
		}
	}
	panic("topologies: no middlebox to restart")
}

// forget lets a relay begin anew: it has no SSRC bound, and knows no speaker.
func (r *relay) forget() {
	for i := range r.flows {
		if b := r.flows[i].bound; b != nil {
			r.flows[i].bound = newBindings(b.after)
		}
	}
	streams := r.streams
	r.streams, r.speakers = nil, speakers{talk: map[string]*spurt{}}
	for _, st := range streams {
		r.learn(st.of, st.from)
	}
}

// revive makes a middlebox that passes media on or mixes them anew, with calls to the peers that its configuration
// names. They know nothing of it.
func (s *Simulation) revive(now simtime.Time, name string, n int) error {
	p := s.byName[name]
	drawn := rng.New(s.random.Stream(fmt.Sprintf("restart/%s/%d", name, n)).Uint64())
	p.endpoint.Restart(drawn)
	p.coupling = coupling{}
	before := Mixes{}
	if s.mixers[name] != nil {
		before = s.Mixes(name)
	}
	s.addCentre(name)
	if m := s.mixers[name]; m != nil {
		m.before = before
	}
	s.watchPictures(p.host, name)
	for i := range s.config.Calls {
		call := &s.config.Calls[i]
		peer, side := call.A, 1
		if call.A == name {
			peer, side = call.B, 0
		}
		if err := s.callAgain(now, call, name, peer, side, drawn); err != nil {
			return err
		}
	}
	s.connectMixers()
	s.connectCompositions()
	s.project()
	return nil
}

// callAgain makes the middlebox's end of a call anew. Addresses, and keys where there are any, are configuration.
func (s *Simulation) callAgain(now simtime.Time, call *Call, self, peer string, side int, drawn *rng.Source) error {
	leaves := s.byName[peer].config.Leaves
	end := endpoints.ConnectionConfig{
		Peer: peer, CNAME: s.byName[self].config.CNAME, LipSync: s.config.LipSync, PeerGone: leaves > 0 && leaves <= now,
	}
	extensions, allowed, err := s.offered(call)
	if err != nil {
		return err
	}
	end.Bandwidth = allowed[side]
	for i := range call.Sessions {
		session := &call.Sessions[i]
		s.random, drawn = drawn, s.random // but for keys all is drawn anew
		sc, err := s.sessionConfig(s.end(self, peer, sessionEnd{
			session: session.Name, rtcp: session.RTCP[side], extensions: extensions, sections: sectionsOf(session.Media), bandwidth: allowed[side],
		}))
		s.random, drawn = drawn, s.random
		if err != nil {
			return err
		}
		sc.Breakers = s.config.Breakers.Config
		if err := s.secure(&sc, call, self, peer); err != nil {
			return err
		}
		end.Sessions = append(end.Sessions, sc)
	}
	_, err = s.byName[self].endpoint.Connect(now, end)
	return err
}
