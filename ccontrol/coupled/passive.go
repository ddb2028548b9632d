package coupled

// passive is step (3) of Appendix C. It changes the rate of the flow that calls it and
// of no other.
func (e *FSE) passive(f *Flow, ccR float64) float64 {
	g := f.group
	newDR := f.Max
	newSCR := 0.0 // (a)
	for _, i := range g.flows {
		newSCR += i.FSER
	}
	delta := ccR - f.FSER
	f.FSER = ccR // (b)
	switch {
	case delta > 0:
		g.sCR += delta
	case delta < 0:
		g.sCR = newSCR + delta
	}
	f.DR = min(newDR, f.FSER)
	for at := 0; at < len(g.flows); { // (c)
		if i := g.flows[at]; i.P < 0 {
			e.remove(i)
		} else {
			at++
		}
	}
	sP := 0.0
	for _, i := range g.flows {
		sP += i.P
	}
	g.boundPassive()
	part := f.P * g.sCR / sP
	if f.DR < f.FSER {
		g.tlo = max(g.tlo+part-f.DR, 0) // whoever has more than its part leaves nothing over
	}
	rate := clamp(min(newDR, part+g.tlo), f.Min, f.Max) // (d)
	if rate < newDR && g.tlo > 0 {
		g.tlo = 0 // f has taken it
	}
	f.DR = max(f.DR, rate) // (e)
	f.FSER = rate
	return rate
}

// boundPassive keeps S_CR and TLO where rates can follow, as [group.bound] does.
func (g *group) boundPassive() {
	lo, hi := 0.0, 0.0
	for _, i := range g.flows {
		lo += i.Min
		hi += i.Max
	}
	g.sCR = clamp(g.sCR, lo, hi)
	g.tlo = clamp(g.tlo, 0, hi)
}
