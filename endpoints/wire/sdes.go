package wire

import "github.com/pion/rtcp"

// SDES items that pion has no name for. It passes them on.
const (
	SDESRGRP                rtcp.SDESType = 11 // reporting group, RFC 8861 §3.2.1
	SDESRtpStreamID         rtcp.SDESType = 12 // RFC 8852 §3.1
	SDESRepairedRtpStreamID rtcp.SDESType = 13 // RFC 8852 §3.2
	SDESMID                 rtcp.SDESType = 15 // identification tag, RFC 9143 §15.1
)

// Item returns the text of an SSRC's item. The first one counts: an item other
// than PRIV has one value at a time (RFC 3550 §6.5).
func Item(d *rtcp.SourceDescription, ssrc uint32, item rtcp.SDESType) (text string, ok bool) {
	for _, c := range d.Chunks {
		if c.Source != ssrc {
			continue
		}
		for _, it := range c.Items {
			if it.Type == item {
				return it.Text, true
			}
		}
	}
	return "", false
}

// ValidStreamID reports whether an RtpStreamId or RepairedRtpStreamId is one
// that RFC 8852 §3 allows: letters and digits, at most 255.
func ValidStreamID(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z':
		default:
			return false
		}
	}
	return len(s) > 0 && len(s) <= 255
}
