package endpoints

import (
	"fmt"
	"strconv"
)

// Codec is an encoding by its name in RTP's registry.
type Codec string

// The codecs whose payload formats endpoints know.
const (
	CodecVP8  Codec = "VP8"  // RFC 7741
	CodecOpus Codec = "opus" // RFC 7587
	CodecPCMU Codec = "PCMU" // RFC 3551 §4.5.14
	CodecPCMA Codec = "PCMA"
	CodecDVI4 Codec = "DVI4" // RFC 3551 §4.5.1; only legacy peers have it (RFC 7874 §3)
	CodecCN   Codec = "CN"   // comfort noise, RFC 3389
	// CodecEvents is that of keys that are pressed, RFC 4733. It codes no audio.
	CodecEvents Codec = "telephone-event"
)

// Format is a payload format as a media section has it: a codec with the payload
// type that stands for it, and the one of its retransmissions.
type Format struct {
	Codec       Codec
	PayloadType uint8
	// Clock is the rate of RTP timestamps, Hz.
	Clock int
	// RTX is the payload type of retransmissions (RFC 4588 §8.6's apt); 0 stands
	// for none.
	RTX uint8
	// FEC is the payload type of repair packets (RFC 8627); 0 stands for none.
	FEC uint8
	// InBandFEC says that receivers use Opus' own FEC (RFC 7587 §6.1: useinbandfec),
	// for which they wait a frame longer.
	InBandFEC bool
	// Custom is the payload format of a codec of video that isn't known here.
	Custom PayloadFormat
	// RED is the payload type of packets with redundant data (RFC 2198) in which the
	// codec's packets go; 0 stands for none. Codecs of one clock rate may share it.
	// Of video it needs ULPFEC, the payload type of blocks with repair data
	// (RFC 5109), and RTX is then associated with RED.
	RED, ULPFEC uint8
}

// Channels returns how many a=rtpmap names; 0 if it names none. Opus is always described with two (RFC 7587 §7).
func (f *Format) Channels() uint16 {
	if f.Codec == CodecOpus {
		return 2
	}
	return 0
}

// Parameters returns what a=fmtp says of the format; empty if it says nothing.
func (f *Format) Parameters() string {
	switch {
	case f.Codec == CodecEvents: // the keys (RFC 4733 §2.4.1)
		return "0-15"
	case f.InBandFEC:
		return "useinbandfec=1"
	}
	return ""
}

// RTXParameters returns what a=fmtp says of the format of retransmissions (RFC 4588 §8.6).
func (f *Format) RTXParameters() string { return "apt=" + strconv.Itoa(int(f.PayloadType)) }

// use says what packets with a payload type are.
type use uint8

const (
	original use = iota
	retransmission
	forwardRepair
	redundant
	repairData // of no packet, but of blocks in those with redundant data
)

// Clock rates of RTP timestamps, Hz: RFC 7741 §6.3, RFC 7587 §4.1 and
// RFC 3551 §4.5.
const (
	videoClock     = 90000
	opusClock      = 48000
	telephoneClock = 8000
)

// VP8 returns the format of VP8 video.
func VP8(pt uint8) Format { return Format{Codec: CodecVP8, PayloadType: pt, Clock: videoClock} }

// Opus returns the format of Opus audio.
func Opus(pt uint8) Format { return Format{Codec: CodecOpus, PayloadType: pt, Clock: opusClock} }

// PCMU returns the format of G.711 µ-law audio with its static payload type
// (RFC 3551 §6).
func PCMU() Format { return Format{Codec: CodecPCMU, PayloadType: 0, Clock: telephoneClock} }

// PCMA returns the format of G.711 A-law audio with its static payload type.
func PCMA() Format { return Format{Codec: CodecPCMA, PayloadType: 8, Clock: telephoneClock} }

// DVI4 returns the format of ADPCM audio at 8 kHz with its static payload type.
func DVI4() Format { return Format{Codec: CodecDVI4, PayloadType: 5, Clock: telephoneClock} }

// CN returns the format of comfort noise at 8 kHz with its static payload type.
func CN() Format { return Format{Codec: CodecCN, PayloadType: 13, Clock: telephoneClock} }

// Events returns the format of telephone events with a clock, Hz, that has to be the audio's that they go with
// (RFC 4733 §2.1).
func Events(pt uint8, clock int) Format {
	return Format{Codec: CodecEvents, PayloadType: pt, Clock: clock}
}

// DefaultAudio are the formats that every WebRTC endpoint understands
// (RFC 7874 §3), but for telephone events: see [Events].
func DefaultAudio() []Format { return []Format{Opus(111), PCMU(), PCMA(), CN()} }

// check refuses payload types that can't be told from RTCP on the same port.
func (f Format) check() error {
	for _, pt := range []uint8{f.PayloadType, f.RTX, f.FEC, f.RED, f.ULPFEC} {
		if pt >= 64 && pt < 96 || pt > 127 {
			return fmt.Errorf("payload type %d is from 64 to 95, which RTCP on the same port forbids (RFC 5761 §4), or above 127", pt)
		}
	}
	if f.Clock <= 0 {
		return fmt.Errorf("%s has no clock rate", f.Codec)
	}
	return nil
}

// format returns the section's format with a payload type, and what that is for;
// nil if the section has none.
func (m *Section) format(pt uint8) (f *Format, u use) {
	for i := range m.config.Formats {
		f := &m.config.Formats[i]
		switch {
		case f.PayloadType == pt:
			return f, original
		case f.RTX == pt && pt != 0:
			return f, retransmission
		case f.FEC == pt && pt != 0:
			return f, forwardRepair
		case f.RED == pt && pt != 0:
			return f, redundant
		}
	}
	return nil, original
}

// useOf returns what packets with a payload type are for; that of a nil section, or of a type that it hasn't, is media.
func (m *Section) useOf(pt uint8) use {
	if m == nil {
		return original
	}
	_, u := m.format(pt)
	return u
}

// outer returns the payload type with which media of a format are sent: that of
// redundant data if they go in such packets.
func (m *Section) outer(pt uint8) uint8 {
	if f, u := m.format(pt); f != nil && u == original {
		return f.outer()
	}
	return pt
}

func (f *Format) outer() uint8 {
	if f.RED != 0 {
		return f.RED
	}
	return f.PayloadType
}

// checkFormats refuses payload types with two meanings: a number stands for one
// format in a session, though several sections may have the same (RFC 8834 §4.3,
// RFC 9143 §9.1).
func checkFormats(sections []SectionConfig) error {
	var known [128]*Format
	var uses [128]use
	var originals [128]uint8 // of payload types of retransmissions
	note := func(pt uint8, f *Format, u use) error {
		if o := known[pt]; o != nil && (o.Codec != f.Codec && u != redundant || o.Clock != f.Clock || uses[pt] != u) {
			return fmt.Errorf("payload type %d is both %s and %s", pt, o.Codec, f.Codec)
		}
		known[pt], uses[pt] = f, u
		return nil
	}
	for i := range sections {
		for j := range sections[i].Formats {
			f := &sections[i].Formats[j]
			if err := f.check(); err != nil {
				return err
			}
			if err := note(f.PayloadType, f, original); err != nil {
				return err
			}
			if o := f.outer(); f.RTX != 0 && originals[f.RTX] != 0 && originals[f.RTX] != o {
				return fmt.Errorf("payload type %d is for retransmissions of both %d and %d", f.RTX, originals[f.RTX], o)
			}
			originals[f.RTX] = f.outer()
			for u, pt := range [...]uint8{retransmission: f.RTX, forwardRepair: f.FEC, redundant: f.RED, repairData: f.ULPFEC} {
				if pt == 0 {
					continue
				}
				if err := note(pt, f, use(u)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
