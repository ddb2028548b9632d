package jsep

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/headerext"
)

// RID is an encoding that a media section may have, and what it is restricted to (a=rid, RFC 8851 §4).
type RID struct {
	ID string
	// Receives says that the end which describes itself gets the encoding; otherwise it sends it.
	Receives bool
	// Formats are the payload types that it may have; none stands for all of the section's.
	Formats []uint8
	// Restrictions are what it keeps to, such as max-width.
	Restrictions []Restriction
}

// Restriction is a property of an encoding (RFC 8851 §5). The value may be empty.
type Restriction struct{ Name, Value string }

// Simulcast says which encodings an end sends and gets at the same time (a=simulcast, RFC 8853 §5.1), the most
// preferred first.
type Simulcast struct{ Sends, Receives []SimulcastStream }

// SimulcastStream is one of them, which has one of several forms at a time, the most preferred first.
type SimulcastStream []Alternative

// Alternative is a form that a simulcast stream may have.
type Alternative struct {
	RID string
	// Paused says that it isn't sent at first (RFC 7728).
	Paused bool
}

func wordOf(receives bool) string {
	if receives {
		return "recv"
	}
	return "send"
}

// String returns the value of the a=rid line.
func (r RID) String() string {
	var parts []string
	if len(r.Formats) > 0 {
		var types []string
		for _, pt := range r.Formats {
			types = append(types, strconv.Itoa(int(pt)))
		}
		parts = append(parts, "pt="+strings.Join(types, ","))
	}
	for _, x := range r.Restrictions {
		if x.Value == "" {
			parts = append(parts, x.Name)
			continue
		}
		parts = append(parts, x.Name+"="+x.Value)
	}
	return strings.TrimSpace(r.ID + " " + wordOf(r.Receives) + " " + strings.Join(parts, ";"))
}

// String returns the value of the a=simulcast line.
func (s Simulcast) String() string {
	var parts []string
	for _, receives := range []bool{false, true} {
		if list := s.streams(receives); len(list) > 0 {
			var streams []string
			for _, stream := range list {
				streams = append(streams, stream.String())
			}
			parts = append(parts, wordOf(receives)+" "+strings.Join(streams, ";"))
		}
	}
	return strings.Join(parts, " ")
}

// String returns the stream's part of an a=simulcast line.
func (s SimulcastStream) String() string {
	var list []string
	for _, a := range s {
		id := a.RID
		if a.Paused {
			id = "~" + id
		}
		list = append(list, id)
	}
	return strings.Join(list, ",")
}

func (s *Simulcast) streams(receives bool) []SimulcastStream {
	if receives {
		return s.Receives
	}
	return s.Sends
}

// parseRID reads the value of an a=rid line.
func parseRID(text string) (RID, error) {
	words := strings.SplitN(text, " ", 3)
	if len(words) < 2 || words[1] != "send" && words[1] != "recv" {
		return RID{}, errors.New("it has no direction")
	}
	r := RID{ID: words[0], Receives: words[1] == "recv"}
	if !headerext.ValidRID(r.ID) { // stricter than RFC 8851 §10, which RFC 8852 §3 is
		return r, fmt.Errorf("%q is no RID", r.ID)
	}
	if len(words) < 3 {
		return r, nil
	}
	for i, part := range strings.Split(words[2], ";") {
		name, value, _ := strings.Cut(part, "=")
		switch {
		case name == "":
			return r, errors.New("it has a restriction without a name")
		case name != "pt":
			r.Restrictions = append(r.Restrictions, Restriction{name, value})
			continue
		case i > 0:
			return r, errors.New("pt= isn't first")
		}
		for word := range strings.SplitSeq(value, ",") {
			pt, err := strconv.ParseUint(word, 10, 7)
			if err != nil {
				return r, fmt.Errorf("%q is no payload type", word)
			}
			r.Formats = append(r.Formats, uint8(pt))
		}
	}
	return r, nil
}

// parseSimulcast reads the value of an a=simulcast line.
func parseSimulcast(text string) (*Simulcast, error) {
	words := strings.Split(text, " ")
	if len(words) != 2 && len(words) != 4 || len(words) == 4 && words[0] == words[2] {
		return nil, errors.New("it names each direction once, and its streams")
	}
	s := &Simulcast{}
	var known []string
	for i := 0; i < len(words); i += 2 {
		var list []SimulcastStream
		for stream := range strings.SplitSeq(words[i+1], ";") {
			var alternatives SimulcastStream
			for id := range strings.SplitSeq(stream, ",") {
				rid, paused := strings.CutPrefix(id, "~")
				if !headerext.ValidRID(rid) || slices.Contains(known, rid) {
					return nil, fmt.Errorf("%q is no RID, or there a second time", id)
				}
				known = append(known, rid)
				alternatives = append(alternatives, Alternative{rid, paused})
			}
			list = append(list, alternatives)
		}
		switch words[i] {
		case "send":
			s.Sends = list
		case "recv":
			s.Receives = list
		default:
			return nil, fmt.Errorf("%q is no direction", words[i])
		}
	}
	return s, nil
}

func (s *Section) writeSimulcast(m *sdp.MediaDescription) {
	for _, r := range s.RIDs {
		m.WithValueAttribute("rid", r.String())
	}
	if s.Simulcast != nil {
		m.WithValueAttribute("simulcast", s.Simulcast.String())
	}
}

// readSimulcast reads the encodings of a section whose formats are known. What isn't well-formed, or doesn't go with
// the rest, is left out, as if it weren't there (RFC 8851 §6.2.2, RFC 8853 §5.2 and §5.3.2).
func (s *Section) readSimulcast(m *sdp.MediaDescription) {
	var lines []string
	seen := map[string]int{}
	for _, a := range m.Attributes {
		switch a.Key {
		case "rid":
			id, _, _ := strings.Cut(a.Value, " ")
			seen[id]++
			if r, err := parseRID(a.Value); err == nil && s.limitTo(&r) {
				s.RIDs = append(s.RIDs, r)
			}
		case "simulcast":
			lines = append(lines, a.Value)
		}
	}
	s.RIDs = slices.DeleteFunc(s.RIDs, func(r RID) bool { return seen[r.ID] > 1 })
	s.dropLonely()
	if len(lines) != 1 {
		return
	}
	all, err := parseSimulcast(lines[0])
	if err != nil {
		return
	}
	all.Sends, all.Receives = s.defined(all.Sends, false), s.defined(all.Receives, true)
	if len(all.Sends)+len(all.Receives) > 0 {
		s.Simulcast = all
	}
}

// limitTo takes those payload types from an encoding that the section hasn't, and reports whether any is left.
func (s *Section) limitTo(r *RID) bool {
	if len(r.Formats) == 0 {
		return true
	}
	r.Formats = slices.DeleteFunc(r.Formats, func(pt uint8) bool {
		return !slices.ContainsFunc(s.Formats, func(f endpoints.Format) bool { return f.PayloadType == pt || f.RTX == pt })
	})
	return len(r.Formats) > 0
}

// dropLonely leaves out encodings that depend on others which aren't there.
func (s *Section) dropLonely() {
	for {
		at := slices.IndexFunc(s.RIDs, func(r RID) bool {
			return slices.ContainsFunc(r.Restrictions, func(x Restriction) bool {
				return x.Name == "depend" && slices.ContainsFunc(strings.Split(x.Value, ","), func(id string) bool { return s.rid(id) == nil })
			})
		})
		if at < 0 {
			return
		}
		s.RIDs = slices.Delete(s.RIDs, at, at+1)
	}
}

// defined returns of simulcast streams in one direction the alternatives that are encodings of the section.
func (s *Section) defined(list []SimulcastStream, receives bool) (defined []SimulcastStream) {
	for _, stream := range list {
		stream = slices.DeleteFunc(stream, func(a Alternative) bool {
			r := s.rid(a.RID)
			return r == nil || r.Receives != receives
		})
		if len(stream) > 0 {
			defined = append(defined, stream)
		}
	}
	return defined
}

func (s *Section) rid(id string) *RID {
	i := slices.IndexFunc(s.RIDs, func(r RID) bool { return r.ID == id })
	if i < 0 {
		return nil
	}
	return &s.RIDs[i]
}

// Take makes the section of an answer one that gets at most so many simulcast streams of those that are offered, the
// most preferred (RFC 8853 §5.3.2). Neither end can pause streams, so that none is paused at first. The section says
// nothing of simulcast if it gets none.
func (s *Section) Take(offer *Section, most int) {
	s.RIDs, s.Simulcast = nil, nil
	if offer.Simulcast == nil || most <= 0 {
		return
	}
	s.mirror(offer, offer.Simulcast.Sends[:min(most, len(offer.Simulcast.Sends))], true)
}

// Give makes the section of an answer one that sends those of its own simulcast streams that an offer wants, each in
// the most preferred form that both mean the same by.
func (s *Section) Give(offer, own *Section) {
	s.RIDs, s.Simulcast = nil, nil
	if offer.Simulcast == nil || own.Simulcast == nil {
		return
	}
	var list []SimulcastStream
	for _, stream := range offer.Simulcast.Receives {
		stream = slices.DeleteFunc(slices.Clone(stream), func(a Alternative) bool {
			r := own.rid(a.RID)
			return r == nil || r.Receives || !r.sameAs(offer.rid(a.RID))
		})
		if len(stream) > 0 {
			list = append(list, stream[:1])
		}
	}
	s.mirror(offer, list, false)
}

// mirror describes streams of the other end in the opposite direction.
func (s *Section) mirror(of *Section, list []SimulcastStream, receives bool) {
	if len(list) == 0 {
		return
	}
	var streams []SimulcastStream
	for _, stream := range list {
		var alternatives SimulcastStream
		for _, a := range stream {
			r := *of.rid(a.RID)
			r.Receives = receives
			s.RIDs = append(s.RIDs, r)
			alternatives = append(alternatives, Alternative{RID: a.RID})
		}
		streams = append(streams, alternatives)
	}
	s.Simulcast = &Simulcast{Receives: streams}
	if !receives {
		s.Simulcast = &Simulcast{Sends: streams}
	}
}

// Simulcasts returns the encodings that an end may send at the same time by its own section and the other end's, of
// which one is of the offer and one of the answer; none if there is to be no simulcast (RFC 8853 §5.3.3). An encoding
// that the other end restricts in another way isn't sent (RFC 8851 §6.4).
func (s *Section) Simulcasts(peer *Section) (rids []string) {
	if s.Simulcast == nil || peer.Simulcast == nil {
		return nil
	}
	for _, stream := range s.Simulcast.Sends {
		for _, a := range stream {
			wanted := slices.ContainsFunc(peer.Simulcast.Receives, func(of SimulcastStream) bool {
				return slices.ContainsFunc(of, func(b Alternative) bool { return a.RID == b.RID })
			})
			if wanted && s.rid(a.RID).sameAs(peer.rid(a.RID)) {
				rids = append(rids, a.RID)
				break // one form at a time
			}
		}
	}
	return rids
}

// sameAs reports whether both ends mean the same by a RID, whatever the order.
func (r *RID) sameAs(o *RID) bool {
	ordered := func(list []Restriction) []Restriction {
		return slices.SortedFunc(slices.Values(list), func(a, b Restriction) int { return cmp.Compare(a.Name+"="+a.Value, b.Name+"="+b.Value) })
	}
	return slices.Equal(slices.Sorted(slices.Values(r.Formats)), slices.Sorted(slices.Values(o.Formats))) &&
		slices.Equal(ordered(r.Restrictions), ordered(o.Restrictions))
}
