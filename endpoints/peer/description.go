package peer

import (
	"slices"

	"rtpfabric/endpoints/jsep"
)

// Description is an offer or an answer of a connection. Its sections have kind, id, SSRC and directions, it has addresses,
// credentials and fingerprint; whoever makes SDP of it puts in formats, extensions and feedback. Nobody changes one that has
// been given away.
type Description struct {
	jsep.Description
	// Version counts an end's descriptions (RFC 8866 §5.2). One that says the same as the one before has the same.
	Version uint64
	// Answers is the version of the offer that an answer is to. 0 doesn't say, as SDP has no word for it.
	Answers uint64
}

// Direction returns that of a section as whoever describes it sees it.
func (d *Description) Direction(section int) Direction {
	s := &d.Sections[section]
	return directionOf(s.Sends && !s.Refused, s.Receives && !s.Refused)
}

func (d *Description) clone() *Description {
	o := *d
	o.Candidates, o.Sections = slices.Clone(d.Candidates), slices.Clone(d.Sections)
	return &o
}

// RemoteStream is a stream of the other end's.
type RemoteStream struct {
	MID  string
	SSRC uint32
}

// RemoteStreams returns what the remote description says is sent, in the order of the sections.
func (c *Connection) RemoteStreams() []RemoteStream {
	d := c.Remote()
	if d == nil {
		return nil
	}
	var streams []RemoteStream
	for i := range d.Sections {
		if d.Direction(i).Sends() {
			streams = append(streams, RemoteStream{d.Sections[i].MID, d.Sections[i].SSRC})
		}
	}
	return streams
}
