package sound

// A voice repeats itself after its period: 2.5 to 15 ms. What is concealed repeats the last
// one (ITU-T G.711 Appendix I works like that), and what is played faster leaves one out.
const (
	shortest = 20
	longest  = 120
	window   = 160 // samples that are compared
)

// period returns after how many samples the end of a sound repeats itself best, and how
// well: 1 is exactly. There must be window+longest samples.
func period(x []int16) (lag int, match float64) {
	end := len(x)
	now := x[end-window:]
	energy, power := int64(0), int64(0)
	for i, s := range now {
		energy += int64(s) * int64(s)
		before := int64(x[end-window-shortest+i])
		power += before * before
	}
	lag = longest
	for l := shortest; l <= longest; l++ {
		before := x[end-window-l : end-l]
		product := int64(0)
		for i, s := range before {
			product += int64(s) * int64(now[i])
		}
		if product > 0 { // and so are both of the others
			p := float64(product)
			if m := float64(p/float64(power)) * float64(p/float64(energy)); m > match {
				lag, match = l, m
			}
		}
		if l < longest { // the window that begins a sample earlier
			first, last := int64(x[end-window-l-1]), int64(before[window-1])
			power += first*first - last*last
		}
	}
	return lag, match
}

// fade writes a mix of two sounds into the first: all of it at the begin, all of the other
// one at the end.
func fade(from, to []int16) {
	n := len(from)
	for i := range from {
		from[i] = int16((int(from[i])*(n-i) + int(to[i])*i) / n)
	}
}
