package plots

import (
	"math"
	"strings"

	"rtpfabric/sim/record"
)

// measure is a number that a comparison page shows of every run, from the summary of its record.
type measure struct {
	id, name string
	unit     string // of what of returns, as it is written on axes
	doc      string // what it is, in a sentence
	higher   bool   // is better; else lower is
	of       func(summaryOf) float64
}

// measures are those of RFC 8868 §3 by which controllers are compared: how much of the network is used, what that
// costs in delay and loss, what people see and hear of it, how fairly it is shared, and how long it takes to settle.
var measures = []measure{
	{"utilization", "utilization", "%", "Share of the capacity that was used, of the link that was used most.", true, func(s summaryOf) float64 {
		return 100 * s.highest("utilization", "mean")
	}},
	{"queue-delay-p95", "queue delay, p95", "ms", "95 % quantile of the time in the queue of all packets, at the link where that is highest.", false, func(s summaryOf) float64 {
		return s.highest("queue-delay", "p95")
	}},
	{"loss", "loss of video", "%", "Share of the packets of all videos that the network lost, before repair.", false, func(s summaryOf) float64 {
		sent := s.sum("packets-sent", "total", "video")
		if !(sent > 0) {
			return math.NaN()
		}
		return 100 * s.sum("packets-lost", "total", "video") / sent
	}},
	{"goodput", "goodput of video", "Mbit/s", "Payload of rendered frames per second, the mean of all videos.", true, func(s summaryOf) float64 {
		return s.mean("goodput", "mean", "video") / 1e6
	}},
	{"frame-delay-p95", "frame delay, p95", "ms", "95 % quantile of the time from capture to rendering, of the video where that is highest.", false, func(s summaryOf) float64 {
		return s.worst("frame-delay", "p95", "video")
	}},
	{"freeze-time", "frozen", "s", "Time for which pictures were frozen, the sum of all videos.", false, func(s summaryOf) float64 {
		return s.sum("freeze-time", "total", "video") / 1000
	}},
	{"video-score", "video score", "of 100", "A proxy for what people think of the picture (docs/quality.md), the mean of all videos.", true, func(s summaryOf) float64 {
		return s.mean("video-score", "mean", "video")
	}},
	{"mos", "MOS", "1 to 4.5", "Mean opinion score of the sound by the E-model, the mean of all sounds.", true, func(s summaryOf) float64 {
		return s.mean("mos", "mean", "audio")
	}},
	{"jain", "Jain's index", "%", "Jain's index of fairness of the videos' mean rates at the receivers, each over the time it was sent; 100 % if all are equal.", true, summaryOf.jain},
	{"rate-ratio", "worst rate ratio", "×", "Highest over lowest rate of two videos, in the worst window of 20 s in which both were sent.", false, func(s summaryOf) float64 {
		return s.highest("fairness", "worst ratio over 20s")
	}},
	{"convergence-time", "time to converge", "s", "Time until a link's throughput stays within 15 % of its later mean, the mean of all stretches of constant capacity that came to rest; others aren't in it.", false, summaryOf.convergence},
}

// summaryOf is a run's summary, and of what kind its streams are.
type summaryOf struct {
	metrics []record.Metric
	kinds   map[string]string // by name of the stream: video, audio, tcp or udp
}

func newSummaryOf(r *Run) summaryOf {
	s := summaryOf{r.Summary, map[string]string{}}
	for _, f := range r.Flows {
		s.kinds[f.Name] = f.Kind
	}
	return s
}

// each calls use for a statistic of every entity that has it. kind is that of a stream, or "" for all entities.
func (s summaryOf) each(metric, stat, kind string, use func(v float64)) {
	for _, m := range s.metrics {
		if m.Metric == metric && m.Stat == stat && !math.IsNaN(m.Value) && !math.IsInf(m.Value, 0) && (kind == "" || s.kinds[m.Entity] == kind) {
			use(m.Value)
		}
	}
}

// highest is the largest of all entities; NaN if there is none.
func (s summaryOf) highest(metric, stat string) float64 { return s.worst(metric, stat, "") }

func (s summaryOf) worst(metric, stat, kind string) float64 {
	top := math.NaN()
	s.each(metric, stat, kind, func(v float64) {
		if !(top >= v) {
			top = v
		}
	})
	return top
}

func (s summaryOf) sum(metric, stat, kind string) float64 {
	total, n := 0.0, 0
	s.each(metric, stat, kind, func(v float64) { total, n = total+v, n+1 })
	if n == 0 {
		return math.NaN()
	}
	return total
}

func (s summaryOf) mean(metric, stat, kind string) float64 {
	n := 0
	s.each(metric, stat, kind, func(float64) { n++ })
	return s.sum(metric, stat, kind) / float64(n)
}

// jain is Jain's index of the rates of several videos, in percent.
func (s summaryOf) jain() float64 {
	sum, squares, n := 0.0, 0.0, 0
	s.each("receive-rate", "mean", "video", func(v float64) { sum, squares, n = sum+v, squares+v*v, n+1 })
	if n < 2 || squares == 0 {
		return math.NaN()
	}
	return 100 * sum * sum / (float64(n) * squares)
}

// convergence is the mean time of all stretches, in seconds.
func (s summaryOf) convergence() float64 {
	sum, n := 0.0, 0
	for _, m := range s.metrics {
		if strings.HasPrefix(m.Metric, "convergence-time ") && !math.IsNaN(m.Value) && !math.IsInf(m.Value, 0) {
			sum, n = sum+m.Value/1000, n+1
		}
	}
	return sum / float64(n) // NaN if there are none
}
