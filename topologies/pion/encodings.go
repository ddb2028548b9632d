package pion

import (
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/headerext"
)

// identity is what packets of a section with several encodings say: to pion that is the application's business.
type identity struct {
	mid        string
	mids, rids uint8 // ids of the header extensions
}

// identify learns what to say of a section's encodings.
func (e *end) identify(i int, t *webrtc.RTPTransceiver) {
	id := identity{mid: t.Mid()}
	for _, x := range t.Sender().GetParameters().HeaderExtensions {
		switch x.URI {
		case headerext.MID.URI():
			id.mids = uint8(x.ID)
		case headerext.RID.URI():
			id.rids = uint8(x.ID)
		}
	}
	e.identities[i] = id
}

// introduce says in a packet which encoding of which section it is of. Each says so: pion sends copies of them again, in
// streams that are told apart by that alone.
func (e *end) introduce(p *rtp.Packet, section *endpoints.Section) error {
	id := e.identities[section.Medium()]
	if err := p.SetExtension(id.mids, []byte(id.mid)); err != nil {
		return err
	}
	return p.SetExtension(id.rids, []byte(section.RID()))
}

// track returns the one that carries a section's media.
func (e *end) track(section *endpoints.Section) *webrtc.TrackLocalStaticRTP {
	for _, t := range e.tracks[section.Medium()] {
		if t.RID() == section.RID() {
			return t
		}
	}
	return nil
}

// SSRCs returns those of what is sent in a section, or of one of its encodings.
func (e *end) SSRCs(section int, rid string) (media, repairs uint32) {
	for _, encoding := range e.pc.GetTransceivers()[section].Sender().GetParameters().Encodings {
		if encoding.RID == rid {
			return uint32(encoding.SSRC), uint32(encoding.RTX.SSRC)
		}
	}
	return 0, 0
}
