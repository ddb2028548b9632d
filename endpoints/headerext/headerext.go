// Package headerext writes and reads RTP header extensions: the general form of
// RFC 8285, the elements that WebRTC uses, and their encryption by RFC 6904.
//
// A [Map] is what signalling agreed on. A sender makes a [Layout] of it for
// every set of elements that its packets have, copies that into each packet
// with [Layout.Write] and fills in the data with the Put functions, at the
// moment the packet leaves if need be. A receiver calls [Map.Read] and the
// Read functions. Elements that aren't signalled are neither sent nor read.
//
// What this package calls a block is the header extension with its head: the
// 16 bits "defined by profile", the 16 bits of length, and that many words
// (RFC 3550 §5.3.1).
package headerext

// Kind is an element that this package can write and read.
type Kind uint8

// The elements.
const (
	// Other stands for every element that this package doesn't know.
	Other Kind = iota
	// TransportSeq is the transport-wide sequence number
	// (draft-holmer-rmcat-transport-wide-cc-extensions-01 §2).
	TransportSeq
	// AbsSendTime is the absolute send time of WebRTC's abs-send-time.
	AbsSendTime
	// TransmissionOffset is RFC 5450's transmission time offset.
	TransmissionOffset
	// MID names the media section (RFC 9143 §15.2).
	MID
	// RID names a stream of the section (RFC 8852 §3.3).
	RID
	// RepairedRID names the stream that this one repairs (RFC 8852 §3.3).
	RepairedRID
	// AudioLevel is the level of the packet's audio, for a mixer (RFC 6464).
	AudioLevel
	// MixerLevels are the levels of the contributing sources, for a client
	// (RFC 6465).
	MixerLevels
	// NTP64 is the packet's NTP timestamp (RFC 6051 §3.3, variant A).
	NTP64
	// NTP56 is the same without the upper 8 bits of the seconds (variant B).
	NTP56
	// VideoOrientation is how the camera was held (3GPP TS 26.114 §7.4.5).
	VideoOrientation
	// CaptureTime is when the first mixer or client captured the frame
	// (WebRTC's abs-capture-time).
	CaptureTime
	// PlayoutDelay bounds the receiver's delay (WebRTC's playout-delay).
	PlayoutDelay

	firstOwn
	kinds = firstOwn + MaxOwn
)

// MaxOwn is how many elements a map can be told of besides those.
const MaxOwn = 4

// Own returns the kind of the i-th URI that [NewMap] was told of.
func Own(i int) Kind { return firstOwn + Kind(i) }

var known = [kinds]struct {
	name, uri string
	length    int // of the data in octets; 0 if it varies
}{
	Other:              {"other", "", 0},
	TransportSeq:       {"transport sequence number", "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01", 2},
	AbsSendTime:        {"absolute send time", "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time", 3},
	TransmissionOffset: {"transmission time offset", "urn:ietf:params:rtp-hdrext:toffset", 3},
	MID:                {"MID", "urn:ietf:params:rtp-hdrext:sdes:mid", 0},
	RID:                {"RID", "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", 0},
	RepairedRID:        {"repaired RID", "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id", 0},
	AudioLevel:         {"client-to-mixer audio level", "urn:ietf:params:rtp-hdrext:ssrc-audio-level", 1},
	MixerLevels:        {"mixer-to-client audio levels", "urn:ietf:params:rtp-hdrext:csrc-audio-level", 0},
	NTP64:              {"64-bit NTP timestamp", "urn:ietf:params:rtp-hdrext:ntp-64", 8},
	NTP56:              {"56-bit NTP timestamp", "urn:ietf:params:rtp-hdrext:ntp-56", 7},
	VideoOrientation:   {"video orientation", "urn:3gpp:video-orientation", 1},
	CaptureTime:        {"absolute capture time", "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time", 0},
	PlayoutDelay:       {"playout delay", "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay", 3},
}

// String returns a name for people.
func (k Kind) String() string {
	if k >= kinds {
		return "no such element"
	}
	if k >= firstOwn {
		return "element of somebody's own"
	}
	return known[k].name
}

// URI returns what names the element in signalling; "" for Other.
func (k Kind) URI() string {
	if k >= kinds {
		return ""
	}
	return known[k].uri
}

// Length returns the octets of data that every element of this kind has; 0 if
// that varies.
func (k Kind) Length() int {
	if k >= kinds {
		return 0
	}
	return known[k].length
}

// KindOf returns the element that a URI names; Other if it isn't known.
func KindOf(uri string) Kind {
	for k := Other + 1; k < firstOwn; k++ {
		if known[k].uri == uri {
			return k
		}
	}
	return Other
}

// Form is how the elements of a packet are introduced (RFC 8285 §4.1.2).
type Form uint8

// The forms.
const (
	// OneByte has 4 bits of id, 1 to 14, and 1 to 16 octets of data.
	OneByte Form = iota
	// TwoByte has 8 bits of id, 1 to 255, and 0 to 255 octets of data.
	TwoByte
)

// String returns the form's name.
func (f Form) String() string {
	if f == TwoByte {
		return "two-byte"
	}
	return "one-byte"
}

const (
	// blockHead is the size of a block's head.
	blockHead = 4

	oneByteProfile = 0xbede
	twoByteProfile = 0x1000 // and four bits of appbits
	appBits        = 0x000f

	oneByteMaxID, twoByteMaxID         = 14, 255
	oneByteMaxLength, twoByteMaxLength = 16, 255
	reservedID                         = 15 // of the one-byte form
)

// fits reports whether an element can be written in the form.
func (f Form) fits(id uint8, length int) bool {
	if f == TwoByte {
		return id != 0 && length >= 0 && length <= twoByteMaxLength
	}
	return id != 0 && id <= oneByteMaxID && length >= 1 && length <= oneByteMaxLength
}

// head returns the octets that introduce an element.
func (f Form) head() int { return 1 + int(f) }

func (f Form) profile() uint16 {
	if f == TwoByte {
		return twoByteProfile
	}
	return oneByteProfile
}
