package endpoints

import (
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints/playout"
	"rtpfabric/endpoints/wire"
	"rtpfabric/sim/simtime"
)

// pictureLoss tells the sender of video which macroblocks are lost (SLI) or which
// picture to go on from (RPSI), as long as that helps; otherwise a key frame does.
type pictureLoss struct {
	sli  bool
	rpsi RPSI

	started bool
	seq     uint64 // highest extended sequence number, and what that packet has
	picture uint16
	slice   playout.Region

	found  []foundLoss // gaps, which may be filled yet
	active []foundLoss // what has been told, or will be, and isn't repaired
	// reference is the last picture before all that is active.
	reference uint16
	due       bool
	next      simtime.Time // when to tell again
	tries     int
	end       simtime.Time // when telling has had its time, from the first try on

	decoded    uint16 // picture that was decoded last
	hasDecoded bool
}

// foundLoss is a part of a picture that hasn't come.
type foundLoss struct {
	picture  uint16
	region   playout.Region
	from, to uint64 // sequence numbers between which its packets have theirs
	due      simtime.Time
}

func (l *foundLoss) whole() bool { return l.region.Number >= playout.Macroblocks }

const (
	// lossPatience is how long a packet may be late before it counts as lost, and
	// repairPatience that if FEC is in use.
	lossPatience   = 20 * time.Millisecond
	repairPatience = 100 * time.Millisecond
	// maxLosses bounds what is kept of them, and lossTries how often a key frame is put off,
	// where RTCP is scarce for no longer than so many tries would take. lossAge is how old
	// what is told may be, in pictures: SLI has six bits of the number, and the encoder
	// keeps so many references.
	maxLosses = 64
	lossTries = 3
	lossAge   = 48
)

// newPictureLoss returns nil if nothing is told.
func newPictureLoss(m *Section) *pictureLoss {
	if r := &m.session.config.Repair; m.marksPictures() && r.Decoder && (r.SLI || r.RPSI != RPSINone) {
		return &pictureLoss{sli: r.SLI, rpsi: r.RPSI}
	}
	return nil
}

// arrived takes a packet with its slice.
func (l *pictureLoss) arrived(now simtime.Time, ext uint64, c *media, patience time.Duration) {
	if l.started && ext <= l.seq {
		l.fill(ext, c)
		return
	}
	if l.started && ext > l.seq+1 {
		l.open(ext, c, now.Add(patience))
	}
	l.started, l.seq, l.picture, l.slice = true, ext, c.picture.Number, c.slice
}

// open notes what is missing before a packet.
func (l *pictureLoss) open(ext uint64, c *media, due simtime.Time) {
	add := func(picture uint16, first, end int) {
		if end > first && len(l.found) < maxLosses {
			l.found = append(l.found, foundLoss{
				picture & 0x7fff, playout.Region{First: first, Number: end - first}, l.seq + 1, ext, due,
			})
		}
	}
	end := l.slice.First + l.slice.Number
	if c.picture.Number == l.picture {
		add(l.picture, end, c.slice.First)
		return
	}
	add(l.picture, end, playout.Macroblocks+1)
	for n := range min(int((c.picture.Number-l.picture)&0x7fff)-1, maxLosses) {
		add(l.picture+uint16(n)+1, 1, playout.Macroblocks+1)
	}
	add(c.picture.Number, 1, c.slice.First)
}

// fill takes a packet that comes late, or was repaired.
func (l *pictureLoss) fill(ext uint64, c *media) {
	kept := l.found[:0]
	for _, f := range l.found {
		if f.picture == c.picture.Number && f.from <= ext && ext < f.to {
			switch end, slice := f.region.First+f.region.Number, c.slice.First+c.slice.Number; {
			case c.slice.Includes(f.region):
				continue
			case c.slice.First <= f.region.First && slice > f.region.First:
				f.region = playout.Region{First: slice, Number: end - slice}
			case slice >= end && c.slice.First < end:
				f.region.Number = c.slice.First - f.region.First
			}
		}
		kept = append(kept, f)
	}
	l.found = kept
}

// settle takes what won't come any more, and reports whether there is something. awaited
// says of a range of sequence numbers whether it may come yet.
func (l *pictureLoss) settle(now simtime.Time, b *playout.Buffer, awaited func(from, to uint64) bool) {
	kept := l.found[:0]
	for _, f := range l.found {
		if now < f.due || awaited(f.from, f.to) {
			kept = append(kept, f)
			continue
		}
		if len(l.active) == 0 {
			l.reference, l.tries, l.next = f.picture-1, 0, now
		} else if newer(l.reference, f.picture-1) {
			l.reference = f.picture - 1
		}
		if l.sli && !f.whole() {
			b.Damaged(f.picture, f.region)
		}
		if len(l.active) < maxLosses {
			l.active = append(l.active, f)
			l.next = now // it is news
		}
	}
	l.found = kept
	if l.tries > 0 && l.end <= now {
		l.tries = lossTries
	}
	l.due = l.handles() && l.next <= now
}

// handles reports whether a key frame need not be asked for, as something less may do.
func (l *pictureLoss) handles() bool {
	if len(l.active) == 0 || l.tries >= lossTries || (l.picture-l.reference)&0x7fff > lossAge {
		return false
	}
	return l.rpsi == RPSIOnLoss || !l.anyWhole()
}

func (l *pictureLoss) anyWhole() bool {
	for i := range l.active {
		if l.active[i].whole() {
			return true
		}
	}
	return false
}

// rendered takes a picture that was decoded. If it comes after all that was lost, that
// has been repaired.
func (l *pictureLoss) rendered(picture uint16) {
	l.decoded, l.hasDecoded = picture, true
	kept := l.active[:0]
	for _, a := range l.active {
		if !newer(picture, a.picture) {
			kept = append(kept, a)
		}
	}
	if l.active = kept; len(kept) == 0 {
		l.due, l.tries = false, 0
	}
}

// nextTimeout returns when settle has something to do.
func (l *pictureLoss) nextTimeout(now simtime.Time) simtime.Time {
	next := simtime.Never
	for i := range l.found {
		if l.found[i].due > now { // later ones wait for the NACKs' timers
			next = min(next, l.found[i].due)
		}
	}
	switch {
	case !l.handles():
	case !l.due:
		next = min(next, max(l.next, now+1))
	case l.tries > 0:
		next = min(next, max(l.end, now+1))
	}
	return next
}

// settleLosses brings a source's losses up to date.
func (r *source) settleLosses(now simtime.Time) {
	if r.losses == nil {
		return
	}
	r.lossAt = now
	r.losses.settle(now, r.buffer, r.awaits)
}

// awaits reports whether packets may come that have been asked for.
func (r *source) awaits(from, to uint64) bool { return r.missing != nil && r.missing.Awaits(from, to) }

// appendLosses adds what is to be told about a section's streams.
func (w *compound) appendLosses(now simtime.Time, m *Section, regular bool) {
	s := w.s
	for _, src := range s.sources {
		l := src.losses
		if src.section != m || l == nil || src.ended || len(w.b)+sliMost > mtu {
			continue
		}
		if l.due {
			patience := max(refreshPatience, 2*s.rttTo(src.ssrc))
			if l.tries == 0 {
				l.end = now.Add(lossTries * patience)
			}
			l.due, l.next = false, now.Add(patience)
			l.tries++
			if l.rpsi == RPSIOnLoss && (!l.sli || l.anyWhole()) {
				w.appendRPSI(m, src, l.reference)
			} else {
				w.appendSLI(m, src, l)
			}
			s.repairs.expectant++
		}
		if l.rpsi == RPSIAcknowledge && regular && l.hasDecoded && len(l.active) == 0 && !s.multiparty() {
			w.appendRPSI(m, src, l.decoded)
		}
	}
}

// sliEntries is how many entries an SLI has at most, and sliMost its size.
const (
	sliEntries = 16
	sliMost    = 12 + 4*sliEntries
)

func (w *compound) appendSLI(m *Section, src *source, l *pictureLoss) {
	n := &rtcp.SliceLossIndication{SenderSSRC: m.SSRC(), MediaSSRC: src.ssrc}
	for _, a := range l.active[:min(len(l.active), sliEntries)] {
		n.SLI = append(n.SLI, rtcp.SLIEntry{
			First: uint16(a.region.First), Number: uint16(a.region.Number), Picture: uint8(a.picture & 0x3f),
		})
	}
	w.add(n)
	w.s.repairs.SlicesSent++
}

func (w *compound) appendRPSI(m *Section, src *source, picture uint16) {
	w.add(wire.NewVP8RPSI(m.SSRC(), src.ssrc, m.config.Formats[0].PayloadType, picture&0x7fff, true))
	w.s.repairs.ReferencesSent++
}
