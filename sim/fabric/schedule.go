package fabric

import (
	"slices"
	"time"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Change is one entry of a link's schedule. A nil field stays as it is.
type Change struct {
	At    simtime.Time
	Rate  *units.BitRate
	Delay *time.Duration
	Loss  *float64
}

// Schedule changes the link at the given times. Entries of one time take
// effect in the order given.
func (l *Link) Schedule(changes []Change) {
	if len(changes) == 0 {
		return
	}
	changes = slices.Clone(changes)
	slices.SortStableFunc(changes, func(a, b Change) int { return int(a.At.Sub(b.At)) })
	var timer *engine.Timer
	timer = l.fabric.loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
		for len(changes) > 0 && changes[0].At <= now {
			l.apply(now, changes[0])
			changes = changes[1:]
		}
		if len(changes) > 0 {
			timer.Set(changes[0].At)
		}
	}))
	timer.Set(changes[0].At)
}

func (l *Link) apply(now simtime.Time, c Change) {
	if c.Delay != nil {
		l.Delay = *c.Delay
	}
	if c.Loss != nil {
		l.Loss = *c.Loss
	}
	if c.Rate != nil {
		l.SetRate(now, *c.Rate)
	}
	l.fabric.observer.LinkChanged(now, l)
}

// SetRate changes the serializer's rate. What is left of a packet in the
// serializer goes at the new rate.
func (l *Link) SetRate(now simtime.Time, r units.BitRate) {
	old := l.Rate
	l.Rate = r
	if q, ok := l.Queue.(RateAware); ok && r >= 0 {
		q.SetRate(r)
	}
	if l.serializing == nil {
		l.startSerializing(now)
		return
	}
	if old > 0 {
		sent := int64(now.Sub(l.serialStart).Seconds() * float64(old))
		l.serialBits = max(l.serialBits-sent, 0)
	}
	l.serialStart = now
	switch {
	case r == 0:
		l.serialTimer.Stop()
	case r < 0:
		l.serialTimer.Set(now)
	default:
		ns := (l.serialBits*int64(time.Second) + int64(r) - 1) / int64(r)
		l.serialTimer.Set(now.Add(time.Duration(ns)))
	}
}
