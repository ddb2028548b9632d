package headerext

import (
	"fmt"

	"rtpfabric/sim/units"
)

// Element says that a packet has room for an element.
type Element struct {
	Kind Kind
	// Length is the size of the data in octets; 0 stands for the length that
	// the kind always has. Where that varies, an element of length 0 is left
	// out: there is nothing to say.
	Length int
}

func (e Element) length() int {
	if e.Length == 0 {
		return e.Kind.Length()
	}
	return e.Length
}

// Layout is where the elements of a packet stand. It is made once for many
// packets; the zero value is a packet without header extension.
type Layout struct {
	template []byte
	at       [kinds]uint16 // where the data is in the block; 0: not there
	length   [kinds]uint8
	form     Form
}

// Form returns the form for a stream that sends, over its whole life, the given
// elements: one-byte if that can express all of them (RFC 8285 §4.1.2).
func (m *Map) Form(elements ...Element) Form {
	for _, e := range elements {
		id, ok := m.ID(e.Kind)
		if ok && e.length() > 0 && !OneByte.fits(id, e.length()) {
			return TwoByte
		}
	}
	return OneByte
}

// Layout places elements in the given order. Those that aren't signalled, or
// not for sending, are left out. stream is the form of the stream, from
// [Map.Form]; where mixed forms are signalled, a packet whose elements fit into
// the one-byte form has that.
//
// It returns an error for an element that is too long, or given twice.
func (m *Map) Layout(stream Form, elements ...Element) (Layout, error) {
	form := stream
	if m.Mixed {
		form = m.Form(elements...)
	}
	l := Layout{form: form}
	w := NewWriter(nil, form)
	for _, e := range elements {
		id, ok := m.ID(e.Kind)
		n := e.length()
		if !ok || n == 0 {
			continue
		}
		if l.at[e.Kind] != 0 {
			return Layout{}, fmt.Errorf("header extension has the %s twice", e.Kind)
		}
		l.at[e.Kind], l.length[e.Kind] = uint16(len(w.b)+form.head()), uint8(n)
		if !form.fits(id, n) || !w.Add(id, make([]byte, n)) {
			return Layout{}, fmt.Errorf("%s with id %d and %d octets doesn't fit the %s form", e.Kind, id, n, form)
		}
	}
	if len(w.b) > blockHead {
		l.template = w.Finish()
	}
	return l, nil
}

// Size returns the octets that the header extension adds to a packet.
func (l *Layout) Size() units.Bytes { return units.Bytes(len(l.template)) }

// Form returns the form of the block.
func (l *Layout) Form() Form { return l.form }

// Write writes the block, with zeros for data, to the front of b, which has
// room for Size octets. The X bit is the caller's.
func (l *Layout) Write(b []byte) { copy(b[:len(l.template)], l.template) }

// Data returns the data of an element for writing; nil if the layout doesn't
// have it. block begins where the header extension does.
func (l *Layout) Data(block []byte, k Kind) []byte {
	at := int(l.at[k])
	if at == 0 {
		return nil
	}
	end := at + int(l.length[k])
	return block[at:end:end]
}
