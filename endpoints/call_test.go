package endpoints_test

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"rtpfabric/ccontrol"
	"rtpfabric/endpoints"
	"rtpfabric/endpoints/encoder"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/protect"
	"rtpfabric/endpoints/wire"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// stream is a media section in which one or both ends send.
type stream struct {
	name        string
	kind        endpoints.Kind
	from        string // "A", "B", "AB" or ""
	pt          uint8
	start, stop time.Duration // stop 0: never
	pause       endpoints.Pause
	stays       string    // an end that doesn't stop
	ssrc        [2]uint32 // signalled SSRCs of the ends, 0 for none
	told        bool      // each end knows the other's
	rtx         uint8     // payload type of retransmissions, 0 for none
	fec         uint8     // and of repair packets
	red, ulpfec uint8     // and of redundant data, repair data in it
	repeats     int       // earlier frames in a packet of audio
	layers      int       // of video, temporal ones
	statistical bool      // of video: key frames are larger than others
	speaker     *endpoints.Speaker
	drift       float64 // of its sampling clock, ppm
	msid        []string
}

func (st *stream) formats() []endpoints.Format {
	if st.kind == endpoints.Video {
		f := endpoints.VP8(st.pt)
		f.RTX, f.FEC, f.RED, f.ULPFEC = st.rtx, st.fec, st.red, st.ulpfec
		return []endpoints.Format{f}
	}
	if st.speaker != nil {
		formats := endpoints.DefaultAudio()
		for i := range formats {
			if formats[i].RED = st.red; st.red != 0 && formats[i].Clock == 8000 {
				formats[i].RED = st.red - 1
			}
		}
		return formats
	}
	f := endpoints.Opus(st.pt)
	f.RED = st.red
	return []endpoints.Format{f}
}

var (
	videoFromA = stream{name: "video", kind: endpoints.Video, from: "A", pt: 96}
	audioFromA = stream{name: "audio", kind: endpoints.Audio, from: "A", pt: 97}
	backFromB  = stream{name: "back", kind: endpoints.Video, from: "B", pt: 98}
)

// setup describes a call between endpoints A and B.
type setup struct {
	seed       uint64
	streams    []stream
	protection protect.Mode // none by default, so that tests can read packets
	rtcp       endpoints.RTCPConfig
	feedback   endpoints.Feedback
	offsets    [2]time.Duration
	drifts     [2]float64                                 // of wall clocks, ppm
	edit       func(end int, sc *endpoints.SessionConfig) // what ends don't have in common
	lipSync    bool
	fixedAudio bool
	delay      time.Duration // one way; 20 ms by default
	rate       units.BitRate // of video; 400 kbit/s by default
	apart      bool          // every stream has a session of its own
	rtcpPort   bool          // RTCP has ports of its own
	off        string        // an end without RTCP
	extensions []headerext.Entry
	repair     endpoints.RepairConfig
	extended   endpoints.ExtendedReports
	least      units.BitRate // of video; the rate itself by default
}

// quick is the RTCP of an AVPF session with a report some every 0.1 s.
var quick = endpoints.RTCPConfig{AVPF: true, Bandwidth: 16 * units.Kbps}

// steady is a controller that keeps its rate and remembers reports.
type steady struct {
	ccontrol.NoTimeout
	target  ccontrol.Target
	sent    []ccontrol.Sent
	reports []ccontrol.Report
}

func (c *steady) OnSent(_ simtime.Time, s ccontrol.Sent) { c.sent = append(c.sent, s) }
func (c *steady) Target() ccontrol.Target                { return c.target }
func (c *steady) OnFeedback(_ simtime.Time, r *ccontrol.Report) {
	clone := *r
	clone.Packets, clone.Reception = slices.Clone(r.Packets), slices.Clone(r.Reception)
	c.reports = append(c.reports, clone)
}

// tapped is a packet as it left an end.
type tapped struct {
	at      simtime.Time
	from    int
	payload []byte
	size    units.Bytes
	src     packet.Addr
	dst     packet.Addr
	ecn     packet.ECN // path may change it
}

func (p *tapped) isRTCP() bool { return p.payload[1] >= 192 && p.payload[1] <= 223 }

// call is two endpoints with a wire of fixed delay between them. Time is a
// variable.
type call struct {
	t        *testing.T
	now      simtime.Time
	delay    time.Duration
	pool     packet.Pool
	ends     [2]*endpoints.Endpoint
	sessions [2]*endpoints.Session
	cc       [2]*steady
	flights  []flight
	log      []tapped
	events   [2][]endpoints.Event
	// path, if set, says when the copies of a packet arrive, relative to the
	// regular time; none means that it is lost.
	path func(p *tapped) []time.Duration
	// mangle, if set, changes a packet that is on its way.
	mangle func(payload []byte) []byte
}

type flight struct {
	at simtime.Time
	to int
	p  *packet.Packet
}

var addrs = [2]packet.Addr{{IP: 0x0a000001, Port: 5000}, {IP: 0x0a000002, Port: 6000}}

func newCall(t *testing.T, s setup) *call {
	t.Helper()
	c := &call{t: t, delay: s.delay}
	if c.delay == 0 {
		c.delay = 20 * time.Millisecond
	}
	random := rng.New(s.seed)
	names := [2]string{"A", "B"}
	for i, name := range names {
		c.ends[i] = endpoints.New(endpoints.Config{
			Name: name, Addr: addrs[i].IP, ClockOffset: s.offsets[i], ClockDrift: s.drifts[i], Pool: &c.pool, Random: random,
		})
		conn, err := c.ends[i].Connect(0, s.config(c, random, i, name, names[1-i]))
		if err != nil {
			t.Fatal(err)
		}
		c.sessions[i] = conn.Sessions()[0]
	}
	for i := range c.ends {
		c.drain(i)
	}
	return c
}

// config is one end's part of the set-up.
func (s *setup) config(c *call, random *rng.Source, i int, self, peer string) endpoints.ConnectionConfig {
	if s.protection == "" {
		s.protection = protect.None
	}
	if s.rtcp.Bandwidth == 0 {
		s.rtcp = quick
	}
	if s.rate == 0 {
		s.rate = 400 * units.Kbps
	}
	if s.feedback == "" {
		s.feedback = endpoints.FeedbackNone
	}
	config := endpoints.ConnectionConfig{Peer: peer, LipSync: s.lipSync}
	if !s.apart {
		config.Sessions = []endpoints.SessionConfig{s.session(c, random, i, self, peer, s.streams)}
		return config
	}
	for n, st := range s.streams {
		sc := s.session(c, random, i, self, peer, []stream{st})
		sc.Name = st.name
		for _, a := range []*packet.Addr{&sc.Local, &sc.Remote, &sc.RTCPLocal, &sc.RTCPRemote} {
			if a.Port != 0 {
				a.Port += uint16(2 * n)
			}
		}
		config.Sessions = append(config.Sessions, sc)
	}
	return config
}

// session is one end of a session of some streams.
func (s *setup) session(c *call, random *rng.Source, i int, self, peer string, streams []stream) endpoints.SessionConfig {
	cc := endpoints.SessionConfig{
		Local: addrs[i], Remote: addrs[1-i], Protection: s.protection,
		Keying: keying.NewPreshared(random, self, peer), RTCP: s.rtcp,
		Extensions: s.extensions, Repair: s.repair, ExtendedReports: s.extended, Feedback: s.feedback, FeedbackInterval: 50 * time.Millisecond, PlayoutDelay: 100 * time.Millisecond, FixedAudio: s.fixedAudio,
	}
	cc.RTCP.Off = s.off == self
	if s.rtcpPort {
		cc.RTCPLocal, cc.RTCPRemote = cc.Local, cc.Remote
		cc.RTCPLocal.Port++
		cc.RTCPRemote.Port++
	}
	for _, st := range streams {
		sc := endpoints.SectionConfig{Name: st.name, Kind: st.kind, Formats: st.formats(), SSRC: st.ssrc[i]}
		if st.told {
			sc.RemoteSSRC = st.ssrc[1-i]
		}
		if st.from == self || st.from == "AB" {
			if st.stays == self {
				st.stop = 0
			}
			sc.Send, sc.MSID = s.send(st), st.msid
			sc.Send.Clock = simtime.NewClock(simtime.At(st.start), st.drift)
			if c != nil {
				c.cc[i] = &steady{target: ccontrol.Target{Media: 4 * s.rate, Pacing: 40 * s.rate}}
				cc.Controller = c.cc[i]
			}
		}
		if st.from != self {
			sc.RemoteMSID = st.msid
		}
		cc.Sections = append(cc.Sections, sc)
	}
	if s.edit != nil {
		s.edit(i, &cc)
	}
	return cc
}

// extension is what header extensions add to a packet.
func (s *setup) extension() units.Bytes {
	n, err := endpoints.ExtensionSize(s.extensions, s.feedback, endpoints.Video)
	if err != nil {
		panic(err)
	}
	return n
}

func (s *setup) send(st stream) *endpoints.SendConfig {
	stop := simtime.Never
	if st.stop != 0 {
		stop = simtime.At(st.stop)
	}
	start := simtime.At(st.start)
	var pauses []endpoints.Pause
	if st.pause.To > 0 {
		pauses = append(pauses, st.pause)
	}
	if st.kind == endpoints.Audio {
		if st.speaker != nil {
			return &endpoints.SendConfig{
				Encoder: st.speaker, Stop: stop, PacketSize: 1200, Repeats: st.repeats,
				Model: endpoints.NewStreamModel(st.kind, 64*units.Kbps, 64*units.Kbps, 64*units.Kbps, 50, 1200, 10, s.extension()),
			}
		}
		return &endpoints.SendConfig{
			Encoder: encoder.NewAudio(64*units.Kbps, 20*time.Millisecond, start), Stop: stop, PacketSize: 1200, Pauses: pauses, Repeats: st.repeats,
			Model: endpoints.NewStreamModel(st.kind, 64*units.Kbps, 64*units.Kbps, 64*units.Kbps, 50, 1200, 10, s.extension()),
		}
	}
	least := s.least
	if least == 0 {
		least = s.rate
	}
	v := encoder.VideoConfig{Min: least, Max: s.rate, Start: s.rate, FPS: 25, Layers: st.layers}
	var source encoder.Encoder = encoder.NewPerfect(v, start)
	if st.statistical {
		v.BurstSize, v.BurstFrames, v.ScaleSize, v.ScaleInterval = 3.24, 8, 0.05, 0.05
		source = encoder.NewStatistical(v, start, rng.New(s.seed).Stream("encoder"))
	}
	return &endpoints.SendConfig{
		Encoder: source, Stop: stop, PacketSize: 1200, Pauses: pauses, Layers: st.layers,
		Model: endpoints.NewStreamModel(st.kind, least, s.rate, s.rate, 25, 1200, 10, s.extension()),
	}
}

// drain takes what an end wants to send and to say.
func (c *call) drain(i int) {
	for p := c.ends[i].PollPacket(c.now); p != nil; p = c.ends[i].PollPacket(c.now) {
		tap := tapped{c.now, i, slices.Clone(p.Payload), p.Size, p.Src, p.Dst, p.ECN}
		if p.Size != units.Bytes(len(p.Payload))+packet.HeaderIPv4UDP {
			c.t.Errorf("a packet of %d octets says it has %v with headers", len(p.Payload), p.Size)
		}
		c.log = append(c.log, tap)
		copies := []time.Duration{0}
		if c.path != nil {
			copies = c.path(&tap)
		}
		for _, d := range copies {
			q := c.pool.New()
			payload := p.Payload
			if c.mangle != nil {
				payload = c.mangle(slices.Clone(payload))
			}
			copy(q.SetPayload(len(payload)), payload)
			q.Src, q.Dst, q.ECN = p.Src, p.Dst, tap.ecn
			c.flights = append(c.flights, flight{c.now.Add(c.delay + d), 1 - i, q})
		}
		c.pool.Release(p)
	}
	for e, ok := c.ends[i].PollEvent(); ok; e, ok = c.ends[i].PollEvent() {
		c.events[i] = append(c.events[i], e)
	}
}

// run lets the call go on for d.
func (c *call) run(d time.Duration) {
	c.t.Helper()
	end := c.now.Add(d)
	for {
		next, what := simtime.Never, -1
		for i, f := range c.flights {
			if f.at < next {
				next, what = f.at, i
			}
		}
		end0, why := -1, endpoints.ReasonNone
		for i, e := range c.ends {
			at, r := e.NextTimeout()
			if r == endpoints.ReasonNone && at != simtime.Never {
				c.t.Fatalf("a deadline at %v without a reason", at)
			}
			if at < next {
				next, end0, why = max(at, c.now), i, r
			}
		}
		if next > end {
			c.now = end
			return
		}
		c.now = next
		if end0 >= 0 {
			c.ends[end0].HandleTimeout(c.now)
			c.drain(end0)
			if at, r := c.ends[end0].NextTimeout(); at <= c.now {
				c.t.Fatalf("HandleTimeout at %v for reason %d; now the deadline is %v, reason %d", c.now, why, at, r)
			}
			continue
		}
		f := c.flights[what]
		c.flights = slices.Delete(c.flights, what, what+1)
		c.ends[f.to].HandlePacket(c.now, f.p)
		c.drain(f.to)
	}
}

// inject hands an end a packet from its peer's address.
func (c *call) inject(to int, payload []byte) {
	p := c.pool.New()
	copy(p.SetPayload(len(payload)), payload)
	p.Src, p.Dst = addrs[1-to], addrs[to]
	c.ends[to].HandlePacket(c.now, p)
	c.drain(to)
}

// rtps returns what the first end sent as RTP, with the time it left. Only for
// calls without protection.
func (c *call) rtps() (out []sentRTP) {
	for i := range c.log {
		p := &c.log[i]
		if p.from != 0 || p.isRTCP() {
			continue
		}
		var r rtp.Packet
		if err := r.Unmarshal(p.payload); err != nil {
			c.t.Fatalf("RTP: %v", err)
		}
		out = append(out, sentRTP{p.at, r})
	}
	return out
}

type sentRTP struct {
	at simtime.Time
	rtp.Packet
}

// rtcps returns what an end sent as RTCP.
func (c *call) rtcps(from int) (out []sentRTCP) {
	for i := range c.log {
		p := &c.log[i]
		if p.from != from || !p.isRTCP() {
			continue
		}
		out = append(out, sentRTCP{p.at, c.parse(p.payload), p})
	}
	return out
}

type sentRTCP struct {
	at       simtime.Time
	messages []rtcp.Packet
	tap      *tapped
}

func (c *call) parse(b []byte) []rtcp.Packet {
	c.t.Helper()
	var list []rtcp.Packet
	for rest := slices.Clone(b); len(rest) > 0; {
		n := min(4+4*int(binary.BigEndian.Uint16(rest[2:])), len(rest))
		m, err := wire.Unmarshal(rest[:n])
		if err != nil {
			c.t.Fatalf("RTCP %x: %v", b, err)
		}
		list, rest = append(list, m), rest[n:]
	}
	return list
}

// srs returns the SRs of an SSRC of the first end.
func (c *call) srs(ssrc uint32) (out []*rtcp.SenderReport) {
	for _, p := range c.rtcps(0) {
		for _, m := range p.messages {
			if sr, ok := m.(*rtcp.SenderReport); ok && sr.SSRC == ssrc {
				out = append(out, sr)
			}
		}
	}
	return out
}

// block is a report block and who sent it.
type block struct {
	at       simtime.Time
	reporter uint32
	rtcp.ReceptionReport
}

func (c *call) blocks(from int) (out []block) {
	for _, p := range c.rtcps(from) {
		for _, m := range p.messages {
			switch m := m.(type) {
			case *rtcp.SenderReport:
				for _, r := range m.Reports {
					out = append(out, block{p.at, m.SSRC, r})
				}
			case *rtcp.ReceiverReport:
				for _, r := range m.Reports {
					out = append(out, block{p.at, m.SSRC, r})
				}
			}
		}
	}
	return out
}

func (c *call) count(end int, k endpoints.EventKind) (n int) {
	for _, e := range c.events[end] {
		if e.Kind == k {
			n++
		}
	}
	return n
}

func marshal(t *testing.T, m ...rtcp.Packet) []byte {
	t.Helper()
	b, err := rtcp.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
