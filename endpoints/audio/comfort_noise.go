package audio

import (
	"time"

	"rtpfabric/sim/simtime"
)

// ComfortNoisePayloadType is the static payload type of comfort noise at a clock of
// 8 kHz (RFC 3389 §4).
const ComfortNoisePayloadType = 13

// ComfortNoise is the content of a comfort noise packet (RFC 3389 §3).
type ComfortNoise struct {
	// Level is that of the noise, 0 to 127 for 0 to -127 dBov.
	Level uint8
	// Reflection are the quantised reflection coefficients of the spectrum: index N
	// stands for 258·(N-127)/32768. None means white noise.
	Reflection []byte
}

// Append appends the payload to b.
func (c ComfortNoise) Append(b []byte) []byte {
	b = append(b, min(c.Level, 127))
	return append(b, c.Reflection...)
}

// ReadComfortNoise parses a payload, of which the result keeps a part. It reports
// false if it is empty, has its unused bit set or has a reserved coefficient.
func ReadComfortNoise(payload []byte) (ComfortNoise, bool) {
	if len(payload) == 0 || payload[0] > 127 {
		return ComfortNoise{}, false
	}
	for _, n := range payload[1:] {
		if n == 255 {
			return ComfortNoise{}, false
		}
	}
	return ComfortNoise{Level: payload[0], Reflection: payload[1:]}, true
}

// SilenceConfig says what is sent while nobody talks.
type SilenceConfig struct {
	// Suppress sends no frames then. Without it the marker bit is never set
	// (RFC 3551 §4.1).
	Suppress bool
	// ComfortNoise sends the level of the noise when silence begins and when it
	// has changed by Step, 0 to 127 dB; 0 stands for 3 dB.
	ComfortNoise bool
	Step         uint8
	// Refresh is how long after a comfort noise packet another one is sent if
	// nothing has changed; 0 is never.
	Refresh time.Duration
}

// comfort decides when to send comfort noise.
type comfort struct {
	c     SilenceConfig
	known bool // the receiver has a level for this silence
	level uint8
	sent  simtime.Time
}

// due reports whether a silent frame of the given level is to be described.
func (n *comfort) due(now simtime.Time, level uint8) bool {
	step := n.c.Step
	if step == 0 {
		step = 3
	}
	switch {
	case !n.c.ComfortNoise:
		return false
	case !n.known, max(level, n.level)-min(level, n.level) >= step:
	case n.c.Refresh > 0 && now.Sub(n.sent) >= n.c.Refresh:
	default:
		return false
	}
	n.known, n.level, n.sent = true, level, now
	return true
}
