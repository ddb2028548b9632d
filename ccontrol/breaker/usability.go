package breaker

import "rtpfabric/sim/simtime"

// Circuit breaker 4: media usability (§4.4). What comes is of no use to anybody.

// checkUsability notes since when media has been unusable.
func (b *Breaker) checkUsability(now simtime.Time, s *stream, by *reporter, r *Report, sending bool) {
	u := &b.settings.Usability
	lost := float64(r.FractionLost) / 256 // packets with CE are as good as others (§7)
	bad := sending && u.Exceeded(lost, s.tr)
	switch {
	case !bad:
		by.unusable = false
	case !by.unusable:
		by.unusable, by.unusableSince = true, by.at // the block is about the time since the last
	}
	if by.unusable && now.Sub(by.unusableSince) >= u.For && !s.ceased {
		b.trip(s, Trip{
			At: now, Condition: Unusable, Action: Cease,
			Interval: now.Sub(by.unusableSince), Loss: lost, RTT: s.tr,
		})
	}
}
