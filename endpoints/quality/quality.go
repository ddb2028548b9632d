// Package quality turns what happened in a call into figures that can be compared:
// for audio the rating of ITU-T's E-model (Recommendation G.107) and the mean opinion
// score that goes with it, for video a simple score of this project's own.
//
// Everything is a pure function of its arguments, with the same bits on every machine.
package quality

import (
	"math"
	"time"

	"rtpfabric/sim/detmath"
)

// The E-model's terms at the default values of G.107 Table 2, for which loudness,
// noise and sidetone are those of ordinary telephones: the basic signal-to-noise ratio
// Ro (§7.2, which also is Roe of §7.4), and the simultaneous impairment Is (§7.3).
const (
	basicRatio             = 94.7688
	simultaneousImpairment = 1.4136
)

// Call is what the E-model needs to know of one direction of a call, or of a part of
// it. All other parameters have the defaults of G.107 Table 2.
type Call struct {
	Codec Codec
	// Delay is from mouth to ear, one way: framing, network, jitter buffer and
	// whatever else. The echo path is assumed to have the same in both directions.
	Delay time.Duration
	// Loss is the share of the audio that was missing when it was due, 0 to 1: lost
	// and late, but not restored by FEC.
	Loss float64
	// BurstRatio is how long bursts of losses are relative to those of random loss
	// (G.107 §7.5), at least 1; 0 stands for 1. See [BurstRatio].
	BurstRatio float64
	// EchoLoss is the talker echo loudness rating TELR, dB; 0 stands for the
	// default of 65 dB. An echo canceller adds 30 dB or more.
	EchoLoss float64
	// Advantage is the factor A, 0 to 20, for what users put up with because of the
	// convenience (G.107 §7.6).
	Advantage float64
}

// Rating returns the transmission rating factor R (G.107 §7.1), which is 93.2 at best
// and below 50 of no use. It isn't limited and can be negative.
func (c Call) Rating() float64 {
	return basicRatio - simultaneousImpairment - c.DelayImpairment() - c.LossImpairment() + c.Advantage
}

// MOS returns the estimated mean opinion score of a conversation: see [MOS].
func (c Call) MOS() float64 { return MOS(c.Rating()) }

// MOS converts a rating to a mean opinion score, from 1 to 4.5 (G.107 Annex B, MOS_CQE).
func MOS(r float64) float64 {
	switch {
	case r <= 0:
		return 1
	case r >= 100:
		return 4.5
	}
	// The cubic is below 1 at ratings under 6.5.
	return max(1+float64(0.035*r)+float64(7e-6*r*(r-60)*(100-r)), 1)
}

// Satisfaction is how content users are (ITU-T G.109 Table 1).
type Satisfaction uint8

// The categories, whose ratings begin at 0, 50, 60, 70, 80 and 90.
const (
	NotRecommended Satisfaction = iota
	NearlyAllDissatisfied
	ManyDissatisfied
	SomeDissatisfied
	Satisfied
	VerySatisfied
)

// SatisfactionOf returns the category of a rating.
func SatisfactionOf(r float64) Satisfaction {
	return Satisfaction(max(min(math.Floor(r/10)-4, float64(VerySatisfied)), 0))
}

// String returns the category's description.
func (s Satisfaction) String() string {
	return [...]string{
		"not recommended", "nearly all users dissatisfied", "many users dissatisfied", "some users dissatisfied",
		"satisfied", "very satisfied",
	}[s]
}

// pow returns x^y for x > 0.
func pow(x, y float64) float64 { return detmath.Exp(float64(y * detmath.Log(x))) }

func log10(x float64) float64 { return float64(detmath.Log(x) / math.Ln10) }
