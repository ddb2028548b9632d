package dtls

import "encoding/binary"

// contentType is what a record has (RFC 5246 §6.2.1).
type contentType uint8

const (
	changeCipherSpec contentType = 20
	alertRecord      contentType = 21
	handshakeRecord  contentType = 22
)

// The versions on the wire (RFC 6347 §4.1). The first messages, with which the
// ends agree on one, have that of DTLS 1.0, as browsers send them.
const (
	version10 uint16 = 0xfeff
	version12 uint16 = 0xfefd
)

const (
	recordHeader = 13
	maxRecord    = 1<<14 + 256 // with protection
)

// record is one that came. Its body is a part of the packet.
type record struct {
	typ     contentType
	version uint16
	epoch   uint16
	seq     uint64
	body    []byte
}

// parseRecord takes the first record off a datagram (RFC 6347 §4.1).
func parseRecord(b []byte) (r record, rest []byte, ok bool) {
	c := cursor{b: b}
	r.typ = contentType(c.number(1))
	r.version = uint16(c.number(2))
	r.epoch = uint16(c.number(2))
	r.seq = uint64(c.number(6))
	n := c.number(2)
	r.body = c.bytes(n)
	if c.bad || n > maxRecord || r.version != version10 && r.version != version12 {
		return record{}, nil, false
	}
	return r, c.b, true
}

// appendRecordHeader appends the header of a record whose body has n octets.
func appendRecordHeader(b []byte, r *record, n int) []byte {
	b = append(b, byte(r.typ))
	b = binary.BigEndian.AppendUint16(b, r.version)
	b = binary.BigEndian.AppendUint64(b, r.number())
	return binary.BigEndian.AppendUint16(b, uint16(n))
}

// number is the epoch and the sequence number as they stand on the wire, which
// is what protection counts by (RFC 6347 §4.1.2.1).
func (r *record) number() uint64 { return uint64(r.epoch)<<48 | r.seq }

// recentRecords tells copies made by the network, which have the same sequence
// number, from what the other end sent again, which hasn't. It is for epoch 0,
// where a window would let one forged record shut out all real ones.
type recentRecords struct {
	seqs [64]uint64
	n    int
}

// seen notes a record, and reports whether it was there already.
func (l *recentRecords) seen(seq uint64) bool {
	for i := range min(l.n, len(l.seqs)) {
		if l.seqs[i] == seq {
			return true
		}
	}
	l.seqs[l.n%len(l.seqs)] = seq
	l.n++
	return false
}

// replayWindow is the sliding window of RFC 6347 §4.1.2.6. The zero value has
// seen nothing.
type replayWindow struct {
	next uint64 // one above the highest sequence number
	bits uint64 // of next-1 and below
}

// fresh reports whether a record may be looked at.
func (w *replayWindow) fresh(seq uint64) bool {
	if seq >= w.next {
		return true
	}
	behind := w.next - 1 - seq
	return behind < 64 && w.bits>>behind&1 == 0
}

// saw notes a record that was authenticated.
func (w *replayWindow) saw(seq uint64) {
	if seq >= w.next {
		w.bits = w.bits<<(seq+1-w.next) | 1
		w.next = seq + 1
		return
	}
	w.bits |= 1 << (w.next - 1 - seq)
}

// earlyRecords holds records of epoch 1 that overtook what makes them readable.
// RFC 6347 §4.1 leaves it open whether to; dropping them would cost a timeout.
type earlyRecords []record

// maxEarly is a flight's worth and more.
const maxEarly = 8

func (l *earlyRecords) hold(r record) (held bool) {
	if len(*l) == maxEarly {
		return false
	}
	r.body = append([]byte(nil), r.body...)
	*l = append(*l, r)
	return true
}
