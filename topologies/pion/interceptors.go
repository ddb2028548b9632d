package pion

import (
	"errors"
	"fmt"
	"math"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/cc"
	"github.com/pion/interceptor/pkg/ccfb"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/interceptor/pkg/twcc"

	"rtpfabric/ccontrol"
	"rtpfabric/endpoints"
)

// interceptors returns what pion does about RTP and RTCP, as its own defaults have it as far as the call
// wants it. The first of them is the innermost, next to the network.
func (e *end) interceptors() (*interceptor.Registry, error) {
	r := &interceptor.Registry{}
	var failed error
	add := func(f interceptor.Factory, err error) {
		failed = errors.Join(failed, err)
		r.Add(f)
	}
	if !e.stack.options.faithful {
		e.order = &orderly{wake: e.stack.config.Host.Wake}
		r.Add(e.order)
	}
	c := &e.call
	switch c.Controller {
	case "gcc":
		factory, err := cc.NewInterceptor(func() (cc.BandwidthEstimator, error) {
			return newGCC(c.Limits, e.stack.options.unpaced, !e.stack.options.faithful)
		})
		if err != nil {
			return nil, err
		}
		factory.OnNewPeerConnection(func(_ string, b cc.BandwidthEstimator) { e.estimator = b })
		c.Led.Show(signals, func(values []float64) []float64 { return show(e.estimator, values) })
		r.Add(factory)
	case "", "fixed":
	default:
		return nil, fmt.Errorf("pion's controllers are fixed and gcc, not %s", c.Controller)
	}
	if c.Heard == endpoints.FeedbackTWCC {
		add(twcc.NewHeaderExtensionInterceptor())
	}
	if c.NACK {
		add(nack.NewResponderInterceptor(nack.WithResponderLoggerFactory(quiet())))
		add(nack.NewGeneratorInterceptor(nack.WithGeneratorLoggerFactory(quiet())))
	}
	add(report.NewReceiverInterceptor(report.WithReceiverLoggerFactory(quiet())))
	add(report.NewSenderInterceptor(report.WithSenderLoggerFactory(quiet())))
	switch c.Given {
	case endpoints.FeedbackTWCC:
		options := []twcc.Option{twcc.WithLoggerFactory(quiet())}
		if c.Interval > 0 {
			options = append(options, twcc.SendInterval(c.Interval))
		}
		add(twcc.NewSenderInterceptor(options...))
	case endpoints.FeedbackRFC8888:
		options := []ccfb.Option{ccfb.WithLoggerFactory(quiet())}
		if c.Interval > 0 {
			options = append(options, ccfb.SendInterval(c.Interval))
		}
		add(ccfb.NewSenderInterceptor(options...))
	case endpoints.FeedbackNone:
	default:
		return nil, fmt.Errorf("pion gives feedback of the kinds twcc and rfc8888, not %s", c.Given)
	}
	return r, failed
}

// withRetransmissions lets an estimator's pacer know of the SSRCs of retransmissions, too. Those of pion
// don't, and drop them (interceptor v0.1.49).
type withRetransmissions struct{ cc.BandwidthEstimator }

// AddStream adds a stream and that of its retransmissions.
func (w withRetransmissions) AddStream(info *interceptor.StreamInfo, to interceptor.RTPWriter) interceptor.RTPWriter {
	if info.SSRCRetransmission != 0 {
		again := *info
		again.SSRC = info.SSRCRetransmission
		w.BandwidthEstimator.AddStream(&again, to)
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
