package topologies

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/jsep"
)

// A stream with a RID is one encoding of a picture. Each has a section of its session, as it has an encoder, a buffer
// and repairs of its own; in descriptions all are one media section.

// mediaOf returns for each section of a session which media section of the description it is in: encodings of one
// picture are in the same.
func mediaOf(sections [][]*Media) []int {
	list := make([]int, len(sections))
	next := 0
	for i, section := range sections {
		first := slices.IndexFunc(sections[:i], func(o []*Media) bool { return o[0].encodes(section[0]) })
		if first >= 0 {
			list[i] = list[first]
			continue
		}
		list[i], next = next, next+1
	}
	return list
}

// leading returns for each media section of the description the section that it begins with.
func leading(sections [][]*Media) (list []int) {
	for i, medium := range mediaOf(sections) {
		if medium == len(list) {
			list = append(list, i)
		}
	}
	return list
}

// encodes reports whether two streams are encodings of one picture.
func (m *Media) encodes(o *Media) bool {
	return m.RID != "" && o.RID != "" && m.Origin() == o.Origin() && m.Simulcast == o.Simulcast
}

// medium is what the media section is called that the stream is in.
func (m *Media) medium() string {
	if m.RID != "" {
		return m.Simulcast
	}
	return m.Name
}

// encodingsOf describes all encodings of the picture that a stream is one of, in their order. They say what always holds.
func encodingsOf(m *Media, sections [][]*Media) (rids []jsep.RID, all *jsep.Simulcast) {
	all = &jsep.Simulcast{}
	for _, section := range sections {
		o := section[0]
		if !o.encodes(m) {
			continue
		}
		r := jsep.RID{ID: o.RID}
		restrict := func(name string, value int) {
			if value > 0 {
				r.Restrictions = append(r.Restrictions, jsep.Restriction{Name: name, Value: strconv.Itoa(value)})
			}
		}
		restrict("max-width", o.Width)
		restrict("max-height", o.Height)
		restrict("max-fps", int(math.Ceil(o.Video.FPS)))
		rids = append(rids, r)
		all.Sends = append(all.Sends, jsep.SimulcastStream{{RID: o.RID}})
	}
	return rids, all
}

// ssrcOf returns the SSRC that a media section is described with. Encodings are told apart by their RIDs.
func (n *negotiation) ssrcOf(medium int) uint32 {
	for _, m := range n.session.Sections() {
		if m.Medium() == medium && m.RID() == "" {
			return m.SSRC()
		}
	}
	return 0
}

// describeEncodings says which encodings a media section has. An offer has all that this end can send, and those that it
// has agreed to get; an answer what comes of the offer.
func (n *negotiation) describeEncodings(medium int, peer *jsep.Description) {
	own, can, taken := &n.own.Sections[medium], &n.can[medium], &n.takes[medium]
	switch {
	case peer == nil && can.Simulcast != nil && (own.Sends || own.Simulcast != nil): // RFC 8829 §5.2.1
		own.RIDs, own.Simulcast = can.RIDs, can.Simulcast
	case peer == nil && can.Simulcast != nil:
		own.RIDs, own.Simulcast = nil, nil
	case peer == nil:
		own.RIDs, own.Simulcast = taken.RIDs, taken.Simulcast
	case can.Simulcast != nil:
		own.Give(&peer.Sections[medium], can)
	default:
		own.Take(&peer.Sections[medium], n.s.config.Signalling.Simulcast[n.self])
		taken.RIDs, taken.Simulcast = own.RIDs, own.Simulcast
	}
	own.Extensions = can.Extensions
	if own.RIDs == nil {
		own.Extensions = slices.DeleteFunc(slices.Clone(own.Extensions), func(e headerext.Entry) bool {
			return e.URI == headerext.RID.URI() || e.URI == headerext.RepairedRID.URI()
		})
	}
}

// sends reports whether a section sends by the end's description and the other one's, and lets an encoding tell what it
// is if there are several. Otherwise the first one goes (RFC 8829 §3.7).
func (n *negotiation) sends(section *endpoints.Section, peer *jsep.Description) bool {
	medium := section.Medium()
	own, of := &n.own.Sections[medium], &peer.Sections[medium]
	sends := own.Sends && of.Receives
	if section.RID() == "" || n.can[medium].Simulcast == nil {
		return sends
	}
	both := own.Simulcast != nil && of.Simulcast != nil
	rids := own.Simulcasts(of)
	section.Simulcast(both)
	if !both {
		rids = []string{n.can[medium].RIDs[0].ID}
	}
	return sends && slices.Contains(rids, section.RID())
}

// answerTo makes an end's description the answer to a guest's offer: with its tags and the ids of its header extensions, and
// all encodings that it has. The guest begins the handshake, unless this end is to be active.
func answerTo(offer, answer *jsep.Description, active bool) {
	if answer.Setup = jsep.Passive; active {
		answer.Setup = jsep.Active
	}
	for i := range answer.Sections {
		own, of := &answer.Sections[i], &offer.Sections[i]
		own.MID, own.Extensions = of.MID, agreed(of.Extensions, answer)
		if of.Simulcast != nil {
			own.Take(of, len(of.Simulcast.Sends))
		}
	}
}

// agreeOnEncodings returns an error if an answer doesn't take all encodings of an offer.
func agreeOnEncodings(offer, answer *jsep.Description) error {
	for i := range offer.Sections {
		of := &offer.Sections[i]
		if of.Simulcast != nil && len(of.Simulcasts(&answer.Sections[i])) < len(of.Simulcast.Sends) {
			return fmt.Errorf("section %d of the offer has simulcast streams that the answer doesn't take", i)
		}
	}
	return nil
}
