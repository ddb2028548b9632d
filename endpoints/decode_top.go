package endpoints

import (
	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/sound"
	"rtpfabric/sim/simtime"
)

// A receiver of many people need not decode all of them: the levels in header extensions
// say who talks (RFC 6464 §1), before anything is decoded.

// newSelection returns what chooses whom a session decodes; nil if it decodes all. Sessions
// may have one in common.
func newSelection(c *SessionConfig) *sound.Selection {
	if c.Selection == nil && c.DecodeTop > 0 {
		return &sound.Selection{Top: c.DecodeTop}
	}
	return c.Selection
}

// selects reports whether a source of audio is among the loudest, whom this end decodes.
// A packet without a level says nothing about that: it is as if it were silent.
func (s *Session) selects(now simtime.Time, src *source) bool {
	if src.candidate.Dropped == nil {
		src.candidate.Dropped = src.deselect
	}
	chosen := false
	if level, _, ok := headerext.ReadAudioLevel(s.scratch.elements.Data(headerext.AudioLevel)); ok {
		chosen = s.selection.Note(now, &src.candidate, level)
	} else {
		chosen = s.selection.Choose(now, &src.candidate)
	}
	if chosen && !src.selected {
		src.selected = true
		if src.section != nil { // it has been decoded before
			src.startAudio()
		}
	}
	return chosen
}

// deselect lets the source no longer be decoded, as another one is louder.
func (r *source) deselect(now simtime.Time) {
	r.selected = false
	r.stopAudio()
	r.session.touch()
	r.session.event(Event{Kind: StreamDeselected, At: now, Section: r.carries, SSRC: r.ssrc})
}

// leaveSelection gives up the source's place among those that are decoded.
func (r *source) leaveSelection() {
	if r.selected {
		r.selected = false
		r.session.selection.Leave(&r.candidate)
	}
}
