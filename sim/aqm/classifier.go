package aqm

import (
	"fmt"

	"rtpfabric/sim/packet"
)

// Classifier chooses the band of a packet, from 0. It doesn't change the
// packet. It may remember what it saw, so every queue has one of its own.
type Classifier interface {
	Classify(p *packet.Packet) int
}

// ClassifierFunc makes a function a [Classifier].
type ClassifierFunc func(p *packet.Packet) int

// Classify calls f.
func (f ClassifierFunc) Classify(p *packet.Packet) int { return f(p) }

// The codepoints that WebRTC applications use (RFC 8837 Table 1).
const (
	DF   uint8 = 0
	LE   uint8 = 1
	AF11 uint8 = 10
	AF21 uint8 = 18
	AF31 uint8 = 26
	AF32 uint8 = 28
	AF33 uint8 = 30
	AF41 uint8 = 34
	AF42 uint8 = 36
	AF43 uint8 = 38
	EF   uint8 = 46
)

// DSCPClassifier chooses by the differentiated services codepoint.
type DSCPClassifier struct{ band [64]uint8 }

// NewDSCPClassifier returns a classifier for bands with the given codepoints;
// all others go to the band with the number given. It fails if a codepoint is
// out of range or has two bands.
func NewDSCPClassifier(bands [][]uint8, others int) (*DSCPClassifier, error) {
	if len(bands) > 64 || others < 0 || others >= max(len(bands), 1) {
		return nil, fmt.Errorf("%d bands, others in band %d: write at most 64 bands and the number of one of them", len(bands), others)
	}
	c := &DSCPClassifier{}
	for i := range c.band {
		c.band[i] = uint8(others)
	}
	var taken [64]bool
	for i, set := range bands {
		for _, dscp := range set {
			if dscp > 63 {
				return nil, fmt.Errorf("band %d has the codepoint %d: write a number from 0 to 63", i, dscp)
			}
			if taken[dscp] {
				return nil, fmt.Errorf("band %d has the codepoint %d, which another band has too: write it once", i, dscp)
			}
			taken[dscp] = true
			c.band[dscp] = uint8(i)
		}
	}
	return c, nil
}

// WebRTCBands returns the codepoints of RFC 8837 Table 1 in order of priority:
// audio, interactive video, other video, data of high and of medium priority,
// what has low priority or no marking, and lower effort. The band for others
// is number 5.
func WebRTCBands() (bands [][]uint8, others int) {
	return [][]uint8{
		{EF},
		{AF41, AF42, AF43},
		{AF31, AF32, AF33},
		{AF21},
		{AF11},
		{DF},
		{LE},
	}, 5
}

// Classify returns the band of the packet's codepoint.
func (c *DSCPClassifier) Classify(p *packet.Packet) int { return int(c.band[p.DSCP&63]) }

// TupleRule matches the packets of flows by 5-tuple. A part that is zero, and a
// nil Protocol, matches anything.
type TupleRule struct {
	Src, Dst packet.Addr
	Protocol *packet.Protocol
	Band     int
}

func (r *TupleRule) matches(p *packet.Packet) bool {
	return (r.Src.IP == 0 || r.Src.IP == p.Src.IP) && (r.Src.Port == 0 || r.Src.Port == p.Src.Port) &&
		(r.Dst.IP == 0 || r.Dst.IP == p.Dst.IP) && (r.Dst.Port == 0 || r.Dst.Port == p.Dst.Port) &&
		(r.Protocol == nil || *r.Protocol == p.Protocol)
}

// TupleClassifier chooses by the first rule that matches. Everything in one
// flow gets the same treatment (RFC 8834 §12.1.3).
type TupleClassifier struct {
	Rules []TupleRule
	// Others is the band of packets that match no rule.
	Others int
}

// Classify returns the band of the first rule that matches.
func (c *TupleClassifier) Classify(p *packet.Packet) int {
	for i := range c.Rules {
		if c.Rules[i].matches(p) {
			return c.Rules[i].Band
		}
	}
	return c.Others
}
