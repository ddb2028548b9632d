package plots

import (
	"math"
	"testing"

	"rtpfabric/sim/record"
)

func TestMeasures(t *testing.T) {
	video := func(stream, metric, stat string, v float64) record.Metric {
		return record.Metric{Entity: stream, Metric: metric, Stat: stat, Value: v}
	}
	flows := []record.Flow{{Name: "S1/video", Kind: "video"}, {Name: "S2/video", Kind: "video"}, {Name: "S1/audio", Kind: "audio"}, {Name: "video", Kind: "tcp"}}
	none := math.NaN()
	for _, c := range []struct {
		id      string
		summary []record.Metric
		want    float64
	}{
		{"utilization", []record.Metric{video("a/forward", "utilization", "mean", 0.2), video("b/forward", "utilization", "mean", 0.9), video("b/forward", "utilization", "max", 1)}, 90},
		{"utilization", nil, none},
		{"queue-delay-p95", []record.Metric{video("a/forward", "queue-delay", "p95", none), video("b/forward", "queue-delay", "p95", 7)}, 7},
		{"loss", []record.Metric{
			video("S1/video", "packets-sent", "total", 100), video("S1/video", "packets-lost", "total", 5),
			video("S2/video", "packets-sent", "total", 300), video("S2/video", "packets-lost", "total", 15),
			video("S1/audio", "packets-sent", "total", 10), video("S1/audio", "packets-lost", "total", 10),
			video("video", "packets-sent", "total", 10), video("video", "packets-lost", "total", 10),
		}, 5},
		{"loss", []record.Metric{video("S1/video", "packets-sent", "total", 0), video("S1/video", "packets-lost", "total", 0)}, none},
		{"goodput", []record.Metric{video("S1/video", "goodput", "mean", 1e6), video("S2/video", "goodput", "mean", 2e6), video("S1/audio", "goodput", "mean", 9e6)}, 1.5},
		{"frame-delay-p95", []record.Metric{video("S1/video", "frame-delay", "p95", 80), video("S2/video", "frame-delay", "p95", 60), video("S1/audio", "frame-delay", "p95", 900)}, 80},
		{"freeze-time", []record.Metric{video("S1/video", "freeze-time", "total", 1500), video("S2/video", "freeze-time", "total", 500)}, 2},
		{"video-score", []record.Metric{video("S1/video", "video-score", "mean", 40), video("S2/video", "video-score", "mean", 60)}, 50},
		{"mos", []record.Metric{video("S1/audio", "mos", "mean", 4.2), video("S1/audio", "mos", "min", 1)}, 4.2},
		{"jain", []record.Metric{video("S1/video", "receive-rate", "mean", 1), video("S2/video", "receive-rate", "mean", 1), video("video", "receive-rate", "mean", 9)}, 100},
		{"jain", []record.Metric{video("S1/video", "receive-rate", "mean", 1)}, none},
		{"jain", []record.Metric{video("S1/video", "receive-rate", "mean", 0), video("S2/video", "receive-rate", "mean", 0)}, none},
		{"rate-ratio", []record.Metric{video("all video", "fairness", "worst ratio over 20s", 2.5), video("all video", "fairness", "worst ratio over 1s", 9)}, 2.5},
		{"convergence-time", []record.Metric{
			video("a/forward", "convergence-time after 0s", "total", 4000), video("a/forward", "convergence-time after 40s", "total", 2000),
			video("a/forward", "convergence-time after 60s", "total", math.Inf(1)),
		}, 3},
		{"convergence-time", nil, none},
	} {
		for _, m := range measures {
			if m.id != c.id {
				continue
			}
			got := m.of(newSummaryOf(&Run{Summary: c.summary, Flows: flows}))
			if math.IsNaN(got) != math.IsNaN(c.want) || math.Abs(got-c.want) > 1e-9 {
				t.Errorf("%s of %v is %v, want %v", c.id, c.summary, got, c.want)
			}
		}
	}
}
