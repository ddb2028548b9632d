package pion

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/jsep"
	"rtpfabric/sim/packet"
	"rtpfabric/topologies"
)

// end is one end of a peer connection.
type end struct {
	stack *stack
	call  topologies.GuestCall
	pc    *webrtc.PeerConnection
	order *orderly
	// By section: what is sent, of which there are several if they are encodings; none if nothing is.
	tracks     [][]*webrtc.TrackLocalStaticRTP
	identities map[int]identity
	addr       packet.Addr
	closing    bool

	session *endpoints.Session
	peer    packet.Addr
	flows   []flow

	parts place // what interceptors are told, and leave

	mu        sync.Mutex // guards what pion's goroutines leave for the run
	came      []arrival
	refreshes []uint32 // SSRCs of which key frames are wanted
	rtts      []time.Duration
	states    []webrtc.PeerConnectionState
	found     []string // candidates
	pairs     []*webrtc.ICECandidatePair
}

// flow is the number by which observers know a stream of media.
type flow struct {
	ssrc uint32
	n    int32
}

// arrival is a packet of RTP that has come, maybe because it was sent again.
type arrival struct {
	packet []byte
	again  bool
}

// Open begins a peer connection.
func (s *stack) Open(c topologies.GuestCall) (topologies.GuestEnd, error) {
	e := &end{stack: s, call: c, identities: map[int]identity{}}
	settings, err := s.settings(c)
	if err != nil {
		return nil, err
	}
	engine, err := mediaEngine(c.Sections)
	if err != nil {
		return nil, err
	}
	registry, err := e.interceptors()
	if err != nil {
		return nil, err
	}
	api := webrtc.NewAPI(webrtc.WithSettingEngine(*settings), webrtc.WithMediaEngine(engine), webrtc.WithInterceptorRegistry(registry))
	e.pc, err = api.NewPeerConnection(webrtc.Configuration{
		Certificates: []webrtc.Certificate{s.certificate}, BundlePolicy: webrtc.BundlePolicyMaxBundle, ICEServers: s.servers(),
	})
	if err != nil {
		return nil, err
	}
	s.ends = append(s.ends, e) // to be closed, whatever comes
	e.pc.OnTrack(e.receive)
	e.pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		e.leave(func() { e.states = append(e.states, state) })
	})
	if s.config.Servers != nil { // otherwise there is one pair
		e.pc.SCTP().Transport().ICETransport().OnSelectedCandidatePairChange(func(p *webrtc.ICECandidatePair) {
			e.leave(func() { e.pairs = append(e.pairs, p) })
		})
	}
	for i, section := range c.Sections {
		tracks, err := s.tracksOf(i, &section)
		if err != nil {
			return nil, err
		}
		e.tracks = append(e.tracks, tracks)
	}
	return e, nil
}

// tracksOf returns what an end sends in a section.
func (s *stack) tracksOf(i int, section *jsep.Section) (tracks []*webrtc.TrackLocalStaticRTP, err error) {
	if !section.Sends {
		return nil, nil
	}
	rids := section.RIDs
	if len(rids) == 0 {
		rids = []jsep.RID{{}}
	}
	f := section.Formats[0]
	for _, r := range rids {
		track, err := webrtc.NewTrackLocalStaticRTP(
			capability(section.Kind, &f, section.Feedback), fmt.Sprint(i), streamOf(section, s.config.Name), webrtc.WithRTPStreamID(r.ID),
		)
		if err != nil {
			return nil, err
		}
		tracks = append(tracks, track)
	}
	return tracks, nil
}

// streamOf returns the MediaStream of what a section sends: one, as pion's tracks have, or that of the
// endpoint's name.
func streamOf(s *jsep.Section, name string) string {
	if len(s.MSID) == 0 {
		return name
	}
	return s.MSID[0]
}

// Offer returns an offer.
func (e *end) Offer() (string, error) {
	for i, s := range e.call.Sections {
		init := webrtc.RTPTransceiverInit{Direction: direction(s.Sends, s.Receives)}
		if s.SSRC != 0 {
			init.SendEncodings = []webrtc.RTPEncodingParameters{{RTPCodingParameters: webrtc.RTPCodingParameters{SSRC: webrtc.SSRC(s.SSRC)}}}
		}
		var t *webrtc.RTPTransceiver
		var err error
		if e.tracks[i] != nil {
			t, err = e.pc.AddTransceiverFromTrack(e.tracks[i][0], init)
		} else {
			t, err = e.pc.AddTransceiverFromKind(kindOf(s.Kind), init)
		}
		if err != nil {
			return "", err
		}
		for k := 1; k < len(e.tracks[i]); k++ {
			if err := t.Sender().AddEncoding(e.tracks[i][k]); err != nil {
				return "", err
			}
		}
		e.listen(t)
	}
	d, err := e.pc.CreateOffer(nil)
	if err != nil {
		return "", err
	}
	return e.describe(d)
}

func direction(sends, receives bool) webrtc.RTPTransceiverDirection {
	switch {
	case sends && receives:
		return webrtc.RTPTransceiverDirectionSendrecv
	case sends:
		return webrtc.RTPTransceiverDirectionSendonly
	case receives:
		return webrtc.RTPTransceiverDirectionRecvonly
	}
	return webrtc.RTPTransceiverDirectionInactive
}

// Answer takes an offer and returns the answer.
func (e *end) Answer(offer string) (string, error) {
	if err := e.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", err
	}
	for i, t := range e.pc.GetTransceivers() {
		if e.tracks[i] != nil { // it takes the first section of the kind in which the offerer receives
			if _, err := e.pc.AddTrack(e.tracks[i][0]); err != nil {
				return "", err
			}
			if t.Sender() == nil || t.Sender().Track() != e.tracks[i][0] {
				return "", fmt.Errorf("pion sends the track of section %d in another one", i)
			}
		}
		e.listen(t)
	}
	d, err := e.pc.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	return e.describe(d)
}

// describe makes a description this end's own, and returns it without addresses.
func (e *end) describe(d webrtc.SessionDescription) (string, error) {
	var first *webrtc.ICECandidate
	e.pc.OnICECandidate(func(c *webrtc.ICECandidate) {
		if c == nil {
			return
		}
		e.leave(func() {
			if first == nil {
				first = c // its own address, which the other end is told of besides
			} else {
				e.found = append(e.found, c.ToJSON().Candidate)
			}
		})
	})
	if err := e.pc.SetLocalDescription(d); err != nil {
		return "", err
	}
	e.stack.config.Clock.Settle()
	e.mu.Lock()
	defer e.mu.Unlock()
	if first == nil {
		return "", errors.New("pion has found no address of its own")
	}
	e.addr = packet.Addr{IP: e.stack.config.Media.Addr(), Port: first.Port}
	return d.SDP, nil
}

// Accept takes the answer.
func (e *end) Accept(answer string) error {
	if err := e.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		return err
	}
	for i, t := range e.pc.GetTransceivers() {
		if len(e.tracks[i]) > 1 {
			e.identify(i, t)
		}
	}
	return nil
}

// Addr returns the end's address.
func (e *end) Addr() packet.Addr { return e.addr }

// Carry gives the end the session that it carries, and the peer's address.
func (e *end) Carry(s *endpoints.Session, peer packet.Addr) error {
	e.session, e.peer = s, peer
	line := fmt.Sprintf("candidate:1 1 udp 2130706431 %v %d typ host", peer.IP, peer.Port)
	return e.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: line})
}

// AddCandidate tells the end of a further candidate of the peer's.
func (e *end) AddCandidate(candidate string) error {
	return e.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: candidate})
}
