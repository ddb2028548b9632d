package audio

import "time"

// Mode is the coding of an Opus frame (RFC 6716 §2).
type Mode uint8

// The modes.
const (
	SILK   Mode = iota // linear prediction, for speech
	Hybrid             // both
	CELT               // transform, for everything
)

// Bandwidth is the audio bandwidth of an Opus frame (RFC 6716 §2, Table 1).
type Bandwidth uint8

// The bandwidths: 4, 6, 8, 12 and 20 kHz.
const (
	Narrowband Bandwidth = iota
	Mediumband
	Wideband
	SuperWideband
	Fullband
)

// TOC is the first octet of an Opus packet: its table of contents (RFC 6716 §3.1).
type TOC byte

// layouts are the configurations of RFC 6716 Table 2, in order: runs of one mode and
// bandwidth with frames of rising length.
var layouts = [...]struct {
	mode      Mode
	bandwidth Bandwidth
	frames    []time.Duration
}{
	{SILK, Narrowband, silkFrames},
	{SILK, Mediumband, silkFrames},
	{SILK, Wideband, silkFrames},
	{Hybrid, SuperWideband, silkFrames[:2]},
	{Hybrid, Fullband, silkFrames[:2]},
	{CELT, Narrowband, celtFrames},
	{CELT, Wideband, celtFrames},
	{CELT, SuperWideband, celtFrames},
	{CELT, Fullband, celtFrames},
}

var (
	silkFrames = []time.Duration{10 * time.Millisecond, 20 * time.Millisecond, 40 * time.Millisecond, 60 * time.Millisecond}
	celtFrames = []time.Duration{2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond}
)

// NewTOC returns the octet of a packet with one mono frame, and false if there is no
// such configuration.
func NewTOC(m Mode, b Bandwidth, frame time.Duration) (TOC, bool) {
	config := 0
	for _, l := range layouts {
		for _, d := range l.frames {
			if l.mode == m && l.bandwidth == b && d == frame {
				return TOC(config << 3), true
			}
			config++
		}
	}
	return 0, false
}

// describe returns what the configuration says.
func (t TOC) describe() (m Mode, b Bandwidth, frame time.Duration) {
	config := int(t >> 3)
	for _, l := range layouts {
		if config < len(l.frames) {
			return l.mode, l.bandwidth, l.frames[config]
		}
		config -= len(l.frames)
	}
	panic("audio: no such configuration") // there are 32
}

// Mode returns the mode.
func (t TOC) Mode() Mode {
	m, _, _ := t.describe()
	return m
}

// Bandwidth returns the audio bandwidth.
func (t TOC) Bandwidth() Bandwidth {
	_, b, _ := t.describe()
	return b
}

// Frame returns how long a frame is.
func (t TOC) Frame() time.Duration {
	_, _, d := t.describe()
	return d
}

// Stereo reports whether there are two channels.
func (t TOC) Stereo() bool { return t&4 != 0 }

// lpFrames is how many frames of the linear prediction layer a mono frame holds: of
// 20 ms each, or one of 10 ms.
func (t TOC) lpFrames() int { return max(int(t.Frame()/(20*time.Millisecond)), 1) }

// HasFEC reports whether an Opus payload carries a copy of the frame before it: the
// LBRR flag, which follows the voice flags of the frames of the linear prediction
// layer (RFC 6716 §4.2.3). Stereo has the same for its middle channel.
func HasFEC(payload []byte) bool {
	if len(payload) < 2 {
		return false
	}
	t := TOC(payload[0])
	return t.Mode() != CELT && payload[1]>>(7-t.lpFrames())&1 != 0
}

// HasVoice reports whether the codec took an Opus payload for speech: one of the
// voice flags is set. CELT has none.
func HasVoice(payload []byte) bool {
	if len(payload) < 2 {
		return false
	}
	t := TOC(payload[0])
	return t.Mode() != CELT && payload[1]>>(8-t.lpFrames()) != 0
}
