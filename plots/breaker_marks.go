package plots

import (
	"github.com/go-echarts/go-echarts/v2/opts"

	"rtpfabric/sim/record"
)

// trip is when a circuit breaker tripped, or would have.
type trip struct {
	at    float64 // s
	color string
	acted bool
}

// maxTrips bounds the rules of a chart; the list of events has them all.
const maxTrips = 20

// tripsOf returns the trips of a record. Streams that trip together have one rule.
func tripsOf(r *record.Record) []trip {
	var list []trip
	for _, e := range r.Events {
		acted := e.Kind == record.BreakerTripped || e.Kind == record.BreakerReduced || e.Kind == record.BreakerLeft
		if !acted && e.Kind != record.BreakerObserved {
			continue
		}
		if n := len(list); n > 0 && list[n-1].at == e.At.Seconds() && list[n-1].acted == acted {
			continue
		}
		if len(list) < maxTrips {
			list = append(list, trip{at: e.At.Seconds(), color: "--fail", acted: acted})
		}
	}
	return list
}

// tripRule is a rule of a markLine with a style of its own.
type tripRule struct {
	XAxis     float64         `json:"xAxis"`
	LineStyle *opts.LineStyle `json:"lineStyle"`
	Label     *tripLabel      `json:"label"`
}

type tripLabel struct {
	Show      bool   `json:"show"`
	Formatter string `json:"formatter"`
	Position  string `json:"position"`
	Color     string `json:"color"`
}

func (t trip) rule() tripRule {
	dash, text := "solid", "breaker"
	if !t.acted {
		dash, text = "dotted", "breaker (observed)"
	}
	return tripRule{
		XAxis: t.at, LineStyle: &opts.LineStyle{Color: t.color, Type: dash, Width: 1.5},
		Label: &tripLabel{Show: true, Formatter: text, Position: "insideEndTop", Color: t.color},
	}
}

// breakerWord says what a circuit breaker did.
func breakerWord(kind string) string {
	switch kind {
	case record.BreakerTripped:
		return "stops the stream"
	case record.BreakerReduced:
		return "reduces the rate"
	case record.BreakerObserved:
		return "would have acted"
	case record.BreakerWatched:
		return "another one would have acted"
	case record.BreakerLeft:
		return "leaves the session"
	case record.BreakerAlarm:
		return "can't judge"
	case record.BreakerRestarted:
		return "lets the stream go on"
	case record.BreakerLifted:
		return "lifts the reduction"
	}
	return kind
}
