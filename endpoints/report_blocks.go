package endpoints

import (
	"encoding/binary"

	"rtpfabric/sim/simtime"
)

// maxBlocks is how many report blocks an SR or RR holds (RFC 3550 §6.4.1).
const maxBlocks = 31

// prior is what a local stream has reported of a source already, as far as differences show.
type prior struct{ expected, received, lost uint32 }

// priorOf returns what a local stream has reported. To a new one everything is
// news.
func (r *source) priorOf(st *Stream) *prior {
	for int(r.index) >= len(st.priors) {
		st.priors = append(st.priors, prior{})
	}
	return &st.priors[r.index]
}

// mostBlocks returns how many blocks a report has at most.
func (s *Session) mostBlocks() int { return min(len(s.sources)+len(s.streams), maxBlocks) }

// blockCount returns how many blocks the next report of this stream's SSRC will
// have.
func (st *Stream) blockCount() int {
	s := st.section.session
	peer, own := st.reportsOn()
	n := 0
	if peer {
		for _, src := range s.sources {
			if src.reportable(st) {
				n++
			}
		}
	}
	if own {
		for _, o := range s.streams {
			if o != st && o.unreported(st) {
				n++
			}
		}
	}
	return min(n, maxBlocks)
}

// addBlocks adds the blocks of a report about everybody who sent since
// the last one, starts the next interval, and returns how many there are. Endpoints also report on their own
// other SSRCs, which they receive perfectly (RFC 8108 §5.1). If that is more than
// a report holds, those that lose packets come first (RFC 8083 §4.3) and the
// others take turns (RFC 3550 §6.4).
func (w *compound) addBlocks(st *Stream, now simtime.Time, clock uint32) (n int) {
	s := w.s
	peer, own := st.reportsOn()
	if !peer {
		return 0
	}
	everybody := len(s.sources)
	if own {
		everybody += len(s.streams)
	}
	judges := st == s.firstReporter()
	all := everybody < maxBlocks || st.blockCount() < maxBlocks
	if !all {
		for _, src := range s.sources {
			if n < maxBlocks && src.reportable(st) && src.lossSince(st) {
				w.addBlock(src, st, now, clock, judges)
				n++
			}
		}
	}
	first := 0
	if !all {
		first = st.turn % everybody
	}
	for i := range everybody {
		at := first + i
		if at >= everybody {
			at -= everybody
		}
		if n == maxBlocks {
			st.turn = at
			break
		}
		if at < len(s.sources) {
			if src := s.sources[at]; src.reportable(st) {
				w.addBlock(src, st, now, clock, judges)
				n++
			}
			continue
		}
		if o := s.streams[at-len(s.sources)]; o != st && o.unreported(st) {
			st.reported[o.index] = o.packets
			w.putBlock(&block{ssrc: o.ssrc, highest: o.extSeq})
			n++
		}
	}
	return n
}

// block is what a report block says (RFC 3550 §6.4.1): its words.
type block struct {
	ssrc, lost, highest, jitter, lsr, dlsr uint32
}

func (w *compound) putBlock(b *block) {
	at := len(w.b)
	w.b = append(w.b, make([]byte, blockSize)...)
	p, to := w.b[at:at+blockSize:at+blockSize], binary.BigEndian
	to.PutUint32(p, b.ssrc)
	to.PutUint32(p[4:], b.lost)
	to.PutUint32(p[8:], b.highest)
	to.PutUint32(p[12:], b.jitter)
	to.PutUint32(p[16:], b.lsr)
	to.PutUint32(p[20:], b.dlsr)
}

// addBlock adds a block about a source at a moment of the middle 32 bits of NTP, and starts the next interval
// of its reporter (RFC 3550 §A.3).
func (w *compound) addBlock(r *source, by *Stream, now simtime.Time, clock uint32, judges bool) {
	p, lost := r.priorOf(by), r.lost()
	told := prior{uint32(r.expected()), uint32(r.received), uint32(lost)}
	expected, since := int64(told.expected-p.expected), int64(int32(told.lost-p.lost))
	*p = told
	fraction := uint8(0)
	if expected > 0 && since > 0 {
		fraction = uint8(min(since*256/expected, 255))
	}
	cumulative := uint32(min(max(lost, -1<<23), 1<<23-1)) & 0xffffff
	b := block{ssrc: r.ssrc, lost: uint32(fraction)<<24 | cumulative, highest: uint32(r.highest - 1<<16), jitter: uint32(r.jitter)}
	if judges {
		r.judge(now, fraction)
	}
	if r.lastSR != 0 {
		b.lsr, b.dlsr = r.lastSR, clock-r.lastSRAt
	}
	w.putBlock(&b)
}

// reportable reports whether a stream's next report has a block about the source.
func (r *source) reportable(by *Stream) bool {
	return r.priorOf(by).received != uint32(r.received) || r.session.config.RTCP.ReportSilent && !r.ended
}

// lossSince reports whether packets were lost since the reporter's last block.
func (r *source) lossSince(by *Stream) bool {
	p := r.priorOf(by)
	return uint32(r.expected())-p.expected > uint32(r.received)-p.received
}
