package endpoints

import (
	"time"

	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/protect"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// A session may be carried by another stack, such as pion's: then this end makes media, and plays out
// what comes, and the carrier does all between that and the network: keys, RTCP, repair, feedback, congestion
// control and pacing. The two exchange plain packets of RTP. What an application is told, and tells, besides
// those is here.

// carrier is the key management of a session that is carried: there is none.
type carrier struct{}

func (carrier) HandlePacket(simtime.Time, *packet.Packet) {}
func (carrier) HandleTimeout(simtime.Time)                {}
func (carrier) PollPayload(simtime.Time) []byte           { return nil }
func (carrier) NextTimeout() simtime.Time                 { return simtime.Never }
func (carrier) Keys(int, int) (keying.Keys, bool)         { return keying.Keys{}, false }

// CarrierReady says that what is sent will be carried from now on.
func (s *Session) CarrierReady(now simtime.Time) {
	s.touch()
	s.stir()
	if !s.entered {
		s.protector, s.entered = protect.Clear(), true
		s.join(now)
	}
}

// CarrierRouted says by which candidates the carrier sends from now on, and whether the own one is a relayed one.
func (s *Session) CarrierRouted(now simtime.Time, pair string, relayed bool) {
	s.carrierRelayed = relayed
	s.event(Event{Kind: PairSelected, At: now, News: pair})
}

// CarrierFailed says that nothing will be carried.
func (s *Session) CarrierFailed(now simtime.Time) {
	s.touch()
	if !s.failed {
		s.failed = true
		s.event(Event{Kind: KeyingFailed, At: now})
	}
}

// CarrierSentRTCP says that the carrier has sent a packet of RTCP, which is given in the clear, of the size on the wire, with
// reports of what the given sections send or receive.
func (s *Session) CarrierSentRTCP(now simtime.Time, plain []byte, size units.Bytes, reports ...*Section) {
	s.counts.RTCPSent++
	s.census.Count(plain)
	s.event(Event{Kind: RTCPSent, At: now, Size: size})
	for _, m := range reports {
		s.event(Event{Kind: ReportSent, At: now, Section: m, SSRC: m.SSRC()})
	}
}

// CarrierGotRTCP says that the carrier has got a packet of RTCP.
func (s *Session) CarrierGotRTCP() { s.counts.RTCPReceived++ }

// CarrierRestores says that the packet that comes next comes because the peer has sent it again.
func (s *Session) CarrierRestores() { s.carrierRestores = true }

// noteRestored counts a packet that a carrier has restored, if it is news.
func (s *Session) noteRestored(now simtime.Time, src *source, m *Section, fresh bool) {
	if !s.carrierRestores {
		return
	}
	s.carrierRestores = false
	if !fresh {
		s.repairs.Needless++
		return
	}
	s.repairs.Restored++
	s.event(Event{Kind: PacketRestored, At: now, Section: m, SSRC: src.ssrc})
}

// CarrierMeasured says what round-trip time the carrier has found.
func (s *Session) CarrierMeasured(now simtime.Time, rtt time.Duration) {
	s.rtt = rtt
	s.event(Event{Kind: RTTMeasured, At: now, Delay: rtt})
}

// CarrierWantsRefresh says that a peer has asked the carrier for a key frame.
func (m *Section) CarrierWantsRefresh(now simtime.Time) {
	s := m.session
	s.touch()
	s.repairs.RefreshesHeard++
	if !m.justRefreshed(now) {
		m.obey(now, m.requesterOf(0))
	}
}

// askCarrier lets the carrier ask for key frames: that RefreshRequested says so is all that it takes.
func (s *Session) askCarrier(now simtime.Time, m *Section) {
	for _, src := range m.sources {
		r := &src.refresh
		if src.ended || s.leaving || !r.due {
			continue
		}
		r.due, r.next = false, now.Add(max(refreshPatience, 2*s.rtt))
		s.repairs.RefreshesSent++
		s.event(Event{Kind: RefreshRequested, At: now, Section: m, SSRC: src.ssrc})
		src.stir()
	}
}

// RemoteSSRC returns the SSRC of the peer's stream if it was signalled; 0 otherwise.
func (m *Section) RemoteSSRC() uint32 { return m.config.RemoteSSRC }

// RemoteRepairSSRC returns that of packets that the peer sends again.
func (m *Section) RemoteRepairSSRC() uint32 { return m.config.RemoteRepairSSRC }
