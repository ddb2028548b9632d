package endpoints

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/wire"
)

// MaxRID is the most characters of a RID here: as many as an element of a header extension in the one-byte form holds
// (RFC 8285 §4.2). RFC 8852 §3 allows 255, RFC 8829 §5.2.1 advises three.
const MaxRID = 16

// identify gives the section its place in the description: of its own, or among the encodings of a source.
func (m *Section) identify() error {
	c, s := &m.config, m.session
	if (c.Source == "") != (c.RID == "") {
		return errors.New("an encoding has a source and a RID")
	}
	if c.RID != "" && (!headerext.ValidRID(c.RID) || len(c.RID) > MaxRID) {
		return fmt.Errorf("%q is no RID: it has letters and digits, 1 to %d", c.RID, MaxRID)
	}
	next, shared := 0, -1
	for _, o := range s.sections {
		next = max(next, o.medium+1)
		if c.Source == "" || o.config.Source != c.Source {
			continue
		}
		if o.config.RID == c.RID {
			return fmt.Errorf("source %s has two encodings with the RID %s", c.Source, c.RID)
		}
		shared = o.medium
	}
	if m.medium = shared; shared < 0 {
		m.medium = next
	}
	m.mid = midOf(m.medium)
	return nil
}

// midOf returns the identification tag of a media section: its place, as browsers have
// it, since names may be long.
func midOf(medium int) string { return strconv.Itoa(medium) }

// Medium returns which media section of the session's description the section is in, from 0 on: several are in one if
// they are encodings of one source.
func (m *Section) Medium() int { return m.medium }

// RID returns the encoding's name among those of its source; empty if the section is no encoding.
func (m *Section) RID() string { return m.config.RID }

// Simulcast says whether the peer has agreed to get several encodings. Packets say which one they are of only then:
// otherwise the first one alone may be sent, as if there were no others (RFC 8853 §5.3.3).
func (m *Section) Simulcast(agreed bool) {
	if m.config.RID == "" || m.single != agreed {
		return
	}
	m.single = !agreed
	again := func(st *Stream, u use) {
		st.known, st.named = false, 0 // and is introduced again
		if err := st.layOut(u); err != nil {
			panic("endpoints: header extensions that had room have none: " + err.Error())
		}
	}
	again(m.main, original)
	if m.resend != nil {
		again(m.resend.stream, retransmission)
	}
}

// introduction returns what is said of the streams of the section that are for something.
func (m *Section) introduction(u use) introduction {
	i := introduction{mid: m.mid, silent: m.single}
	switch u {
	case original:
		i.rid = m.config.RID
	case retransmission:
		i.repaired = m.config.RID
	default: // it says itself what it protects
	}
	return i
}

// appendIdentity appends the items of SDES that say where one of the section's streams belongs (RFC 9143 §15.1,
// RFC 8852 §3).
func (m *Section) appendIdentity(items []rtcp.SourceDescriptionItem, st *Stream) []rtcp.SourceDescriptionItem {
	items = append(items, rtcp.SourceDescriptionItem{Type: wire.SDESMID, Text: m.mid})
	switch {
	case m.config.RID == "" || m.single:
	case st == m.main:
		items = append(items, rtcp.SourceDescriptionItem{Type: wire.SDESRtpStreamID, Text: m.config.RID})
	case m.resend != nil && st == m.resend.stream:
		items = append(items, rtcp.SourceDescriptionItem{Type: wire.SDESRepairedRtpStreamID, Text: m.config.RID})
	}
	return items
}

// encodingOf finds the encoding that a packet belongs to, among those of the source of a media section: by its RID or
// the one that it repairs, or by what is known of its SSRC. FEC in a stream of its own belongs where what it protects
// does, and nobody can be sure as long as that isn't known (RFC 8627 §4.2.1). A source of which nobody says that there are
// several encodings has the first.
func (s *Session) encodingOf(h *rtp.Header, first *Section) (m *Section, sure bool) {
	for _, k := range []headerext.Kind{headerext.RID, headerext.RepairedRID} {
		if rid, ok := headerext.ReadRID(s.scratch.elements.Data(k)); ok {
			return s.encoding(first, rid), true
		}
	}
	if m := s.routed(h.SSRC, first); m != nil {
		return m, true
	}
	if first.useOf(h.PayloadType) != forwardRepair {
		return first, true
	}
	for _, ssrc := range h.CSRC {
		if m := s.routed(ssrc, first); m != nil {
			return m, true
		}
	}
	return nil, false
}

// routed returns the encoding that an SSRC is known to be of, among those of a source; nil if it isn't known.
func (s *Session) routed(ssrc uint32, of *Section) *Section {
	if m := s.sectionOf(ssrc); m != nil && m.medium == of.medium {
		return m
	}
	return nil
}

// encoding returns the one with a RID among those of a source; nil if there is none.
func (s *Session) encoding(of *Section, rid []byte) *Section {
	for _, m := range s.sections {
		if m.medium == of.medium && bytes.Equal(rid, []byte(m.config.RID)) {
			return m
		}
	}
	return nil
}

// associateDescribed learns from SDES where an SSRC belongs.
func (s *Session) associateDescribed(chunk *rtcp.SourceDescriptionChunk) {
	var m *Section
	rid := ""
	for _, item := range chunk.Items {
		switch item.Type {
		case wire.SDESMID:
			m = s.sectionByMID([]byte(item.Text))
		case wire.SDESRtpStreamID, wire.SDESRepairedRtpStreamID:
			rid = item.Text
		default:
		}
	}
	if m != nil && m.config.Source != "" {
		switch known := s.routed(chunk.Source, m); {
		case rid != "":
			m = s.encoding(m, []byte(rid))
		case known != nil:
			m = known
		}
	}
	if m != nil {
		s.route(chunk.Source, m)
	}
}
