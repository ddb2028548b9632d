package xr

import (
	"time"

	"github.com/pion/rtcp"
)

// Unavailable stands for a signal level, noise level, echo loss, R factor or MOS
// that isn't known (RFC 3611 §4.7.4, §4.7.5).
const Unavailable = 127

// Concealment is what fills in for missing packets (RFC 3611 §4.7.6).
type Concealment uint8

// The kinds.
const (
	Unspecified Concealment = iota
	Disabled
	Enhanced
	Standard
)

// Adaptivity is that of the jitter buffer (RFC 3611 §4.7.6).
type Adaptivity uint8

// The kinds; 1 is reserved.
const (
	UnknownBuffer Adaptivity = 0
	NonAdaptive   Adaptivity = 2
	Adaptive      Adaptivity = 3
)

// Call is what a VoIP metrics block tells besides losses (RFC 3611 §4.7.3 to
// §4.7.7).
type Call struct {
	RoundTrip, EndSystem    time.Duration // 0 if unknown
	SignalLevel, NoiseLevel int8          // dBm0
	EchoLoss                uint8         // RERL, dB
	RFactor, ExtRFactor     uint8         // 0 to 100
	MOSLQ, MOSCQ            uint8         // 10 to 50, a tenth each
	Concealment             Concealment
	Adaptivity              Adaptivity
	AdjustmentRate          uint8 // 0 to 15; 0 if unknown
	// Delays of the jitter buffer. Maximum is that of the moment; AbsMaximum, which
	// a fixed buffer doesn't have, the worst.
	Nominal, Maximum, AbsMaximum time.Duration
}

// UnknownCall returns a call of which nothing is known.
func UnknownCall() Call {
	return Call{
		SignalLevel: Unavailable, NoiseLevel: Unavailable, EchoLoss: Unavailable,
		RFactor: Unavailable, ExtRFactor: Unavailable, MOSLQ: Unavailable, MOSCQ: Unavailable,
	}
}

// VoIPMetrics returns a VoIP metrics block about a source. Factors and scores
// beyond their ranges are told as unavailable.
func VoIPMetrics(ssrc uint32, m BurstMetrics, c Call) *rtcp.VoIPMetricsReportBlock {
	b := &rtcp.VoIPMetricsReportBlock{
		SSRC: ssrc, LossRate: m.LossRate, DiscardRate: m.DiscardRate,
		BurstDensity: m.BurstDensity, GapDensity: m.GapDensity,
		BurstDuration: m.BurstDuration, GapDuration: m.GapDuration, Gmin: m.Gmin,
		RoundTripDelay: milliseconds(c.RoundTrip), EndSystemDelay: milliseconds(c.EndSystem),
		SignalLevel: uint8(c.SignalLevel), NoiseLevel: uint8(c.NoiseLevel), RERL: c.EchoLoss,
		RFactor: c.RFactor, ExtRFactor: c.ExtRFactor, MOSLQ: c.MOSLQ, MOSCQ: c.MOSCQ,
		RXConfig:  uint8(c.Concealment)&3<<6 | uint8(c.Adaptivity)&3<<4 | min(c.AdjustmentRate, 15),
		JBNominal: milliseconds(c.Nominal), JBMaximum: milliseconds(c.Maximum), JBAbsMax: milliseconds(c.AbsMaximum),
	}
	if c.Adaptivity != Adaptive {
		b.JBAbsMax = b.JBMaximum // §4.7.7
	}
	ignoreImpossible(b)
	return b
}

// ignoreImpossible makes factors and scores unavailable that MUST NOT be sent and
// MUST be ignored (§4.7.5).
func ignoreImpossible(b *rtcp.VoIPMetricsReportBlock) {
	for _, r := range []*uint8{&b.RFactor, &b.ExtRFactor} {
		if *r > 100 {
			*r = Unavailable
		}
	}
	for _, mos := range []*uint8{&b.MOSLQ, &b.MOSCQ} {
		if *mos < 10 || *mos > 50 {
			*mos = Unavailable
		}
	}
}
