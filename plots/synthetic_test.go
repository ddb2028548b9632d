package plots

import (
	"fmt"
	"math"
	"time"

	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

const bin = 200 * time.Millisecond

// synthetic makes a record that looks like RFC 8867 §5.1 with the given number
// of sender-receiver pairs: 100 s in bins of 200 ms, a capacity of 1, 2.5, 0.6
// and 1 Mbit/s, and streams that follow it with some lag.
func synthetic(pairs int) *record.Record {
	g := &generator{pairs: pairs, noise: 12345}
	g.manifest()
	for i := range 500 {
		g.bin(i)
	}
	g.finish()
	return &g.r
}

type generator struct {
	r      record.Record
	pairs  int
	noise  uint32
	target float64 // of one pair, bit/s
	queue  float64 // ms
}

// jitter returns a number between -1 and 1 that looks random.
func (g *generator) jitter() float64 {
	g.noise = g.noise*1664525 + 1013904223
	return float64(g.noise>>8)/float64(1<<23) - 1
}

func capacityAt(t float64) float64 {
	switch {
	case t < 40:
		return 1e6
	case t < 60:
		return 2.5e6
	case t < 80:
		return 0.6e6
	}
	return 1e6
}

func (g *generator) manifest() {
	top := record.Topology{
		Type: "point-to-point", Nodes: []string{"A", "B"},
		Links: []record.Link{{
			Name: "bottleneck", From: "A", To: "B",
			Forward: "1Mbps, delay 50ms, drop-tail 300ms, jitter nr-bpdv", Backward: "100Mbps, delay 50ms, drop-tail 300ms",
		}},
	}
	for i := 1; i <= g.pairs; i++ {
		s, r := fmt.Sprintf("S%d", i), fmt.Sprintf("R%d", i)
		top.Endpoints = append(top.Endpoints,
			record.Endpoint{Name: s, At: "A", Addr: fmt.Sprintf("10.0.0.%d:5004", i)},
			record.Endpoint{Name: r, At: "B", Addr: fmt.Sprintf("10.0.1.%d:5004", i)})
		for k, kind := range []string{"video", "audio"} {
			top.Flows = append(top.Flows, record.Flow{
				Name: s + "/" + kind, From: s, To: r, Kind: kind, SSRC: 0x5a17_0000 + uint32(16*i+k), Controller: []string{"nada", ""}[k],
			})
		}
	}
	g.r.Manifest = record.Manifest{
		Format: record.Format, Title: "Variable available capacity, single flow", Reference: "RFC 8867 section 5.1",
		Scenario: "scenarios/rfc8867/5.1.yaml", Run: "delay=50ms,seed=1",
		Variation: []record.Setting{{Path: "congestion.controller", Value: "nada"}, {Path: "network.links.bottleneck.delay", Value: "50ms"}, {Path: "seed", Value: "1"}},
		Seed:      1, Version: "v0.1.0", Digest: "9b1f6a0c7e52d4d8a3c1b0f49e8d7766554433221100ffeeddccbbaa99887766",
		Status: record.Complete, Duration: 100 * time.Second, Reached: 100 * time.Second,
		Packets: 18234, PacketHops: 18231, Protection: "full", Topology: top,
		Reproduce: "simrun run scenarios/rfc8867/5.1.yaml --set network.links.bottleneck.delay=50ms --seed 1",
		Resolved:  "title: Variable available capacity, single flow\nreference: RFC 8867 section 5.1\nduration: 100s\nseed: 1\nnetwork:\n  links:\n    bottleneck:\n      between: [A, B]\n      delay: 50ms\n",
	}
}

func (g *generator) add(entity, metric, unit string, i int, v float64) {
	s := g.r.Find(entity, metric)
	if s == nil {
		s = &record.Series{Entity: entity, Metric: metric, Unit: unit, Step: bin}
		g.r.Series = append(g.r.Series, s)
	}
	for len(s.Values) < i {
		s.Values = append(s.Values, math.NaN())
	}
	s.Values = append(s.Values, v)
}

func (g *generator) sample(entity, metric string, at time.Duration, ms float64) {
	d := g.r.Distribution(entity, metric)
	if d == nil {
		d = record.NewDistribution(entity, metric, bin)
		g.r.Distributions = append(g.r.Distributions, d)
	}
	d.Add(simtime.At(at), time.Duration(ms*float64(time.Millisecond)))
}

// bin moves the model on by 200 ms: targets creep towards 95 % of a fair share
// and a queue holds what is too much.
func (g *generator) bin(i int) {
	t := float64(i) * bin.Seconds()
	capacity := capacityAt(t)
	share := 0.95 * capacity / float64(g.pairs)
	if g.target == 0 {
		g.target = 150e3
	}
	rise := min(0.06*(share-g.target), 22e3)
	if g.target > share {
		rise = 0.25 * (share - g.target)
	}
	g.target += rise
	offered := g.target * float64(g.pairs) * (1 + 0.05*g.jitter())
	g.queue = min(max(g.queue+(offered/capacity-1)*200, 1.5+math.Abs(4*g.jitter())), 300)
	lost := 0.0
	if g.queue > 290 {
		lost = math.Round((offered - capacity) * 0.2 / 9600)
	}
	fwd, back := "bottleneck/forward", "bottleneck/backward"
	g.add(fwd, record.Capacity, "bit/s", i, capacity)
	g.add(fwd, record.QueueDelay, "ms", i, g.queue)
	g.add(fwd, record.Arrivals, "count", i, math.Round(offered*0.2/9600))
	g.add(fwd, record.Drops, "count", i, lost)
	g.add(back, record.Capacity, "bit/s", i, 100e6)
	g.add(back, record.QueueDelay, "ms", i, 0.1+0.05*g.jitter())
	for p := 1; p <= g.pairs; p++ {
		g.pair(i, p, lost/float64(g.pairs))
	}
}

func (g *generator) pair(i, p int, lost float64) {
	t := float64(i) * bin.Seconds()
	video, audio := fmt.Sprintf("S%d/video", p), fmt.Sprintf("S%d/audio", p)
	forth, back := fmt.Sprintf("S%d-R%d", p, p), fmt.Sprintf("R%d-S%d", p, p)
	rate := max(g.target-24e3, 100e3) * (1 + 0.08*g.jitter())
	delay := 50 + g.queue + 2*g.jitter()
	frozen := 0.0
	if lost > 2 {
		frozen = 120 + 40*g.jitter()
	}
	if t >= 99 {
		rate, delay = 0, math.NaN()
	}
	g.add(video, record.SendRate, "bit/s", i, rate)
	g.add(video, record.ReceiveRate, "bit/s", i, min(rate, capacityAt(t)))
	g.add(video, record.EncoderRate, "bit/s", i, rate*0.93)
	g.add(video, record.SentPackets, "count", i, math.Round(rate*0.2/9600))
	g.add(video, record.LostPackets, "count", i, math.Round(lost))
	g.add(video, record.OneWayDelay, "ms", i, delay)
	g.add(video, record.FrameDelay, "ms", i, delay+38+6*g.jitter())
	g.add(video, record.FreezeTime, "ms", i, frozen)
	g.add(video, record.FrameRate, "1/s", i, 30*(1-frozen/200))
	g.add(video, record.VideoScore, "1", i, 60*(1-frozen/200))
	g.add(video, record.AVSkew, "ms", i, 20+6*g.jitter())
	g.add(audio, record.MOS, "1", i, 4.3-lost/10)
	g.add(audio, record.Concealed, "ms", i, 20*math.Floor(lost/6))
	g.add(audio, record.SendRate, "bit/s", i, 36e3)
	g.add(audio, record.ReceiveRate, "bit/s", i, 36e3)
	g.add(audio, record.SentPackets, "count", i, 10)
	g.add(audio, record.LostPackets, "count", i, math.Floor(lost/6))
	g.add(audio, record.OneWayDelay, "ms", i, delay-1)
	g.add(forth, record.Target, "bit/s", i, g.target)
	if i%7 == p%7 {
		g.add(forth, record.RTT, "ms", i, 2*50+g.queue+g.jitter())
	}
	g.add(forth, record.RTCPRate, "bit/s", i, math.Floor(1.4+g.jitter())*3200)
	g.add(forth, record.RTCPShare, "bit/s", i, 0.05*g.target/2)
	g.add(back, record.RTCPRate, "bit/s", i, 9000+1500*g.jitter())
	g.add(back, record.RTCPShare, "bit/s", i, 0.05*g.target/2*1.1)
	if math.IsNaN(delay) {
		return
	}
	for k := range 12 {
		at := time.Duration(i)*bin + time.Duration(k)*16*time.Millisecond
		d := delay + 6*g.jitter()
		g.sample(video, record.PacketDelays, at, d)
		g.sample("bottleneck/forward", record.QueueDelays, at, d-49)
	}
}

func (g *generator) finish() {
	r := &g.r
	for _, e := range []struct {
		t      float64
		detail string
	}{{40, "1Mbps → 2.5Mbps"}, {60, "2.5Mbps → 600kbps"}, {80, "600kbps → 1Mbps"}} {
		r.Events = append(r.Events, record.Event{
			At: simtime.At(time.Duration(e.t * float64(time.Second))), Entity: "bottleneck/forward", Kind: "capacity-changed", Detail: e.detail,
		})
	}
	r.Summary = []record.Metric{
		{Entity: "bottleneck/forward", Metric: "utilization", Stat: "mean", Value: 0.9134, Unit: "1"},
		{Entity: "bottleneck/forward", Metric: record.QueueDelay, Stat: "mean", Value: 14.213, Unit: "ms"},
		{Entity: "bottleneck/forward", Metric: record.QueueDelay, Stat: "p95", Value: 41.77, Unit: "ms"},
		{Entity: "bottleneck/forward", Metric: record.QueueDelay, Stat: "max", Value: 301.5, Unit: "ms"},
		{Entity: "bottleneck/forward", Metric: "loss", Stat: "ratio", Value: 0.0021, Unit: "1"},
		{Entity: "S1/video", Metric: record.SendRate, Stat: "mean", Value: 1_012_345, Unit: "bit/s"},
		{Entity: "S1/video", Metric: record.OneWayDelay, Stat: "mean", Value: 64.4, Unit: "ms"},
		{Entity: "S1/video", Metric: record.OneWayDelay, Stat: "p95", Value: 92.18, Unit: "ms"},
		{Entity: "S1/video", Metric: record.SentPackets, Stat: "total", Value: 12893, Unit: "count"},
		{Entity: "S1/audio", Metric: record.SendRate, Stat: "mean", Value: 36000, Unit: "bit/s"},
		{Entity: "S1/audio", Metric: "goodput", Stat: "mean", Value: math.NaN(), Unit: "bit/s"},
	}
	r.Verdicts = []record.Verdict{
		{Expectation: "utilization of bottleneck/forward from 50 s to 60 s", Pass: true, Value: 0.93, Unit: "1", Bound: "≥ 85 %"},
		{Expectation: "p95 of the queue delay of bottleneck/forward from 10 s to 40 s", Pass: true, Value: 41.77, Unit: "ms", Bound: "≤ 60 ms"},
		{Expectation: "loss of S1/video from 62 s to 99 s", Pass: true, Value: 0.0021, Unit: "1", Bound: "< 1 %"},
	}
}
