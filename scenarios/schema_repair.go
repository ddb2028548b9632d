package scenarios

import (
	"time"

	"rtpfabric/sim/units"
)

// Repair says what is done about lost packets, by both ends of every call.
type Repair struct {
	// NACK lets receivers of video ask for packets (RFC 4585 §6.2.1), RTX senders
	// send them again (RFC 4588).
	NACK bool `yaml:"nack" default:"false"`
	RTX  bool `yaml:"rtx" default:"false"`
	// FEC is how many repair packets (RFC 8627) protect a packet of video; 20% makes
	// one for five. A stream may say otherwise.
	FEC units.Ratio `yaml:"fec" default:"0%" max:"100%"`
	// Policy says whether FEC is as much as it is said to be, or as much as the loss
	// makes necessary, that at most; then receivers weigh requests, too.
	Policy string `yaml:"policy" oneof:"fixed,adaptive" default:"fixed"`
	// NACKAction is what senders do about NACKs: they send packets again, if there is
	// RTX, or let the encoder avoid what is lost.
	NACKAction string `yaml:"nack-action" oneof:"retransmit,encoder" default:"retransmit"`
	// IgnoreNACK is what a sender may do (RFC 8834 §6.1).
	IgnoreNACK bool `yaml:"ignore-nack" default:"false"`
	// Suppression lets receivers in a group leave requests that others have made
	// (RFC 4585 §3.5.2), as they must.
	Suppression bool `yaml:"suppression" default:"true"`
	// SLI lets pictures consist of slices: receivers tell which are lost, and senders
	// refresh those (RFC 4585 §6.3.2). RPSI names a picture to go on from, when one was
	// lost, or acknowledges pictures (RFC 4585 §6.3.3).
	SLI  bool   `yaml:"sli" default:"false"`
	RPSI string `yaml:"rpsi" oneof:"none,loss,acknowledge" default:"none"`
	// Refresh is how receivers of video ask for a key frame that they need.
	Refresh string `yaml:"refresh" oneof:"none,pli,fir" default:"none"`
	// Decoder makes frames useless whose references are missing.
	Decoder bool `yaml:"decoder" default:"false"`
	// Budget is the rate of retransmissions as a share of the media's.
	Budget units.Ratio `yaml:"budget" default:"20%" max:"100%"`
	// RTXTime is how long senders keep packets (rtx-time); 0 for as long as there
	// is room.
	RTXTime time.Duration `yaml:"rtx-time" default:"0s" max:"60s"`
}

// FEC is forward error correction of one stream.
type FEC struct {
	// Type is flexfec (RFC 8627) or ulpfec (RFC 5109 in packets with redundant data)
	// for video, red (RFC 2198) for audio.
	Type string `yaml:"type,required" oneof:"flexfec,ulpfec,red,none" example:"ulpfec"`
	// Overhead is how many repair packets protect a packet of video; 20% by default.
	Overhead *units.Ratio `yaml:"overhead" min:"1%" max:"100%"`
	// Level is how many earlier frames a packet of audio repeats; 1 by default.
	Level *int `yaml:"level" min:"1" max:"16"`
}

// Security says how media are protected; see also Protection.
type Security struct {
	// Keying is a DTLS handshake (RFC 5764), ours or pion's, or keys that are there from the start.
	Keying string `yaml:"keying" oneof:"dtls,pion,preshared" default:"dtls"`
	// ICE is none, as addresses are known, a full implementation of ours, or pion's, before the handshake.
	ICE string `yaml:"ice" oneof:"none,full,pion" default:"none"`
	// Profile is the SRTP protection profile.
	Profile string `yaml:"profile" oneof:"aes-cm-80,aes-cm-32,gcm-128,gcm-256" default:"aes-cm-80"`
	// Timeout is the handshake's first retransmission time-out.
	Timeout time.Duration `yaml:"timeout" default:"1s" min:"10ms" max:"60s"`
	// EncryptExtensions encrypts header extensions one by one (RFC 6904), Cryptex
	// all of them (RFC 9335).
	EncryptExtensions bool `yaml:"encrypt-extensions" default:"false"`
	Cryptex           bool `yaml:"cryptex" default:"false"`
}

// LimitAt is a limit that a receiver sets on a stream at a time (RFC 5104 §4.2.1),
// IP and UDP headers included; without a rate it is lifted.
type LimitAt struct {
	// At is when the limit is set.
	At time.Duration `yaml:"at,required" example:"10s" max:"24h"`
	// Rate is the limit; nil lifts it.
	Rate *units.BitRate `yaml:"rate" min:"1kbps" max:"1Gbps"`
}

// TradeOffAt is a temporal-spatial trade-off that a receiver asks for at a time
// (RFC 5104 §4.3.2): 0 for the best pictures, 31 for the most.
type TradeOffAt struct {
	// At is when the receiver asks.
	At time.Duration `yaml:"at,required" example:"10s" max:"24h"`
	// Index says for what: 0 for the best picture, 31 for the most frames (RFC 5104 §4.3.2).
	Index int `yaml:"index,required" example:"0" min:"0" max:"31"`
}

// extensions are the header extensions that a scenario may name.
var extensions = []string{"abs-send-time", "transmission-offset", "ntp-64", "ntp-56", "audio-level", "mixer-audio-level"}

// xrBlocks are the blocks of extended reports that a scenario may name.
var xrBlocks = []string{"reference-time", "loss-rle", "duplicate-rle", "receipt-times", "summary", "voip-metrics"}
