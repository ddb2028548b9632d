package xr

import "github.com/pion/rtcp"

// LossRLE returns a Loss RLE block (RFC 3611 §4.1) of at most size octets, with
// as little thinning as that takes; nil if there is nothing to report or no room
// at all.
func (t *Trace) LossRLE(size int) *rtcp.LossRLEReportBlock {
	thinning, chunks, ok := t.encode(size, func(r *record) bool { return r != nil })
	if !ok {
		return nil
	}
	begin, end := t.Range()
	return &rtcp.LossRLEReportBlock{
		T: thinning, SSRC: t.ssrc, BeginSeq: uint16(begin), EndSeq: uint16(end), Chunks: chunks,
	}
}

// DuplicateRLE returns a Duplicate RLE block (§4.2), in which zeros are numbers
// with duplicates; a lost packet has none.
func (t *Trace) DuplicateRLE(size int) *rtcp.DuplicateRLEReportBlock {
	thinning, chunks, ok := t.encode(size, func(r *record) bool { return r == nil || r.packets == 1 })
	if !ok {
		return nil
	}
	begin, end := t.Range()
	return &rtcp.DuplicateRLEReportBlock{
		T: thinning, SSRC: t.ssrc, BeginSeq: uint16(begin), EndSeq: uint16(end), Chunks: chunks,
	}
}

// encode finds the least thinning with which the chunks fit.
func (t *Trace) encode(size int, event func(*record) bool) (thinning uint8, chunks []rtcp.Chunk, ok bool) {
	begin, end := t.Range()
	if begin == end {
		return 0, nil, false
	}
	for thinning = range uint8(maxThinning + 1) {
		trace := t.scratch[:0]
		step := uint64(1) << thinning
		for seq := roundUp(begin, step); seq < end; seq += step {
			trace = append(trace, event(t.at(seq)))
		}
		t.scratch = trace
		chunks = Encode(chunks[:0], trace)
		if traceHeader+2*len(chunks) <= size {
			return thinning, chunks, true
		}
	}
	return 0, nil, false
}

func roundUp(seq, step uint64) uint64 { return (seq + step - 1) / step * step }

// ReceiptTimes returns Packet Receipt Times blocks (§4.3) of at most size octets
// together, with as little thinning as that takes. Each covers numbers that all
// came, so that a loss begins another one.
func (t *Trace) ReceiptTimes(size int) []*rtcp.PacketReceiptTimesReportBlock {
	for thinning := range uint8(maxThinning + 1) {
		if blocks, octets := t.receiptTimes(thinning); octets <= size {
			return blocks
		}
	}
	return nil
}

func (t *Trace) receiptTimes(thinning uint8) (blocks []*rtcp.PacketReceiptTimesReportBlock, octets int) {
	begin, end := t.Range()
	step := uint64(1) << thinning
	var block *rtcp.PacketReceiptTimesReportBlock
	for seq := roundUp(begin, step); seq < end; seq += step {
		r := t.at(seq)
		if r == nil {
			block = nil
			continue
		}
		if block == nil {
			block = &rtcp.PacketReceiptTimesReportBlock{T: thinning, SSRC: t.ssrc, BeginSeq: uint16(seq)}
			blocks = append(blocks, block)
			octets += traceHeader
		}
		block.EndSeq = uint16(seq + 1)
		block.ReceiptTime = append(block.ReceiptTime, r.receipt)
		octets += 4
	}
	return blocks, octets
}
