package gcc

import (
	"fmt"
	"math"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
)

func init() {
	ccontrol.Register(ccontrol.Spec{
		Name:       "gcc",
		Summary:    "Google Congestion Control: delay gradients, losses and probes, as in the draft or in libwebrtc",
		Source:     "draft-ietf-rmcat-gcc-02; libwebrtc",
		Needs:      ccontrol.NeedsPackets,
		Parameters: parameters,
		Signals:    signals,
		New:        newController,
	})
}

const (
	draft     = ccontrol.Source("draft-ietf-rmcat-gcc-02 ")
	libwebrtc = ccontrol.Source("libwebrtc ")

	detection = draft + "§5.6"
	sending   = libwebrtc + "send_side_bandwidth_estimation.cc"
	probing   = libwebrtc + "probe_controller.cc"
)

var parameters = []ccontrol.Parameter{
	(libwebrtc + "trendline_estimator.cc; " + draft + "§5.3").Choice("estimator", "trendline", "filter of delays and rules of the rate control: libwebrtc's trendline or the draft's Kalman filter", "trendline", "kalman"),
	(draft + "§6; " + libwebrtc + "loss_based_bwe_v2.cc").Choice("loss", "v2", "loss-based part: thresholds of the draft (v1), maximum likelihood (v2), or none", "v2", "v1", "off"),
	(libwebrtc + "robust_throughput_estimator.cc, bitrate_estimator.cc").Choice("throughput", "robust", "estimator of what gets through", "robust", "bayesian"),
	probing.Choice("probing", "on", "whether to probe at all", "on", "off"),
	probing.Choice("alr-probing", "on", "whether to probe while the application is the limit", "on", "off"),
	(libwebrtc + "pacing_controller.h; " + draft + "§4").Number("pacing-factor", "2.5", "pacing rate as a multiple of the target; 1 in the draft", 1, 100),

	detection.Duration("burst-time", "5ms", "burst_time, the length of a group of packets", 0.0001, 1),
	(libwebrtc + "trendline_estimator.h").Number("trendline-window", "20", "groups that the line is fitted to", 2, 200),
	(libwebrtc + "trendline_estimator.cc").Number("trendline-smoothing", "0.9", "smoothing of accumulated delays", 0, 0.999),
	(libwebrtc + "trendline_estimator.cc").Number("trendline-gain", "4", "factor of the slope", 0.01, 1000),
	detection.Number("q", "0.001", "q, variance of the state noise", 1e-9, 100),
	detection.Number("e0", "0.1", "e(0), first error covariance", 1e-9, 1000),
	detection.Number("chi", "0.01", "chi, coefficient of the measured noise's variance", 1e-6, 0.9),
	detection.Number("threshold", "12.5", "del_var_th(0), first threshold in ms", leastThreshold, mostThreshold),
	(draft + "§5.6; " + libwebrtc + "trendline_estimator.cc").Number("k-up", "0", "K_u, how fast the threshold rises; 0 is the estimator's own: 0.01 in the draft, 0.0087 in libwebrtc", 0, 1),
	(draft + "§5.6; " + libwebrtc + "trendline_estimator.cc").Number("k-down", "0", "K_d, how fast the threshold falls; 0 is the estimator's own: 0.00018 in the draft, 0.039 in libwebrtc", 0, 1),
	detection.Duration("overuse-time", "10ms", "overuse_time_th, how long over-use must last", 0, 10),
	detection.Number("beta", "0.85", "beta, factor of a decrease", 0.1, 0.99),

	(draft + "§6").Number("loss-low", "0.02", "loss ratio up to which v1 raises the rate", 0, 1),
	(draft + "§6").Number("loss-high", "0.1", "loss ratio above which v1 lowers the rate", 0, 1),
	ccontrol.Source("libwebrtc's RTCP interval of video").Duration("loss-interval", "1s", "how long v1 counts losses of packets", 0.01, 60),

	sending.Duration("rtt-limit", "3s", "round-trip time, or time without feedback, above which the rate falls", 0.1, 600),
	sending.Duration("rtt-interval", "1s", "time between two such steps", 0.01, 60),
	sending.Number("rtt-fraction", "0.8", "factor of such a step", 0.1, 1),

	probing.Number("probe-first", "3", "first probe as a multiple of the start rate", 0, 100),
	probing.Number("probe-second", "6", "second probe as a multiple of the start rate; 0 is none", 0, 100),
	probing.Number("probe-further", "2", "further probes as a multiple of the last result", 1, 100),
	probing.Number("probe-threshold", "0.7", "part of a probe's rate that a further one needs as a result", 0, 1),
	probing.Number("probe-max", "2", "fastest probe as a multiple of the media's maximum rate", 0.1, 100),
	probing.Duration("probe-duration", "15ms", "least length of a probe", 0.001, 1),
	probing.Number("probe-packets", "5", "least number of packets in a probe", 2, 1000),
	probing.Duration("alr-interval", "5s", "time between probes while the application is the limit", 0.1, 600),
	probing.Number("alr-scale", "2", "such probes as a multiple of the target", 1, 100),
}

func newController(l ccontrol.Limits, v ccontrol.Values) (ccontrol.Controller, error) {
	if err := checkThresholds(v); err != nil {
		return nil, err
	}
	least := max(float64(l.Min), leastBandwidth)
	most := max(float64(l.Max), least)
	start := min(max(float64(l.Start), least), most)
	c := &controller{
		limits: l, pacing: v.Number("pacing-factor"), due: simtime.Never,
		delay:     newDelayBased(v, least, start),
		acked:     newThroughput(v),
		bandwidth: newBandwidth(v, least, most, start),
		probes:    prober{config: newProbeConfig(v, most), furtherAbove: math.Inf(1)},
	}
	c.alr.setTarget(start)
	return c, nil
}

func checkThresholds(v ccontrol.Values) error {
	if low, high := v.Number("loss-low"), v.Number("loss-high"); low > high {
		return fmt.Errorf("loss-low %v is larger than loss-high %v: write loss-low below loss-high", low, high)
	}
	return nil
}

// K_u and K_d of the two filters, per millisecond.
const (
	draftUp, draftDown         = 0.01, 0.00018
	trendlineUp, trendlineDown = 0.0087, 0.039
)

func newDelayBased(v ccontrol.Values, least, start float64) delayBased {
	kalman := v.Choice("estimator") == "kalman"
	d := delayBased{
		groups:  grouper{burst: v.Duration("burst-time")},
		control: newAIMD(kalman, v.Number("beta"), least, start),
	}
	if kalman {
		d.filter = newKalman(v.Number("q"), v.Number("e0"), v.Number("chi"))
		d.detector = detectorOf(v, draftUp, draftDown)
	} else {
		window := int(v.Number("trendline-window"))
		d.filter = newTrendline(window, v.Number("trendline-smoothing"), v.Number("trendline-gain"))
		d.detector = detectorOf(v, trendlineUp, trendlineDown)
	}
	return d
}

// detectorOf takes the coefficients that the parameters don't set.
func detectorOf(v ccontrol.Values, up, down float64) detector {
	d := detector{
		kUp: v.Number("k-up"), kDown: v.Number("k-down"),
		firstThreshold: v.Number("threshold"), patience: ms(v.Duration("overuse-time")),
	}
	if d.kUp <= 0 {
		d.kUp = up
	}
	if d.kDown <= 0 {
		d.kDown = down
	}
	d.reset()
	return d
}

func newThroughput(v ccontrol.Values) throughput {
	if v.Choice("throughput") == "bayesian" {
		return newBayesian()
	}
	return &robust{window: make([]arrived, 0, 2*maxWindowPackets)}
}

func newBandwidth(v ccontrol.Values, least, most, start float64) bandwidth {
	b := bandwidth{
		min: least, max: most, target: start,
		delayBased: math.Inf(1), receiver: math.Inf(1), rtt: defaultRTT,
		off: v.Choice("loss") == "off",
		v1: &lossV1{
			low: v.Number("loss-low"), high: v.Number("loss-high"), interval: v.Duration("loss-interval"),
			history: make([]rateAt, 0, int(growthWindow/time.Millisecond)),
		},
		backoff: rttBackoff{
			limit: v.Duration("rtt-limit"), fraction: v.Number("rtt-fraction"), interval: v.Duration("rtt-interval"),
		},
	}
	if v.Choice("loss") == "v2" {
		b.v2 = newLossV2(least, most)
	}
	return b
}

func newProbeConfig(v ccontrol.Values, most float64) probeConfig {
	return probeConfig{
		enabled: v.Choice("probing") == "on", alr: v.Choice("alr-probing") == "on",
		first: v.Number("probe-first"), second: v.Number("probe-second"), further: v.Number("probe-further"),
		threshold:   v.Number("probe-threshold"),
		alrInterval: v.Duration("alr-interval"), alrScale: v.Number("alr-scale"),
		duration: v.Duration("probe-duration"), packets: int(v.Number("probe-packets")),
		max: most * v.Number("probe-max"),
	}
}
