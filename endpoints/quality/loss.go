package quality

import (
	"time"

	"rtpfabric/sim/units"
)

// Codec is what the E-model needs to know of a codec: the equipment impairment factor
// Ie, what coding spoils without loss, and the packet-loss robustness factor Bpl
// (G.107 §7.5).
type Codec struct{ Ie, Bpl float64 }

// Codecs after ITU-T G.113 Appendix I.
var (
	G711    = Codec{Ie: 0, Bpl: 4.3}  // silence in place of what is missing
	G711PLC = Codec{Ie: 0, Bpl: 25.1} // concealment after G.711 Appendix I
	G729A   = Codec{Ie: 11, Bpl: 19}  // with voice activity detection
	G723    = Codec{Ie: 15, Bpl: 16.1}
	GSMEFR  = Codec{Ie: 5, Bpl: 10}

	// DVI4 isn't in the tables. Assumption: it is as good as G.726 at the same
	// 32 kbit/s, whose Ie is 7, and concealed as well as G.711.
	DVI4 = Codec{Ie: 7, Bpl: 25.1}
)

// opusImpairments are the assumed Ie at some rates; between them it is interpolated.
var opusImpairments = []struct {
	rate units.BitRate
	ie   float64
}{
	{6 * units.Kbps, 25},
	{8 * units.Kbps, 19},
	{12 * units.Kbps, 11},
	{16 * units.Kbps, 6},
	{24 * units.Kbps, 2},
	{32 * units.Kbps, 0},
}

// Opus returns the parameters of Opus at a rate of payload.
//
// Assumption: G.113 has none for Opus. Its impairment is taken to fall from 25 at
// 6 kbit/s to that of G.729A at 12 kbit/s and to none from 32 kbit/s on, and its
// concealment to be that of G.729A, which is of the same kind. The narrowband scale of
// G.107 can't show that a wide band sounds better than G.711.
func Opus(rate units.BitRate) Codec {
	points := opusImpairments
	c := Codec{Ie: points[0].ie, Bpl: G729A.Bpl}
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		switch {
		case rate >= b.rate:
			c.Ie = b.ie
		case rate > a.rate:
			part := float64(rate-a.rate) / float64(b.rate-a.rate)
			c.Ie = a.ie + float64((b.ie-a.ie)*part)
		}
	}
	return c
}

// LossImpairment returns Ie-eff: what the codec and loss spoil (G.107 §7.5). G.107
// holds for burst ratios above 2 only while less than 2 % are lost.
func (c Call) LossImpairment() float64 {
	percent := 100 * min(max(c.Loss, 0), 1)
	burst := max(c.BurstRatio, 1)
	return c.Codec.Ie + float64((95-c.Codec.Ie)*(percent/(percent/burst+c.Codec.Bpl)))
}

// BurstRatio returns BurstR of a trace of losses: the mean length of runs of lost
// packets, relative to that of random loss of the same share (G.107 §7.5). lost is how
// many of all packets were lost, in so many runs. It is at least 1, which is also
// the ratio if nothing was lost, or everything.
func BurstRatio(lost, all, runs uint64) float64 {
	if lost == 0 || runs == 0 || lost >= all {
		return 1
	}
	random := 1 / (1 - float64(lost)/float64(all))
	return max(float64(lost)/float64(runs)/random, 1)
}

// MouthToEar adds up the parts of the one-way delay: the frame that has to be filled
// before it can be sent, with the codec's look-ahead, the network, and the jitter
// buffer.
func MouthToEar(frame, lookAhead, network, buffer time.Duration) time.Duration {
	return frame + lookAhead + network + buffer
}
