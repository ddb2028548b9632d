// Package aqm holds the queue disciplines of routers beyond drop-tail: RED,
// CoDel, FQ-CoDel, PIE and DualPI2, bands with strict or weighted priority and
// the classifiers that choose a band, and token buckets that police or shape.
//
// A discipline is a [fabric.Queue] for one direction of one link. Its
// configuration starts from the function Default… and is checked by Validate,
// which names parameters as scenario files write them; a constructor panics on
// one that Validate refuses. Delays are measured by
// packet.Packet.ArrivedAt, which the link sets.
package aqm

import (
	"fmt"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/units"
)

// MTU is the default size of the largest packet that a link carries.
const MTU units.Bytes = 1500

// DefaultLimit is how much the single queues hold unless told otherwise.
var DefaultLimit = fabric.Limit{Packets: 1000}

// mark sets the CE codepoint if the packet's transport is ECN-capable, and
// reports whether the packet carries it now (RFC 3168 §5).
func mark(p *packet.Packet) bool {
	if p.ECN == packet.NotECT {
		return false
	}
	p.ECN = packet.CE
	return true
}

// capacity is where a discipline drops at its tail whatever its algorithm
// says. It counts as [fabric.DropTail] does: an empty queue takes any packet.
type capacity struct {
	limit fabric.Limit
	bytes units.Bytes // the limit in bytes, unless it is in packets
}

func newCapacity(l fabric.Limit) capacity { return capacity{limit: l, bytes: l.Bytes} }

// SetRate adapts a limit in time.
func (c *capacity) SetRate(r units.BitRate) {
	if c.limit.Time > 0 {
		c.bytes = r.BytesIn(c.limit.Time)
	}
}

// full reports whether a packet doesn't fit into a queue of n packets.
func (c *capacity) full(n int, bytes, packetSize units.Bytes) bool {
	if n == 0 {
		return false
	}
	if c.limit.Packets > 0 {
		return n >= c.limit.Packets
	}
	return bytes+packetSize > c.bytes
}

func must(err error) {
	if err != nil {
		panic("aqm: " + err.Error())
	}
}

func validLimit(l fabric.Limit) error {
	n := 0
	for _, set := range [...]bool{l.Time != 0, l.Bytes != 0, l.Packets != 0} {
		if set {
			n++
		}
	}
	if n != 1 || l.Time < 0 || l.Bytes < 0 || l.Packets < 0 {
		return fmt.Errorf("limit is %v, %v and %d packets: write exactly one of them, greater than zero", l.Time, l.Bytes, l.Packets)
	}
	return nil
}

func validDuration(name string, d time.Duration, like string) error {
	if d <= 0 {
		return fmt.Errorf("%s is %v: write a duration greater than zero, such as %s", name, d, like)
	}
	return nil
}

func validSize(name string, n units.Bytes) error {
	if n <= 0 {
		return fmt.Errorf("%s is %v: write a size greater than zero, such as %v", name, n, MTU)
	}
	return nil
}

// validProbability takes what is greater than 0 and at most 1.
func validProbability(name string, p float64, like string) error {
	if !(p > 0 && p <= 1) {
		return fmt.Errorf("%s is %v: write a number greater than 0 and at most 1, such as %s", name, p, like)
	}
	return nil
}

// validGain takes what is greater than 0 and finite.
func validGain(name string, x float64, like string) error {
	if !(x > 0 && x < 1e9) {
		return fmt.Errorf("%s is %v: write a number greater than 0, such as %s", name, x, like)
	}
	return nil
}

// firstError returns the first of them that isn't nil.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
