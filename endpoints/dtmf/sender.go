package dtmf

import (
	"fmt"
	"time"

	"rtpfabric/sim/simtime"
)

// Digits are keys that are pressed one after the other.
type Digits struct {
	// At is when the first one is pressed; it isn't before what was asked for earlier is over.
	At simtime.Time
	// Keys are 0 to 9, *, # and A to D.
	Keys string
	// Press is for how long each is held, Gap the time between two of them.
	Press, Gap time.Duration
}

// Check returns an error if the keys can't be sent by an RTP clock, Hz.
func (d *Digits) Check(clock int) error {
	if d.Keys == "" {
		return fmt.Errorf("no key is pressed: write some of %s", Keys)
	}
	for i := range len(d.Keys) {
		if _, ok := CodeOf(d.Keys[i]); !ok {
			return fmt.Errorf("there is no key %q: write some of %s", d.Keys[i:i+1], Keys)
		}
	}
	if d.Press < time.Second/time.Duration(clock) || d.Gap < 0 { // a duration of 0 isn't sent (RFC 4733 §2.3.5)
		return fmt.Errorf("keys are pressed for %v, and %v apart: write more than 0", d.Press, d.Gap)
	}
	if longest := Longest(clock); d.Press > longest {
		return fmt.Errorf("an event of %v has no duration of 16 bits at %d Hz (RFC 4733 §2.3.5): write %v or less", d.Press, clock, longest)
	}
	return nil
}

// Longest returns for how long a key may be pressed: a longer event would have to go in segments (RFC 4733 §2.5.1.3).
func Longest(clock int) time.Duration {
	return (LongestTicks * time.Second / time.Duration(clock)).Truncate(time.Millisecond)
}

// Ends returns by when all packets of the keys have been sent, by a stream with frames of a duration: each key begins with one, its
// final packet goes three times, and then the next key may begin.
func (d *Digits) Ends(frame time.Duration) simtime.Time {
	up := func(t time.Duration) time.Duration { return (t + frame - 1) / frame * frame }
	sent := up(d.Press) + (transmissions-1)*frame
	return d.At.Add(frame + time.Duration(len(d.Keys)-1)*max(sent, up(d.Press+d.Gap)) + sent)
}

// Packet is one to be sent in place of the audio's.
type Packet struct {
	Event
	// Start is when the key was pressed, which is the RTP timestamp of all packets of the event (RFC 4733 §2.2.1).
	Start simtime.Time
	// First says that it is the event's first, which has the marker bit (§2.2.2).
	First bool
}

// transmissions is how often the final packet is sent (RFC 4733 §2.5.1.4).
const transmissions = 3

// volume is that of a telephone, about -10 dBm0.
const volume = 10

// Sender makes the packets of keys. Each packet of audio gives way to one of an event from when a key is pressed until the
// final packet has been sent three times; the next key waits for that. So there is one packet in each interval of the
// audio, and an update has what has gone by at its end.
type Sender struct {
	queue []Digits
	next  int // key of the first
	since simtime.Time

	active  bool
	started bool // a packet of the event was sent
	final   int  // final packets that were sent
	start   simtime.Time
	press   time.Duration
	code    uint8
}

// Press lets keys be pressed after those that have been asked for before. They must have passed [Digits.Check].
func (s *Sender) Press(d Digits) { s.queue = append(s.queue, d) }

// Cut ends a key that has begun, without a final packet: its stream has another SSRC now, where it would be another key.
func (s *Sender) Cut() { s.active = s.active && !s.started }

// Busy reports whether an event goes on, or its final packet is still to be repeated.
func (s *Sender) Busy() bool { return s.active }

// Due reports whether the audio from a time on gives way to an event.
func (s *Sender) Due(from simtime.Time) bool {
	return s.active || len(s.queue) > 0 && s.pressed() <= from
}

// pressed returns when the next key of the queue is.
func (s *Sender) pressed() simtime.Time {
	if s.next == 0 {
		return s.queue[0].At
	}
	return s.since
}

// Packet returns what is sent in place of the audio from one time to another one, by an RTP clock, Hz. The clock is the
// same for all packets of an event. It must be [Sender.Due].
func (s *Sender) Packet(from, to simtime.Time, clock int) Packet {
	if !s.active {
		s.begin(from)
	}
	lasted := min(to.Sub(s.start), s.press)
	p := Packet{Start: s.start, First: !s.started, Event: Event{
		Code: s.code, End: lasted == s.press, Volume: volume, Duration: uint16(int64(lasted) * int64(clock) / int64(time.Second)),
	}}
	s.started = true
	if p.End {
		s.final++
	}
	s.active = s.final < transmissions
	return p
}

// begin takes the next key from the queue.
func (s *Sender) begin(now simtime.Time) {
	d := &s.queue[0]
	code, _ := CodeOf(d.Keys[s.next])
	s.active, s.started, s.final, s.start, s.press, s.code = true, false, 0, now, d.Press, code
	s.since = now.Add(d.Press + d.Gap)
	if s.next++; s.next == len(d.Keys) {
		s.next, s.queue = 0, append(s.queue[:0], s.queue[1:]...)
	}
}
