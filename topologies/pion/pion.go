// Package pion makes endpoints that are pion's WebRTC stack, unmodified, in virtual time: its ICE, DTLS and
// SRTP, its reports, retransmissions and feedback, and its bandwidth estimator. Importing it registers the
// stack "pion".
//
// Three things are changed around it. So that the same run is the same each time signatures always have the
// same length, and packets of RTCP that several of pion's goroutines send in one instant leave in an order of
// their own. And the pacer of its estimator gets to know the SSRCs of retransmissions, which it drops
// otherwise. With the option "profile" set to "faithful" nothing is changed, and runs are alike only on average.
package pion

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/ice/turn"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

func init() { topologies.RegisterStack("pion", Open) }

// Open returns an endpoint that is pion's stack.
func Open(c topologies.GuestConfig) (topologies.Guest, error) {
	s := &stack{config: c}
	for _, name := range slices.Sorted(maps.Keys(c.Options)) {
		if err := s.options.set(name, c.Options[name]); err != nil {
			return nil, err
		}
	}
	c.Host.WriteAhead() // pion holds locks while it writes
	var err error
	s.certificate, err = certificate(c.Identity, s.options.faithful)
	return s, err
}

// stack is an endpoint.
type stack struct {
	config      topologies.GuestConfig
	options     options
	certificate webrtc.Certificate
	ends        []*end
	out         packet.FIFO
	stirred     bool // the host may have something to send
}

// Name returns the endpoint's name.
func (s *stack) Name() string { return s.config.Name }

// HandlePacket gives a packet to the socket that it is for.
func (s *stack) HandlePacket(now simtime.Time, p *packet.Packet) {
	if p.Protocol == packet.TCP {
		s.config.Host.HandleSegment(now, p)
		return
	}
	if e := s.endAt(p.Dst); e != nil && e.session != nil && packet.IsRTCP(p.Payload) {
		e.session.CarrierGotRTCP()
	}
	s.config.Host.Deliver(p.Src, p.Dst, p.Payload)
	s.config.Pool.Release(p)
}

// HandleTimeout makes media, and plays them out.
func (s *stack) HandleTimeout(now simtime.Time) {
	s.config.Host.HandleTimeout(now)
	s.config.Media.HandleTimeout(now)
}

// PollPacket returns what the stack has sent. Media that are due go into it first, and what has come of it
// is played out.
func (s *stack) PollPacket(now simtime.Time) *packet.Packet {
	if p := s.out.Pop(); p != nil {
		return p
	}
	for s.exchange(now) {
		s.config.Clock.Settle()
	}
	if !s.stirred {
		return s.config.Host.PollSegment(now)
	}
	s.stirred = false
	for _, d := range s.config.Host.Sent() {
		p := s.config.Pool.New()
		copy(p.SetPayload(len(d.Payload)), d.Payload)
		p.Src, p.Dst, p.Drawn = d.Src, d.Dst, true
		p.Flow = s.Label(turn.Unwrap(p.Payload))
		s.out.Push(p)
	}
	if p := s.out.Pop(); p != nil {
		return p
	}
	return s.config.Host.PollSegment(now)
}

// Label returns the number of the stream that a packet of RTP is of; 0 if it is of none.
func (s *stack) Label(payload []byte) int32 {
	for _, e := range s.ends {
		if n := e.label(payload); n != 0 {
			return n
		}
	}
	return 0
}

// exchange takes from each end what has come of it, if anything has, and gives it what is to be sent. It
// reports whether the stack has something to do with it.
func (s *stack) exchange(now simtime.Time) (busy bool) {
	if host := s.config.Host; host.Stirred() {
		host.Calm()
		s.stirred = true
		for _, e := range s.ends {
			busy = e.collect(now) || busy
		}
	}
	for p := s.config.Media.PollPacket(now); p != nil; p = s.config.Media.PollPacket(now) {
		if e := s.endAt(p.Src); e != nil {
			e.send(p)
			busy = true
		}
		s.config.Pool.Release(p)
	}
	return busy
}

func (s *stack) endAt(a packet.Addr) *end {
	i := slices.IndexFunc(s.ends, func(e *end) bool { return e.addr == a })
	if i < 0 {
		return nil
	}
	return s.ends[i]
}

// PollEvent returns the next event. A key frame that is wanted is asked for.
func (s *stack) PollEvent() (endpoints.Event, bool) {
	e, ok := s.config.Media.PollEvent()
	if ok && e.Kind == endpoints.RefreshRequested {
		for _, end := range s.ends {
			if end.session == e.Session {
				end.requestRefresh(e.SSRC)
			}
		}
	}
	return e, ok
}

// NextTimeout returns that of the media, or of TCP.
func (s *stack) NextTimeout() (simtime.Time, endpoints.Reason) {
	at, why := s.config.Media.NextTimeout()
	if t := s.config.Host.NextTimeout(); t < at {
		return t, endpoints.ReasonOther
	}
	return at, why
}

// Held returns how many packets the stack owns.
func (s *stack) Held() int { return s.out.Len() + s.config.Media.Held() }

// Close ends all connections. What they have to say may wait for their network, and they with it.
func (s *stack) Close() {
	s.config.Host.StopDialling()
	for _, e := range s.ends {
		if e.closing {
			continue
		}
		e.closing = true
		go func() {
			_ = e.pc.Close()
		}()
		s.config.Clock.Settle()
	}
}

// options of the stack.
type options struct{ faithful, unpaced, passive, turnTCP bool }

func (o *options) set(name, value string) error {
	known, ok := map[string]struct {
		usual, other string
		isOther      *bool
	}{
		"dtls": {"active", "passive", &o.passive}, "pacer": {"leaky-bucket", "none", &o.unpaced},
		"profile": {"deterministic", "faithful", &o.faithful}, "turn": {"udp", "tcp", &o.turnTCP},
	}[name]
	switch {
	case !ok:
		return fmt.Errorf("pion has no option %q; it has dtls, pacer, profile and turn", name)
	case value != known.usual && value != known.other:
		return fmt.Errorf("pion's option %s is %q; it can be %q or %q", name, value, known.usual, known.other)
	}
	*known.isOther = value == known.other
	return nil
}

// quiet is a logger factory that logs nothing: what goes wrong shows in the run.
func quiet() logging.LoggerFactory {
	f := logging.NewDefaultLoggerFactory()
	f.DefaultLogLevel = logging.LogLevelDisabled
	f.ScopeLevels = nil
	return f
}
