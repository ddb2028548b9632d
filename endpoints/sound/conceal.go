package sound

// What is missing is concealed for 60 ms: at first the last period of the voice goes on, then
// it fades by a fifth every 10 ms (ITU-T G.711 Appendix I).
const (
	fadesAfter = Clock / 100
	fadesUntil = 6 * Clock / 100
)

// conceal fills in the samples from a place on.
func (p *Player) conceal(at int) {
	if p.lost == 0 {
		lag, _ := period(p.buf[:at])
		p.cycle = append(p.cycle[:0], p.buf[at-lag:at]...)
	}
	p.repeat(p.buf[at:])
}

// repeat writes what goes on instead of what is missing.
func (p *Player) repeat(into []int16) {
	for i := range into {
		gain := fadesUntil - fadesAfter
		switch {
		case p.lost >= fadesUntil:
			gain = 0
		case p.lost > fadesAfter:
			gain = fadesUntil - p.lost
		}
		into[i] = int16(int(p.cycle[p.lost%len(p.cycle)]) * gain / (fadesUntil - fadesAfter))
		p.lost++
	}
}

// recover lets what stood for a loss go over into the sound that is there again, the longer the
// loss the more slowly.
func (p *Player) recover(samples []int16) {
	n := min(fadesAfter/2+p.lost/4, 2*fadesAfter, len(samples))
	over := make([]int16, n)
	p.repeat(over)
	fade(over, samples[:n])
	copy(samples, over)
	p.lost = 0
}
