package pion

import (
	"fmt"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/cc"
	"github.com/pion/interceptor/pkg/ccfb"
	"github.com/pion/interceptor/pkg/gcc"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/interceptor/pkg/twcc"

	"rtpfabric/endpoints"
)

// interceptors returns what pion does about RTP and RTCP, as its own defaults have it as far as the call
// wants it. The first of them is the innermost, next to the network.
func (e *end) interceptors() (*interceptor.Registry, error) {
	r := &interceptor.Registry{}
	if !e.stack.options.faithful {
		e.order = &orderly{wake: e.stack.config.Host.Wake}
		r.Add(e.order)
	}
	c := &e.call
	if c.Controller == "gcc" {
		factory, err := cc.NewInterceptor(e.newGCC)
		if err != nil {
			return nil, err
		}
		factory.OnNewPeerConnection(func(_ string, b cc.BandwidthEstimator) { e.estimator = b })
		r.Add(factory)
	} else if c.Controller != "" && c.Controller != "fixed" {
		return nil, fmt.Errorf("pion's controllers are fixed and gcc, not %s", c.Controller)
	}
	if c.Heard == endpoints.FeedbackTWCC {
		factory, err := twcc.NewHeaderExtensionInterceptor()
		if err != nil {
			return nil, err
		}
		r.Add(factory)
	}
	if c.NACK {
		responder, err := nack.NewResponderInterceptor(nack.WithResponderLoggerFactory(quiet()))
		if err != nil {
			return nil, err
		}
		generator, err := nack.NewGeneratorInterceptor(nack.WithGeneratorLoggerFactory(quiet()))
		if err != nil {
			return nil, err
		}
		r.Add(responder)
		r.Add(generator)
	}
	receiver, err := report.NewReceiverInterceptor(report.WithReceiverLoggerFactory(quiet()))
	if err != nil {
		return nil, err
	}
	sender, err := report.NewSenderInterceptor(report.WithSenderLoggerFactory(quiet()))
	if err != nil {
		return nil, err
	}
	r.Add(receiver)
	r.Add(sender)
	return r, e.giveFeedback(r)
}

// giveFeedback adds what tells the peer of its packets.
func (e *end) giveFeedback(r *interceptor.Registry) error {
	var factory interceptor.Factory
	var err error
	switch e.call.Given {
	case endpoints.FeedbackTWCC:
		options := []twcc.Option{twcc.WithLoggerFactory(quiet())}
		if e.call.Interval > 0 {
			options = append(options, twcc.SendInterval(e.call.Interval))
		}
		factory, err = twcc.NewSenderInterceptor(options...)
	case endpoints.FeedbackRFC8888:
		options := []ccfb.Option{ccfb.WithLoggerFactory(quiet())}
		if e.call.Interval > 0 {
			options = append(options, ccfb.SendInterval(e.call.Interval))
		}
		factory, err = ccfb.NewSenderInterceptor(options...)
	case endpoints.FeedbackNone:
		return nil
	default:
		return fmt.Errorf("pion gives feedback of the kinds twcc and rfc8888, not %s", e.call.Given)
	}
	if err == nil {
		r.Add(factory)
	}
	return err
}

func (e *end) newGCC() (cc.BandwidthEstimator, error) {
	l := e.call.Limits
	options := []gcc.Option{
		gcc.SendSideBWEInitialBitrate(int(l.Start)), gcc.SendSideBWEMinBitrate(int(l.Min)), gcc.SendSideBWEMaxBitrate(int(l.Max)),
		gcc.WithLoggerFactory(quiet()),
	}
	if e.stack.options.pacer == "none" {
		options = append(options, gcc.SendSideBWEPacer(gcc.NewNoOpPacer()))
	}
	b, err := gcc.NewSendSideBWE(options...)
	if err != nil || e.stack.options.faithful {
		return b, err
	}
	return withRetransmissions{b}, nil
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
