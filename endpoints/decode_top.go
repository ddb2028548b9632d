package endpoints

import (
	"time"

	"rtpfabric/endpoints/headerext"
	"rtpfabric/sim/simtime"
)

// A receiver of many people need not decode all of them: the levels in header extensions
// say who talks (RFC 6464 §1), before anything is decoded. They are followed over
// time, so that a cough doesn't take somebody's place (RFC 6464 §5).

const (
	// loudnessTime is the time constant with which levels are followed: somebody who
	// begins when another falls silent takes the place after 0.7 of it.
	loudnessTime = 300 * time.Millisecond
	// loudnessHold is how long a level holds without a packet; then there is silence.
	loudnessHold = 60 * time.Millisecond
	// loudnessMargin is by how many dB somebody must be louder to take a place.
	loudnessMargin = 6
)

// loudness follows a source's level.
type loudness struct {
	level float64 // dB above silence, 0 to 127
	at    simtime.Time
}

// now returns the loudness after some time without a packet.
func (l *loudness) now(now simtime.Time) float64 {
	gap := now.Sub(l.at) - loudnessHold
	if gap <= 0 {
		return l.level
	}
	return l.level * loudnessTime.Seconds() / (loudnessTime + gap).Seconds()
}

// note takes the level of a packet, in dB below overload.
func (l *loudness) note(now simtime.Time, level uint8) {
	dt := min(now.Sub(l.at), loudnessHold).Seconds()
	before := l.now(now)
	weight := dt / (loudnessTime.Seconds() + dt)
	l.level = before + float64(weight*(float64(headerext.Silence)-float64(level)-before))
	l.at = now
}

// selects reports whether a source of audio is among the loudest, whom this end decodes.
// A packet without a level says nothing about that: it is as if it were silent.
func (s *Session) selects(now simtime.Time, src *source) bool {
	if level, _, ok := headerext.ReadAudioLevel(s.elements.Data(headerext.AudioLevel)); ok {
		src.loudness.note(now, level)
	}
	if src.selected {
		return true
	}
	var weakest *source
	n := 0
	for _, o := range s.sources {
		if !o.selected || o.ended {
			continue
		}
		n++
		if weakest == nil || o.loudness.now(now) < weakest.loudness.now(now) {
			weakest = o
		}
	}
	if n >= s.config.DecodeTop {
		if src.loudness.now(now) <= weakest.loudness.now(now)+loudnessMargin {
			return false
		}
		weakest.selected = false
		weakest.stopAudio()
		s.event(Event{Kind: StreamDeselected, At: now, Section: weakest.carries, SSRC: weakest.ssrc})
	}
	src.selected = true
	if src.section != nil { // it has been decoded before
		src.startAudio()
	}
	return true
}
