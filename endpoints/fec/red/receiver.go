package red

import "encoding/binary"

// Receiver takes the frames of one stream out of packets with redundant data. Per
// packet: Receive, then Poll until there is nothing.
//
// A redundant block doesn't say which packet it repeats, only when that was
// sampled. It is new if neither a packet nor a block with that time came before,
// and if the packets around it leave a number for it:
//
//   - where one number alone is missing, that one;
//   - else, where its distance in time is a multiple of what lies between
//     neighbouring packets of the stream, the number that this leads to;
//   - else the one that its place among the blocks stands for, if a packet repeats
//     its predecessors without gaps.
type Receiver struct {
	started bool
	highest uint64 // extended sequence number
	ring    [memory]arrival
	frame   uint32 // least difference of time between neighbours; 0 if not known
	odd     uint16 // the number after one that was far out of range
	isOdd   bool

	blocks []Block
	packet []byte // the one that is being polled
	fresh  []fresh
	counts ReceiverCounts
}

// memory is how many numbers are remembered.
const memory = 64

// arrival is a packet that came, or of which the frame did.
type arrival struct {
	seq       uint64
	timestamp uint32
	used      bool
}

// fresh is a frame that is to be polled.
type fresh struct {
	seq       uint64
	timestamp uint32
	block     Block
	redundant bool
}

// ReceiverCounts tell what became of packets and blocks.
type ReceiverCounts struct {
	Packets    uint64 // of which the primary block was new
	Duplicates uint64 // of which it wasn't
	Malformed  uint64
	Far        uint64 // too old, or the first one after a jump

	Blocks    uint64 // redundant ones, the sum of these:
	Recovered uint64 // new
	Known     uint64 // came before
	Unplaced  uint64 // of which the number can't be told, or too old
}

// NewReceiver returns a receiver of a stream of which nothing has come.
func NewReceiver() *Receiver { return &Receiver{} }

// Receive takes a packet without protection. An error says that it can't be read;
// it is counted.
func (r *Receiver) Receive(packet []byte) error {
	r.fresh = r.fresh[:0]
	var primary Block
	var err error
	r.blocks, primary, err = Split(r.blocks[:0], packet)
	if err != nil {
		r.counts.Malformed++
		return err
	}
	r.packet = append(r.packet[:0], packet...)
	seq, ok := r.extend(binary.BigEndian.Uint16(packet[2:]))
	if !ok {
		r.counts.Far++
		return nil
	}
	timestamp := binary.BigEndian.Uint32(packet[4:])
	r.learn(seq, timestamp)
	for i := range r.blocks {
		r.redundant(seq, timestamp, i)
	}
	if r.has(seq) {
		r.counts.Duplicates++
		return nil
	}
	r.counts.Packets++
	r.add(fresh{seq: seq, timestamp: timestamp, block: primary})
	return nil
}

// redundant takes the i-th block of a packet.
func (r *Receiver) redundant(seq uint64, timestamp uint32, i int) {
	r.counts.Blocks++
	b := r.blocks[i]
	at := timestamp - uint32(b.Offset)
	if r.knows(at) {
		r.counts.Known++
		return
	}
	number, ok := r.place(seq, timestamp, b.Offset, len(r.blocks)-i)
	if !ok {
		r.counts.Unplaced++
		return
	}
	r.counts.Recovered++
	r.add(fresh{seq: number, timestamp: at, block: b, redundant: true})
}

// place returns the number of a block that is so much older than the packet with
// the number seq, and stands so many places before its primary block.
func (r *Receiver) place(seq uint64, timestamp uint32, offset uint16, places int) (uint64, bool) {
	low, high := seq-memory, seq // numbers that are taken, around the block's time
	hasLow := false
	at := timestamp - uint32(offset)
	for i := range r.ring {
		a := &r.ring[i]
		if !a.used || a.seq+memory <= seq {
			continue
		}
		switch d := int32(a.timestamp - at); {
		case d < 0 && a.seq < seq && (!hasLow || a.seq > low):
			low, hasLow = a.seq, true
		case d > 0 && a.seq < high:
			high = a.seq
		}
	}
	if offset == 0 || high <= low+1 {
		return 0, false
	}
	if hasLow && high == low+2 {
		return low + 1, true
	}
	for _, back := range [...]uint64{r.frames(offset), uint64(places)} {
		if n := seq - back; back > 0 && n > low && n < high && !r.has(n) {
			return n, true
		}
	}
	return 0, false
}

// frames returns how many frames an offset is; 0 if that isn't known.
func (r *Receiver) frames(offset uint16) uint64 {
	if r.frame == 0 || uint32(offset)%r.frame != 0 {
		return 0
	}
	return uint64(uint32(offset) / r.frame)
}

// learn finds out how long a frame is.
func (r *Receiver) learn(seq uint64, timestamp uint32) {
	before := &r.ring[(seq-1)%memory]
	if !before.used || before.seq != seq-1 {
		return
	}
	if d := timestamp - before.timestamp; d > 0 && d <= MaxOffset && (r.frame == 0 || d < r.frame) {
		r.frame = d
	}
}

func (r *Receiver) add(f fresh) {
	if !r.started || f.seq > r.highest {
		r.started, r.highest = true, f.seq
	}
	r.ring[f.seq%memory] = arrival{f.seq, f.timestamp, true}
	r.fresh = append(r.fresh, f)
}

// maxDropout is RFC 3550 §A.1's.
const maxDropout = 3000

// extend returns the extended number of a packet. It reports false if that is too
// old, or too far ahead. Two of these in a row are a sender that began anew
// (RFC 3550 §A.1).
func (r *Receiver) extend(number uint16) (seq uint64, ok bool) {
	if !r.started {
		return 1<<16 | uint64(number), true
	}
	seq = r.highest + uint64(int64(int16(number-uint16(r.highest))))
	if seq+memory > r.highest && seq <= r.highest+maxDropout {
		r.isOdd = false
		return seq, true
	}
	if !r.isOdd || number != r.odd {
		r.odd, r.isOdd = number+1, true
		return 0, false
	}
	r.started, r.isOdd, r.frame, r.ring = false, false, 0, [memory]arrival{}
	return 1<<16 | uint64(number), true
}

func (r *Receiver) has(seq uint64) bool {
	a := &r.ring[seq%memory]
	return a.used && a.seq == seq
}

func (r *Receiver) knows(timestamp uint32) bool {
	for i := range r.ring {
		if r.ring[i].used && r.ring[i].timestamp == timestamp {
			return true
		}
	}
	return false
}

// Poll appends the next new packet to dst, as it would be without redundancy,
// oldest first, and says whether it was recovered. A recovered one has the
// contributing sources of the packet that brought it, which RFC 2198 §4 recommends,
// neither marker nor header extension, and its own payload type and time.
func (r *Receiver) Poll(dst []byte) (out []byte, redundant, ok bool) {
	if len(r.fresh) == 0 {
		return dst, false, false
	}
	f := r.fresh[0]
	r.fresh = append(r.fresh[:0], r.fresh[1:]...)
	if !f.redundant {
		return AppendPrimary(dst, r.packet, f.block), false, true
	}
	at := len(dst)
	dst = append(dst, r.packet[:fixedHeader+4*int(r.packet[0]&0x0f)]...)
	b := dst[at:]
	b[0] &^= 0x30
	b[1] = f.block.PayloadType
	binary.BigEndian.PutUint16(b[2:], uint16(f.seq))
	binary.BigEndian.PutUint32(b[4:], f.timestamp)
	return append(dst, f.block.Data...), true, true
}

// Level returns how many earlier frames the last packet repeated.
func (r *Receiver) Level() int { return len(r.blocks) }

// Counts returns what became of packets so far.
func (r *Receiver) Counts() ReceiverCounts { return r.counts }
