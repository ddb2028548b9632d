package pion

import (
	"bytes"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"rtpfabric/endpoints"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

// chain is a chain of pion's interceptors in a session of an endpoint of ours. Its goroutines live in the bubble
// of the run.
type chain struct {
	config  topologies.ChainConfig
	streams *streams
	whole   interceptor.Interceptor
	place   place

	session  *endpoints.Session
	locals   map[uint32]local
	remotes  map[uint32]remote
	toPeer   interceptor.RTCPWriter
	fromPeer interceptor.RTCPReader
	incoming []byte // what the innermost readers read

	mu      sync.Mutex // guards what goroutines leave
	out     []outgoing
	stirred bool
	ready   []endpoints.Intercepted // in order, of the run's goroutine
}

// local and remote are streams that have been bound; info is nil if one hasn't.
type local struct {
	interceptor.RTPWriter
	info *interceptor.StreamInfo
}

type remote struct {
	interceptor.RTPReader
	info *interceptor.StreamInfo
}

// outgoing is a packet that has come through.
type outgoing struct {
	endpoints.Intercepted
	key []uint32 // of RTCP, what it is sorted by
}

// Open makes a chain.
func (maker) Open(c topologies.ChainConfig) (topologies.Chain, error) {
	ch := &chain{
		config: c, streams: newStreams(c.Session),
		locals: map[uint32]local{}, remotes: map[uint32]remote{},
	}
	ch.place = place{limits: c.Limits, led: c.Led, now: ch.now, repairs: true}
	registry, err := ch.place.registry(c.Interceptors)
	if err != nil {
		return nil, err
	}
	ch.streams.fec = ch.place.fec
	if ch.whole, err = registry.Build(c.Name); err != nil {
		return nil, err
	}
	ch.toPeer = ch.whole.BindRTCPWriter(interceptor.RTCPWriterFunc(ch.writeRTCP))
	ch.fromPeer = ch.whole.BindRTCPReader(interceptor.RTCPReaderFunc(ch.read))
	return ch, nil
}

// Attach says whose the chain is.
func (ch *chain) Attach(s *endpoints.Session) { ch.session = s }

// now is what the endpoint's clock shows, from which reports have their timestamps.
func (ch *chain) now() time.Time {
	at := ch.config.Clock.Now()
	if ch.session != nil {
		at = ch.session.WallClock(at)
	}
	return time.Unix(simtime.Epoch, 0).Add(at.Duration())
}

// Close ends the chain's goroutines.
func (ch *chain) Close() { _ = ch.whole.Close() }

// fromSession is by what attributes of a packet hold what the session says of it.
type fromSession struct{}

// SendRTP takes a packet of the session.
func (ch *chain) SendRTP(p endpoints.Intercepted) {
	var h rtp.Header
	n, err := h.Unmarshal(p.Packet)
	if err != nil {
		panic("pion: a packet of our own can't be read: " + err.Error())
	}
	w, ok := ch.locals[h.SSRC]
	if !ok {
		w = local{interceptor.RTPWriterFunc(ch.writeRTP), ch.streams.local(ch.session, &h)}
		if w.info != nil {
			w.RTPWriter = ch.whole.BindLocalStream(w.info, w.RTPWriter)
		}
		ch.locals[h.SSRC] = w
	}
	if ch.session != nil {
		for _, f := range ch.place.follow {
			f(ch.session.Target().Media)
		}
	}
	_, _ = w.Write(&h, p.Packet[n:], interceptor.Attributes{fromSession{}: sent{h.SSRC, p}}) // padding is payload to pion
	ch.config.Clock.Settle()
}

// sent is a packet of the session.
type sent struct {
	ssrc uint32
	endpoints.Intercepted
}

// writeRTP is the innermost writer of RTP.
func (ch *chain) writeRTP(h *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
	b, err := h.Marshal()
	if err != nil {
		return 0, err
	}
	p := endpoints.Intercepted{Own: true}
	if s, ok := a.Get(fromSession{}).(sent); ok && s.ssrc == h.SSRC {
		p = s.Intercepted
	}
	p.Packet = append(b, payload...)
	ch.leave(outgoing{Intercepted: p})
	return len(p.Packet), nil
}

// SendRTCP takes a packet of the session's RTCP. One that pion can't read passes by.
func (ch *chain) SendRTCP(p endpoints.Intercepted) {
	packets, err := rtcp.Unmarshal(p.Packet)
	if err != nil {
		ch.leave(outgoing{Intercepted: p})
		return
	}
	same, err := rtcp.Marshal(packets)
	if err != nil {
		ch.leave(outgoing{Intercepted: p})
		return
	}
	_, _ = ch.toPeer.Write(packets, interceptor.Attributes{fromSession{}: sentRTCP{p, same}})
	ch.config.Clock.Settle()
}

// sentRTCP is one of the session's.
type sentRTCP struct {
	endpoints.Intercepted
	same []byte // as pion writes it
}

// writeRTCP is the innermost writer of RTCP. What the session has said keeps its octets, which may differ from pion's,
// unless somebody has changed it.
func (ch *chain) writeRTCP(packets []rtcp.Packet, a interceptor.Attributes) (int, error) {
	s, ours := a.Get(fromSession{}).(sentRTCP)
	if !ours {
		orderBlocks(packets, func(ssrc uint32) int { return int(ssrc) })
	}
	b, err := rtcp.Marshal(packets)
	if err != nil {
		return 0, err
	}
	if ours && bytes.Equal(s.same, b) {
		ch.leave(outgoing{Intercepted: s.Intercepted})
		return len(s.Packet), nil
	}
	var key []uint32
	for _, p := range packets {
		if m, err := p.Marshal(); err == nil && len(m) >= 4 {
			key = append(key, uint32(m[1]), uint32(m[0]&31), uint32(len(m)))
		}
		key = append(key, p.DestinationSSRC()...)
	}
	ch.leave(outgoing{endpoints.Intercepted{Packet: b, Own: true}, key})
	return len(b), nil
}

// leave keeps a packet for the session. Any goroutine may call it.
func (ch *chain) leave(o outgoing) {
	ch.mu.Lock()
	ch.out = append(ch.out, o)
	ch.stirred = true
	ch.mu.Unlock()
	ch.config.Clock.Wake()
}

// Stirred reports whether something has come through since it was asked last.
func (ch *chain) Stirred() bool {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	stirred := ch.stirred
	ch.stirred = false
	return stirred
}

// Poll returns the next packet that goes out. Of those that have come through at one instant RTP goes first, and RTCP
// in an order that doesn't depend on which goroutine was faster.
func (ch *chain) Poll() (endpoints.Intercepted, bool) {
	if len(ch.ready) == 0 {
		ch.mu.Lock()
		out := ch.out
		ch.out = nil
		ch.mu.Unlock()
		slices.SortStableFunc(out, func(a, b outgoing) int { return slices.Compare(a.key, b.key) })
		for _, o := range out {
			ch.ready = append(ch.ready, o.Intercepted)
		}
	}
	if len(ch.ready) == 0 {
		return endpoints.Intercepted{}, false
	}
	p := ch.ready[0]
	ch.ready = ch.ready[1:]
	return p, true
}

// read is the innermost reader of both: it reads what has come, once.
func (ch *chain) read(b []byte, a interceptor.Attributes) (int, interceptor.Attributes, error) {
	if ch.incoming == nil {
		return 0, a, io.EOF
	}
	n := copy(b, ch.incoming)
	ch.incoming = nil
	return n, a, nil
}

// receiveMTU is how much pion's tracks read at once.
const receiveMTU = 1500

// ReceiveRTP returns what comes of a packet.
func (ch *chain) ReceiveRTP(b []byte) []byte {
	var h rtp.Header
	if _, err := h.Unmarshal(b); err != nil {
		return b
	}
	r, ok := ch.remotes[h.SSRC]
	if !ok {
		r = remote{interceptor.RTPReaderFunc(ch.read), ch.streams.remote(&h)}
		if r.info != nil {
			r.RTPReader = ch.whole.BindRemoteStream(r.info, r.RTPReader)
		}
		ch.remotes[h.SSRC] = r
	}
	return ch.receive(b, r.Read)
}

// Ended unbinds a stream.
func (ch *chain) Ended(ssrc uint32) {
	if l := ch.locals[ssrc]; l.info != nil {
		ch.whole.UnbindLocalStream(l.info)
	}
	if r := ch.remotes[ssrc]; r.info != nil {
		ch.whole.UnbindRemoteStream(r.info)
		ch.whole.UnbindLocalStream(r.info) // by which pion's requests of key frames end (interceptor v0.1.49)
	}
	delete(ch.locals, ssrc)
	delete(ch.remotes, ssrc)
}

// ReceiveRTCP returns what comes of a packet of RTCP.
func (ch *chain) ReceiveRTCP(b []byte) []byte { return ch.receive(b, ch.fromPeer.Read) }

func (ch *chain) receive(b []byte, read func([]byte, interceptor.Attributes) (int, interceptor.Attributes, error)) []byte {
	ch.incoming = b
	into := make([]byte, max(receiveMTU, len(b)))
	n, _, err := read(into, interceptor.Attributes{})
	ch.incoming = nil
	ch.config.Clock.Settle()
	ch.Lead()
	if err != nil {
		return nil
	}
	return into[:n]
}

// Lead tells the controller what the estimator says.
func (ch *chain) Lead() bool { return ch.place.lead() }
