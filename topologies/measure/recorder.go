package measure

import (
	"encoding/binary"
	"fmt"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/ice/turn"
	"rtpfabric/endpoints/ssrcs"
	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

// Recorder observes one simulation. Attach it before the run, call Finish
// after it.
type Recorder struct {
	book    book
	sim     *topologies.Simulation
	links   []*linkMeter // by Link.Index; nil for links without a serializer
	causes  []causes     // of drops, likewise
	nodes   causes
	flows   []*flowMeter
	packets []packetMeter // of these
	ssrcs   []ssrcOf      // those that streams have or had
	bySSRC  map[source]*flowMeter
	makers  map[packet.IPv4]*endpointMeter     // of connections, in a call that is signalled
	agreed  map[string]simtime.Time            // on it, by endpoint
	peers   map[*endpoints.Session]packet.IPv4 // whose streams come, of calls
	conns   []*connMeter                       // by the number of the session, from 1 on
	ends    []*endpointMeter
	boxes   []*boxMeter
	// traffic by the address of its sources, from the first on; every other
	// address is a sink's and has nil.
	traffic      []*trafficMeter
	firstTraffic packet.IPv4
	byAddr       []*trafficMeter
	events       []record.Event
	messages     []record.Message
	routes       int // how often routes had been computed when paths were noted
	also         []fabric.Observer
	timer        *engine.Timer
}

// Attach makes a recorder of the simulation. The others are told, too, of packets
// that are sent, delivered and dropped.
func Attach(sim *topologies.Simulation, also ...fabric.Observer) *Recorder {
	r := &Recorder{
		sim: sim, bySSRC: map[source]*flowMeter{}, makers: map[packet.IPv4]*endpointMeter{}, agreed: map[string]simtime.Time{}, peers: map[*endpoints.Session]packet.IPv4{}, also: also,
	}
	for _, l := range sim.Fabric.Links() {
		r.links = append(r.links, newLinkMeter(&r.book, l))
	}
	r.causes = make([]causes, len(r.links))
	r.packets = make([]packetMeter, len(sim.Flows))
	for i, f := range sim.Flows {
		m := newFlowMeter(&r.book, &r.packets[i], f)
		m.begun = len(sim.SignallingNodes()) == 0
		f.Sender.Number(int32(i + 1))
		r.flows = append(r.flows, m)
		if !f.Joint() {
			r.peers[f.Receiver.Session()], r.peers[f.Session] = sim.Addr(f.From), sim.Addr(f.To)
		}
		r.identify(f.Sender.SSRC(), m)
	}
	r.boxes = newBoxMeters(&r.book, sim)
	for _, m := range r.flows {
		m.accompany(&r.book, r.flows)
	}
	for _, c := range sim.Sessions() {
		m := newConnMeter(&r.book, c, r.endpoint(c))
		m.self = sim.Addr(c.Endpoint())
		m.peer, m.call = r.peers[c]
		r.conns = append(r.conns, m)
		c.Number(int32(len(r.conns)))
	}
	for i, f := range sim.Traffic {
		m := newTrafficMeter(&r.book, f)
		r.traffic = append(r.traffic, m)
		if i == 0 {
			r.firstTraffic = f.First
		}
		for range f.Ends {
			r.byAddr = append(r.byAddr, m, nil)
		}
	}
	for _, l := range sim.ControlLoops() {
		if l.Flagged() {
			r.event(0, l.Name(), "control-loops", l.String())
		}
	}
	for _, w := range sim.Withheld() {
		r.event(0, w.Flow+">"+w.To, "not-offered", fmt.Sprintf("%s can't decode %s", w.To, w.Codec))
	}
	for _, p := range sim.Pictures() {
		kind, detail := "simulcast", "each quality has an encoder"
		if !p.Distinct {
			kind, detail = "simulcast-defeated", "all qualities come out of one encoder"
		}
		r.event(0, p.Flow, kind, fmt.Sprintf("%d qualities: %s", p.Qualities, detail))
	}
	r.routes = sim.Fabric.Routings()
	r.notePaths(0)
	sim.Fabric.Observe(r)
	sim.OnEvent(r.handle)
	sim.OnSignalling(r.passed, r.signalled)
	sim.OnBox(r.boxChanged)
	r.timer = sim.Loop.NewTimer(engine.HandlerFunc(r.sample))
	r.timer.Set(sim.Loop.Now())
	return r
}

// endpoint returns the meter of the endpoint that a session belongs to.
func (r *Recorder) endpoint(s *endpoints.Session) *endpointMeter {
	for _, m := range r.ends {
		if m.name == s.Endpoint() {
			m.sessions = append(m.sessions, s)
			return m
		}
	}
	m := newEndpointMeter(&r.book, s.Endpoint(), len(r.sim.SignallingNodes()) > 0, r.sim.Gathers())
	if m.checks != nil {
		r.makers[r.sim.Addr(s.Endpoint())] = m
	}
	m.sessions = append(m.sessions, s)
	r.ends = append(r.ends, m)
	return m
}

// sample reads quantities that endpoints don't report when they change.
func (r *Recorder) sample(now simtime.Time) {
	for _, m := range r.ends {
		m.sample(&r.book, now)
	}
	for _, m := range r.boxes {
		m.sample(now)
	}
	for _, m := range r.conns {
		m.sample(now)
	}
	for _, f := range r.flows {
		f.sample(now)
	}
	for _, f := range r.traffic {
		f.sample(now)
	}
	for _, l := range r.links {
		if l != nil {
			l.length.set(now, float64(l.link.Queue.Bytes()))
		}
	}
	r.timer.Set(now.Add(Step))
}

// pathOf tells which stream or traffic a packet belongs to; nil for RTCP, repairs and
// acknowledgements.
//
// The packets of a group's streams are measured up to the relay, if there is one: each is sent
// and arrives or is lost once, however many copies there are.
func (r *Recorder) pathOf(p *packet.Packet) *pathMeter {
	if p.Flow > 0 {
		return &r.flows[p.Flow-1].pathMeter
	}
	if i := p.Origin - r.firstTraffic; int(i) < len(r.byAddr) {
		if m := r.byAddr[i]; m != nil {
			return &m.pathMeter
		}
	}
	return nil
}

// packetsOf is pathOf for packets that are sent or delivered.
func (r *Recorder) packetsOf(p *packet.Packet) *packetMeter {
	if p.Flow > 0 {
		return &r.packets[p.Flow-1]
	}
	if m := r.pathOf(p); m != nil {
		return m.packetMeter
	}
	return nil
}

// source is an SSRC with who sends it and to whom: a translator sends what comes to it with the same one, a caller the same to
// several devices. To a group nobody in particular gets it.
type source struct {
	ssrc     uint32
	from, to packet.IPv4
}

// ssrcOf says which stream a source belongs to.
type ssrcOf struct {
	source
	flow *flowMeter
}

// identify notes an SSRC of a stream. Earlier ones stay its own: packets with
// them may be under way.
func (r *Recorder) identify(ssrc uint32, m *flowMeter) {
	of := source{ssrc, r.sim.Addr(m.flow.From), r.peers[m.flow.Session]}
	r.ssrcs = append(r.ssrcs, ssrcOf{of, m})
	r.bySSRC[of] = m
}

// flow returns the stream of a source, or nil. A few streams are searched faster than looked up.
func (r *Recorder) flow(of source) *flowMeter {
	if len(r.ssrcs) > 8 {
		return r.bySSRC[of]
	}
	for _, s := range r.ssrcs {
		if s.source == of {
			return s.flow
		}
	}
	return nil
}

// conn returns the meter of a session; nil of one that isn't the simulation's.
func (r *Recorder) conn(s *endpoints.Session) *connMeter {
	if n := s.Numbered(); n > 0 {
		return r.conns[n-1]
	}
	return nil
}

// heard returns the stream that comes in a session of a call with an SSRC, or nil.
func (r *Recorder) heard(m *connMeter, ssrc uint32) *flowMeter {
	if m.since != len(r.ssrcs) { // some stream has another one
		m.since, m.heard, m.flows = len(r.ssrcs), ssrcs.Index{}, m.flows[:0]
	}
	i := m.heard.Find(ssrc)
	if i < 0 {
		i = m.heard.Add(ssrc)
		m.flows = append(m.flows, r.flow(source{ssrc, m.peer, m.self}))
	}
	return m.flows[i]
}

// sent returns the stream that an endpoint sends with an SSRC, or nil.
func (r *Recorder) sent(s *endpoints.Session, ssrc uint32) *flowMeter {
	return r.flow(source{ssrc, r.sim.Addr(s.Endpoint()), r.peers[s]})
}

// PacketSent implements fabric.Observer.
func (r *Recorder) PacketSent(now simtime.Time, p *packet.Packet) {
	for _, o := range r.also {
		o.PacketSent(now, p)
	}
	if p.Passed {
		return
	}
	if m := r.packetsOf(p); m != nil {
		m.packetSent(now, p)
		return
	}
	if m := r.makers[p.Src.IP]; m != nil {
		m.packetSent(now, p)
	}
	r.repairSent(now, p)
}

// repairSent notes a packet that is sent again, or FEC: none of the stream's own.
func (r *Recorder) repairSent(now simtime.Time, p *packet.Packet) {
	b := turn.Unwrap(p.Payload)
	if len(b) < 12 || b[0]>>6 != 2 || packet.IsRTCP(b) || p.Copied || r.sim.FromRelay(p) {
		return
	}
	ssrc := binary.BigEndian.Uint32(b[8:])
	for _, f := range r.flows {
		if f.repair != nil && (f.flow.Sender.Repairs(ssrc) || f.flow.Sender.SSRC() == ssrc) {
			f.repair.add(now, float64(p.Size))
			f.totals.repairBytes += uint64(p.Size)
			return
		}
	}
}

// PacketDelivered implements fabric.Observer.
func (r *Recorder) PacketDelivered(now simtime.Time, p *packet.Packet) {
	for _, o := range r.also {
		o.PacketDelivered(now, p)
	}
	if m := r.packetsOf(p); m != nil && !r.sim.Midway(p) {
		m.packetDelivered(now, p)
	}
}

// PacketDropped implements fabric.Observer.
func (r *Recorder) PacketDropped(now simtime.Time, l *fabric.Link, p *packet.Packet, why fabric.DropReason) {
	for _, o := range r.also {
		o.PacketDropped(now, l, p, why)
	}
	if m := r.pathOf(p); m != nil && !p.Copied {
		m.packetLost(now)
	}
	if l == nil {
		r.nodes.add(&r.book, now, nodes, why)
		return
	}
	if m := r.links[l.Index()]; m != nil {
		m.drops.add(now, 1)
	}
	r.causes[l.Index()].add(&r.book, now, l.Name, why)
}

// PacketArrived implements fabric.Observer.
func (r *Recorder) PacketArrived(now simtime.Time, l *fabric.Link, _ *packet.Packet) {
	if m := r.links[l.Index()]; m != nil {
		m.at(now).arrivals++
	}
}

// PacketDequeued implements fabric.Observer.
func (r *Recorder) PacketDequeued(now simtime.Time, l *fabric.Link, _ *packet.Packet, wait time.Duration) {
	if m := r.links[l.Index()]; m != nil {
		c := m.at(now)
		c.dequeued++
		c.wait += ms(wait)
		m.waits.Add(now, wait)
	}
}

// PacketMarked implements fabric.Observer.
func (r *Recorder) PacketMarked(now simtime.Time, l *fabric.Link, p *packet.Packet) {
	if m := r.links[l.Index()]; m != nil {
		m.marks.add(now, 1)
	}
	if m := r.pathOf(p); m != nil {
		m.packetMarked(now)
	}
}

// PacketDuplicated implements fabric.Observer. A copy comes to the link like any
// other packet; that a flow loses it isn't a loss.
func (r *Recorder) PacketDuplicated(now simtime.Time, l *fabric.Link, _ *packet.Packet) {
	if m := r.links[l.Index()]; m != nil {
		m.at(now).arrivals++
	}
}

// PacketTransmitted implements fabric.Observer.
func (r *Recorder) PacketTransmitted(now simtime.Time, l *fabric.Link, p *packet.Packet) {
	if m := r.links[l.Index()]; m != nil {
		m.at(now).bytes += p.Size
	}
}

// notePaths notes the paths from now on.
func (r *Recorder) notePaths(now simtime.Time) {
	flows, traffic := r.sim.Paths()
	for i, p := range flows {
		r.flows[i].paths = append(r.flows[i].paths, pathFrom{bin(now), p})
	}
	for i, p := range traffic {
		r.traffic[i].paths = append(r.traffic[i].paths, pathFrom{bin(now), p})
	}
}

// LinkChanged implements fabric.Observer.
func (r *Recorder) LinkChanged(now simtime.Time, l *fabric.Link) {
	if routes := r.sim.Fabric.Routings(); routes != r.routes {
		r.routes = routes
		r.notePaths(now)
	}
	if m := r.links[l.Index()]; m != nil {
		m.capacity.set(now, float64(l.Rate))
	}
	detail := fmt.Sprintf("rate %v, delay %v, loss %.3g", rateText(l), l.Delay, l.Loss)
	if l.Cost != 1 {
		detail += fmt.Sprintf(", cost %d", l.Cost)
	}
	if l.Down() {
		detail += ", down"
	}
	r.event(now, l.Name, "link-changed", detail)
}

func rateText(l *fabric.Link) string {
	if l.Rate == fabric.Unlimited {
		return "unlimited"
	}
	return l.Rate.String()
}

func (r *Recorder) event(at simtime.Time, entity, kind, detail string) {
	r.events = append(r.events, record.Event{At: at, Entity: entity, Kind: kind, Detail: detail})
}
