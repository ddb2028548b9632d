package dtmf

import (
	"time"

	"rtpfabric/sim/simtime"
)

// Digit is a key that was pressed.
type Digit struct {
	Key byte
	// Lasts is for how long, as far as is known.
	Lasts time.Duration
	// Lost says that no final packet has come.
	Lost bool
}

// silence is after how much time without a packet an event is over: three updates of 60 ms, and some jitter. Where updates are
// rarer it is that of three of them.
const (
	silence = 250 * time.Millisecond
	jitter  = 70 * time.Millisecond
)

// forgotten is after how long a timestamp says nothing of the order of events any more: it may have wrapped around.
const forgotten = time.Hour

// Receiver tells keys from the packets of an RTP stream, each once: packets of an event have the same RTP timestamp
// (RFC 4733 §2.2.1), so that neither the first nor any other one needs to come. An event is over with a final packet, with
// one of the next event, or when none has come for 250 ms, or for three updates if that is longer.
//
// Deviation (RFC 4733 §2.5.2.3): the segments of a long event count as a key each.
//
// The order of calls: [Receiver.HandleTimeout] at [Receiver.NextTimeout], [Receiver.Receive] as packets come,
// [Receiver.Poll] after either until it returns false.
type Receiver struct {
	known   bool // something has come
	open    bool // the event isn't over
	ts      uint32
	code    uint8
	longest uint16
	step    uint16 // the largest between two durations
	clock   int
	heard   simtime.Time
	done    []Digit
}

// Receive takes the payload of a packet with its RTP timestamp, in units of a clock, Hz. What is late of an event that is
// over, what is no key, and what has lasted for no time (RFC 4733 §2.3.5) is ignored.
func (r *Receiver) Receive(now simtime.Time, ts uint32, clock int, e Event) {
	if _, ok := e.Key(); !ok || e.Duration == 0 {
		return
	}
	r.HandleTimeout(now)
	switch age := int32(ts - r.ts); {
	case !r.known || age > 0 || now.Sub(r.heard) > forgotten:
		r.finish(true)
		r.known, r.open, r.ts, r.code, r.longest, r.step, r.clock = true, true, ts, e.Code, 0, 0, clock
	case age < 0 || e.Code != r.code:
		return
	}
	if r.longest > 0 && e.Duration > r.longest {
		r.step = max(r.step, e.Duration-r.longest)
	}
	r.heard, r.longest = now, max(r.longest, e.Duration)
	if e.End {
		r.finish(false)
	}
}

// NextTimeout returns when an event is over if nothing more comes of it.
func (r *Receiver) NextTimeout() simtime.Time {
	if r == nil || !r.open {
		return simtime.Never
	}
	return r.heard.Add(max(silence, 3*time.Duration(r.step)*time.Second/time.Duration(r.clock)+jitter))
}

// HandleTimeout ends an event of which nothing has come for long.
func (r *Receiver) HandleTimeout(now simtime.Time) {
	if r.NextTimeout() <= now {
		r.finish(true)
	}
}

// Poll returns the next key that was pressed.
func (r *Receiver) Poll() (Digit, bool) {
	if len(r.done) == 0 {
		return Digit{}, false
	}
	d := r.done[0]
	r.done = append(r.done[:0], r.done[1:]...)
	return d, true
}

func (r *Receiver) finish(lost bool) {
	if !r.open {
		return
	}
	r.open = false
	r.done = append(r.done, Digit{Key: Keys[r.code], Lasts: time.Duration(r.longest) * time.Second / time.Duration(r.clock), Lost: lost})
}
