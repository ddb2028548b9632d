package runner

import (
	"fmt"
	"math"
	"strconv"

	"rtpfabric/scenarios"
	"rtpfabric/sim/aqm"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/topologies"
)

func numbered(name string, n int) string { return name + "/" + strconv.Itoa(n) }

// queue returns what makes a queue discipline. The error is about values that
// don't go together.
func queue(q *scenarios.Queue) (func(*topologies.Env) fabric.Queue, error) {
	if q.Type == "priority" || q.Type == "weighted" {
		return bands(q)
	}
	limit := fabric.Limit{Time: q.Length.Time, Bytes: q.Length.Bytes, Packets: q.Length.Packets}
	switch q.Type {
	case "red":
		c := aqm.DefaultRED()
		c.Limit = limit
		set(&c.ECN, q.ECN)
		if q.MinThreshold != nil || q.MaxThreshold != nil {
			c.InBytes = true
			c.MinThreshold, c.MaxThreshold = 7500, 22500 // 5 and 15 packets of 1500 B
		}
		if q.MinThreshold != nil {
			c.MinThreshold = float64(*q.MinThreshold)
		}
		if q.MaxThreshold != nil {
			c.MaxThreshold = float64(*q.MaxThreshold)
		}
		if q.MaxProbability != nil {
			c.MaxP = float64(*q.MaxProbability)
		}
		set(&c.Weight, q.Weight)
		return func(env *topologies.Env) fabric.Queue { return aqm.NewRED(c, env.Stream("red")) }, c.Validate()
	case "codel":
		c := aqm.DefaultCoDel()
		c.Limit = limit
		set(&c.ECN, q.ECN)
		set(&c.Target, q.Target)
		set(&c.Interval, q.Interval)
		return func(*topologies.Env) fabric.Queue { return aqm.NewCoDel(c) }, c.Validate()
	case "fq-codel":
		c := aqm.DefaultFQCoDel()
		if c.Limit = limit.Packets; limit.Packets == 0 {
			return nil, fmt.Errorf("the length of an fq-codel queue, %v, isn't in packets: write it as 1000packets", q.Length)
		}
		set(&c.ECN, q.ECN)
		set(&c.Target, q.Target)
		set(&c.Interval, q.Interval)
		set(&c.Flows, q.Flows)
		set(&c.Quantum, q.Quantum)
		return func(env *topologies.Env) fabric.Queue { return aqm.NewFQCoDel(c, env.Stream("fq-codel")) }, c.Validate()
	case "pie":
		c := aqm.DefaultPIE()
		c.Limit = limit
		set(&c.ECN, q.ECN)
		set(&c.Target, q.Target)
		return func(env *topologies.Env) fabric.Queue { return aqm.NewPIE(c, env.Stream("pie")) }, c.Validate()
	case "dualpi2":
		c := aqm.DefaultDualPI2()
		c.Limit = limit
		c.MinBacklog = 2 * c.MTU // as implementations have it, for slow links
		set(&c.Target, q.Target)
		if q.Step != nil {
			c.MinThreshold, c.Range = *q.Step, 0
		}
		set(&c.K, q.Coupling)
		return func(*topologies.Env) fabric.Queue { return aqm.NewDualPI2(c) }, c.Validate()
	}
	return topologies.DropTail(limit), nil
}

// set changes a default to what the scenario says, if it says something.
func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// bands returns what makes a queue of several.
func bands(q *scenarios.Queue) (func(*topologies.Env) fabric.Queue, error) {
	var inner []func(*topologies.Env) fabric.Queue
	for i := range q.Bands {
		build, err := queue(&q.Bands[i].Queue)
		if err != nil {
			return nil, fmt.Errorf("band %d: %w", i, err)
		}
		inner = append(inner, build)
	}
	scheduler := aqm.Strict
	if q.Type == "weighted" {
		scheduler = aqm.Weighted
	}
	weights := wholeWeights(q.Bands)
	return func(env *topologies.Env) fabric.Queue {
		c := aqm.BandsConfig{Scheduler: scheduler, Classifier: classifier(q, env), Quantum: 1500}
		for i, build := range inner {
			part := *env
			part.Name += "/" + numbered("band", i)
			c.Bands = append(c.Bands, aqm.Band{Queue: build(&part), Weight: weights[i]})
		}
		return aqm.NewBands(c)
	}, nil
}

// wholeWeights turns weights, of which a thousandth is the finest, into whole
// numbers without a common divisor.
func wholeWeights(bands []scenarios.Band) []int {
	var weights []int
	divisor := 0
	for i := range bands {
		w := int(math.Round(1000 * bands[i].Weight))
		weights = append(weights, w)
		for a := w; a > 0; {
			a, divisor = divisor%a, a
		}
	}
	for i := range weights {
		weights[i] /= divisor
	}
	return weights
}

// classifier chooses the first band that takes a packet, else the last one.
func classifier(q *scenarios.Queue, env *topologies.Env) aqm.Classifier {
	var tests []func(p *packet.Packet, looks aqm.Media) bool
	inspect := false
	for i := range q.Bands {
		b := &q.Bands[i]
		switch {
		case len(b.DSCP) > 0:
			var wanted [64]bool
			for _, d := range b.DSCP {
				wanted[d] = true
			}
			tests = append(tests, func(p *packet.Packet, _ aqm.Media) bool { return wanted[p.DSCP&63] })
		case len(b.Flows) > 0:
			sources := map[packet.IPv4]bool{}
			for _, name := range b.Flows {
				for _, addr := range env.Addr(name) {
					sources[addr] = true
				}
			}
			tests = append(tests, func(p *packet.Packet, _ aqm.Media) bool { return sources[p.Origin] })
		case b.LooksLike != "":
			inspect = true
			var want aqm.Media
			for m := aqm.Audio; m <= aqm.Other; m++ {
				if m.String() == b.LooksLike {
					want = m
				}
			}
			tests = append(tests, func(_ *packet.Packet, looks aqm.Media) bool { return looks == want })
		}
	}
	var inspector *aqm.PayloadClassifier
	if inspect {
		inspector = aqm.NewPayloadClassifier(aqm.DefaultPayloadClassifier(), env.Stream("inspector"))
	}
	last := len(q.Bands) - 1
	return aqm.ClassifierFunc(func(p *packet.Packet) int {
		looks := aqm.Other
		if inspector != nil {
			looks = inspector.Guess(p)
		}
		for i, test := range tests {
			if test(p, looks) {
				return i
			}
		}
		return last
	})
}
