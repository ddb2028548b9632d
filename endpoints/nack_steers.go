package endpoints

import "rtpfabric/sim/simtime"

// pictureOf says which picture a packet belongs to.
type pictureOf struct {
	seq, picture uint16
	known        bool
}

// picturesKept is how many packets' pictures are known: more than the references of an
// encoder have, but at rates where packets cost more than NACKs help.
const picturesKept = 4096

// notePicture notes which picture the packet with a number belongs to.
func (m *Section) notePicture(seq uint16) {
	if !m.session.config.Repair.NACKSteers || m.repairer() == nil {
		return
	}
	if m.pictures == nil {
		m.pictures = make([]pictureOf, picturesKept)
	}
	m.pictures[seq%picturesKept] = pictureOf{seq, m.pictureID, true}
}

// steer lets the next frame be predicted from the picture before all that a peer
// lacks, unless one has been already.
func (m *Section) steer(now simtime.Time, lost []uint16) {
	e := m.repairer()
	if e == nil || m.pictures == nil {
		return
	}
	first, any := uint16(0), false
	for _, seq := range lost {
		p := m.pictures[seq%picturesKept]
		if !p.known || p.seq != seq || m.repair.any && m.repair.distant && newer(m.repair.picture, p.picture) && newer(p.picture, m.repair.reference) {
			continue
		}
		if !any || newer(first, p.picture) {
			first, any = p.picture, true
		}
	}
	if any {
		m.predictFrom(now, e, first-1)
	}
}
