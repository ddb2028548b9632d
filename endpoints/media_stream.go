package endpoints

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// What applications see of what is received: tracks, in MediaStreams (RFC 8834 §11).
// Descriptions say which track is in which stream (RFC 8830), one a=msid line for each;
// packets don't, so that a track in several streams is sent once.

// NoMediaStream is the identifier that says of a track that it is in no MediaStream
// (RFC 8830 §2).
const NoMediaStream = "-"

// CheckMSID refuses what can't be the identifiers of a media section's a=msid lines: each
// is a token of 1 to 64 characters (RFC 8830 §2, RFC 8866 §9) and named once, and [NoMediaStream]
// stands alone.
func CheckMSID(ids []string) error {
	for i, id := range ids {
		switch {
		case len(id) == 0 || len(id) > 64:
			return fmt.Errorf("%q is no identifier of a MediaStream, which has 1 to 64 characters", id)
		case strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"(),/:;<=>?@[\\]", r) }):
			return fmt.Errorf("%q has characters that no token of SDP has", id)
		case slices.Contains(ids[:i], id):
			return fmt.Errorf("MediaStream %q is named twice", id)
		case id == NoMediaStream && len(ids) > 1:
			return errors.New("a track in no MediaStream isn't in another one")
		}
	}
	return nil
}

// MSIDLines returns the a=msid lines of this end's description of the section
// (RFC 8829 §5.2.1): none if it sends nothing.
func (m *Section) MSIDLines() []string {
	if m.config.Send == nil {
		return nil
	}
	lines := make([]string, len(m.config.MSID))
	for i, id := range m.config.MSID {
		lines[i] = "a=msid:" + id
	}
	return lines
}

// Track is what an end knows of a MediaStreamTrack that it receives. One source stream
// carries its media, its identity and its timing; the others hang on it (RFC 8834 §11,
// RFC 7656 §2.1.8 to 10).
type Track struct {
	Section *Section // nil if nothing was signalled for it
	// Streams are the identifiers of the MediaStreams that it is in, in the order of
	// the a=msid lines; none if the description says so.
	Streams []string
	Primary Received
	// Former are the SSRCs that the track had before (RFC 3550 §8.2, RFC 7160 §4.1).
	Former []Received
	// RTX are streams in which packets are sent again, FEC those of repair packets.
	RTX, FEC []Received
	// Layers is how many temporal layers have come in its primary stream; 0 if its
	// format has none.
	Layers int
}

// Packets returns how many have come for the track in all its streams.
func (t *Track) Packets() uint64 {
	n := t.Primary.Packets
	for _, list := range [][]Received{t.Former, t.RTX, t.FEC} {
		for i := range list {
			n += list[i].Packets
		}
	}
	return n
}

// MediaStream is tracks that belong together.
type MediaStream struct {
	ID string
	// Default says that no description has named it: what comes without a=msid is in
	// it (RFC 8829 §5.10; drafts of RFC 8830 call it the Non-WebRTC stream).
	Default bool
	Tracks  []Track
}

// MediaStreams returns the MediaStreams that the connection receives, in the order in
// which they were first heard of; those of tracks of which nothing has come aren't there.
func (c *Connection) MediaStreams() []MediaStream {
	var list []MediaStream
	for _, t := range c.Tracks() {
		for _, id := range t.Streams {
			i := slices.IndexFunc(list, func(s MediaStream) bool { return s.ID == id })
			if i < 0 {
				i = len(list)
				list = append(list, MediaStream{ID: id, Default: id == c.defaultStream})
			}
			list[i].Tracks = append(list[i].Tracks, t)
		}
	}
	return list
}

// Tracks returns the tracks that the connection receives, each once, in the order in which
// they were first heard.
func (c *Connection) Tracks() []Track {
	var list []Track
	for _, s := range c.sessions {
		list = s.tracks(list)
	}
	return list
}

// tracks appends those of a session: first what their media come in, then what hangs on
// that.
func (s *Session) tracks(list []Track) []Track {
	first := len(list)
	for _, src := range s.sources {
		if src.carries != nil && src.carried != original && src.carried != redundant {
			continue
		}
		r := s.known(src)
		r.Section = src.carries
		if t := trackOf(list[first:], r); t != nil && r.Section != nil && t.Primary.CNAME == r.CNAME {
			t.Former = append(t.Former, t.Primary)
			t.Primary, t.Layers = r, src.layers
			continue
		}
		list = append(list, Track{Section: r.Section, Streams: s.connection.streamsOf(r.Section), Primary: r, Layers: src.layers})
	}
	for _, src := range s.sources {
		if src.carries == nil || src.carried != retransmission && src.carried != forwardRepair {
			continue
		}
		r := s.known(src)
		r.Section = src.carries
		switch t := trackOf(list[first:], r); {
		case t == nil: // its media haven't come
		case src.carried == retransmission:
			t.RTX = append(t.RTX, r)
		default:
			t.FEC = append(t.FEC, r)
		}
	}
	return list
}

// trackOf returns the track that a stream belongs to: that of its section from the same
// participant or, as long as it has no name, the only one of the section.
func trackOf(tracks []Track, r Received) *Track {
	var only *Track
	n := 0
	for i := range tracks {
		t := &tracks[i]
		if t.Section != r.Section {
			continue
		}
		if t.Primary.CNAME == r.CNAME && r.CNAME != "" {
			return t
		}
		only, n = t, n+1
	}
	if n == 1 && (r.CNAME == "" || only.Primary.CNAME == "") {
		return only
	}
	return nil
}

// streamsOf returns the MediaStreams of what a section receives.
func (c *Connection) streamsOf(m *Section) []string {
	switch {
	case m == nil || len(m.config.RemoteMSID) == 0:
		return []string{c.newDefaultStream()}
	case m.config.RemoteMSID[0] == NoMediaStream:
		return nil
	}
	return m.config.RemoteMSID
}

// newDefaultStream returns the identifier of the connection's default MediaStream, which
// is random.
func (c *Connection) newDefaultStream() string {
	if c.defaultStream == "" {
		var b [16]byte
		_, _ = c.endpoint.config.Random.Stream("connection/" + c.name + "/msid").Read(b[:])
		c.defaultStream = hex.EncodeToString(b[:])
	}
	return c.defaultStream
}
