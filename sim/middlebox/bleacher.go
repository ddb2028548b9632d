package middlebox

import (
	"fmt"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// Bleacher is a router that doesn't leave the markings of packets alone: it
// clears or changes them, or drops packets that have some. Which of them paths
// in the Internet do is described in RFC 9435.
type Bleacher struct {
	// dscp is what becomes of every codepoint; swallow is below 0.
	dscp  [64]int8
	ecn   [4]packet.ECN
	block bool // what is ECN-capable
	stats BleacherStats
}

const swallow = -1

// DSCPBleaching is what a bleacher does to all codepoints that have no entry of
// their own.
type DSCPBleaching uint8

// The bleachings.
const (
	KeepDSCP      DSCPBleaching = iota
	BleachDSCP                  // to 0
	BleachTOS                   // the upper three bits, once the precedence of TOS, to 0
	BleachLowDSCP               // the lower three bits to 0
)

// ECNBleaching is what a bleacher does to the ECN field.
type ECNBleaching uint8

// The bleachings. All but KeepECN violate RFC 3168 §5.
const (
	KeepECN   ECNBleaching = iota
	BleachECN              // to NotECT
	HideCE                 // CE to ECT0, so that nobody learns of congestion
	FakeCE                 // ECT0 and ECT1 to CE
	BlockECN               // packets with another field than NotECT are dropped: RFC 6679's ECN-blocking middlebox
)

// Remark replaces one codepoint by another.
type Remark struct{ From, To uint8 }

// BleacherConfig says what a bleacher does. The zero value does nothing.
type BleacherConfig struct {
	DSCP DSCPBleaching
	// Remarks go before DSCP.
	Remarks []Remark
	// BlackHoles are codepoints whose packets are dropped. They go before
	// everything else.
	BlackHoles []uint8
	ECN        ECNBleaching
}

// BleacherStats counts packets.
type BleacherStats struct {
	Passed    uint64
	Remarked  uint64 // with another DSCP
	ECN       uint64 // with another ECN field
	Swallowed uint64 // dropped for their DSCP or ECN field
}

// NewBleacher makes a bleacher.
func NewBleacher(c BleacherConfig) (*Bleacher, error) {
	b := &Bleacher{}
	for i := range b.dscp {
		to := i
		switch c.DSCP {
		case KeepDSCP:
		case BleachDSCP:
			to = 0
		case BleachTOS:
			to = i & 0b000111
		case BleachLowDSCP:
			to = i & 0b111000
		default:
			return nil, fmt.Errorf("bleacher: dscp: %d is not a bleaching: write one of the constants", c.DSCP)
		}
		b.dscp[i] = int8(to)
	}
	for _, r := range c.Remarks {
		if r.From > 63 || r.To > 63 {
			return nil, fmt.Errorf("bleacher: remarks: %d to %d is out of range: write codepoints from 0 to 63", r.From, r.To)
		}
		b.dscp[r.From] = int8(r.To)
	}
	for _, d := range c.BlackHoles {
		if d > 63 {
			return nil, fmt.Errorf("bleacher: black holes: %d is out of range: write a codepoint from 0 to 63", d)
		}
		b.dscp[d] = swallow
	}
	b.ecn = [4]packet.ECN{packet.NotECT, packet.ECT1, packet.ECT0, packet.CE}
	switch c.ECN {
	case KeepECN:
	case BleachECN:
		b.ecn = [4]packet.ECN{}
	case HideCE:
		b.ecn[packet.CE] = packet.ECT0
	case FakeCE:
		b.ecn[packet.ECT0], b.ecn[packet.ECT1] = packet.CE, packet.CE
	case BlockECN:
		b.block = true
	default:
		return nil, fmt.Errorf("bleacher: ecn: %d is not a bleaching: write one of the constants", c.ECN)
	}
	return b, nil
}

// Stats returns the counts so far.
func (b *Bleacher) Stats() BleacherStats { return b.stats }

// Handle changes the markings.
func (b *Bleacher) Handle(_ simtime.Time, p *packet.Packet, _ *fabric.Link) bool {
	dscp := b.dscp[p.DSCP&63]
	if dscp == swallow || b.block && p.ECN != packet.NotECT {
		b.stats.Swallowed++
		return false
	}
	if uint8(dscp) != p.DSCP {
		p.DSCP = uint8(dscp)
		b.stats.Remarked++
	}
	if ecn := b.ecn[p.ECN&3]; ecn != p.ECN {
		p.ECN = ecn
		b.stats.ECN++
	}
	b.stats.Passed++
	return true
}
