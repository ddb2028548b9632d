package scenarios

import (
	"time"

	"rtpfabric/sim/units"
)

// RTCP holds the session parameters of RTCP.
type RTCP struct {
	// Profile is the timing rules: avpf (RFC 4585) or avp (RFC 3550).
	Profile string `yaml:"profile" oneof:"avpf,avp" default:"avpf"`
	// Mux sends RTCP on RTP's port (RFC 5761), otherwise on the next one.
	Mux bool `yaml:"mux" default:"true"`
	// Bandwidth is the bandwidth of each session; nil is the sum of the maximum
	// rates of its media.
	Bandwidth *units.BitRate `yaml:"bandwidth" min:"1kbps" max:"1000Gbps"`
	// Fraction is RTCP's share of it (RFC 3550 §6.2).
	Fraction units.Ratio `yaml:"fraction" default:"5%" min:"0.01%" max:"100%"`
	// Senders and Receivers are the RTCP bandwidth of members that send media
	// and of those that don't (b=RS and b=RR, RFC 3556); nil are a quarter and
	// three quarters of the fraction.
	Senders   *units.BitRate `yaml:"senders" max:"1Gbps"`
	Receivers *units.BitRate `yaml:"receivers" max:"1Gbps"`
	// TrrInterval is T_rr_interval of RFC 4585 (trr-int).
	TrrInterval time.Duration `yaml:"trr-interval" default:"0s" max:"60s"`
	// Minimum interval of avp: fixed (5 s) or reduced (360 / session kbit/s).
	Minimum string `yaml:"minimum" oneof:"fixed,reduced" default:"reduced"`
	// ReducedSize allows feedback without a compound packet (RFC 5506), if both
	// ends have it.
	ReducedSize bool `yaml:"reduced-size" default:"true"`
	// Aggregate puts reports of several SSRCs into one packet (RFC 8108 §5.3).
	Aggregate bool `yaml:"aggregate" default:"true"`
	// ReportingGroups lets one SSRC of an endpoint report for all (RFC 8861).
	ReportingGroups bool `yaml:"reporting-groups" default:"false"`
	// InitialBurst is how many packets go without delay on joining; RFC 8108 §5.2
	// allows 4.
	InitialBurst int `yaml:"initial-burst" default:"0" min:"0" max:"1000"`
	// Timeouts of members: by RFC 8108 §7.1.4, or by RFC 4585 §3.5.4, which that
	// replaced.
	Timeouts string `yaml:"timeouts" oneof:"rfc8108,rfc4585" default:"rfc8108"`
	// Limits ignores parameters that make RTCP much rarer than every 5 s, or
	// more than the media (RFC 8834 §13).
	Limits bool `yaml:"limits" default:"true"`
	// XR are the blocks of extended reports that are sent (RFC 3611).
	XR []string `yaml:"xr" example:"[reference-time, summary]"`
	// DSCP of all RTCP; nil marks it like the streams it is about (RFC 8834
	// §12.1.3).
	DSCP *int `yaml:"dscp" min:"0" max:"63"`
	// ReportSilent reports also on sources of which nothing came since the last report, as
	// RFC 3550 §6.4 has it only for others.
	ReportSilent bool `yaml:"report-silent" default:"false"`
	// PadTo pads every RTCP packet to this size, before protection, by at most
	// 252 octets; 0 doesn't.
	// It is a multiple of 4.
	PadTo units.Bytes `yaml:"pad-to" default:"0B" max:"1400B"`
}

// EndRTCP is what an endpoint does otherwise than the scenario's [RTCP] says.
type EndRTCP struct {
	// Profile is that of the endpoint, instead of the scenario's.
	Profile *string `yaml:"profile" oneof:"avpf,avp"`
	// Fraction is that of the endpoint, instead of the scenario's.
	Fraction *units.Ratio `yaml:"fraction" min:"0.01%" max:"100%"`
	// Senders is that of the endpoint, instead of the scenario's.
	Senders *units.BitRate `yaml:"senders" max:"1Gbps"`
	// Receivers is that of the endpoint, instead of the scenario's.
	Receivers *units.BitRate `yaml:"receivers" max:"1Gbps"`
	// TrrInterval is that of the endpoint, instead of the scenario's.
	TrrInterval *time.Duration `yaml:"trr-interval" max:"60s"`
	// Minimum is that of the endpoint, instead of the scenario's.
	Minimum *string `yaml:"minimum" oneof:"fixed,reduced"`
	// ReducedSize is that of the endpoint, instead of the scenario's.
	ReducedSize *bool `yaml:"reduced-size"`
	// Aggregate is that of the endpoint, instead of the scenario's.
	Aggregate *bool `yaml:"aggregate"`
	// Groups is that of the endpoint, instead of the scenario's.
	Groups *bool `yaml:"reporting-groups"`
	// InitialBurst is that of the endpoint, instead of the scenario's.
	InitialBurst *int `yaml:"initial-burst" min:"0" max:"1000"`
	// Timeouts is that of the endpoint, instead of the scenario's.
	Timeouts *string `yaml:"timeouts" oneof:"rfc8108,rfc4585"`
	// Limits is that of the endpoint, instead of the scenario's.
	Limits *bool `yaml:"limits"`
	// ReportSilent is that of the endpoint, instead of the scenario's.
	ReportSilent *bool `yaml:"report-silent"`
}

// RTCPOf returns the RTCP of an endpoint: the scenario's, with what its type and
// it itself say.
func (s *Scenario) RTCPOf(endpoint string) RTCP {
	r := s.RTCP
	e := s.Endpoint(endpoint)
	if e == nil {
		return r
	}
	switch e.Type {
	case "legacy-no-rtcp", "legacy-avp":
		r.Profile, r.Minimum = "avp", "fixed"
		fallthrough
	case "legacy-avpf":
		r.ReducedSize, r.Aggregate, r.InitialBurst = false, false, 0
	}
	if o := e.RTCP; o != nil {
		replace(&r.Profile, o.Profile)
		replace(&r.Fraction, o.Fraction)
		replace(&r.TrrInterval, o.TrrInterval)
		replace(&r.Minimum, o.Minimum)
		replace(&r.ReducedSize, o.ReducedSize)
		replace(&r.Aggregate, o.Aggregate)
		replace(&r.ReportingGroups, o.Groups)
		replace(&r.InitialBurst, o.InitialBurst)
		replace(&r.Timeouts, o.Timeouts)
		replace(&r.Limits, o.Limits)
		replace(&r.ReportSilent, o.ReportSilent)
		r.Senders, r.Receivers = firstOf(o.Senders, r.Senders), firstOf(o.Receivers, r.Receivers)
	}
	return r
}

// replace sets a field if there is something to set it to.
func replace[T any](field, with *T) {
	if with != nil {
		*field = *with
	}
}

// Legacy reports whether the endpoint is none of WebRTC's.
func (e *Endpoint) Legacy() bool { return e.Type != "webrtc" }
