package measure

import (
	"rtpfabric/ccontrol/breaker"
	"rtpfabric/endpoints"
	"rtpfabric/sim/record"
	"rtpfabric/sim/units"
)

// breakerTripped notes a trip of a circuit breaker: which condition, what follows, and
// why.
func (r *Recorder) breakerTripped(e *endpoints.Event) {
	t := e.Trip
	detail := t.Condition.String() + ", ceases: "
	kind := record.BreakerTripped
	switch t.Action {
	case breaker.Reduce:
		kind = record.BreakerReduced
		detail = t.Condition.String() + ", reduces to " + ((t.Limit + 500*units.BitRate(1)) / 1000 * 1000).String() + ": "
	case breaker.Alarm:
		if e.Watcher != "" {
			return // they all say the same
		}
		r.event(e.At, name(e), record.BreakerAlarm, t.Reason())
		return
	case breaker.Cease:
	}
	if e.Kind == endpoints.BreakerWatched {
		kind = record.BreakerObserved
		if e.Watcher != "" {
			kind = record.BreakerWatched
			detail = e.Watcher + ": " + detail
		}
	}
	detail += t.Reason()
	if e.Section.Main().SSRC() != e.SSRC {
		detail += "; with another stream of its group"
	}
	r.event(e.At, name(e), kind, detail)
}

// breakerLeaves notes that a receiver leaves its session, or would.
func (r *Recorder) breakerLeaves(entity string, e *endpoints.Event) {
	kind := record.BreakerLeft
	if e.Trip.Action == breaker.Alarm {
		kind = record.BreakerObserved
	}
	r.event(e.At, entity, kind, e.Trip.Condition.String()+", leaves: "+e.Trip.Reason())
}

// name is that of the stream which an event is about.
func name(e *endpoints.Event) string { return e.Session.Endpoint() + "/" + e.Section.Name() }
