package topologies

import (
	"fmt"
	"slices"

	"rtpfabric/ccontrol"
	"rtpfabric/endpoints"
	"rtpfabric/sim/hosted"
	"rtpfabric/sim/simtime"
)

// Interceptor is part of somebody else's stack that stands in the sessions of an endpoint of ours.
type Interceptor struct {
	Type    string
	Options map[string]string
}

// InterceptorKind is a type of interceptors.
type InterceptorKind struct {
	Name, Help string
	// Options are those that it has.
	Options []InterceptorOption
	// Without is what it does instead of a session; feedback of one kind, if Feedback isn't empty. Leads says
	// that it decides about the rate of what the session sends.
	Without  endpoints.Without
	Feedback endpoints.Feedback
	Leads    bool
	// Several of it may be in one session.
	Several bool
}

// InterceptorOption is one of a kind's.
type InterceptorOption struct {
	Name, Default, Help string
	// Check returns an error that says what would be right; nil if anything is.
	Check func(value string) error
}

// Chain is interceptors, one around the other, in a session.
type Chain interface {
	endpoints.Interceptor
	// Attach tells the chain whose it is, before anything is sent.
	Attach(s *endpoints.Session)
	// Stirred reports whether goroutines have left something since it was asked last. Any may have.
	Stirred() bool
	// Lead tells the session's controller what the chain has decided about the rate. It reports whether that
	// is news.
	Lead() bool
	// Close ends the chain's goroutines.
	Close()
}

// ChainConfig describes a chain.
type ChainConfig struct {
	// Interceptors, of which the first stands next to the network.
	Interceptors []Interceptor
	// Session is where they stand: formats, header extensions, feedback and repair count.
	Session *endpoints.SessionConfig
	Clock   *hosted.Clock
	// Name of the session's end, for what is drawn.
	Name string
	// Limits are those of what is sent; Led, if not nil, is the session's controller.
	Limits ccontrol.Limits
	Led    *Led
}

// ChainMaker makes chains.
type ChainMaker interface {
	// Kinds returns the types of interceptors that there are.
	Kinds() []InterceptorKind
	Open(c ChainConfig) (Chain, error)
}

var chains ChainMaker

// RegisterChains lets endpoints have interceptors. It is called by an init function.
func RegisterChains(m ChainMaker) {
	if chains != nil {
		panic("topologies: makers of chains registered twice")
	}
	chains = m
}

// InterceptorKinds returns the types of interceptors that endpoints can have.
func InterceptorKinds() []InterceptorKind {
	if chains == nil {
		return nil
	}
	return chains.Kinds()
}

// LookupInterceptor returns the type of interceptors with a name; false if there is none.
func LookupInterceptor(name string) (InterceptorKind, bool) {
	kinds := InterceptorKinds()
	if at := slices.IndexFunc(kinds, func(k InterceptorKind) bool { return k.Name == name }); at >= 0 {
		return kinds[at], true
	}
	return InterceptorKind{}, false
}

// leads reports whether one of an endpoint's interceptors decides about its rate.
func (e *Endpoint) leads() bool {
	return slices.ContainsFunc(e.Interceptors, func(i Interceptor) bool {
		k, _ := LookupInterceptor(i.Type)
		return k.Leads
	})
}

// intercept puts an endpoint's interceptors into one of its sessions. models are what it sends there.
func (s *Simulation) intercept(sc *endpoints.SessionConfig, end *sessionEnd, models []endpoints.StreamModel) error {
	list := s.byName[end.self].config.Interceptors
	if len(list) == 0 {
		return nil
	}
	c := ChainConfig{Interceptors: list, Session: sc, Clock: s.clock, Name: end.self + "/" + end.peer + "/" + end.session}
	leads := false
	for _, i := range list {
		k, ok := LookupInterceptor(i.Type)
		if !ok {
			return fmt.Errorf("endpoint %s: this program has no interceptor %q", end.self, i.Type)
		}
		w := &sc.Without
		w.Requests = w.Requests || k.Without.Requests
		w.Retransmissions = w.Retransmissions || k.Without.Retransmissions
		w.Feedback = w.Feedback || k.Without.Feedback && (k.Feedback == "" || k.Feedback == sc.Feedback)
		w.Reports = w.Reports || k.Without.Reports
		w.Pacing = w.Pacing || k.Without.Pacing
		leads = leads || k.Leads
	}
	if len(models) > 0 {
		c.Limits = endpoints.Limits(models)
	}
	if leads && len(models) > 0 {
		c.Led = &Led{}
		c.Led.Lead(c.Limits.Start)
		sc.Controller = c.Led
	}
	chain, err := chains.Open(c)
	if err != nil {
		return fmt.Errorf("endpoint %s: %w", end.self, err)
	}
	sc.Interceptor = chain
	if c.Led != nil {
		sc.Signals = c.Led.names
	}
	s.chains = append(s.chains, chain)
	return nil
}

// connectChains lets the run hear of chains, when all are in their places.
func (s *Simulation) connectChains() {
	for _, session := range s.Sessions() {
		chain, ok := session.Interceptor().(Chain)
		if !ok {
			continue
		}
		chain.Attach(session)
		h := s.byName[session.Endpoint()].host
		s.clock.OnWake(func(now simtime.Time) {
			if !chain.Stirred() {
				return
			}
			session.HandleIntercepted(now)
			if chain.Lead() {
				h.stack.HandleTimeout(now)
			}
			h.drain(now)
		})
	}
}
