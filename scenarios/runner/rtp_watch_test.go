package runner_test

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/pion/rtp"

	"rtpfabric/endpoints"
	"rtpfabric/scenarios"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

// rtpSent is an RTP packet of media that left somebody.
type rtpSent struct {
	at      simtime.Time
	to      packet.IPv4
	head    rtp.Header
	payload string // as it is on the wire
}

// srSent is the time that an SR tells.
type srSent struct {
	at  simtime.Time
	ntp simtime.NTP
	rtp uint32
}

// rtpWatch collects the RTP packets that a node sends, or all do, and SRs in the clear, by
// SSRC.
type rtpWatch struct {
	fabric.Observer
	t    *testing.T
	from packet.IPv4 // 0 for all
	sent map[uint32][]rtpSent
	srs  map[uint32][]srSent
}

func watchRTP(t *testing.T, sim *topologies.Simulation, from string) *rtpWatch {
	w := &rtpWatch{Observer: fabric.Nobody, t: t, sent: map[uint32][]rtpSent{}, srs: map[uint32][]srSent{}}
	if from != "" {
		w.from = sim.Addr(from)
	}
	sim.Fabric.Observe(w)
	return w
}

func (w *rtpWatch) PacketSent(now simtime.Time, p *packet.Packet) {
	b := p.Payload
	switch {
	case w.from != 0 && p.Src.IP != w.from || len(b) < 12 || b[0]>>6 != 2:
		return
	case isRTCP(b):
		w.readSRs(now, b)
		return
	}
	s, b := rtpSent{at: now, to: p.Dst.IP}, slices.Clone(b) // the packet's memory is used again
	n, err := s.head.Unmarshal(b)
	if err != nil {
		w.t.Fatal(err)
	}
	s.payload = string(b[n:])
	w.sent[s.head.SSRC] = append(w.sent[s.head.SSRC], s)
}

func (w *rtpWatch) readSRs(now simtime.Time, b []byte) {
	for len(b) >= 28 && b[0]>>6 == 2 && b[1] >= 200 && b[1] <= 207 {
		if ssrc := binary.BigEndian.Uint32(b[4:]); b[1] == 200 {
			w.srs[ssrc] = append(w.srs[ssrc], srSent{now, simtime.NTP(binary.BigEndian.Uint64(b[8:])), binary.BigEndian.Uint32(b[16:])})
		}
		b = b[min(4+4*int(binary.BigEndian.Uint16(b[2:])), len(b)):]
	}
}

// playRTP runs a scenario and returns what RTP packets a node sends meanwhile. Events go to the sink, if there is one.
func playRTP(t *testing.T, s *scenarios.Scenario, from string, sink func(endpoints.Event)) (*topologies.Simulation, *rtpWatch) {
	t.Helper()
	sim := build(t, s)
	w := watchRTP(t, sim, from)
	if sink != nil {
		sim.OnEvent(sink)
	}
	play(t, sim, s)
	return sim, w
}
