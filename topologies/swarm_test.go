package topologies_test

import (
	"context"
	"flag"
	"fmt"
	"testing"
	"time"

	_ "rtpfabric/ccontrol/builtin"
	"rtpfabric/endpoints"
	"rtpfabric/endpoints/encoder"
	"rtpfabric/endpoints/protect"
	"rtpfabric/endpoints/rtcptiming"
	"rtpfabric/sim/aqm"
	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/impair"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/traffic"
	"rtpfabric/sim/traffic/tcp"
	"rtpfabric/sim/units"
	"rtpfabric/topologies"
)

var (
	seeds = flag.Int("seeds", 40, "number of random simulations of TestSwarm")
	first = flag.Uint64("first", 1, "seed of the first one")
)

// TestSwarm runs random simulations, each twice, and checks what must hold of
// any: no panic (conservation is checked inside), the same digest, and nothing
// rejected by an endpoint that only its peer talks to.
func TestSwarm(t *testing.T) {
	for seed := *first; seed < *first+uint64(*seeds); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			defer func() {
				if t.Failed() {
					t.Logf("replay: go test ./topologies -run TestSwarm -seeds 1 -first %d", seed)
				}
			}()
			c := randomConfig(seed)
			a, b := simulate(t, c), simulate(t, c)
			if a != b {
				t.Errorf("two runs with digests %s and %s", a, b)
			}
		})
	}
}

func simulate(t *testing.T, c topologies.Config) string {
	t.Helper()
	sim, err := topologies.Build(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := sim.Run(context.Background(), simtime.At(12*time.Second)); err != nil {
		t.Fatal(err)
	}
	media := uint64(0)
	for _, conn := range sim.Sessions() {
		n := conn.Counts()
		if n.AuthFailed+n.Malformed+n.Early+n.UnknownRTCP != 0 {
			t.Errorf("%s rejected packets of its peer: %+v", conn.Name(), n)
		}
		if n.RTCPSent == 0 {
			t.Errorf("%s sent no RTCP", conn.Name())
		}
		media += n.RTPReceived
	}
	if media == 0 {
		t.Error("no media arrived")
	}
	return sim.Fabric.Digest()
}

func pick[T any](r *rng.Stream, choices ...T) T { return choices[r.Uint64()%uint64(len(choices))] }

func randomConfig(seed uint64) topologies.Config {
	r := rng.New(seed).Stream("swarm")
	direction := func() topologies.Direction {
		d := topologies.Direction{
			Rate:  pick(r, fabric.Unlimited, 300*units.Kbps, units.Mbps, 5*units.Mbps),
			Delay: pick(r, 0, time.Millisecond, 50*time.Millisecond, 300*time.Millisecond),
			Loss:  pick(r, 0, 0, 0.01, 0.2),
			Queue: topologies.DropTail(pick(r, fabric.Limit{Time: 300 * time.Millisecond}, fabric.Limit{Packets: 5}, fabric.Limit{Bytes: 9000})),
		}
		if r.Bool(0.5) {
			d.Jitter = &topologies.Jitter{
				Mean: pick(r, 0, 15*time.Millisecond), Std: pick(r, time.Millisecond, 20*time.Millisecond),
				Bound: 3, NoReorder: r.Bool(0.5),
			}
		}
		if d.Rate != fabric.Unlimited && r.Bool(0.6) {
			d.Queue = randomQueue(r)
		}
		for range r.Uint64() % 3 {
			d.Impairments = append(d.Impairments, randomImpairment(r))
		}
		if r.Bool(0.2) {
			d.Reordering = append(d.Reordering, func(e *topologies.Env, inner fabric.Jitter) fabric.Jitter {
				return &impair.Reordering{P: 0.05, Delay: 7 * time.Millisecond, Random: e.Stream("order"), Inner: inner}
			})
		}
		if d.Rate != fabric.Unlimited && r.Bool(0.2) {
			d.Medium = shaper(d.Rate)
			return d
		}
		if d.Rate != fabric.Unlimited && r.Bool(0.5) {
			slow, outage, fast := 80*units.Kbps, units.BitRate(0), 2*units.Mbps
			d.Schedule = []fabric.Change{
				{At: simtime.At(3 * time.Second), Rate: &slow},
				{At: simtime.At(6 * time.Second), Rate: &outage},
				{At: simtime.At(7 * time.Second), Rate: &fast},
			}
		}
		return d
	}
	c := topologies.Config{
		Seed: seed, Type: topologies.PointToPoint,
		Endpoints: []topologies.Endpoint{
			{Name: "S", At: "A", ClockOffset: pick(r, 0, time.Hour, -3*time.Second)},
			{Name: "R", At: "C"},
		},
		Links: []topologies.Link{
			{Name: "ab", From: "A", To: "B", Forward: direction(), Backward: direction()},
			{Name: "bc", From: "B", To: "C", Forward: direction(), Backward: direction()},
		},
		Protection:   pick(r, protect.Full, protect.SizeOnly, protect.None),
		PlayoutDelay: pick(r, 0, 50*time.Millisecond, 400*time.Millisecond),
		Congestion: topologies.Congestion{Control: topologies.Control{
			Controller: pick(r, "fixed", "nada", "never-back-off", "gcc", "scream", "scream-v2", "tfrc", "rr-loss", "remb"),
			Feedback:   pick(r, endpoints.FeedbackRFC8888, endpoints.FeedbackTWCC),
			Interval:   pick(r, 20*time.Millisecond, 100*time.Millisecond, time.Second),
		}},
	}
	if c.Congestion.Controller == "remb" {
		c.Congestion.Feedback = endpoints.FeedbackREMB
	}
	if c.Congestion.Controller == "rr-loss" && r.Bool(0.5) {
		c.Congestion.Feedback, c.Congestion.ECN = endpoints.FeedbackECN, packet.ECT0
	}
	for i := range c.Endpoints {
		unlike(r, &c.Endpoints[i])
	}
	rtcp := endpoints.RTCPConfig{
		AVPF: true, Bandwidth: pick(r, 2*units.Kbps, 75*units.Kbps, 200*units.Kbps),
		TrrInterval: pick(r, 0, 500*time.Millisecond), Minimum: rtcptiming.FixedMinimum,
		ReducedSize: r.Bool(0.5), Aggregate: r.Bool(0.5), PadTo: pick(r, units.Bytes(0), 200),
	}
	if r.Bool(0.5) {
		c.Traffic = append(c.Traffic, randomTraffic(r))
	}
	var media []topologies.Media
	for i := range 1 + r.Uint64()%3 {
		media = append(media, randomMedia(r, i))
	}
	c.Calls = []topologies.Call{{A: "S", B: "R", Sessions: sessions(r, rtcp, media)}}
	return c
}

// unlike gives some endpoints their own controller, or little to offer.
func unlike(r *rng.Stream, e *topologies.Endpoint) {
	if r.Bool(0.3) {
		e.Control = &topologies.Control{Controller: pick(r, "gcc", "nada", "scream"), Feedback: pick(r, endpoints.FeedbackRFC8888, endpoints.FeedbackTWCC), Interval: 50 * time.Millisecond}
		if r.Bool(0.5) {
			e.Control = &topologies.Control{Controller: "remb", Feedback: endpoints.FeedbackREMB, Interval: 500 * time.Millisecond}
		}
	}
	if r.Bool(0.3) {
		e.Offers = pick(r, []endpoints.Feedback{}, []endpoints.Feedback{endpoints.FeedbackREMB}, []endpoints.Feedback{endpoints.FeedbackRFC8888, endpoints.FeedbackREMB})
	}
}

// sessions puts media into one session or each into its own.
func sessions(r *rng.Stream, rtcp endpoints.RTCPConfig, media []topologies.Media) []topologies.Session {
	both, port := [2]endpoints.RTCPConfig{rtcp, rtcp}, r.Bool(0.3)
	if r.Bool(0.7) {
		return []topologies.Session{{RTCP: both, RTCPPort: port, Media: media}}
	}
	var list []topologies.Session
	for i := range media {
		list = append(list, topologies.Session{Name: media[i].Name, RTCP: both, RTCPPort: port, Media: media[i : i+1]})
	}
	return list
}

func randomQueue(r *rng.Stream) func(*topologies.Env) fabric.Queue {
	kind, ecn := r.Uint64()%6, r.Bool(0.5)
	return func(e *topologies.Env) fabric.Queue {
		switch kind {
		case 0:
			c := aqm.DefaultRED()
			c.ECN = ecn
			return aqm.NewRED(c, e.Stream("red"))
		case 1:
			c := aqm.DefaultCoDel()
			c.ECN = ecn
			return aqm.NewCoDel(c)
		case 2:
			return aqm.NewFQCoDel(aqm.DefaultFQCoDel(), e.Stream("fq"))
		case 3:
			c := aqm.DefaultPIE()
			c.ECN = ecn
			return aqm.NewPIE(c, e.Stream("pie"))
		case 4:
			return aqm.NewDualPI2(aqm.DefaultDualPI2())
		}
		classes, err := aqm.NewDSCPClassifier([][]uint8{{46}, {0}}, 1)
		if err != nil {
			panic(err)
		}
		return aqm.NewBands(aqm.BandsConfig{Classifier: classes, Quantum: 1500, Bands: []aqm.Band{
			{Queue: aqm.NewCoDel(aqm.DefaultCoDel()), Weight: 1},
			{Queue: fabric.NewDropTail(fabric.Limit{Time: 100 * time.Millisecond}), Weight: 1},
		}})
	}
}

func randomImpairment(r *rng.Stream) func(*topologies.Env) fabric.Impairment {
	kind, name := r.Uint64()%6, fmt.Sprint("impairment/", r.Uint32())
	return func(e *topologies.Env) fabric.Impairment {
		switch random := e.Stream(name); kind {
		case 0:
			return &impair.GilbertElliott{GoodToBad: 0.01, BadToGood: 0.3, LossBad: 1, Random: random}
		case 1:
			return &impair.Corruption{P: 0.02, Random: random}
		case 2:
			return &impair.Duplication{P: 0.02, Random: random}
		case 3:
			return impair.NewOutage([]impair.Window{{From: simtime.At(4 * time.Second), To: simtime.At(5 * time.Second)}})
		case 4:
			return &impair.SizeLoss{P: 0.01, Fragment: 500, Random: random}
		}
		return aqm.NewPolicer(aqm.PolicerConfig{Rate: units.Mbps, Burst: 10_000})
	}
}

func shaper(rate units.BitRate) func(*topologies.Env) fabric.Medium {
	return func(e *topologies.Env) fabric.Medium {
		return aqm.NewShaper(aqm.ShaperConfig{Rate: rate, Burst: 5000}, func(fire func(simtime.Time)) aqm.Timer {
			return e.Loop.NewTimer(engine.HandlerFunc(fire))
		})
	}
}

// randomTraffic is TCP or UDP from A to C.
func randomTraffic(r *rng.Stream) topologies.Traffic {
	control, isTCP := pick(r, "newreno", "cubic", "prague", "bbr"), r.Bool(0.7)
	return topologies.Traffic{
		Name: "cross", From: "A", To: "C", Stop: simtime.Never,
		Sources: []func(*topologies.TrafficEnv) (source, sink topologies.Source){
			func(e *topologies.TrafficEnv) (source, sink topologies.Source) {
				local, remote := packet.Addr{IP: e.Local, Port: 5001}, packet.Addr{IP: e.Remote, Port: 5001}
				if isTCP {
					from, err := traffic.NewLongTCP(traffic.LongTCPConfig{TCP: tcp.Config{Local: local, Remote: remote, Control: control}}, e.Pool)
					if err != nil {
						panic(err)
					}
					to, err := traffic.NewTCPSink(tcp.Config{Local: remote}, e.Pool)
					if err != nil {
						panic(err)
					}
					return from, to
				}
				from, err := traffic.NewUDPSource(traffic.UDPConfig{
					Local: local, Remote: remote, Pattern: traffic.ConstantRate(200*units.Kbps, 0),
				}, e.Pool)
				if err != nil {
					panic(err)
				}
				return from, traffic.NewUDPSink(e.Pool)
			},
		},
	}
}

func randomMedia(r *rng.Stream, i uint64) topologies.Media {
	from, to := pick(r, "S", "R"), "S"
	if from == "S" {
		to = "R"
	}
	m := topologies.Media{
		From: from, To: to, Name: fmt.Sprint("m", i), Kind: pick(r, endpoints.Video, endpoints.Audio),
		Start: simtime.At(pick(r, 0, 500*time.Millisecond)),
		Stop:  pick(r, simtime.Never, simtime.At(9*time.Second)), PacketSize: pick(r, units.Bytes(300), 1200, 1472),
		Rate: pick(r, 20*units.Kbps, 64*units.Kbps), Frame: 20 * time.Millisecond,
	}
	if m.Kind == endpoints.Video {
		m.Perfect = r.Bool(0.3)
		m.Video = encoder.VideoConfig{
			Min: 50 * units.Kbps, Max: pick(r, 500*units.Kbps, 4*units.Mbps), Start: 100 * units.Kbps,
			FPS: pick(r, 5.0, 30, 60), Reaction: 100 * time.Millisecond,
			BurstSize: 3.24, BurstFrames: pick(r, 0, 8), ScaleInterval: 0.15, ScaleSize: 0.15,
		}
	}
	return m
}
