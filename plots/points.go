package plots

import (
	"math"
	"slices"
	"strconv"
	"time"

	"rtpfabric/sim/record"
)

// points is the data of a line. It is written as bare pairs with at most three
// decimals, less than half the size of what encoding/json makes of objects;
// a value that is no number is null and breaks the line.
type points [][2]float64

// MarshalJSON writes [[x,y],…].
func (p points) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 2+18*len(p))
	b = append(b, '[')
	for i, xy := range p {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		b = appendRounded(b, xy[0])
		b = append(b, ',')
		b = appendRounded(b, xy[1])
		b = append(b, ']')
	}
	return append(b, ']'), nil
}

func appendRounded(b []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(b, "null"...)
	}
	v = math.Round(v*1000) / 1000
	if v == 0 {
		return append(b, '0') // never -0
	}
	return strconv.AppendFloat(b, v, 'f', -1, 64)
}

// has reports whether there is anything to draw.
func (p points) has() bool {
	for _, xy := range p {
		if !math.IsNaN(xy[1]) && !math.IsInf(xy[1], 0) {
			return true
		}
	}
	return false
}

// peak returns the largest value, 0 if there is none.
func (p points) peak() float64 {
	top := 0.0
	for _, xy := range p {
		if !math.IsNaN(xy[1]) && !math.IsInf(xy[1], 0) {
			top = max(top, xy[1])
		}
	}
	return top
}

// pointsShown is the most points that a line on a page has.
const pointsShown = 5000

// thinned returns at most n points: the first, the last, and of each stretch the lowest and the highest one, and a break of
// the line if there is any.
func (p points) thinned(n int) points {
	if len(p) <= n {
		return p
	}
	stretches := (n - 2) / 3
	thin := make(points, 0, n)
	for i := range stretches {
		part := p[i*len(p)/stretches : (i+1)*len(p)/stretches]
		kept := make([]int, 0, 3)
		low, high, gap := -1, -1, -1
		for k, xy := range part {
			switch {
			case math.IsNaN(xy[1]) || math.IsInf(xy[1], 0):
				gap = k
			case low < 0:
				low, high = k, k
			case xy[1] < part[low][1]:
				low = k
			case xy[1] > part[high][1]:
				high = k
			}
		}
		ends := [2]int{-1, -1} // of the line
		if i == 0 {
			ends[0] = 0
		}
		if i == stretches-1 {
			ends[1] = len(part) - 1
		}
		for _, k := range []int{low, high, gap, ends[0], ends[1]} {
			if k >= 0 && !slices.Contains(kept, k) {
				kept = append(kept, k)
			}
		}
		slices.Sort(kept)
		for _, k := range kept {
			thin = append(thin, part[k])
		}
	}
	return thin
}

// scaled returns the points with their values times a factor.
func (p points) scaled(factor float64) points {
	q := make(points, len(p))
	for i, xy := range p {
		q[i] = [2]float64{xy[0], xy[1] * factor}
	}
	return q
}

// plus adds points of the same times; where there are more of one, they stay as they are.
func (p points) plus(q points) points {
	long, short := p, q
	if len(q) > len(p) {
		long, short = q, p
	}
	sum := slices.Clone(long)
	for i, xy := range short {
		switch {
		case math.IsNaN(sum[i][1]):
			sum[i][1] = xy[1]
		case !math.IsNaN(xy[1]):
			sum[i][1] += xy[1]
		}
	}
	return sum
}

// windows calls use for each stretch of the given width with the values in it
// and the time of its middle in seconds. A width below the series' step means
// a stretch per bin.
func windows(s *record.Series, width time.Duration, use func(middle float64, values []float64)) {
	per := max(1, int(width/s.Step))
	for lo := 0; lo < len(s.Values); lo += per {
		hi := min(lo+per, len(s.Values))
		use(float64(lo+hi)/2*s.Step.Seconds(), s.Values[lo:hi])
	}
}

// means returns the mean of each stretch, over the bins that have a value.
func means(s *record.Series, width time.Duration) points {
	if s == nil {
		return nil
	}
	var p points
	windows(s, width, func(middle float64, values []float64) {
		sum, n := total(values)
		p = append(p, [2]float64{middle, sum / float64(n)})
	})
	return p
}

// sums returns the sum of each stretch.
func sums(s *record.Series, width time.Duration) points {
	if s == nil {
		return nil
	}
	var p points
	windows(s, width, func(middle float64, values []float64) {
		sum, n := total(values)
		if n == 0 {
			sum = math.NaN()
		}
		p = append(p, [2]float64{middle, sum})
	})
	return p
}

// perSecond is the sums of each second, with the last one as if it were whole.
func perSecond(s *record.Series) points {
	p := sums(s, plotStep)
	if len(p) == 0 {
		return p
	}
	per := max(1, int(plotStep/s.Step))
	if rest := len(s.Values) % per; rest > 0 {
		p[len(p)-1][1] *= float64(per) / float64(rest)
	}
	return p
}

// percentages returns for each stretch what share the parts have of the wholes.
func percentages(part, whole *record.Series, width time.Duration) points {
	if part == nil || whole == nil {
		return nil
	}
	p, w := sums(part, width), sums(whole, width)
	p = p[:min(len(p), len(w))]
	for i := range p {
		if w[i][1] > 0 {
			p[i][1] *= 100 / w[i][1]
		} else if p[i][1] == 0 || math.IsNaN(p[i][1]) {
			p[i][1] = math.NaN()
		} else {
			p[i][1] = 100 // lost after the last was sent
		}
	}
	return p
}

func total(values []float64) (sum float64, n int) {
	for _, v := range values {
		if !math.IsNaN(v) {
			sum += v
			n++
		}
	}
	return sum, n
}

// steps returns a point for each change of value and one for the end, to be
// drawn as stairs: a value holds until the next point.
func steps(s *record.Series) points {
	if s == nil {
		return nil
	}
	var p points
	last := math.Inf(-1)
	for i, v := range s.Values {
		if v != last && !(math.IsNaN(v) && math.IsNaN(last)) {
			p = append(p, [2]float64{float64(i) * s.Step.Seconds(), v})
			last = v
		}
	}
	if len(p) > 0 {
		p = append(p, [2]float64{float64(len(s.Values)) * s.Step.Seconds(), last})
	}
	return p
}
