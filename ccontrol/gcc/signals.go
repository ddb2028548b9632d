package gcc

import (
	"math"

	"rtpfabric/ccontrol"
)

var signals = []ccontrol.Signal{
	{Name: "trend", Unit: "ms", Help: "the delay trend as it is compared with the threshold", Source: "draft §5.3, §5.4; libwebrtc trendline_estimator.cc"},
	{Name: "threshold", Unit: "ms", Help: "del_var_th, which the trend must exceed for over-use", Source: "draft §5.4"},
	{Name: "usage", Help: "what the over-use detector says: 1 over-use, 0 normal, -1 under-use", Source: "draft §5.4"},
	{Name: "rate-state", Help: "state of the delay-based rate control: 0 hold, 1 increase, 2 decrease", Source: "draft §5.5"},
	{Name: "acknowledged", Unit: "bit/s", Help: "R_hat, the rate that gets through", Source: "draft §5.5; libwebrtc robust_throughput_estimator.cc"},
	{Name: "delay-based", Unit: "bit/s", Help: "A_hat, the estimate of the delay-based part", Source: "draft §5.5"},
	{Name: "loss-based", Unit: "bit/s", Help: "the estimate of loss: v2, where it is ready", Source: "libwebrtc loss_based_bwe_v2.cc"},
	{Name: "loss", Help: "the loss ratio that the loss-based part sees", Source: "draft §6; libwebrtc loss_based_bwe_v2.cc"},
	{Name: "inherent-loss", Help: "the loss that v2 takes for the path's own", Source: "libwebrtc loss_based_bwe_v2.cc"},
	{Name: "link-capacity", Unit: "bit/s", Help: "the average of the rates that got through at over-use", Source: "draft §5.5; libwebrtc link_capacity_estimator.cc"},
	{Name: "application-limited", Help: "1 while the media don't use what they are allowed", Source: "libwebrtc alr_detector.cc"},
	{Name: "probes", Help: "probes asked for so far", Source: "libwebrtc probe_controller.cc"},
}

// Signals appends the values in the order of signals.
func (c *controller) Signals(v []float64) []float64 {
	d, b := &c.delay, &c.bandwidth
	unknown := math.NaN()
	known := func(x float64, ok bool) float64 {
		if ok {
			return x
		}
		return unknown
	}
	lossRate, loss, inherent := unknown, known(b.v1.ratio, b.v1.known), unknown
	if b.v2 != nil && b.v2.ready() {
		lossRate, loss, inherent = b.v2.estimate, b.v2.average, b.v2.best.inherent
	}
	active := 0.0
	if c.alr.active {
		active = 1
	}
	acked := c.acked.rate()
	return append(v,
		d.trend, d.detector.threshold, float64(d.detector.state), float64(d.control.state),
		known(acked, acked > 0), d.control.rate, lossRate, loss, inherent,
		known(d.control.capacity.rate(), d.control.capacity.known), active, float64(c.probes.lastID))
}
