package endpoints

import (
	"time"

	"rtpfabric/endpoints/rtcptiming"
	"rtpfabric/sim/units"
)

// RTCPConfig is one end's view of the session parameters of RTCP. Both ends
// should have the same.
type RTCPConfig struct {
	// Off is what a legacy peer without RTCP does: it sends none and reads none.
	// No other endpoint may (RFC 8834 §4.1).
	Off  bool
	AVPF bool
	// Bandwidth is what all members together may use, SenderShare the part for
	// those who send media; see rtcptiming.Config.
	Bandwidth   units.BitRate
	SenderShare float64
	TrrInterval time.Duration
	Minimum     time.Duration
	Burst       int
	OldTimeouts bool
	// Media is the bandwidth of the session's media. If it isn't 0, parameters
	// that RFC 8834 §13 advises to ignore are ignored.
	Media units.BitRate
	// ReducedSize allows feedback without a compound packet (RFC 5506).
	ReducedSize bool
	// Aggregate puts the reports of several SSRCs into one packet.
	Aggregate bool
	// Groups makes all SSRCs of an end a reporting group (RFC 8861), one of which
	// reports for all.
	Groups bool
	// ReportSilent reports also on sources of which nothing came since the last report,
	// until they say BYE: the default of RFC 3550 §6.4 is to leave them out.
	ReportSilent bool
	// PadTo pads every packet to this size before protection, by at most 252
	// octets; 0 doesn't.
	PadTo units.Bytes
	// DSCP of all RTCP packets, if not nil; they follow the streams otherwise.
	DSCP *uint8
}

// longest is what counts as significantly longer than RTCP's usual 5 s.
const longest = 2 * rtcptiming.FixedMinimum

// usualFraction of the session's bandwidth is RTCP's (RFC 3550 §6.2).
const usualFraction = 0.05

// limited returns the parameters with which an endpoint protects itself and the
// network (RFC 8834 §13): T_rr_interval and bandwidths that make two parties report
// far less often than every 5 s, and less than 5 % of the media would let them,
// and a bandwidth above that of the media. The usual ones take their place.
func (c RTCPConfig) limited() (limited RTCPConfig, changed bool) {
	if c.Media == 0 {
		return c, false
	}
	limited = c
	if c.TrrInterval > longest {
		limited.TrrInterval, changed = rtcptiming.FixedMinimum, true
	}
	usual := units.BitRate(float64(c.Media) * usualFraction)
	if c.Bandwidth > c.Media || c.Bandwidth < usual && c.starves() || c.SenderShare != 0 && c.starves() {
		limited.Bandwidth, limited.SenderShare, changed = usual, 0, true
	}
	return limited, changed
}

// starves reports whether a sender or its receiver would have to wait too long.
func (c RTCPConfig) starves() bool {
	share := c.SenderShare
	switch {
	case share == 0:
		share = 0.5 // two of two members send or not, it is all the same
	case share < 0:
		share = 0
	}
	least := min(share, 1-share)
	return float64(8*firstReportSize) > float64(float64(c.Bandwidth)*least)*longest.Seconds()
}
