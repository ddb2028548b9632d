package wifi

import (
	"fmt"
	"math"

	"rtpfabric/sim/detmath"
)

// PathLoss is the log-distance model that RFC 8869 §3.1.2 asks for: the loss at
// d metres is ReferenceLoss + 10·Exponent·log10(d), in dB. A mode can be used
// where the received power is at least its sensitivity, which is the standard's
// minimum for 10 % errors in frames of 1,000 (DSSS: 8 % in 1,024) bytes.
type PathLoss struct {
	// TxPower is in dBm, ReferenceLoss in dB at one metre. SNR isn't needed:
	// sensitivities include the noise.
	TxPower, ReferenceLoss, Exponent float64
}

// DefaultPathLoss is 16 dBm, 46.68 dB (free space at 5.15 GHz) and 3.
func DefaultPathLoss() PathLoss {
	return PathLoss{TxPower: 16, ReferenceLoss: 46.68, Exponent: 3}
}

func (p PathLoss) validate() error {
	if !(p.Exponent > 0 && p.Exponent < 10) {
		return fmt.Errorf("path loss exponent %v: write a number such as 3", p.Exponent)
	}
	if !(math.Abs(p.TxPower) < 100) || !(math.Abs(p.ReferenceLoss) < 200) {
		return fmt.Errorf("transmit power %v dBm and reference loss %v dB: write numbers such as 16 and 46.68", p.TxPower, p.ReferenceLoss)
	}
	return nil
}

// ReceivedPower returns the power in dBm at a distance in metres. Below one
// metre it is that at one.
func (p PathLoss) ReceivedPower(distance float64) float64 {
	decades := detmath.Log(max(distance, 1)) / math.Ln10
	return p.TxPower - p.ReferenceLoss - float64(10*p.Exponent*decades)
}

// choose returns the fastest mode that works at the distance, of those with as
// many streams as the last. An error if none does.
func (p PathLoss) choose(modes []Mode, distance float64) (Mode, error) {
	if !(distance > 0) || math.IsInf(distance, 1) {
		return Mode{}, fmt.Errorf("distance %v: write a positive number of metres", distance)
	}
	power := p.ReceivedPower(distance)
	last := modes[len(modes)-1]
	for i := len(modes) - 1; i >= 0; i-- {
		if m := modes[i]; m.Streams == last.Streams {
			if power >= m.Sensitivity {
				return m, nil
			}
			last = m
		}
	}
	reach := detmath.Exp((p.TxPower - p.ReferenceLoss - last.Sensitivity) / (10 * p.Exponent) * math.Ln10)
	return Mode{}, fmt.Errorf("distance %v m is out of reach: write at most %.4g", distance, math.Floor(reach))
}
