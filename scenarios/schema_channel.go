package scenarios

import (
	"time"

	"rtpfabric/sim/units"
)

// Channel is a medium that several directions of links share: every one whose
// field channel names it.
type Channel struct {
	Name string `yaml:"-"`
	// Type is what the medium is like: a channel of 802.11, or a cell.
	Type string `yaml:"type,required" oneof:"wifi,cell"`

	// PHY is of wifi: the standard whose timing and rates it has; 802.11n by
	// default.
	PHY string `yaml:"phy" oneof:",802.11a,802.11b,802.11g,802.11n"`
	// Mode is the rate of data frames, such as 54Mbps or MCS11.
	Mode string `yaml:"mode"`
	// FrameErrors is the share of frames that get lost on the air.
	FrameErrors *units.Ratio `yaml:"frame-errors" min:"0%" max:"99%"`
	// Aggregation is the largest number of frames in an A-MPDU.
	Aggregation *int `yaml:"aggregation" min:"1" max:"64"`
	// WMM sorts packets into EDCA's access categories by DSCP.
	WMM *bool `yaml:"wmm"`
	// Stations are nodes that differ.
	Stations []Station `yaml:"stations,named"`

	// The fields below are of cell, which is one direction of a cell: every link
	// direction that uses it is a user. Where users are is drawn; Coverage and
	// Speed say what that means for their channels.

	// Direction is downlink or uplink.
	Direction string `yaml:"direction" oneof:",downlink,uplink"`
	// Scheduler says who is served in each TTI of a cell: who gains most by its own mean, or each in turn; proportional-fair by default.
	Scheduler string `yaml:"scheduler" oneof:",proportional-fair,round-robin"`
	Bandwidth *Hertz `yaml:"bandwidth"`
	// Coverage is a case of 3GPP's: case-1 (radius 166.666 m) or case-3
	// (577.333 m).
	Coverage string `yaml:"coverage" oneof:",case-1,case-3"`
	// Speed of the users, km/h.
	Speed *float64 `yaml:"speed" min:"0" max:"500"`
	// Handovers are stretches of time in which the cell serves nobody.
	Handovers []Interval `yaml:"handovers"`
}

// Station is a node on a wifi channel.
type Station struct {
	Name string `yaml:"-"`
	// Mode is the rate of its data frames, such as 54Mbps or MCS11, instead of the channel's.
	Mode string `yaml:"mode"`
	// Distance in metres to whom it sends to; the rate follows from it, but is
	// at most that of Mode.
	Distance *float64 `yaml:"distance" min:"0.1" max:"100000"`
	// FrameErrors is the share of its frames that get lost on the air.
	FrameErrors *units.Ratio `yaml:"frame-errors" min:"0%" max:"99%"`
}

// Hertz is a bandwidth of radio.
type Hertz float64

// Node says what stands at a node: bleaching behind a firewall or a NAT.
type Node struct {
	Name     string    `yaml:"-"`
	Firewall *Firewall `yaml:"firewall"`
	NAT      *NAT      `yaml:"nat"`
	Bleach   *Bleach   `yaml:"bleach"`
}

// Firewall drops packets.
type Firewall struct {
	// BlockUDP drops all UDP, ReducedSize RTCP packets that are no compound
	// (RFC 5506).
	BlockUDP    bool `yaml:"block-udp" default:"false"`
	ReducedSize bool `yaml:"block-reduced-size" default:"false"`
	// Inside are nodes whose hosts may be reached only by replies; empty lets
	// all in. Replies come within Timeout.
	Inside  []string      `yaml:"inside"`
	Timeout time.Duration `yaml:"timeout" default:"30s" min:"1ms"`
}

// NAT translates addresses (RFC 4787).
type NAT struct {
	// Inside are the nodes behind the NAT.
	Inside []string `yaml:"inside,required" example:"[home]"`
	// Mapping and Filtering are behaviours of §4.1 and §5.
	Mapping   string `yaml:"mapping" oneof:"endpoint-independent,address-dependent,address-and-port-dependent" default:"endpoint-independent"`
	Filtering string `yaml:"filtering" oneof:"endpoint-independent,address-dependent,address-and-port-dependent" default:"address-and-port-dependent"`
	// Timeout of a mapping (§4.3).
	Timeout time.Duration `yaml:"timeout" default:"120s" min:"1ms"`
	// PortPreservation uses the inner port outside, if it is free (§4.2.1).
	PortPreservation bool `yaml:"port-preservation" default:"true"`
	// Hairpinning lets inner hosts reach each other by outer addresses (§6).
	Hairpinning bool `yaml:"hairpinning" default:"true"`
	// LocalCandidates lets endpoints behind one NAT know each other's inner
	// addresses, as ICE's host candidates do (RFC 8445 §5.1.1); otherwise they
	// reach each other by hairpinning.
	LocalCandidates bool `yaml:"local-candidates" default:"true"`
	// RefreshInbound lets packets from outside keep a mapping alive (§4.3).
	RefreshInbound bool `yaml:"refresh-inbound" default:"false"`
}

// Bleach clears or drops by markings.
type Bleach struct {
	// DSCP sets the code points of all packets to 0.
	DSCP bool `yaml:"dscp" default:"false"`
	// ECN sets the ECN field of all packets to not-ECT.
	ECN bool `yaml:"ecn" default:"false"`
	// DropDSCP are code points whose packets vanish.
	DropDSCP []int `yaml:"drop-dscp"`
	// DropECN lets all packets vanish that are ECN-capable.
	DropECN bool `yaml:"drop-ecn" default:"false"`
}
