package topologies

import (
	"fmt"
	"maps"
	"slices"

	"rtpfabric/endpoints/ice"
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/sim/engine"
	"rtpfabric/sim/hosted"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// HostedStep is a keying step of somebody else's, made of goroutines.
type HostedStep interface {
	keying.Foreign
	// Start lets it begin.
	Start()
	// Stirred reports whether goroutines have left something since it was asked last. Any may have.
	Stirred() bool
	// Close ends its goroutines.
	Close()
}

// KeyingConfig describes a hosted step.
type KeyingConfig struct {
	Clock *hosted.Clock
	// Local and Remote are the flow.
	Local, Remote packet.Addr
	// DTLS is what ours would be made with.
	DTLS dtls.Config
	// Controlling, and both ends' credentials, are for ICE.
	Controlling bool
	Own, Peer   ice.Credentials
}

// KeyingMaker makes hosted steps.
type KeyingMaker interface {
	// DTLS returns one end of a handshake.
	DTLS(c KeyingConfig) (HostedStep, error)
	// ICE returns one with connectivity checks before another one, which it lets begin when there is a pair.
	ICE(before keying.Step, c KeyingConfig) (HostedStep, error)
}

// keyings are who can make such steps, by name.
var keyings = map[string]KeyingMaker{}

// RegisterKeying lets sessions of ours have somebody else's DTLS and ICE. It is called by init functions.
func RegisterKeying(name string, m KeyingMaker) {
	if keyings[name] != nil {
		panic("topologies: keying of " + name + " registered twice")
	}
	keyings[name] = m
}

// hostedKeying is the key management of a flow with hosted steps in it.
type hostedKeying struct {
	whole keying.Step
	steps []HostedStep
	ice   bool // the first of them
}

func (k *hostedKeying) close() {
	for _, s := range k.steps {
		s.Close()
	}
}

// stirred reports whether any step is.
func (k *hostedKeying) stirred() bool {
	stirred := false
	for _, s := range k.steps {
		stirred = s.Stirred() || stirred
	}
	return stirred
}

// hostedHandshake returns one end of a flow's key management, of which somebody else does a part at least.
func (s *Simulation) hostedHandshake(config dtls.Config, self, peer, suffix string, local, remote packet.Addr) (keying.Step, error) {
	c := &s.config.Security
	k := &hostedKeying{}
	kc := KeyingConfig{Clock: s.clock, Local: local, Remote: remote, DTLS: config, Controlling: config.Role == dtls.Server}
	var err error
	if c.DTLS == "" {
		k.whole = dtls.New(config)
	} else {
		m, err := maker(c.DTLS)
		if err != nil {
			return nil, err
		}
		step, err := m.DTLS(kc)
		if err != nil {
			return nil, fmt.Errorf("endpoint %s: %w", self, err)
		}
		k.whole, k.steps = step, append(k.steps, step)
	}
	s.keyings = append(s.keyings, k)
	if c.ICE == "" {
		if config.Role == dtls.Server {
			k.whole = keying.NewOpening(k.whole, s.random.Stream("dtls/"+self+suffix+"/"+peer+suffix+"/opening"))
		}
		return k.whole, nil
	}
	m, err := maker(c.ICE)
	if err != nil {
		return nil, err
	}
	kc.Own, kc.Peer = s.credentials(self+suffix, peer+suffix), s.credentials(peer+suffix, self+suffix)
	step, err := m.ICE(k.whole, kc)
	if err != nil {
		return nil, fmt.Errorf("endpoint %s: %w", self, err)
	}
	k.whole, k.steps, k.ice = step, append([]HostedStep{step}, k.steps...), true
	return step, nil
}

func maker(name string) (KeyingMaker, error) {
	if m := keyings[name]; m != nil {
		return m, nil
	}
	return nil, fmt.Errorf("this program has no DTLS and ICE of %q; it has those of %q", name, slices.Sorted(maps.Keys(keyings)))
}

// connectKeyings lets the run hear of hosted steps, and those begin.
func (s *Simulation) connectKeyings() {
	for _, session := range s.Sessions() {
		for _, whole := range session.Keying() {
			i := slices.IndexFunc(s.keyings, func(k *hostedKeying) bool { return k.whole == whole })
			if i < 0 {
				continue
			}
			k := s.keyings[i]
			h := s.byName[session.Endpoint()].host
			s.clock.OnWake(func(now simtime.Time) {
				if k.stirred() {
					session.HandleKeying(now)
					h.drain(now)
				}
			})
			if !k.ice {
				k.steps[0].Start()
				continue
			}
			s.Loop.NewTimer(engine.HandlerFunc(func(simtime.Time) { k.steps[0].Start() })).Set(s.Loop.Now().Add(trickle))
		}
	}
}
