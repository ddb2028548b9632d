package headerext

import "encoding/binary"

// Writer puts elements one after the other. Streams that send the same elements
// all the time are better served by a [Layout].
type Writer struct {
	b     []byte
	start int
	form  Form
}

// NewWriter begins a block at the end of b, which the writer takes over.
func NewWriter(b []byte, f Form) Writer {
	start := len(b)
	b = binary.BigEndian.AppendUint16(b, f.profile()) // appbits are 0: nobody signals id 256
	return Writer{b: append(b, 0, 0), start: start, form: f}
}

// Add appends an element. It reports false, and appends nothing, when the form
// can't express the id or the length (RFC 8285 §4.2 and §4.3).
func (w *Writer) Add(id uint8, data []byte) bool {
	if !w.form.fits(id, len(data)) {
		return false
	}
	if w.form == TwoByte {
		w.b = append(w.b, id, uint8(len(data)))
	} else {
		w.b = append(w.b, id<<4|uint8(len(data)-1))
	}
	w.b = append(w.b, data...)
	return true
}

// Pad appends n octets of padding, which may stand between elements
// (RFC 8285 §4.1.2).
func (w *Writer) Pad(n int) {
	for range n {
		w.b = append(w.b, 0)
	}
}

// Finish pads to a word, fills in the length, and returns the whole buffer.
func (w *Writer) Finish() []byte {
	w.Pad(-(len(w.b) - w.start) & 3)
	words := (len(w.b) - w.start - blockHead) / 4
	binary.BigEndian.PutUint16(w.b[w.start+2:], uint16(words))
	return w.b
}
