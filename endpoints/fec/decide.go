package fec

import (
	"math"

	"rtpfabric/endpoints/nack"
	"rtpfabric/sim/units"
)

// Decide returns the plan for a situation: the table of the package's documentation.
// It is a function of its argument alone.
func Decide(s Situation) Plan {
	p := Plan{Residual: s.Loss}
	if s.Importance == nack.Discardable && !s.Audio {
		p.Reason = Unimportant
		return p
	}
	tries := s.tries()
	p.RTX = tries > 0
	left := 1.0 // of what is lost, what retransmissions leave
	for range tries {
		left *= float64(s.Loss)
	}
	p.Residual = units.Ratio(float64(s.Loss) * left)
	switch {
	case float64(s.Loss) < noLoss:
		p.Reason = Clean
	case float64(p.Residual) <= goal:
		p.Reason = InTime
	case s.Audio:
		s.repeat(&p, left)
	default:
		s.protect(&p, left)
	}
	if !s.Audio {
		// What neither retransmission nor FEC brings back, only a refresh point can.
		p.Refresh = s.costly() || !p.RTX && p.Repairs == 0
		p.RTX = p.RTX && !p.Refresh
	}
	return p
}

// class returns the most packets that one repair packet can protect so that no more
// than goal is left of a loss, if retransmission leaves a part of that.
func class(loss, left float64) int {
	alone := 1.0 // the probability that no other packet of the class is lost
	for n := range maxGroup {
		alone *= 1 - loss
		if float64(loss*(1-alone))*left > goal {
			return max(n, 1)
		}
	}
	return maxGroup
}

// protect plans FEC for video: repair packets for as many packets as play-out waits
// for, each for every n-th of them.
func (s *Situation) protect(p *Plan, left float64) {
	loss, burst := float64(s.Loss), max(s.Burst, 1)
	group := min(s.frames(), maxGroup)
	allowed := int(math.Floor(float64(s.share()*float64(group)) + 1e-9))
	switch {
	case !s.FEC:
		p.Reason = Unavailable
		return
	case group < 2:
		p.Reason = TooLate
		return
	case allowed < 1:
		p.Reason = TooCostly
		return
	}
	size := class(loss, left)
	wanted := min(max((group+size-1)/size, int(math.Ceil(burst))), group)
	p.Group, p.Repairs = group, min(wanted, allowed)
	p.Reason = Protected
	if p.Repairs < wanted {
		p.Reason = Limited
	}
	p.Overhead = units.Ratio(float64(p.Repairs) / float64(group))
	alone := 1.0
	for range (group + p.Repairs - 1) / p.Repairs {
		alone *= 1 - loss
	}
	stays := max(1-alone, 1-float64(p.Repairs)/burst) // of a loss, what FEC doesn't repair
	p.Residual = units.Ratio(float64(loss*min(stays, 1)) * left)
}

// repeat plans redundancy for audio: as many earlier frames a packet as are lost in a
// row.
func (s *Situation) repeat(p *Plan, left float64) {
	burst := max(s.Burst, 1)
	share := s.share() + 1e-9
	switch {
	case !s.FEC && !s.InBand:
		p.Reason = Unavailable
		return
	case s.frames() < 1:
		p.Reason = TooLate
		return
	}
	wanted := int(math.Ceil(burst))
	// A packet and all that repeat it have to be lost. More than play-out waits for don't
	// help, nor does anything if all is lost.
	for residual := power(float64(s.Loss), wanted+1) * left; residual > goal && wanted <= s.frames(); residual *= float64(s.Loss) {
		wanted++
	}
	if s.InBand && (burst <= single && wanted == 1 || !s.FEC || share < 1) {
		if share < inBandOverhead {
			p.Reason = TooCostly
			return
		}
		p.InBand, p.Overhead = true, inBandOverhead
		p.Reason = Protected
		if burst > single || wanted > 1 {
			p.Reason = Limited
		}
		// The copy is in the next packet alone.
		p.Residual = units.Ratio(float64(s.Loss) * left * max(float64(s.Loss), 1-1/burst))
		return
	}
	p.Level = min(wanted, s.frames(), int(share))
	switch {
	case p.Level == 0:
		p.Reason = TooCostly
		return
	case p.Level < wanted:
		p.Reason = Limited
	default:
		p.Reason = Protected
	}
	p.Overhead = units.Ratio(p.Level)
	stays := max(power(float64(s.Loss), p.Level), 1-float64(p.Level)/burst)
	p.Residual = units.Ratio(float64(float64(s.Loss)*stays) * left)
}

func power(x float64, n int) float64 {
	y := 1.0
	for range n {
		y *= x
	}
	return y
}
