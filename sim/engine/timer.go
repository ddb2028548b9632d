package engine

import (
	"fmt"

	"rtpfabric/sim/simtime"
)

// Timer is a deadline that can be set, moved and stopped without allocating.
type Timer struct {
	loop    *Loop
	handler Handler
	index   int // in the heap; -1 when not set
}

// Set makes the timer due at the given time, whether it was set before or not.
// simtime.Never stops it. A time in the past panics: an event can't change
// what has happened.
func (t *Timer) Set(at simtime.Time) {
	l := t.loop
	if at == simtime.Never {
		t.Stop()
		return
	}
	if at < l.now {
		panic(fmt.Sprintf("engine: timer set to %v, which is before %v", at, l.now))
	}
	l.seq++
	s := slot{at: at, seq: l.seq, timer: t}
	if t.index < 0 {
		l.heap = append(l.heap, s)
		t.index = len(l.heap) - 1
		l.up(t.index)
		return
	}
	if l.firing == t {
		l.firing = nil
	}
	later := l.heap[t.index].before(s)
	l.heap[t.index] = s
	if later {
		l.down(t.index)
	} else {
		l.up(t.index)
	}
}

// SetIfMoved is Set, but leaves a timer alone that is already due at that
// time, so that it keeps its place among the events of that instant.
func (t *Timer) SetIfMoved(at simtime.Time) {
	if due, ok := t.Due(); ok && due == at {
		return
	}
	t.Set(at)
}

// Stop unsets the timer. Stopping one that isn't set does nothing.
func (t *Timer) Stop() {
	if t.index < 0 || t.loop.firing == t {
		return
	}
	t.loop.remove(t.index)
}

// Due returns when the timer fires, and whether it is set.
func (t *Timer) Due() (simtime.Time, bool) {
	if t.index < 0 || t.loop.firing == t {
		return 0, false
	}
	return t.loop.heap[t.index].at, true
}

// slot is a heap entry. Keys are stored by value, so that comparing doesn't
// follow pointers.
type slot struct {
	at    simtime.Time
	seq   uint64
	timer *Timer
}

func (a slot) before(b slot) bool {
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

// arity of the heap: four children share a cache line or two, and the tree is
// half as high as a binary one.
const arity = 4

func (l *Loop) up(i int) {
	h := l.heap
	s := h[i]
	for i > 0 {
		parent := (i - 1) / arity
		if !s.before(h[parent]) {
			break
		}
		h[i] = h[parent]
		h[i].timer.index = i
		i = parent
	}
	h[i] = s
	s.timer.index = i
}

func (l *Loop) down(i int) {
	h := l.heap
	s := h[i]
	for {
		first := i*arity + 1
		if first >= len(h) {
			break
		}
		children := h[first:min(first+arity, len(h))]
		least, at, seq := 0, children[0].at, children[0].seq
		for c := 1; c < len(children); c++ {
			if child := &children[c]; child.at < at || child.at == at && child.seq < seq {
				least, at, seq = c, child.at, child.seq
			}
		}
		if at > s.at || at == s.at && seq > s.seq {
			break
		}
		h[i] = children[least]
		h[i].timer.index = i
		i = first + least
	}
	h[i] = s
	s.timer.index = i
}

func (l *Loop) remove(i int) {
	h := l.heap
	h[i].timer.index = -1
	last := len(h) - 1
	moved := h[last]
	h[last] = slot{}
	l.heap = h[:last]
	if i == last {
		return
	}
	l.heap[i] = moved
	moved.timer.index = i
	l.down(i)
	l.up(moved.timer.index)
}
