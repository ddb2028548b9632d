package endpoints

import (
	"github.com/pion/rtcp"

	"rtpfabric/endpoints/encoder"
	"rtpfabric/endpoints/playout"
	"rtpfabric/endpoints/wire"
	"rtpfabric/sim/simtime"
)

// RPSI says what reference picture selection indications are used for (RFC 7741 §5.1).
type RPSI string

// The uses. With an acknowledgement the sender falls back to the last picture that was
// acknowledged when SLI tells of a loss; in groups that is neither sent nor heeded
// (RFC 4585 §6.3.3.1).
const (
	RPSINone        RPSI = ""
	RPSIOnLoss      RPSI = "loss"
	RPSIAcknowledge RPSI = "acknowledge"
)

// pictureRepair is what peers have asked a section's encoder for, less than a key frame.
type pictureRepair struct {
	lost     []lostPart // for the next frame
	acked    uint16     // picture that the peer has acknowledged last
	hasAcked bool

	// The last frame that repaired something.
	picture   uint16
	at        simtime.Time
	region    playout.Region
	distant   bool
	reference uint16 // picture that it was predicted from, if distant
	any       bool
}

// lostPart is a part of a picture that a peer has lost.
type lostPart struct {
	picture uint16
	region  playout.Region
}

// maxLostParts bounds what peers can ask of one frame.
const maxLostParts = 64

// repairer returns the section's encoder if it can repair pictures.
func (m *Section) repairer() encoder.Repairer {
	if m.config.Send == nil || m.stopped || !m.marksPictures() {
		return nil
	}
	e, _ := m.config.Send.Encoder.(encoder.Repairer)
	return e
}

// RepairsPictures reports whether the section's encoder may repair pictures by less than
// key frames.
func (m *Section) RepairsPictures() bool { return m.repairer() != nil }

// answeredLately reports whether a frame has repaired something so lately that the peer can't
// know yet.
func (m *Section) answeredLately(now simtime.Time) bool {
	return m.repair.any && now.Sub(m.repair.at) < max(m.session.rtt, leastRefresh)
}

// handleSLI lets the next frame refresh what the peer lost (RFC 4585 §6.3.2.4), or, as
// the peer acknowledges pictures, be predicted from the last of these (RFC 7741 §5.2).
// Who has no slices makes a key frame.
func (s *Session) handleSLI(now simtime.Time, n *rtcp.SliceLossIndication) {
	st := s.ours(n.MediaSSRC)
	if st == nil || st != st.section.main || len(n.SLI) == 0 {
		return
	}
	m := st.section
	e := m.repairer()
	if e == nil {
		s.handlePLI(now, n.SenderSSRC, n.MediaSSRC)
		return
	}
	s.repairs.SlicesHeard++
	if s.config.Repair.RPSI == RPSIAcknowledge && m.repair.hasAcked && !s.multiparty() {
		if !m.answeredLately(now) {
			m.predictFrom(now, e, m.repair.acked)
		}
		return
	}
	for _, entry := range n.SLI {
		// The picture has the same last bits, and is one of the last (§6.3.2.2).
		picture := (m.pictureID - (m.pictureID-uint16(entry.Picture))&0x3f) & 0x7fff
		first, number := max(int(entry.First), 1), int(entry.Number)
		region := playout.Region{First: first, Number: min(number, playout.Macroblocks+1-first)}
		if region.Number <= 0 {
			continue
		}
		if r := &m.repair; m.answeredLately(now) && !r.distant && newer(r.picture, picture) &&
			r.region.Includes(region.Grow(int((r.picture-picture)&0x7fff))) {
			continue
		}
		if len(m.repair.lost) < maxLostParts {
			m.repair.lost = append(m.repair.lost, lostPart{picture, region})
		}
	}
}

// newer reports whether a picture comes after another one.
func newer(a, b uint16) bool { return a != b && (a-b)&0x7fff < 0x4000 }

// handleRPSI lets the next frame be predicted from the picture that the peer names, or
// notes that it has that.
func (s *Session) handleRPSI(now simtime.Time, r *wire.RPSI) {
	st := s.ours(r.MediaSSRC)
	if st == nil || st != st.section.main {
		return
	}
	m := st.section
	picture, _, ok := r.VP8PictureID()
	e := m.repairer()
	if f, u := m.format(r.PayloadType); !ok || e == nil || f == nil || u != original || s.config.Repair.RPSI == RPSINone {
		s.counts.UnknownRTCP++
		return
	}
	s.repairs.ReferencesHeard++
	if s.config.Repair.RPSI == RPSIAcknowledge {
		if !m.repair.hasAcked || newer(picture, m.repair.acked) {
			m.repair.acked, m.repair.hasAcked = picture, true
		}
		return
	}
	if !m.answeredLately(now) {
		m.predictFrom(now, e, picture)
	}
}

// multiparty reports whether there is more than one peer, by their CNAMEs.
func (s *Session) multiparty() bool { return len(s.peers) > 1 }

// predictFrom lets the next frame be predicted from an older picture, or be a key frame
// if the encoder can't.
func (m *Section) predictFrom(now simtime.Time, e encoder.Repairer, picture uint16) {
	back := uint64((m.pictureID - picture) & 0x7fff)
	if (back > m.frame || !e.PredictFrom(m.frame-back)) && !m.justRefreshed(now) {
		m.refresh(now)
	}
}

// prepareRepair tells the encoder, right before a frame, what of it to refresh: what
// was lost, and where motion compensation has carried the damage since.
func (m *Section) prepareRepair() {
	m.refreshing = playout.Region{}
	if len(m.repair.lost) == 0 {
		return
	}
	next := m.pictureID + 1
	for _, l := range m.repair.lost {
		m.refreshing = m.refreshing.Join(l.region.Grow(int((next - l.picture) & 0x7fff)))
	}
	m.repair.lost = m.repair.lost[:0]
	if e := m.repairer(); e != nil {
		e.RefreshPart(float64(m.refreshing.Number) / playout.Macroblocks)
	}
}

// noteRepair notes what a frame repairs.
func (m *Section) noteRepair(now simtime.Time, f *encoder.Frame) {
	m.frame = f.Number
	if f.Part == 0 && !f.Distant {
		m.refreshing = playout.Region{}
		return
	}
	m.repair.picture, m.repair.at, m.repair.any = (m.pictureID+1)&0x7fff, now, true
	m.repair.region, m.repair.distant = m.refreshing, f.Distant
	m.repair.reference = (m.repair.picture - uint16(f.Number-f.Reference)) & 0x7fff
	m.session.repairs.PicturesRepaired++
	m.session.event(Event{Kind: PictureRepaired, At: now, Section: m, Size: f.Size})
}
