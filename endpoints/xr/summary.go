package xr

import (
	"math"

	"github.com/pion/rtcp"
)

// Fields says what a Statistics Summary block tells (RFC 3611 §4.6); other fields
// are zero.
type Fields struct {
	Loss, Duplicates, Jitter bool
	// TTL is 1 for IPv4's TTL, 2 for IPv6's hop limit, 0 for neither.
	TTL rtcp.TTLorHopLimitType
}

// Summary returns a Statistics Summary block; nil if there is nothing to report.
// Jitter is the difference of the transit times of packets that came one after
// the other, without its sign, in timestamp units.
func (t *Trace) Summary(f Fields) *rtcp.StatisticsSummaryReportBlock {
	begin, end := t.Range()
	if begin == end {
		return nil
	}
	b := &rtcp.StatisticsSummaryReportBlock{
		SSRC: t.ssrc, BeginSeq: uint16(begin), EndSeq: uint16(end),
		LossReports: f.Loss, DuplicateReports: f.Duplicates, JitterReports: f.Jitter, TTLorHopLimit: f.TTL,
	}
	lost, duplicates := uint32(0), uint32(0)
	for seq := begin; seq < end; seq++ {
		if r := t.at(seq); r != nil {
			duplicates += r.packets - 1
		} else {
			lost++
		}
	}
	if f.Loss {
		b.LostPackets = lost
	}
	if f.Duplicates {
		b.DupPackets = duplicates
	}
	if f.Jitter {
		m := &t.jitter
		b.MinJitter, b.MaxJitter = uint32(m.least), uint32(m.most)
		b.MeanJitter, b.DevJitter = uint32(m.mean()), uint32(m.deviation())
	}
	if f.TTL != rtcp.ToHMissing {
		m := &t.ttl
		b.MinTTLOrHL, b.MaxTTLOrHL = uint8(m.least), uint8(m.most)
		b.MeanTTLOrHL, b.DevTTLOrHL = uint8(m.mean()), uint8(m.deviation())
	}
	return b
}

// validSummary reports whether a receiver may use a block: what isn't flagged has
// to be zero, and 3 isn't a kind of TTL (§4.6).
func validSummary(b *rtcp.StatisticsSummaryReportBlock) bool {
	switch {
	case !b.LossReports && b.LostPackets != 0,
		!b.DuplicateReports && b.DupPackets != 0,
		!b.JitterReports && b.MinJitter|b.MaxJitter|b.MeanJitter|b.DevJitter != 0,
		b.TTLorHopLimit == rtcp.ToHMissing && b.MinTTLOrHL|b.MaxTTLOrHL|b.MeanTTLOrHL|b.DevTTLOrHL != 0,
		b.TTLorHopLimit > rtcp.ToHIPv6:
		return false
	}
	return true
}

// moments are the statistics of numbers that aren't negative.
type moments struct {
	n           int64
	least, most int64
	sum         float64
	squares     float64
}

func (m *moments) add(x int64) {
	if m.n == 0 || x < m.least {
		m.least = x
	}
	m.most = max(m.most, x)
	m.n++
	m.sum += float64(x)
	m.squares += float64(float64(x) * float64(x))
}

// mean is rounded to the nearest integer, and so is deviation.
func (m *moments) mean() float64 {
	if m.n == 0 {
		return 0
	}
	return math.Round(m.sum / float64(m.n))
}

func (m *moments) deviation() float64 {
	if m.n == 0 {
		return 0
	}
	mean := m.sum / float64(m.n)
	return math.Round(math.Sqrt(max(m.squares/float64(m.n)-float64(mean*mean), 0)))
}
