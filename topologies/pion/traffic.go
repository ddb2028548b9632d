package pion

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// leave lets a goroutine of pion's leave something for the run.
func (e *end) leave(f func()) {
	e.mu.Lock()
	f()
	e.mu.Unlock()
	e.stack.config.Host.Wake()
}

// listen reads the RTCP that comes for a transceiver: pion looks at what is read.
func (e *end) listen(t *webrtc.RTPTransceiver) {
	s := t.Sender()
	if s == nil {
		return
	}
	for i, encoding := range s.GetParameters().Encodings {
		own := func() uint32 { return uint32(s.GetParameters().Encodings[i].SSRC) }
		go e.read(own, func() ([]rtcp.Packet, error) {
			if encoding.RID != "" {
				p, _, err := s.ReadSimulcastRTCP(encoding.RID)
				return p, err
			}
			p, _, err := s.ReadRTCP()
			return p, err
		})
	}
}

// read reads RTCP until there is no more. own is the SSRC of what is sent, whose reports count: others have
// readers of their own.
func (e *end) read(own func() uint32, next func() ([]rtcp.Packet, error)) {
	for {
		packets, err := next()
		if err != nil {
			return
		}
		now := time.Now()
		e.leave(func() {
			for _, p := range packets {
				switch p := p.(type) {
				case *rtcp.PictureLossIndication:
					e.refreshes = append(e.refreshes, p.MediaSSRC)
				case *rtcp.FullIntraRequest:
					for _, f := range p.FIR {
						e.refreshes = append(e.refreshes, f.SSRC)
					}
				case *rtcp.ReceiverReport:
					e.measure(now, own(), p.Reports)
				case *rtcp.SenderReport:
					e.measure(now, own(), p.Reports)
				}
			}
		})
	}
}

// measure finds the round-trip time of report blocks (RFC 3550 §6.4.1).
func (e *end) measure(now time.Time, own uint32, blocks []rtcp.ReceptionReport) {
	for _, b := range blocks {
		if b.SSRC != own || b.LastSenderReport == 0 {
			continue
		}
		rtt := middle(now) - b.LastSenderReport - b.Delay
		if int32(rtt) >= 0 {
			e.rtts = append(e.rtts, time.Duration(uint64(rtt)*uint64(time.Second)>>16))
		}
	}
}

// middle returns the middle 32 bits of an NTP timestamp (RFC 3550 §4).
func middle(t time.Time) uint32 {
	const since1900 = 2208988800
	seconds, fraction := uint64(t.Unix()+since1900), uint64(t.Nanosecond())<<32/uint64(time.Second)
	return uint32((seconds<<32 | fraction) >> 16)
}

// receive reads a track for as long as there is something.
func (e *end) receive(track *webrtc.TrackRemote, r *webrtc.RTPReceiver) {
	go e.read(func() uint32 { return 0 }, func() ([]rtcp.Packet, error) {
		p, _, err := r.ReadRTCP()
		return p, err
	})
	go func() {
		for {
			p, attributes, err := track.ReadRTP()
			if err != nil {
				return
			}
			b, err := p.Marshal()
			if err != nil {
				continue
			}
			again := attributes.Get(webrtc.AttributeRtxSsrc) != nil
			e.leave(func() { e.came = append(e.came, arrival{b, again}) })
		}
	}()
}

// collect takes what pion's goroutines have left. It reports whether there was something that pion
// has to do something about.
func (e *end) collect(now simtime.Time) (busy bool) {
	busy = e.flush(now)
	e.mu.Lock()
	came, refreshes, rtts, states, found, pairs := e.came, e.refreshes, e.rtts, e.states, e.found, e.pairs
	e.came, e.refreshes, e.rtts, e.states, e.found, e.pairs = nil, nil, nil, nil, nil, nil
	e.mu.Unlock()
	slices.Sort(found) // which of pion's goroutines was first is chance
	for _, candidate := range found {
		e.call.Found(now, candidate)
	}
	if e.session == nil {
		return busy
	}
	for _, p := range pairs {
		text := fmt.Sprintf("%v %s:%d to %v %s:%d", p.Local.Typ, p.Local.Address, p.Local.Port, p.Remote.Typ, p.Remote.Address, p.Remote.Port)
		e.session.CarrierRouted(now, text, p.Local.Typ == webrtc.ICECandidateTypeRelay)
	}
	for _, state := range states {
		switch state {
		case webrtc.PeerConnectionStateConnected:
			e.session.CarrierReady(now)
		case webrtc.PeerConnectionStateFailed:
			e.session.CarrierFailed(now)
		default:
		}
	}
	slices.Sort(rtts)
	for _, rtt := range rtts {
		e.session.CarrierMeasured(now, rtt)
	}
	for _, m := range e.session.Sections() {
		for _, ssrc := range refreshes {
			if m.SSRC() == ssrc {
				m.CarrierWantsRefresh(now)
			}
		}
	}
	for _, a := range came {
		p := e.stack.config.Pool.New()
		copy(p.SetPayload(len(a.packet)), a.packet)
		p.Src, p.Dst = e.peer, e.addr
		if a.again {
			e.session.CarrierRestores()
		}
		e.stack.config.Media.HandlePacket(now, p)
	}
	led := e.parts.lead()
	for _, f := range e.parts.follow {
		f(e.session.Target().Media)
	}
	if led || len(states) > 0 {
		e.stack.config.Media.HandleTimeout(now)
	}
	return busy
}

// send gives a packet of media to pion.
func (e *end) send(p *packet.Packet) {
	var m rtp.Packet
	if err := m.Unmarshal(p.Payload); err != nil {
		panic("pion: " + err.Error())
	}
	e.number(m.SSRC, p.Flow)
	for _, section := range e.session.Sections() {
		if section.SSRC() != m.SSRC {
			continue
		}
		if section.RID() != "" {
			if err := e.introduce(&m, section); err != nil {
				panic("pion: " + err.Error()) // its answer has the header extensions
			}
		}
		_ = e.track(section).WriteRTP(&m)
	}
}

func (e *end) number(ssrc uint32, n int32) {
	for _, f := range e.flows {
		if f.ssrc == ssrc {
			return
		}
	}
	e.flows = append(e.flows, flow{ssrc, n})
}

// label returns the number of the stream that a packet of pion's is of; 0 if it is of none. The clear header
// of SRTP says so.
func (e *end) label(b []byte) int32 {
	if len(b) < 12 || b[0]>>6 != 2 {
		return 0
	}
	if packet.IsRTCP(b) {
		return 0
	}
	ssrc := binary.BigEndian.Uint32(b[8:])
	for _, f := range e.flows {
		if f.ssrc == ssrc {
			return f.n
		}
	}
	return 0
}

// requestRefresh asks the peer for a key frame.
func (e *end) requestRefresh(ssrc uint32) {
	_ = e.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: ssrc}})
}
