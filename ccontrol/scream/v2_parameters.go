package scream

import (
	"time"

	"rtpfabric/ccontrol"
)

// driftPause is the least time for which §4.5.1 halves the rate.
const driftPause = 200 * time.Millisecond

// v2Parameters are the constants of rfc8298bis §4. Delays are in seconds, sizes in bytes, rates in
// bit/s.
type v2Parameters struct {
	qdelayTargetLo, qdelayTargetHi                            float64
	minRefWnd, bytesInFlightHeadRoom, mss                     float64
	betaLoss, betaECN                                         float64
	postCongestionDelayRTT, mulIncreaseFactor, weight         float64
	l4sAvgGUp, l4sAvgGDown                                    float64
	qdelayAvgG, qdelayMinMaxAvgG                              float64
	qdelayDevAvgG, qdelayDevThreshold                         float64
	refWndOverheadMin, refWndOverheadMax                      float64
	ratePaceMin, packetPacingHeadroom, maxRelaxedPacingFactor float64
	relaxedPacingLimitLow                                     float64
	packetOverhead, targetBitrateMin, targetBitrateMax        float64
	rateAdjustGain, frameSizeDevAlpha, framePeriod            float64
	qdelayMinAvgAlpha                                         float64
	lossRateThreshold, lossRateThresholdPolicer               float64
	betaLossPolicer                                           float64
	ackedBitrateMargin, backoffScaleLowTargetRate             float64
	virtualRTT, baseHorizon                                   time.Duration
	isL4S, reduceJitter, competingFlows, clockDrift           bool
	conditionalLoss, ratePolicers, undershoot                 bool
}

func init() {
	ccontrol.Register(ccontrol.Spec{
		Name:       "scream-v2",
		Summary:    "SCReAM version 2: a reference window by delay, loss, ECN and L4S, and rates from it",
		Source:     "draft-ietf-ccwg-rfc8298bis-screamv2-01",
		Needs:      ccontrol.NeedsPackets,
		Parameters: v2ParameterTable,
		Signals:    v2Signals,
		New:        newV2,
	})
}

const (
	bis421  = ccontrol.Source("rfc8298bis-01 §4.2.1")
	bis422  = ccontrol.Source("rfc8298bis-01 §4.2.2")
	bis431  = ccontrol.Source("rfc8298bis-01 §4.3.1")
	bis432  = ccontrol.Source("rfc8298bis-01 §4.3.2")
	bis44   = ccontrol.Source("rfc8298bis-01 §4.4")
	drift   = ccontrol.Source("rfc8298bis-01 §4.5.1")
	losses1 = ccontrol.Source("rfc8298bis-01 §4.5.2")
	under   = ccontrol.Source("rfc8298bis-01 §4.5.3")
	compete = ccontrol.Source("rfc8298bis-01 §4.5.4")
)

var v2ParameterTable = []ccontrol.Parameter{
	bis422.Duration("qdelay-target-lo", "60ms", "QDELAY_TARGET_LO, target of the queuing delay without competing flows", 0.001, 10),
	bis422.Duration("qdelay-target-hi", "400ms", "QDELAY_TARGET_HI, how far competing flows may raise the target", 0.001, 10),
	bis422.Number("min-ref-wnd", "3000", "MIN_REF_WND, minimum reference window in bytes", 1500, 1e6),
	bis422.Number("bytes-in-flight-head-room", "1.5", "BYTES_IN_FLIGHT_HEAD_ROOM, of ref_wnd over the bytes in flight", 1, 100),
	bis422.Number("beta-loss", "0.7", "BETA_LOSS, scale of ref_wnd at loss", 0.01, 1),
	bis422.Number("beta-ecn", "0.8", "BETA_ECN, scale of ref_wnd at a classic ECN mark", 0.01, 1),
	bis422.Number("mss", "1000", "MSS, maximum size of a packet in bytes", 100, 65535),
	bis422.Number("post-congestion-delay-rtt", "100", "POST_CONGESTION_DELAY_RTT, round trips of cautious growth after congestion", 1, 1e5),
	bis422.Number("mul-increase-factor", "0.02", "MUL_INCREASE_FACTOR, multiplicative growth of ref_wnd in a round trip", 0, 1),
	bis422.Number("is-l4s", "1", "IS_L4S: 1 reacts by l4s_alpha to marks where packets arrive as ECT(1), 0 to all as to classic ECN's", 0, 1),
	bis422.Duration("virtual-rtt", "25ms", "VIRTUAL_RTT, round trip that shorter ones are treated like", 0.001, 1),
	bis421.Number("l4s-avg-g-up", "0.125", "L4S_AVG_G_UP, averaging factor of a rising l4s_alpha", 0.0001, 1),
	bis421.Number("l4s-avg-g-down", "0.0078125", "L4S_AVG_G_DOWN, averaging factor of a falling l4s_alpha", 0.0001, 1),
	bis421.Number("qdelay-avg-g", "0.25", "QDELAY_AVG_G, averaging factor of a rising qdelay_avg", 0.0001, 1),
	bis421.Number("reduce-jitter", "0", "REDUCE_JITTER: 1 slows growth while the queuing delay varies, 0 doesn't", 0, 1),
	bis421.Number("qdelay-min-max-avg-g", "0.0625", "QDELAY_MIN_MAX_AVG_G, of qdelay_min_avg and qdelay_max_avg", 0.0001, 1),
	bis421.Number("qdelay-dev-avg-g", "0.03125", "QDELAY_DEV_AVG_G, averaging factor of qdelay_dev_avg", 0.0001, 1),
	bis421.Duration("qdelay-dev-threshold", "10ms", "QDELAY_DEV_THRESHOLD of qdelay_dev_avg", 0.0001, 10),
	bis431.Number("ref-wnd-overhead-min", "1.5", "REF_WND_OVERHEAD_MIN, of the bytes in flight over ref_wnd in jitter", 1, 100),
	bis431.Number("ref-wnd-overhead-max", "3", "REF_WND_OVERHEAD_MAX, of the bytes in flight over ref_wnd without", 1, 100),
	bis432.Rate("rate-pace-min", "50kbps", "RATE_PACE_MIN, minimum pacing rate"),
	bis432.Number("packet-pacing-headroom", "1.5", "PACKET_PACING_HEADROOM over the target rate", 1, 100),
	bis432.Number("max-relaxed-pacing-factor", "4", "MAX_RELAXED_PACING_FACTOR, extra headroom at the highest rate", 1, 100),
	bis432.Number("relaxed-pacing-limit-low", "0.8", "RELAXED_PACING_LIMIT_LOW, share of the highest rate from which pacing is relaxed", 0, 0.99),
	bis44.Number("packet-overhead", "20", "PACKET_OVERHEAD in bytes", 0, 1000),
	bis44.Rate("target-bitrate-min", "0bps", "TARGET_BITRATE_MIN; 0bps is what audio and the most valued video need at least"),
	bis44.Rate("target-bitrate-max", "0bps", "TARGET_BITRATE_MAX; 0bps is the sum of the media's maximum rates"),
	bis44.Number("rate-adjust-gain", "0.0625", "RATE_ADJUST_GAIN against queues in the pacer", 0, 1),
	bis44.Number("frame-size-dev-alpha", "0.015625", "FRAME_SIZE_DEV_ALPHA, averaging factor of frame_size_dev", 0, 1),
	bis44.Duration("frame-period", "20ms", "frame_period to begin with, as long as no frames were seen", 0.005, 0.2),
	drift.Number("clock-drift", "1", "whether a base delay that isn't true any more is found and forgotten: 1 or 0", 0, 1),
	drift.Number("qdelay-min-avg-alpha", "0.00390625", "QDELAY_MIN_AVG_ALPHA, averaging factor of the least queuing delays", 0.0001, 1),
	losses1.Number("conditional-loss", "0", "1 ignores losses while they are few and the queue is short, 0 doesn't", 0, 1),
	losses1.Number("loss-rate-threshold", "0.01", "LOSS_RATE_THRESHOLD, above which they aren't few", 0.0001, 1),
	losses1.Number("rate-policers", "0", "1 bounds ref_wnd where losses look like a policer's, 0 doesn't", 0, 1),
	losses1.Number("loss-rate-threshold-policer", "0.1", "LOSS_RATE_THRESHOLD_POLICER, above which they do", 0.0001, 1),
	losses1.Number("beta-loss-policer", "0.9", "BETA_LOSS_POLICER, scale of ref_wnd for the bound", 0.01, 1),
	under.Number("ref-wnd-undershoot", "1", "1 reduces less while the target rate is below the acked rate, 0 doesn't", 0, 1),
	under.Number("acked-bitrate-margin", "0.8", "ACKED_BITRATE_MARGIN, how far below", 0, 1),
	under.Number("backoff-scale-low-target-rate", "0.25", "BACKOFF_SCALE_LOW_TARGET_RATE, how much less", 0, 1),
	compete.Number("competing-flows", "1", "whether qdelay_target adapts to competing flows: 1 or 0", 0, 1),
	ccontrol.Source("RFC 6817 §3.4.2").Duration("base-horizon", "10m", "how long a base delay stays valid", 1, 0),
}

var v2Signals = []ccontrol.Signal{
	{Name: "ref_wnd", Unit: "B", Source: string(bis422), Help: "reference window"},
	{Name: "ref_wnd_i", Unit: "B", Source: string(bis422), Help: "inflection point of the reference window"},
	{Name: "bytes_in_flight", Unit: "B", Source: "rfc8298bis-01 §4.1.1", Help: "sent and not yet reported on"},
	{Name: "max_bytes_in_flight", Unit: "B", Source: "rfc8298bis-01 §4.1.1", Help: "most in flight in this round trip and the one before"},
	{Name: "qdelay", Unit: "ms", Source: string(bis421), Help: "queuing delay"},
	{Name: "qdelay_avg", Unit: "ms", Source: string(bis421), Help: "queuing delay, slow to rise and quick to fall"},
	{Name: "qdelay_target", Unit: "ms", Source: string(compete), Help: "target of the queuing delay"},
	{Name: "ref_wnd_delay_scale", Source: string(bis421), Help: "caution by jitter, from 0 to 1 for none"},
	{Name: "is_l4s", Source: string(bis422), Help: "1 while marks count as L4S's, else 0"},
	{Name: "l4s_alpha", Source: string(bis421), Help: "average fraction of marked packets"},
	{Name: "s_rtt", Unit: "ms", Source: string(bis421), Help: "smoothed time from sending to report"},
	{Name: "loss_rate", Source: string(losses1), Help: "average loss rate"},
	{Name: "loss_event_rate", Source: string(compete), Help: "fraction of round trips with losses"},
	{Name: "target_bitrate", Unit: "bit/s", Source: string(bis44), Help: "target rate of the media"},
	{Name: "acked_bitrate", Unit: "bit/s", Source: string(under), Help: "measured rate of what reports cover"},
	{Name: "rate_adjust_factor", Source: string(bis44), Help: "reduction by what waits in the pacer"},
	{Name: "frame_size_dev", Source: string(bis44), Help: "reduction by frames above their nominal size"},
}

func readV2Parameters(l ccontrol.Limits, v ccontrol.Values) (v2Parameters, error) {
	d := func(name string) float64 { return v.Duration(name).Seconds() }
	on := func(name string) bool { return v.Number(name) != 0 }
	p := v2Parameters{
		qdelayTargetLo: d("qdelay-target-lo"), qdelayTargetHi: d("qdelay-target-hi"),
		minRefWnd: v.Number("min-ref-wnd"), bytesInFlightHeadRoom: v.Number("bytes-in-flight-head-room"),
		mss: v.Number("mss"), betaLoss: v.Number("beta-loss"), betaECN: v.Number("beta-ecn"),
		postCongestionDelayRTT: v.Number("post-congestion-delay-rtt"), mulIncreaseFactor: v.Number("mul-increase-factor"),
		weight: 1, isL4S: on("is-l4s"), virtualRTT: v.Duration("virtual-rtt"),
		l4sAvgGUp: v.Number("l4s-avg-g-up"), l4sAvgGDown: v.Number("l4s-avg-g-down"),
		qdelayAvgG: v.Number("qdelay-avg-g"), reduceJitter: on("reduce-jitter"),
		qdelayMinMaxAvgG: v.Number("qdelay-min-max-avg-g"), qdelayDevAvgG: v.Number("qdelay-dev-avg-g"),
		qdelayDevThreshold: d("qdelay-dev-threshold"),
		refWndOverheadMin:  v.Number("ref-wnd-overhead-min"), refWndOverheadMax: v.Number("ref-wnd-overhead-max"),
		ratePaceMin: max(1, float64(v.Rate("rate-pace-min"))), packetPacingHeadroom: v.Number("packet-pacing-headroom"),
		maxRelaxedPacingFactor: v.Number("max-relaxed-pacing-factor"), relaxedPacingLimitLow: v.Number("relaxed-pacing-limit-low"),
		packetOverhead: v.Number("packet-overhead"), rateAdjustGain: v.Number("rate-adjust-gain"),
		frameSizeDevAlpha: v.Number("frame-size-dev-alpha"), framePeriod: d("frame-period"),
		clockDrift: on("clock-drift"), qdelayMinAvgAlpha: v.Number("qdelay-min-avg-alpha"),
		conditionalLoss: on("conditional-loss"), lossRateThreshold: v.Number("loss-rate-threshold"),
		ratePolicers: on("rate-policers"), lossRateThresholdPolicer: v.Number("loss-rate-threshold-policer"),
		betaLossPolicer: v.Number("beta-loss-policer"), undershoot: on("ref-wnd-undershoot"),
		ackedBitrateMargin: v.Number("acked-bitrate-margin"), backoffScaleLowTargetRate: v.Number("backoff-scale-low-target-rate"),
		competingFlows: on("competing-flows"), baseHorizon: v.Duration("base-horizon"),
	}
	if l.Weight > 0 {
		p.weight = l.Weight
	}
	if err := checkTargets(p.qdelayTargetLo, p.qdelayTargetHi); err != nil {
		return p, err
	}
	var err error
	p.targetBitrateMin, p.targetBitrateMax, err = bounds(l, v)
	return p, err
}
