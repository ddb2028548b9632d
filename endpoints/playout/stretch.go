package playout

import "time"

// trend is on which way the delay is.
type trend int8

const (
	steady trend = iota
	growing
	shrinking
)

// stretch returns by how much longer, or shorter if negative, a frame is played. The
// delay is left alone from the target up to half a frame more than it; once it is
// beyond, it is brought to the target, by no more than the limit.
func (t *trend) stretch(delay, target, frame time.Duration, limit float64) time.Duration {
	switch {
	case delay < target:
		*t = growing
	case delay > target+frame/2:
		*t = shrinking
	case *t == growing, *t == shrinking && delay <= target:
		*t = steady
	}
	most := time.Duration(limit * float64(frame))
	switch *t {
	case growing:
		return min(target-delay, most)
	case shrinking:
		return max(target-delay, -most)
	case steady:
	}
	return 0
}
