package headerext

import (
	"math"
	"strings"

	"rtpfabric/sim/detmath"
)

// Silence is the level of digital silence, such as a muted source's: -127 dBov
// (RFC 6464 §3). Levels are 0 to 127 and stand for 0 to -127 dBov, decibels
// relative to the overload point.
const Silence = 127

// MaxMixerLevels is the number of CSRCs, and thus of levels, that a packet has
// at most (RFC 6465 §4).
const MaxMixerLevels = 15

const voiceBit = 0x80

// LevelOf returns the level of audio whose root mean square is rms times the
// amplitude of the overload point, a square wave of full scale.
func LevelOf(rms float64) uint8 {
	switch {
	case rms >= 1:
		return 0
	case !(rms > 0): // NaN too
		return Silence
	}
	level := float64(-20/math.Ln10*detmath.Log(rms)) + 0.5
	return uint8(max(0, min(level, Silence)))
}

// PutAudioLevel writes the level of the packet's audio and whether it is voice,
// 1 octet (RFC 6464 §3). Levels above 127 are silence.
func PutAudioLevel(data []byte, level uint8, voice bool) {
	data[0] = min(level, Silence)
	if voice {
		data[0] |= voiceBit
	}
}

// ReadAudioLevel is the inverse of [PutAudioLevel]. voice means nothing if
// [Map.Voice] says so.
func ReadAudioLevel(data []byte) (level uint8, voice, ok bool) {
	if len(data) != 1 {
		return 0, false, false
	}
	return data[0] &^ voiceBit, data[0]&voiceBit != 0, true
}

// Voice reports whether audio levels that come with an id have a voice flag:
// the attribute vad, which is on unless signalled off (RFC 6464 §4).
func (m *Map) Voice(id uint8) bool {
	for _, e := range m.entries {
		if e.ID == int(id) && m.kinds[id] == AudioLevel {
			return !strings.Contains(" "+e.Attributes+" ", " vad=off ")
		}
	}
	return false
}

// PutMixerLevels writes the levels of the contributing sources, an octet for
// each, in the order of the CSRC list (RFC 6465 §3). data has as many octets as
// there are levels.
func PutMixerLevels(data []byte, levels []uint8) {
	for i := range data {
		data[i] = min(levels[i], Silence)
	}
}

// ReadMixerLevels appends the levels to into. It reports false unless there is
// one for each of the packet's CSRCs (RFC 6465 §3).
func ReadMixerLevels(into []uint8, data []byte, csrcs int) (levels []uint8, ok bool) {
	if len(data) != csrcs || csrcs > MaxMixerLevels {
		return into, false
	}
	for _, b := range data {
		into = append(into, b&^voiceBit) // always 0, and unused
	}
	return into, true
}
