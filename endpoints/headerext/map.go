package headerext

import "fmt"

// Map is what signalling agreed on: which element has which id. It doesn't
// change; a new agreement makes a new one.
type Map struct {
	// Mixed is a=extmap-allow-mixed: packets of one stream may differ in form
	// (RFC 8285 §6).
	Mixed bool

	entries   []Entry
	own       [MaxOwn]string
	kinds     [twoByteMaxID + 1]Kind
	ids       [kinds]uint8 // with which this end sends; 0: it doesn't
	signalled IDSet
	encrypted IDSet
}

// NewMap makes a map of the entries of a session or, when media are bundled, of
// all its sections together, without repetitions (RFC 8285 §7). It returns an
// error for entries that can't be used together. own are URIs of elements that this
// package doesn't know, but the caller; see [Own].
func NewMap(entries []Entry, mixed bool, own ...string) (*Map, error) {
	m := &Map{Mixed: mixed}
	if len(own) > MaxOwn {
		return nil, fmt.Errorf("%d header extensions of one's own are more than %d", len(own), MaxOwn)
	}
	for i, uri := range own {
		if KindOf(uri) != Other {
			return nil, fmt.Errorf("%s is known already", uri)
		}
		m.own[i] = uri
	}
	for _, e := range entries {
		if e.ID < 1 || e.ID > twoByteMaxID {
			return nil, fmt.Errorf("%s: id %d must be mapped to one of 1 to %d", e.URI, e.ID, twoByteMaxID)
		}
		for _, o := range m.entries {
			switch {
			case o.ID == e.ID:
				return nil, fmt.Errorf("id %d is both %s and %s", e.ID, o.URI, e.URI)
			case o.URI == e.URI && o.Encrypted != e.Encrypted: // RFC 6904 §4.1
				return nil, fmt.Errorf("%s is both encrypted and in the clear", e.URI)
			case o.URI == e.URI && o.Attributes == e.Attributes: // RFC 8285 §5
				return nil, fmt.Errorf("%s has two ids, %d and %d", e.URI, o.ID, e.ID)
			}
		}
		m.add(e)
	}
	return m, nil
}

func (m *Map) add(e Entry) {
	id, kind := uint8(e.ID), KindOf(e.URI)
	for i, uri := range m.own {
		if uri == e.URI && uri != "" {
			kind = Own(i)
		}
	}
	m.entries = append(m.entries, e)
	m.signalled.Add(id)
	m.kinds[id] = kind
	if e.Encrypted {
		m.encrypted.Add(id)
	}
	if kind == Other || !e.Direction.sends() || m.ids[kind] != 0 {
		return
	}
	m.ids[kind] = id
}

// Entries returns the entries in the order they were given. The caller doesn't
// change them.
func (m *Map) Entries() []Entry { return m.entries }

// ID returns the id with which this end sends an element, or false if it may
// not. Of several entries for one element the first counts.
func (m *Map) ID(k Kind) (uint8, bool) {
	if k >= kinds {
		return 0, false
	}
	return m.ids[k], m.ids[k] != 0
}

// Kind returns the element that has an id; Other if that isn't signalled, or its
// URI isn't known here.
func (m *Map) Kind(id uint8) Kind { return m.kinds[id] }

// Encrypted returns the ids whose data is encrypted (RFC 6904), which is what
// a protector wants to know.
func (m *Map) Encrypted() IDSet { return m.encrypted }

// Elements are those of one packet.
type Elements struct {
	// Unknown counts elements whose id isn't signalled. They were ignored.
	Unknown int
	// Malformed says that the extension, or one of its elements, was longer
	// than what it is in. What came before was read.
	Malformed bool

	came uint32 // kinds of which there is an element, by their bits
	ids  [kinds]uint8
	data [kinds][]byte
}

func (e *Elements) has(k Kind) bool { return e.came>>k&1 != 0 }

// Data returns an element's data, a part of the packet; nil if the packet
// doesn't have it.
func (e *Elements) Data(k Kind) []byte {
	if !e.has(k) {
		return nil
	}
	return e.data[k]
}

// ID returns the id that an element came with, 0 if it didn't come.
func (e *Elements) ID(k Kind) uint8 {
	if !e.has(k) {
		return 0
	}
	return e.ids[k]
}

// Read collects the elements of an RTP packet. Of two of one kind the first
// counts. What isn't of the general form is left alone.
func (m *Map) Read(packet []byte, into *Elements) {
	into.Unknown, into.Malformed, into.came = 0, false, 0
	block, ok := Block(packet)
	if !ok {
		into.Malformed = true
		return
	}
	r, ok := NewReader(block)
	if !ok {
		return
	}
	for id, data, ok := r.Next(); ok; id, data, ok = r.Next() {
		kind := m.kinds[id]
		switch {
		case !m.signalled.Has(id):
			into.Unknown++
		case kind != Other && !into.has(kind):
			into.data[kind], into.ids[kind] = data, id
			into.came |= 1 << kind
		}
	}
	into.Malformed = r.Malformed()
}
