package cellular

import (
	"math"

	"rtpfabric/sim/detmath"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/units"
)

// Shannon is the attenuated and truncated form of Shannon's formula with which
// 3GPP TR 36.942 annex A stands for link adaptation: the spectral efficiency is
// Alpha·log2(1+SNR), at most MaxEfficiency, and nothing below MinSNR.
type Shannon struct {
	Alpha         float64
	MaxEfficiency float64 // bit/s/Hz
	MinSNR        float64 // dB
}

// The parameters of TR 36.942 annex A: downlink 1x2 and uplink 1x2.
var (
	Downlink = Shannon{Alpha: 0.6, MaxEfficiency: 4.4, MinSNR: -10}
	Uplink   = Shannon{Alpha: 0.4, MaxEfficiency: 2, MinSNR: -10}
)

// Rate returns the rate over a bandwidth in Hz at an SNR in dB.
func (s Shannon) Rate(snr, bandwidth float64) units.BitRate {
	return s.rate(ratio(snr), bandwidth)
}

func (s Shannon) rate(snr, bandwidth float64) units.BitRate {
	if snr < ratio(s.MinSNR) {
		return 0
	}
	efficiency := float64(s.Alpha*detmath.Log(1+snr)) / math.Ln2
	return units.BitRate(float64(bandwidth * min(efficiency, s.MaxEfficiency)))
}

// ratio converts from dB.
func ratio(db float64) float64 { return detmath.Exp(float64(db * (math.Ln10 / 10))) }

// decibel converts to dB.
func decibel(ratio float64) float64 { return float64(detmath.Log(ratio) * (10 / math.Ln10)) }

// Deployment is where users are and what reaches them: sites of three cells on
// a hexagonal grid.
type Deployment struct {
	// CellRadius is that of a cell's hexagon, in metres: a third of the distance
	// between sites.
	CellRadius float64
	// MinDistance is the least distance between a user and its site, in metres.
	MinDistance float64
	// FromUser says that the user sends: its power is spread over the resource
	// blocks that it may use, not over the whole band.
	FromUser bool
	// TxPower is in dBm, Gain is that of both antennas less
	// losses and Penetration the loss into buildings or cars, in dB.
	TxPower, Gain, Penetration float64
	// NoiseFigure of the receiver in dB.
	NoiseFigure float64
	// Shadowing is the standard deviation of the lognormal shadowing, in dB.
	Shadowing float64
	// Interference is how far the six sites around send at full power, from 0
	// to 1, each with one cell towards the user.
	Interference float64
	// NoiseRise is interference in dB above the noise, besides.
	NoiseRise float64
}

// Case1 and Case3 are the macro-cell cases of 3GPP TR 25.814 Table A.2.1.1-1
// for 10 MHz at 2 GHz, 500 m and 1732 m between sites, with 20 dB of penetration
// loss (RFC 8869 §2.1.2 and §2.2.2): 46 dBm and 14 dBi at the base station, a
// noise figure of 9 dB, path loss 128.1 + 37.6·log10(km).
func Case1() Deployment {
	return Deployment{
		CellRadius: 166.666, MinDistance: 35, TxPower: 46, Gain: 14, Penetration: 20,
		NoiseFigure: 9, Shadowing: 8, Interference: 1,
	}
}

// Case3 is the one with large cells, for bad coverage.
func Case3() Deployment {
	d := Case1()
	d.CellRadius = 577.3333
	return d
}

// ForUplink turns a deployment into that of its uplink: 24 dBm from the user, a
// noise figure of 5 dB, and 6 dB of noise rise in place of the neighbours'
// power. The last is an assumption.
func (d Deployment) ForUplink() Deployment {
	d.FromUser = true
	d.TxPower, d.NoiseFigure, d.Interference, d.NoiseRise = 24, 5, 0, 6
	return d
}

// pathLoss returns the loss in dB over so many metres.
func pathLoss(metres float64) float64 {
	return 128.1 + float64(37.6/math.Ln10*detmath.Log(metres/1000))
}

// SNR returns the mean ratio of signal to noise and interference in dB at a
// distance in metres on the axis of the cell, with the power spread over a
// bandwidth in Hz. shadowing in
// dB adds to the signal. The six neighbours are 60° apart, the first ones 30°
// off the axis; the path to each has the mean shadowing.
func (d Deployment) SNR(distance, bandwidth, shadowing float64) float64 {
	r := max(distance, d.MinDistance)
	link := d.TxPower + d.Gain - d.Penetration
	signal := ratio(link - pathLoss(r) + shadowing)
	noise := ratio(-174 + decibel(bandwidth) + d.NoiseFigure + d.NoiseRise)
	isd := float64(3 * d.CellRadius) // rounded, because 2·isd becomes a sum
	const cos30 = 0.8660254037844386
	for _, c := range [...]float64{cos30, cos30, 0, 0, -cos30, -cos30} {
		far := math.Sqrt(float64(isd*isd) + float64(r*r) - float64(2*isd*r*c))
		noise += float64(d.Interference * ratio(link-pathLoss(far)))
	}
	return decibel(signal / noise)
}

// Drop draws where a user is: its distance, evenly over the area of a sector
// that reaches from MinDistance to the far corner of the hexagon, and its
// shadowing in dB.
func (d Deployment) Drop(random *rng.Stream) (distance, shadowing float64) {
	lo, hi := float64(d.MinDistance*d.MinDistance), float64(4*d.CellRadius*d.CellRadius)
	distance = math.Sqrt(random.Uniform(lo, hi))
	return distance, float64(d.Shadowing * random.Normal())
}
