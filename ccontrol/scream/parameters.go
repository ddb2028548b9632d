package scream

import (
	"fmt"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/units"
)

// parameters are the constants of RFC 8298 §4.1.1.1. Delays are in seconds, sizes in bytes,
// rates in bit/s.
type parameters struct {
	qdelayTargetLo, qdelayTargetHi     float64
	qdelayWeight                       float64
	qdelayTrendTh, qdelayTrendLo       float64
	minCwnd, mss, headRoom, gain       float64
	betaLoss, betaECN, betaR           float64
	targetBitrateMin, targetBitrateMax float64
	rampUpSpeed                        float64
	preCongestionGuard                 float64
	txQueueSizeFactor                  float64
	rtpQdelayTh                        float64
	targetRateScaleRTPQdelay           float64
	ratePaceMin                        float64
	competingFlows                     bool
	rateAdjustInterval                 time.Duration
	resumeFastIncrease, baseHorizon    time.Duration
}

func init() {
	ccontrol.Register(ccontrol.Spec{
		Name:       "scream",
		Summary:    "Self-Clocked Rate Adaptation for Multimedia: a window by delay, loss and ECN",
		Source:     "RFC 8298",
		Needs:      ccontrol.NeedsPackets,
		Parameters: v1Parameters,
		Signals:    v1Signals,
		New:        newV1,
	})
}

const rfc = ccontrol.Source("RFC 8298 §4.1.1.1")

var v1Parameters = []ccontrol.Parameter{
	rfc.Duration("qdelay-target-lo", "100ms", "QDELAY_TARGET_LO, target of the queuing delay without competing flows", 0.001, 10),
	rfc.Duration("qdelay-target-hi", "400ms", "QDELAY_TARGET_HI, how far competing flows may raise the target", 0.001, 10),
	rfc.Number("qdelay-weight", "0.1", "QDELAY_WEIGHT, averaging factor of qdelay_fraction_avg", 0.001, 1),
	rfc.Number("qdelay-trend-th", "0.2", "QDELAY_TREND_TH, trend that shows incipient congestion", 0, 1),
	rfc.Number("min-cwnd", "3000", "MIN_CWND, minimum congestion window in bytes", 1500, 1e6),
	rfc.Number("max-bytes-in-flight-head-room", "1.1", "MAX_BYTES_IN_FLIGHT_HEAD_ROOM, of CWND over the bytes in flight", 1, 100),
	rfc.Number("gain", "1", "GAIN of the congestion window's adjustment", 0.001, 100),
	rfc.Number("beta-loss", "0.8", "BETA_LOSS, scale of CWND at loss", 0.01, 1),
	rfc.Number("beta-ecn", "0.9", "BETA_ECN, scale of CWND and target rate at an ECN mark", 0.01, 1),
	rfc.Number("beta-r", "0.9", "BETA_R, scale of the target rate at loss", 0.01, 1),
	rfc.Number("mss", "1000", "MSS, maximum segment size in bytes", 100, 65535),
	rfc.Duration("rate-adjust-interval", "200ms", "RATE_ADJUST_INTERVAL between adjustments of the media's rate", 0.01, 10),
	rfc.Rate("target-bitrate-min", "0bps", "TARGET_BITRATE_MIN; 0bps is what audio and the most valued video need at least"),
	rfc.Rate("target-bitrate-max", "0bps", "TARGET_BITRATE_MAX; 0bps is the sum of the media's maximum rates"),
	rfc.Rate("ramp-up-speed", "200kbps", "RAMP_UP_SPEED, the most that the target rate grows in a second"),
	rfc.Number("pre-congestion-guard", "0.1", "PRE_CONGESTION_GUARD against early congestion onset", 0, 1),
	rfc.Number("tx-queue-size-factor", "1", "TX_QUEUE_SIZE_FACTOR, guard against RTP queue buildup", 0, 2),
	rfc.Duration("rtp-qdelay-th", "20ms", "RTP_QDELAY_TH, delay in the RTP queue that lowers the target rate", 0, 10),
	rfc.Number("target-rate-scale-rtp-qdelay", "0.95", "TARGET_RATE_SCALE_RTP_QDELAY, by how much", 0.01, 1),
	rfc.Number("qdelay-trend-lo", "0.2", "QDELAY_TREND_LO, trend below which fast increase may resume", 0, 1),
	rfc.Duration("t-resume-fast-increase", "5s", "T_RESUME_FAST_INCREASE, how long it has to be below", 0.1, 600),
	rfc.Rate("rate-pace-min", "50kbps", "RATE_PACE_MIN, minimum pacing rate"),
	ccontrol.Source("RFC 8298 §4.1.2.3").Number("competing-flows", "1", "whether qdelay_target adapts to competing flows: 1 or 0", 0, 1),
	ccontrol.Source("RFC 6817 §3.4.2").Duration("base-horizon", "10m", "how long a base delay stays valid", 1, 0),
}

var v1Signals = []ccontrol.Signal{
	{Name: "cwnd", Unit: "B", Source: "RFC 8298 §4.1.2.2", Help: "congestion window"},
	{Name: "bytes_in_flight", Unit: "B", Source: "RFC 8298 §4.1.2", Help: "sent and not yet reported on"},
	{Name: "max_bytes_in_flight", Unit: "B", Source: "RFC 8298 §4.1.2.2", Help: "most in flight during the last five seconds"},
	{Name: "qdelay", Unit: "ms", Source: "RFC 8298 §4.1.2", Help: "queuing delay"},
	{Name: "qdelay_target", Unit: "ms", Source: "RFC 8298 §4.1.2.3", Help: "target of the queuing delay"},
	{Name: "qdelay_trend", Source: "RFC 8298 §4.1.2", Help: "incipient congestion, from 0 to 1"},
	{Name: "qdelay_trend_mem", Source: "RFC 8298 §4.1.2", Help: "memory of qdelay_trend"},
	{Name: "in_fast_increase", Source: "RFC 8298 §4.1.2.2", Help: "1 in fast increase mode, else 0"},
	{Name: "s_rtt", Unit: "ms", Source: "RFC 8298 §4.1.1.2", Help: "smoothed time from sending to report"},
	{Name: "loss_event_rate", Source: "RFC 8298 §4.1.1.2", Help: "fraction of round trips with losses"},
	{Name: "target_bitrate", Unit: "bit/s", Source: "RFC 8298 §4.1.3", Help: "target rate of the media"},
	{Name: "target_bitrate_last_max", Unit: "bit/s", Source: "RFC 8298 §4.1.3", Help: "inflection point of the target rate"},
	{Name: "rate_transmit", Unit: "bit/s", Source: "RFC 8298 §4.1.3", Help: "measured rate of sending"},
	{Name: "rate_ack", Unit: "bit/s", Source: "RFC 8298 §4.1.3", Help: "measured rate of what reports cover"},
	{Name: "rate_media", Unit: "bit/s", Source: "RFC 8298 §4.1.1.2", Help: "measured rate of what encoders make"},
	{Name: "rtp_queue_size", Unit: "B", Source: "RFC 8298 §4.1.1.2", Help: "what waits in the pacer"},
}

func readParameters(l ccontrol.Limits, v ccontrol.Values) (parameters, error) {
	d := func(name string) float64 { return v.Duration(name).Seconds() }
	p := parameters{
		qdelayTargetLo: d("qdelay-target-lo"), qdelayTargetHi: d("qdelay-target-hi"),
		qdelayWeight: v.Number("qdelay-weight"), qdelayTrendTh: v.Number("qdelay-trend-th"),
		qdelayTrendLo: v.Number("qdelay-trend-lo"), minCwnd: v.Number("min-cwnd"), mss: v.Number("mss"),
		headRoom: v.Number("max-bytes-in-flight-head-room"), gain: v.Number("gain"),
		betaLoss: v.Number("beta-loss"), betaECN: v.Number("beta-ecn"), betaR: v.Number("beta-r"),
		rampUpSpeed: float64(v.Rate("ramp-up-speed")), preCongestionGuard: v.Number("pre-congestion-guard"),
		txQueueSizeFactor: v.Number("tx-queue-size-factor"), rtpQdelayTh: d("rtp-qdelay-th"),
		targetRateScaleRTPQdelay: v.Number("target-rate-scale-rtp-qdelay"),
		ratePaceMin:              max(1, float64(v.Rate("rate-pace-min"))),
		competingFlows:           v.Number("competing-flows") != 0,
		rateAdjustInterval:       v.Duration("rate-adjust-interval"),
		resumeFastIncrease:       v.Duration("t-resume-fast-increase"), baseHorizon: v.Duration("base-horizon"),
	}
	if l.Weight > 0 {
		p.gain *= l.Weight
		p.rampUpSpeed *= l.Weight
	}
	if err := checkTargets(p.qdelayTargetLo, p.qdelayTargetHi); err != nil {
		return p, err
	}
	var err error
	p.targetBitrateMin, p.targetBitrateMax, err = bounds(l, v)
	return p, err
}

func checkTargets(lo, hi float64) error {
	if lo > hi {
		return fmt.Errorf("qdelay-target-lo %v is longer than qdelay-target-hi %v: write the lower one below, or set both",
			seconds(lo), seconds(hi))
	}
	return nil
}

// bounds returns TARGET_BITRATE_MIN and _MAX. What a scenario sets doesn't pass what the media
// allow.
func bounds(l ccontrol.Limits, v ccontrol.Values) (lo, hi float64, err error) {
	lo = max(float64(l.Min), float64(v.Rate("target-bitrate-min")))
	hi = float64(l.Max)
	if set := float64(v.Rate("target-bitrate-max")); set > 0 {
		hi = min(hi, set)
	}
	if lo > hi {
		return 0, 0, fmt.Errorf("target-bitrate-min %v is larger than target-bitrate-max %v: write min below max, or set both",
			units.BitRate(lo), units.BitRate(hi))
	}
	return lo, hi, nil
}
