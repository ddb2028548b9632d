package gcc

import "rtpfabric/sim/simtime"

// filter turns the delay variations of groups into a trend.
type filter interface {
	// update takes a group that arrived at the given time and returns the trend
	// and the number that the detector compares with its threshold.
	update(arrival simtime.Time, d deltas) (trend, scaled float64)
	reset()
}

// Both filters' trends are weighted with the number of groups that they rest
// on, up to this one (libwebrtc goog_cc/trendline_estimator.cc and
// remote_bitrate_estimator/overuse_detector.cc).
const maxWeight = 60

// trendline is libwebrtc's filter: the slope of a straight line through the
// smoothed accumulated delays of the last groups, over their arrival times
// (goog_cc/trendline_estimator.cc). The slope is (sending rate - capacity) /
// capacity while a queue builds.
type trendline struct {
	smoothing, gain float64
	window          int

	groups      int
	first       simtime.Time
	accumulated float64 // ms
	smoothed    float64 // ms
	points      []point // a ring of window points once it is full
	oldest      int
	slope       float64
}

type point struct {
	at    float64 // ms since the first group
	delay float64 // ms
}

func newTrendline(window int, smoothing, gain float64) *trendline {
	return &trendline{window: window, smoothing: smoothing, gain: gain, points: make([]point, 0, window)}
}

func (t *trendline) reset() {
	*t = trendline{window: t.window, smoothing: t.smoothing, gain: t.gain, points: t.points[:0]}
}

func (t *trendline) update(arrival simtime.Time, d deltas) (trend, scaled float64) {
	if t.groups == 0 {
		t.first = arrival
	}
	t.groups = min(t.groups+1, maxWeight)
	t.accumulated += d.variation()
	t.smoothed = float64(t.smoothing*t.smoothed) + float64((1-t.smoothing)*t.accumulated)
	t.push(point{at: ms(arrival.Sub(t.first)), delay: t.smoothed})
	if len(t.points) == t.window {
		t.slope = t.fit()
	}
	return t.slope, float64(t.groups) * t.slope * t.gain
}

func (t *trendline) push(p point) {
	if len(t.points) < t.window {
		t.points = append(t.points, p)
		return
	}
	t.points[t.oldest] = p
	t.oldest = (t.oldest + 1) % t.window
}

// fit returns the slope of the least-squares line, or the last one if all
// groups arrived at the same time.
func (t *trendline) fit() float64 {
	var x, y float64
	for _, p := range t.points {
		x += p.at
		y += p.delay
	}
	n := float64(len(t.points))
	x /= n
	y /= n
	var above, below float64
	for _, p := range t.points {
		dx := p.at - x
		above += float64(dx * (p.delay - y))
		below += float64(dx * dx)
	}
	if below <= 0 {
		return t.slope
	}
	return above / below
}
