package pion

import (
	"fmt"
	"math"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/cc"

	"rtpfabric/ccontrol"
	"rtpfabric/endpoints"
	"rtpfabric/topologies"
)

// interceptors returns what pion does about RTP and RTCP: what the endpoint names, or what pion's own
// defaults have, as far as the call wants it. The first of them is the innermost, next to the network.
func (e *end) interceptors() (*interceptor.Registry, error) {
	e.order = &orderly{wake: e.stack.config.Host.Wake, hasty: e.stack.options.faithful}
	c := &e.call
	e.parts = place{limits: c.Limits, led: c.Led, now: time.Now, repairs: !e.stack.options.faithful}
	if c.Controller == "" {
		e.parts.led = nil
	}
	list := c.Interceptors
	if len(list) == 0 {
		var err error
		if list, err = e.defaults(); err != nil {
			return nil, err
		}
	}
	return e.parts.registry(list, e.order)
}

// defaults are those that pion's own registry has, as far as the call wants them.
func (e *end) defaults() ([]topologies.Interceptor, error) {
	var list []topologies.Interceptor
	add := func(typ string, options map[string]string) {
		list = append(list, topologies.Interceptor{Type: typ, Options: options})
	}
	c := &e.call
	switch c.Controller {
	case "gcc":
		pacer := "leaky-bucket"
		if e.stack.options.unpaced {
			pacer = "none"
		}
		add("gcc", map[string]string{"pacer": pacer})
	case "", "fixed":
	default:
		return nil, fmt.Errorf("pion's controllers are fixed and gcc, not %s", c.Controller)
	}
	if c.Heard == endpoints.FeedbackTWCC {
		add("twcc-numbers", nil)
	}
	if c.NACK {
		add("nack-responder", nil)
		add("nack-generator", nil)
	}
	add("receiver-reports", nil)
	add("sender-reports", nil)
	interval := map[string]string{}
	if c.Interval > 0 {
		interval["interval"] = c.Interval.String()
	}
	switch c.Given {
	case endpoints.FeedbackTWCC:
		add("twcc", interval)
	case endpoints.FeedbackRFC8888:
		add("rfc8888", interval)
	case endpoints.FeedbackNone:
	default:
		return nil, fmt.Errorf("pion gives feedback of the kinds twcc and rfc8888, not %s", c.Given)
	}
	return list, nil
}

// withRepairs lets an estimator's pacer know of the SSRCs of retransmissions and FEC, too. Those of pion
// don't, and drop them (interceptor v0.1.49).
type withRepairs struct{ cc.BandwidthEstimator }

// AddStream adds a stream and those of its repairs.
func (w withRepairs) AddStream(info *interceptor.StreamInfo, to interceptor.RTPWriter) interceptor.RTPWriter {
	for _, ssrc := range []uint32{info.SSRCRetransmission, info.SSRCForwardErrorCorrection} {
		if ssrc == 0 {
			continue
		}
		repair := *info
		repair.SSRC = ssrc
		w.BandwidthEstimator.AddStream(&repair, to)
	}
	return w.BandwidthEstimator.AddStream(info, to)
}

// signals are those of pion's gcc, by the names that ours has where they are the same.
var signals = []ccontrol.Signal{
	{Name: "measurement", Unit: "ms", Help: "the delay variation between two groups of packets", Source: "pion/interceptor gcc: delayMeasurement"},
	{Name: "trend", Unit: "ms", Help: "what the Kalman filter makes of it, weighted with the number of groups", Source: "pion/interceptor gcc: delayEstimate"},
	{Name: "threshold", Unit: "ms", Help: "what that must exceed for over-use", Source: "pion/interceptor gcc: delayThreshold"},
	{Name: "usage", Help: "what the over-use detector says: 1 over-use, 0 normal, -1 under-use", Source: "pion/interceptor gcc"},
	{Name: "rate-state", Help: "state of the delay-based rate control: 0 hold, 1 increase, 2 decrease", Source: "pion/interceptor gcc"},
	{Name: "delay-based", Unit: "bit/s", Help: "the estimate of the delay-based part", Source: "pion/interceptor gcc: delayTargetBitrate"},
	{Name: "loss-based", Unit: "bit/s", Help: "the estimate of the loss-based part", Source: "pion/interceptor gcc: lossTargetBitrate"},
	{Name: "loss", Help: "the loss ratio that the loss-based part sees", Source: "pion/interceptor gcc: averageLoss"},
}

// usages and states are by what numbers signals show words of gcc's.
var (
	usages = map[string]float64{"overuse": 1, "normal": 0, "underuse": -1}
	states = map[string]float64{"hold": 0, "increase": 1, "decrease": 2}
)

// show appends the present values of an estimator's signals.
func show(b cc.BandwidthEstimator, values []float64) []float64 {
	stats := b.GetStats()
	number := func(key string) float64 {
		switch v := stats[key].(type) {
		case float64:
			return v
		case int:
			return float64(v)
		}
		return math.NaN()
	}
	word := func(key string, meanings map[string]float64) float64 {
		if v, ok := meanings[fmt.Sprint(stats[key])]; ok {
			return v
		}
		return math.NaN()
	}
	return append(values,
		number("delayMeasurement"), number("delayEstimate"), number("delayThreshold"),
		word("usage", usages),
		word("state", states),
		number("delayTargetBitrate"), number("lossTargetBitrate"), number("averageLoss"),
	)
}
