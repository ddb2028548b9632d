package wire

import (
	"encoding/binary"

	"github.com/pion/rtcp"
)

// Descriptions reads SDES packets into memory that it reuses: they come all the time, and hardly ever say
// something new.
type Descriptions struct {
	chunks []rtcp.SourceDescriptionChunk
	items  []rtcp.SourceDescriptionItem
}

// Read returns the chunks of an SDES packet (RFC 3550 §6.5), until the next is read. What is known as an SSRC's CNAME
// isn't copied.
func (d *Descriptions) Read(b []byte, known func(ssrc uint32) string) ([]rtcp.SourceDescriptionChunk, error) {
	var h rtcp.Header
	switch err := h.Unmarshal(b); {
	case err != nil:
		return nil, err
	case h.Type != rtcp.TypeSourceDescription:
		return nil, ErrType
	}
	d.chunks, d.items = d.chunks[:0], d.items[:0]
	for rest := b[headerSize:]; len(rest) > 0; {
		n, err := d.read(rest, known)
		if err != nil {
			return nil, err
		}
		rest = rest[min(n, len(rest)):]
	}
	if len(d.chunks) != int(h.Count) {
		return nil, ErrCount
	}
	return d.chunks, nil
}

// read reads the first chunk, and returns its size.
func (d *Descriptions) read(b []byte, known func(ssrc uint32) string) (int, error) {
	if len(b) < 5 {
		return 0, ErrTooShort
	}
	ssrc, first := binary.BigEndian.Uint32(b), len(d.items)
	for at := 4; at < len(b); {
		t := rtcp.SDESType(b[at])
		if t == rtcp.SDESEnd {
			d.chunks = append(d.chunks, rtcp.SourceDescriptionChunk{Source: ssrc, Items: d.items[first:len(d.items):len(d.items)]})
			return (at + 4) &^ 3, nil
		}
		if at+2 > len(b) || at+2+int(b[at+1]) > len(b) {
			return 0, ErrTooShort
		}
		octets := b[at+2 : at+2+int(b[at+1])]
		text := ""
		if t == rtcp.SDESCNAME {
			text = known(ssrc)
		}
		if text != string(octets) {
			text = string(octets)
		}
		d.items = append(d.items, rtcp.SourceDescriptionItem{Type: t, Text: text})
		at += 2 + len(octets)
	}
	return 0, ErrTooShort
}
