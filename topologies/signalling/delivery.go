package signalling

import (
	"fmt"
	"strings"
	"time"

	"rtpfabric/sim/simtime"
)

// Delivery is how messages get to an end. The zero value pushes them.
type Delivery struct {
	// Poll is how often the end asks for messages (short polling); 0 if it is told of them.
	Poll time.Duration
	// Phase is when it asks first, which may be before the start.
	Phase time.Duration
	// LongPoll is how long the server keeps a request that it has no message for (long polling); 0 if it answers at
	// once. The end asks again as soon as it has an answer.
	LongPoll time.Duration
}

// Polled reports whether the end has to ask.
func (d Delivery) Polled() bool { return d.Poll > 0 || d.LongPoll > 0 }

// String returns the delivery as ParseDelivery takes it.
func (d Delivery) String() string {
	switch {
	case d.Poll > 0:
		return fmt.Sprintf("poll:%v", d.Poll)
	case d.LongPoll > 0:
		return fmt.Sprintf("long-poll:%v", d.LongPoll)
	}
	return "push"
}

// ParseDelivery reads "push", "poll:5s" or "long-poll:30s".
func ParseDelivery(text string) (Delivery, error) {
	var d Delivery
	if text == "push" {
		return d, nil
	}
	kind, period, _ := strings.Cut(text, ":")
	every, err := time.ParseDuration(period)
	if err == nil && every > 0 {
		switch kind {
		case "poll":
			d.Poll = every
			return d, nil
		case "long-poll":
			d.LongPoll = every
			return d, nil
		}
	}
	return d, fmt.Errorf("no delivery %q: write push, poll:5s or long-poll:30s", text)
}

// mailbox is where messages for an end wait until it asks for them. It keeps none: as all is known, it says when they
// arrive.
type mailbox struct {
	delivery Delivery
	// With long polling: when the latest request comes to the server, and whether it is answered as it comes.
	request  simtime.Time
	answered bool
	begun    bool
	last     simtime.Time // when a request that had waited was answered
}

// arrival returns when a message that is at the server at a time gets to the end, which is a latency away. Times don't
// go back from call to call.
func (b *mailbox) arrival(at simtime.Time, latency time.Duration) simtime.Time {
	switch {
	case b.delivery.Poll > 0:
		return b.shortPoll(at, latency)
	case b.delivery.LongPoll > 0:
		return b.longPoll(at, latency)
	}
	return at.Add(latency)
}

// shortPoll finds the first request that comes after the message.
func (b *mailbox) shortPoll(at simtime.Time, latency time.Duration) simtime.Time {
	first := simtime.At(b.delivery.Phase + latency)
	if at <= first {
		return first.Add(latency)
	}
	n := (at.Sub(first) + b.delivery.Poll - 1) / b.delivery.Poll
	return first.Add(n*b.delivery.Poll + latency)
}

// longPoll answers the request that waits, or the next one.
func (b *mailbox) longPoll(at simtime.Time, latency time.Duration) simtime.Time {
	if !b.begun {
		b.begun, b.last, b.request = true, -1, simtime.At(b.delivery.Phase+latency)
	}
	if at == b.last {
		return at.Add(latency) // together with the one before
	}
	if b.answered && at > b.request {
		b.answered, b.request = false, b.request.Add(2*latency)
	}
	for !b.answered && at > b.request.Add(b.delivery.LongPoll) { // nothing had come
		b.request = b.request.Add(b.delivery.LongPoll + 2*latency)
	}
	if at <= b.request {
		b.answered = true
		return b.request.Add(latency)
	}
	b.request, b.last = at.Add(2*latency), at
	return at.Add(latency)
}
