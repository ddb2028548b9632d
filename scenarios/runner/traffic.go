package runner

import (
	"fmt"
	"time"

	"rtpfabric/scenarios"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/traffic"
	"rtpfabric/sim/traffic/tcp"
	"rtpfabric/sim/units"
	"rtpfabric/topologies"
)

// trafficPort is where sources send from and sinks listen.
const trafficPort = 5001

// crossTraffic translates a scenario's traffic.
func crossTraffic(t *scenarios.Traffic, duration time.Duration) topologies.Traffic {
	out := topologies.Traffic{
		Name: t.Name, From: t.From, To: t.To, Kind: t.Type,
		Start: simtime.At(t.Start.From), Stop: simtime.At(t.Stops(duration)),
	}
	if t.Stops(duration) == duration {
		out.Stop = simtime.Never
	}
	switch {
	case t.Type == "udp":
		out.Peak = *t.Rate
		for _, s := range t.Schedule {
			out.Peak = max(out.Peak, s.Rate)
		}
		out.Sources = append(out.Sources, udp(t, &out))
	case t.Short != nil:
		for i := range t.Short.Connections {
			out.Sources = append(out.Sources, shortTCP(t, &out, i))
		}
	case t.Chunks != nil:
		out.Sources = append(out.Sources, chunkedTCP(t, &out))
	default:
		out.Sources = append(out.Sources, longTCP(t, &out))
	}
	return out
}

// must takes the error out of a constructor whose parameters the loader has
// checked.
func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprintf("runner: %v", err))
	}
	return v
}

func tcpConfig(t *scenarios.Traffic, env *topologies.TrafficEnv) tcp.Config {
	c := tcp.Config{
		Local:   packet.Addr{IP: env.Local, Port: trafficPort},
		Remote:  packet.Addr{IP: env.Remote, Port: trafficPort},
		Control: t.Control, DSCP: uint8(t.DSCP),
	}
	if t.ECN != nil && *t.ECN {
		c.ECN = tcp.ClassicECN
	}
	return c
}

func tcpSink(t *scenarios.Traffic, env *topologies.TrafficEnv) topologies.Source {
	c := tcpConfig(t, env)
	c.Local, c.Remote = c.Remote, packet.Addr{}
	return must(traffic.NewTCPSink(c, env.Pool))
}

// stop is 0, which is never to sources, for the end of the run.
func stop(t *topologies.Traffic) simtime.Time {
	if t.Stop == simtime.Never {
		return 0
	}
	return t.Stop
}

func longTCP(t *scenarios.Traffic, out *topologies.Traffic) func(*topologies.TrafficEnv) (source, sink topologies.Source) {
	start, end := out.Start, stop(out)
	return func(env *topologies.TrafficEnv) (source, sink topologies.Source) {
		s := must(traffic.NewLongTCP(traffic.LongTCPConfig{TCP: tcpConfig(t, env), Start: start, Stop: end}, env.Pool))
		return connSource{s}, tcpSink(t, env)
	}
}

func chunkedTCP(t *scenarios.Traffic, out *topologies.Traffic) func(*topologies.TrafficEnv) (source, sink topologies.Source) {
	start, end := out.Start, stop(out)
	return func(env *topologies.TrafficEnv) (source, sink topologies.Source) {
		s := must(traffic.NewChunkedTCP(traffic.ChunkedTCPConfig{
			TCP: tcpConfig(t, env), Rate: t.Chunks.Rate, Period: t.Chunks.Period, Buffer: t.Chunks.Ahead,
			Start: start, Stop: end,
		}, env.Pool))
		return connSource{s}, tcpSink(t, env)
	}
}

func shortTCP(t *scenarios.Traffic, out *topologies.Traffic, i int) func(*topologies.TrafficEnv) (source, sink topologies.Source) {
	start, end := out.Start, stop(out)
	return func(env *topologies.TrafficEnv) (source, sink topologies.Source) {
		s := must(traffic.NewShortTCP(traffic.ShortTCPConfig{
			TCP: tcpConfig(t, env), StartOn: i < t.Short.StartOn,
			MinSize: t.Short.Least, MaxSize: t.Short.Most, MeanIdle: t.Short.Idle,
			Start: start, Stop: end, Random: env.Random.Stream("traffic/" + numbered(t.Name, i+1)),
		}, env.Pool))
		return newShortSource(s), tcpSink(t, env)
	}
}

// connSource shows the window of a source that has one connection.
type connSource struct{ oneConn }

type oneConn interface {
	topologies.Source
	Conn() *tcp.Conn // nil before the start
}

func (s connSource) CongestionWindow() units.Bytes {
	if c := s.Conn(); c != nil {
		return c.Cwnd()
	}
	return 0
}

func (s connSource) Retransmitted() uint64 {
	if c := s.Conn(); c != nil {
		return c.Stats().Retransmitted
	}
	return 0
}

// shortSource adds up what its connections have had, those that have ended
// included.
type shortSource struct {
	*traffic.ShortTCP
	retransmitted uint64
}

func newShortSource(s *traffic.ShortTCP) *shortSource {
	out := &shortSource{ShortTCP: s}
	next := s.Host().Retired
	s.Host().Retired = func(now simtime.Time, c *tcp.Conn) {
		out.retransmitted += c.Stats().Retransmitted
		if next != nil {
			next(now, c)
		}
	}
	return out
}

func (s *shortSource) CongestionWindow() units.Bytes {
	var sum units.Bytes
	for _, c := range s.Host().Conns() {
		if c.InFlight() > 0 { // others have nothing to send any more
			sum += c.Cwnd()
		}
	}
	return sum
}

func (s *shortSource) Retransmitted() uint64 {
	sum := s.retransmitted
	for _, c := range s.Host().Conns() {
		sum += c.Stats().Retransmitted
	}
	return sum
}

func udp(t *scenarios.Traffic, out *topologies.Traffic) func(*topologies.TrafficEnv) (source, sink topologies.Source) {
	start, end := out.Start, stop(out)
	return func(env *topologies.TrafficEnv) (source, sink topologies.Source) {
		s := must(traffic.NewUDPSource(traffic.UDPConfig{
			Local:   packet.Addr{IP: env.Local, Port: trafficPort},
			Remote:  packet.Addr{IP: env.Remote, Port: trafficPort},
			Pattern: pattern(t, env), Start: start, Stop: end, DSCP: uint8(t.DSCP),
		}, env.Pool))
		return s, traffic.NewUDPSink(env.Pool)
	}
}

func pattern(t *scenarios.Traffic, env *topologies.TrafficEnv) traffic.Pattern {
	random := env.Random.Stream("traffic/" + t.Name)
	switch {
	case t.On != nil:
		return &traffic.OnOff{Rate: *t.Rate, Size: *t.Packet, On: *t.On, Off: *t.Off, Random: random}
	case t.Poisson != nil && *t.Poisson:
		return &traffic.Poisson{Rate: *t.Rate, Size: *t.Packet, Random: random}
	}
	steps := []traffic.RateStep{{Rate: *t.Rate}}
	for _, s := range t.Schedule {
		steps = append(steps, traffic.RateStep{At: simtime.At(s.At), Rate: s.Rate})
	}
	return traffic.SteppedRate(steps, *t.Packet)
}
