package endpoints

import "rtpfabric/sim/simtime"

// Hold lets the section send no media until it is let go on, as the two ends have agreed (a=recvonly or a=inactive, RFC
// 3264 §8.4), or haven't agreed on anything else yet. What waits to be sent still goes, and RTCP does. A section that
// sends nothing anyway is left alone.
func (m *Section) Hold(now simtime.Time) { m.setHeld(now, true) }

// Release lets a section that was held send media again, from the next frame on.
func (m *Section) Release(now simtime.Time) { m.setHeld(now, false) }

// Listen says whether what comes in the section is decoded, as it is at first. What isn't counts for reports and feedback only.
func (m *Section) Listen(listens bool) { m.deaf = !listens }

func (m *Section) setHeld(now simtime.Time, held bool) {
	if m.config.Send == nil || m.stopped || m.held == held {
		return
	}
	m.held = held
	if !held && m.nextFrame() < now {
		m.resume(now)
	}
	m.session.touch()
	kind := StreamReleased
	if held {
		kind = StreamHeld
	}
	m.session.event(Event{Kind: kind, At: now, Section: m})
	if m.session.entered {
		m.session.applyTarget(now)
	}
}
