package aqm

import (
	"fmt"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/units"
)

// DualPI2Config are the parameters of [DualPI2] (RFC 9332 Appendix A).
type DualPI2Config struct {
	// Target of the Classic queue's delay. Default 15 ms.
	Target time.Duration
	// Tupdate is how often the base probability is computed. Default 16 ms.
	Tupdate time.Duration
	// Alpha and Beta are the controller's gains in Hz; the RFC derives them from
	// Tupdate and the largest round-trip time. Default 0.16 and 3.2, for 16 ms
	// and 100 ms.
	Alpha, Beta float64
	// K is the coupling factor, at least 1. Default 2.
	K float64
	// MinThreshold is the delay from which the L queue marks by itself, with a
	// probability that comes to 1 over Range. A Range of 0 makes a step.
	// Default 800 µs and 400 µs.
	MinThreshold, Range time.Duration
	// MinLength is Th_len: the L queue doesn't mark by itself unless it has more
	// packets than this, with the one that leaves. Default 1.
	MinLength int
	// ClassicWeight is the share of the Classic queue when both have packets,
	// between 0 and 1. Default 1/16.
	ClassicWeight float64
	// ECN marks ECN-capable packets of the Classic queue instead of dropping them.
	// The L queue always marks. Default on.
	ECN bool
	// MinBacklog: the controller's signals spare a packet if both queues have
	// less than this, with the packet. Default 0; implementations use 2 MTU.
	MinBacklog units.Bytes
	// Low chooses the packets of the L queue. nil, the default, goes
	// by the last bit of the ECN field (RFC 9331 §5.1).
	Low func(*packet.Packet) bool
	// MTU is the room that must be left for a packet to be taken. Default 1500 B.
	MTU units.Bytes
	// Limit of both queues together, in time or bytes. Default 250 ms.
	Limit fabric.Limit
}

// DefaultDualPI2 returns the RFC's defaults.
func DefaultDualPI2() DualPI2Config {
	return DualPI2Config{
		Target: 15 * time.Millisecond, Tupdate: 16 * time.Millisecond, Alpha: 0.16, Beta: 3.2, K: 2,
		MinThreshold: 800 * time.Microsecond, Range: 400 * time.Microsecond, MinLength: 1,
		ClassicWeight: 1.0 / 16, ECN: true, MTU: MTU, Limit: fabric.Limit{Time: 250 * time.Millisecond},
	}
}

// Validate reports the first parameter that is out of range.
func (c DualPI2Config) Validate() error {
	if err := firstError(
		validDuration("target", c.Target, "15ms"),
		validDuration("tupdate", c.Tupdate, "16ms"),
		validGain("alpha", c.Alpha, "0.16"),
		validGain("beta", c.Beta, "3.2"),
		validDuration("min_threshold", c.MinThreshold, "800us"),
		validSize("MTU", c.MTU),
		validLimit(c.Limit),
	); err != nil {
		return err
	}
	switch {
	case !(c.K >= 1 && c.K <= 100):
		return fmt.Errorf("coupling factor K is %v: write a coupling factor of at least 1, such as 2", c.K)
	case c.Range < 0:
		return fmt.Errorf("range is %v: write a duration such as 400us, or 0 for a step", c.Range)
	case c.MinLength < 0:
		return fmt.Errorf("min_length is %d: write a number of packets, such as 1", c.MinLength)
	case !(c.ClassicWeight > 0 && c.ClassicWeight < 1):
		return fmt.Errorf("classic_weight is %v: write a share between 0 and 1, such as 0.0625", c.ClassicWeight)
	case c.MinBacklog < 0:
		return fmt.Errorf("min_backlog is %v: write a size such as 3000B, or 0", c.MinBacklog)
	case c.Limit.Packets != 0:
		return fmt.Errorf("limit is %d packets: write a time or a size, such as 250ms", c.Limit.Packets)
	}
	return nil
}
