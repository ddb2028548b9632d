package scenarios

import (
	"cmp"
	"slices"
	"strings"
)

// Better says which of two values of a metric is the better one.
type Better uint8

// What is better.
const (
	Neither Better = iota // it depends on what is wanted
	Lower
	Higher
)

func (b Better) String() string { return [...]string{"neither", "lower", "higher"}[b] }

// MarshalText writes it as String does.
func (b Better) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// Of each metric one of these lists says what is better. A name with a star stands for all with that beginning.
var (
	lowerIsBetter = []string{
		"queue-delay-*", "link-loss",
		"loss", "reported-loss", "residual-loss", "loss-of-all", "jitter", "retransmissions", "undecodable", "refreshes",
		"one-way-delay-*", "frame-delay-*", "freeze-time", "concealed", "mouth-to-ear", "av-skew-*", "rtt",
		"rate-ratio", // 1 is fair
		"first-frame", "clipped", "agreed", "gathered", "routed", "idle-lines", "failed-changes",
		"timeouts",
	}
	higherIsBetter = []string{
		"utilization", "utilization-of-available", "throughput", "receive-rate", "goodput", "frame-rate",
		"jain", "rate-sum", "rate-lowest",
		"video-score", "mos", "mos-min", "digits",
	}
	neitherIsBetter = []string{
		"send-rate", "encoder-rate", "target", "rate-quotient", "rate-highest", // too much is as bad as too little
		"link-marks", "marks", "reported-marks", "ecn-capable", // a way to tell, not a harm
		"repair-rate", "repair-frames", "repair-frame-size",
		"breaker-*", // they should trip where that is due
		"glares", "offers", "agreements", "lines", "checks", "handshakes", "routes", "relayed",
		"members", "rtcp-*", "mixes", "decodes", "encodes", "suppressed", "held-back",
	}
)

// betterOf looks a metric up.
func betterOf(name string) (Better, bool) {
	for _, l := range []struct {
		names  []string
		better Better
	}{{lowerIsBetter, Lower}, {higherIsBetter, Higher}, {neitherIsBetter, Neither}} {
		if slices.ContainsFunc(l.names, func(n string) bool {
			start, star := strings.CutSuffix(n, "*")
			return n == name || star && strings.HasPrefix(name, start)
		}) {
			return l.better, true
		}
	}
	return Neither, false
}

// better says what is better in the eyes of a scenario that expects something: what is better of the metric, unless the
// scenario bounds it from the other side, as one does that shows harm. Of what has no better
// side a single bound says which is.
func (e *Expect) better() Better {
	of, _ := betterOf(e.Metric)
	wanted := Neither
	switch {
	case e.Equal != nil || e.Min != nil && e.Max != nil:
	case e.Max != nil:
		wanted = Lower
	case e.Min != nil:
		wanted = Higher
	}
	if of != Neither && wanted != Neither && of != wanted {
		return Neither
	}
	return cmp.Or(of, wanted)
}

// worthwhile is a difference that nobody notices, in the unit of a metric: smaller ones are no news whatever share of the
// value they are.
func worthwhile(m *metric) float64 {
	if m.name == "mos" || m.name == "mos-min" {
		return 0.05 // of a scale to 4.5
	}
	switch m.quantity.unit {
	case milliseconds.unit:
		return 1
	case ratio.unit:
		return 0.001
	case rate.unit:
		return 1000
	case factor.unit:
		return 0.02
	}
	return 0.5 // frames, packets, points of 100, and how many a second
}
