package rtplog

import (
	"math"
	"slices"
	"time"
)

// Stream is what two logs say of one SSRC. What only one of them can tell is zero, or not a number.
type Stream struct {
	SSRC        uint32
	PayloadType uint8 // of the first packet
	// Sent and Received are packets; of those received again only the first counts, and Duplicates are the others.
	Sent, Received, Duplicates int
	// Loss is the share of packets sent that weren't received, before any repair.
	Loss float64
	// SendRate and ReceiveRate are of payload, in bit/s, from the first packet to the last.
	SendRate, ReceiveRate float64
	// Least, Median and P95 are of the one-way delay, by the clocks of both logs; less the least if these clocks
	// aren't the same.
	Least, Median, P95 time.Duration
	// Reordered is how many packets came after one that was sent later.
	Reordered int
}

// Streams compares a sender's log with a receiver's; one of them may be empty. Streams are in the order of their first packets.
func Streams(sent, received []Entry) []Stream {
	var order []uint32
	out, in := map[uint32][]numbered{}, map[uint32][]numbered{}
	for _, side := range []struct {
		entries []Entry
		into    map[uint32][]numbered
	}{{sent, out}, {received, in}} {
		for _, e := range side.entries {
			if out[e.SSRC] == nil && in[e.SSRC] == nil {
				order = append(order, e.SSRC)
			}
			side.into[e.SSRC] = append(side.into[e.SSRC], number(side.into[e.SSRC], e))
		}
	}
	var list []Stream
	for _, ssrc := range order {
		list = append(list, streamOf(ssrc, out[ssrc], in[ssrc]))
	}
	return list
}

// numbered is a packet with its extended sequence number, of which the first in a log has one cycle.
type numbered struct {
	Entry
	ext int64
}

func number(before []numbered, e Entry) numbered {
	if len(before) == 0 {
		return numbered{e, int64(e.Seq) + 1<<16}
	}
	last := before[len(before)-1]
	return numbered{e, last.ext + int64(int16(e.Seq-last.Seq))}
}

func streamOf(ssrc uint32, out, in []numbered) Stream {
	s := Stream{SSRC: ssrc, Sent: len(out), Loss: math.NaN(), SendRate: rateOf(out), ReceiveRate: rateOf(in)}
	if len(out) > 0 {
		s.PayloadType = out[0].PayloadType
	} else {
		s.PayloadType = in[0].PayloadType
	}
	left := map[int64]time.Duration{}
	for _, p := range out {
		left[p.ext] = p.At
	}
	if len(out) > 0 && len(in) > 0 { // the receiver's first packet may be of another cycle
		shift := int64(int16(in[0].Seq-out[0].Seq)) + out[0].ext - in[0].ext
		for i := range in {
			in[i].ext += shift
		}
	}
	var delays []time.Duration
	seen := map[int64]bool{}
	highest := int64(math.MinInt64)
	for _, p := range in {
		if seen[p.ext] {
			s.Duplicates++
			continue
		}
		seen[p.ext] = true
		s.Received++
		if p.ext < highest {
			s.Reordered++
		}
		highest = max(highest, p.ext)
		if at, ok := left[p.ext]; ok {
			delays = append(delays, p.At-at)
		}
	}
	if len(out) > 0 && len(in) > 0 {
		s.Loss = 1 - float64(len(delays))/float64(len(out))
	}
	if len(delays) > 0 {
		slices.Sort(delays)
		at := func(q float64) time.Duration { return delays[min(int(q*float64(len(delays))), len(delays)-1)] }
		s.Least, s.Median, s.P95 = delays[0], at(0.5), at(0.95)
	}
	return s
}

// rateOf returns the rate of the payload between the first packet and the last one, which ends the time and doesn't count.
func rateOf(list []numbered) float64 {
	if len(list) < 2 {
		return math.NaN()
	}
	took := list[len(list)-1].At - list[0].At
	if took <= 0 {
		return math.NaN()
	}
	octets := 0
	for _, p := range list[:len(list)-1] {
		octets += p.Size
	}
	return 8 * float64(octets) / took.Seconds()
}
