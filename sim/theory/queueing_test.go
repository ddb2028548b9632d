package theory_test

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// The station serves at 1 Gbit/s packets of 1 MB on average, so that rounding to
// octets and nanoseconds is far below any tolerance.
const (
	serverRate  = units.Gbps
	meanSize    = units.Bytes(1_000_000)
	meanService = 8 * time.Millisecond
	batches     = 40
	warmUp      = 20_000 // packets
)

// station is a source, a link and a sink: a queueing system with one server.
type station struct {
	fabric.Observer
	loop   *engine.Loop
	f      *fabric.Fabric
	link   *fabric.Link
	port   *fabric.Port
	timer  *engine.Timer
	random *rng.Stream
	gap    float64 // mean, ns
	size   func(*rng.Stream) units.Bytes

	sent  int
	waits []float64 // in mean service times
	lost  []bool    // by packet
}

// newStation makes a system with Poisson arrivals at a load.
func newStation(load float64, limit fabric.Limit, size func(*rng.Stream) units.Bytes) *station {
	s := &station{Observer: fabric.Nobody, loop: &engine.Loop{}, gap: float64(meanService) / load, size: size}
	random := rng.New(7)
	s.f = fabric.New(s.loop, random)
	a, b := s.f.AddNode("A"), s.f.AddNode("B")
	s.link = s.f.AddLink(a, b, fabric.LinkConfig{Name: "server", Rate: serverRate, Queue: fabric.NewDropTail(limit)})
	s.port = s.f.Attach(a, 1, sink{s.f.Pool()})
	s.f.Attach(b, 2, sink{s.f.Pool()})
	s.f.Route()
	s.f.Observe(s)
	s.random = random.Stream("arrivals")
	s.timer = s.loop.NewTimer(s)
	s.timer.Set(0)
	return s
}

// Fire sends a packet.
func (s *station) Fire(now simtime.Time) {
	p := s.f.Pool().New()
	p.SetPayload(0)
	p.Size = s.size(s.random)
	p.Dst.IP = 2
	s.sent++
	s.lost = append(s.lost, false)
	s.port.Send(now, p)
	s.timer.Set(now.Add(max(time.Duration(s.random.Exponential(s.gap)), 1)))
}

func (s *station) PacketDequeued(_ simtime.Time, _ *fabric.Link, _ *packet.Packet, wait time.Duration) {
	s.waits = append(s.waits, float64(wait)/float64(meanService))
}

func (s *station) PacketDropped(_ simtime.Time, _ *fabric.Link, p *packet.Packet, _ fabric.DropReason) {
	s.lost[p.ID-1] = true
}

func (s *station) run(t *testing.T, packets int) {
	t.Helper()
	if testing.Short() {
		packets /= 10
	}
	for s.sent < packets {
		if err := s.loop.Run(context.Background(), s.loop.Now().Add(100*meanService)); err != nil {
			t.Fatal(err)
		}
	}
}

type sink struct{ pool *packet.Pool }

func (s sink) Receive(_ simtime.Time, p *packet.Packet) { s.pool.Release(p) }

func exponential(r *rng.Stream) units.Bytes {
	return max(units.Bytes(math.Round(r.Exponential(float64(meanSize)))), 1)
}

func constant(*rng.Stream) units.Bytes { return meanSize }

// interval returns the mean of a correlated sequence and the half width of its
// 99.9 % confidence interval, by batch means with Student's quantile for 39
// degrees of freedom.
func interval(x []float64) (mean, half float64) {
	x = x[min(warmUp, len(x)/10):]
	n := len(x) / batches
	means := make([]float64, batches)
	for i := range means {
		means[i] = stat.Mean(x[i*n:(i+1)*n], nil)
	}
	mean, std := stat.MeanStdDev(means, nil)
	return mean, 3.56 * std / math.Sqrt(batches)
}

// check compares a mean with theory: it must lie in the confidence interval, and
// this must be narrow enough to say something.
func check(t *testing.T, what string, x []float64, want, precision float64) {
	t.Helper()
	if testing.Short() {
		precision *= 4
	}
	mean, half := interval(x)
	t.Logf("%s: %.5g ± %.2g, theory %.5g", what, mean, half, want)
	if half > precision*want {
		t.Errorf("%s: the interval, ± %.2g, is wider than %.0f %%", what, half, 100*precision)
	}
	if math.Abs(mean-want) > half {
		t.Errorf("%s: %.5g ± %.2g, theory says %.5g", what, mean, half, want)
	}
}

var loads = []float64{0.5, 0.8, 0.95}

// samples is how many packets it takes at a load: the variance of the mean wait
// grows with (1−ρ)⁻⁴, its square with (1−ρ)⁻².
func samples(load float64) int { return int(150_000 / (1 - load)) }

// The mean wait before service is ρ/(1−ρ) mean service times (Kleinrock, Queueing
// Systems 1, §3.2).
func TestMM1(t *testing.T) {
	for _, load := range loads {
		s := newStation(load, fabric.Limit{Bytes: 1 << 50}, exponential)
		s.run(t, samples(load))
		check(t, fmt.Sprintf("M/M/1 wait at %.2f", load), s.waits, load/(1-load), 0.12)
	}
}

// The share of arrivals that find n packets is geometric: P(wait = 0) = 1−ρ, as
// Poisson arrivals see time averages.
func TestMM1Idle(t *testing.T) {
	for _, load := range loads {
		s := newStation(load, fabric.Limit{Bytes: 1 << 50}, exponential)
		s.run(t, samples(load))
		idle := make([]float64, len(s.waits))
		for i, w := range s.waits {
			if w == 0 {
				idle[i] = 1
			}
		}
		check(t, fmt.Sprintf("M/M/1 idle at %.2f", load), idle, 1-load, 0.12)
	}
}

// Half of M/M/1's wait (Pollaczek and Khinchin).
func TestMD1(t *testing.T) {
	for _, load := range loads {
		s := newStation(load, fabric.Limit{Bytes: 1 << 50}, constant)
		s.run(t, samples(load))
		check(t, fmt.Sprintf("M/D/1 wait at %.2f", load), s.waits, load/(2*(1-load)), 0.12)
	}
}

// With room for K packets, the one in service included, a share of
// (1−ρ)ρᴷ/(1−ρᴷ⁺¹) is lost, and the mean wait of the others follows from the
// distribution of what they find.
func TestMM1K(t *testing.T) {
	for _, load := range loads {
		k := 10
		if load == 0.5 {
			k = 5 // losses are too rare to count otherwise
		}
		s := newStation(load, fabric.Limit{Packets: k - 1}, exponential)
		s.run(t, 1_500_000)
		lost := make([]float64, len(s.lost))
		for i, l := range s.lost {
			if l {
				lost[i] = 1
			}
		}
		norm := (1 - load) / (1 - math.Pow(load, float64(k+1)))
		full := norm * math.Pow(load, float64(k))
		wait := 0.0
		for n := 1; n < k; n++ {
			wait += float64(n) * norm * math.Pow(load, float64(n)) / (1 - full)
		}
		check(t, fmt.Sprintf("M/M/1/%d loss at %.2f", k, load), lost, full, 0.25)
		check(t, fmt.Sprintf("M/M/1/%d wait at %.2f", k, load), s.waits, wait, 0.05)
	}
}
