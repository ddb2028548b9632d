package jsep

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pion/sdp/v3"

	"rtpfabric/endpoints/ice"
)

// endOfCandidates says that there won't be any more of them (RFC 8838 §13, RFC 8840 §8.2).
const endOfCandidates = "end-of-candidates"

// Fragment is what an end tells of its candidates after it has described itself: a fragment of a description (RFC 8840 §9).
type Fragment struct {
	// ICE are the credentials, which say of which description it is a part.
	ICE        ice.Credentials
	Kind       string // of the section that has the transport of all
	MID        string
	Candidates []ice.Candidate
	// Complete says that no more follow.
	Complete bool
}

// Fragment returns one of the description, with some candidates.
func (d *Description) Fragment(complete bool, list ...ice.Candidate) *Fragment {
	first := &d.Sections[0]
	return &Fragment{ICE: d.ICE, Kind: string(first.Kind), MID: first.MID, Candidates: list, Complete: complete}
}

// String returns the fragment as trickle-ice-sdpfrag. Its m= line says nothing but the kind (RFC 8840 §9.2).
func (f *Fragment) String() string {
	var b strings.Builder
	line := func(format string, arguments ...any) { fmt.Fprintf(&b, format+"\r\n", arguments...) }
	line("a=ice-ufrag:%s", f.ICE.Fragment)
	line("a=ice-pwd:%s", f.ICE.Password)
	line("m=%s 9 RTP/AVP 0", f.Kind)
	line("a=mid:%s", f.MID)
	for _, c := range f.Candidates {
		line("a=candidate:%v", c)
	}
	if f.Complete {
		line("a=%s", endOfCandidates)
	}
	return b.String()
}

// ParseFragment reads a fragment of a description with one section.
func ParseFragment(text string) (*Fragment, error) {
	var attributes []sdp.Attribute
	f := &Fragment{}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		kind, value, ok := strings.Cut(line, "=")
		switch {
		case line == "":
		case !ok || len(kind) != 1:
			return nil, fmt.Errorf("reading a fragment: %q is no line of SDP", line)
		case kind == "m" && f.Kind != "":
			return nil, errors.New("reading a fragment: it has two sections, and here all share one transport")
		case kind == "m":
			f.Kind, _, _ = strings.Cut(value, " ")
		case kind == "a":
			name, value, _ := strings.Cut(value, ":")
			attributes = append(attributes, sdp.Attribute{Key: name, Value: value})
			switch name {
			case "ice-ufrag":
				f.ICE.Fragment = value
			case "ice-pwd":
				f.ICE.Password = value
			case "mid":
				f.MID = value
			}
		}
	}
	if !f.ICE.Valid() {
		return nil, errors.New("reading a fragment: a=ice-ufrag has 4 to 256 characters, a=ice-pwd 22 to 256")
	}
	f.Candidates, f.Complete = candidates(attributes)
	return f, nil
}

// candidates returns those among a section's attributes that are of use, and whether they are all.
func candidates(attributes []sdp.Attribute) (list []ice.Candidate, complete bool) {
	for _, a := range attributes {
		switch a.Key {
		case "candidate":
			if c, err := ice.ParseCandidate(a.Value); err == nil {
				list = append(list, c)
			}
		case endOfCandidates:
			complete = true
		}
	}
	return list, complete
}
