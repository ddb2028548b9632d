package measure

import (
	"encoding/binary"
	"math"
	"slices"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/ice/turn"
	"rtpfabric/endpoints/ssrcs"
	"rtpfabric/endpoints/wire"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
	"rtpfabric/topologies"
)

// linkMeter measures one direction of a link that has a serializer.
type linkMeter struct {
	present linkPresent // what every packet needs stands together
	waits   record.Distribution

	link                         *fabric.Link
	capacity                     *level
	available                    *record.Series // filled in at the end
	arrivals, throughput, waited *record.Series
	length                       *level
	drops                        *total
	marks                        *total
}

// linkPresent is what a link's series don't have yet: of the bin in which something happened last.
type linkPresent struct {
	until              simtime.Time // its end
	arrivals, dequeued uint64
	bytes              units.Bytes // transmitted
	wait               float64     // sum, in ms
}

// at returns the counts of the bin of a time.
func (m *linkMeter) at(now simtime.Time) *linkPresent {
	if now >= m.present.until {
		m.book()
		m.present = linkPresent{until: binEnd(now)}
	}
	return &m.present
}

// book gives the series what there is.
func (m *linkMeter) book() {
	c := &m.present
	if c.until == 0 {
		return
	}
	i := bin(c.until - 1)
	fill(m.arrivals, i, 0).Values = append(m.arrivals.Values, float64(c.arrivals))
	fill(m.throughput, i, 0).Values = append(m.throughput.Values, float64(c.bytes)*perBin)
	mean := math.NaN()
	if c.dequeued > 0 {
		mean = c.wait / float64(c.dequeued)
	}
	fill(m.waited, i, math.NaN()).Values = append(m.waited.Values, mean)
}

// finish completes the series.
func (m *linkMeter) finish(bins int) {
	m.book()
	fill(m.waited, bins, math.NaN())
}

func newLinkMeter(b *book, l *fabric.Link) *linkMeter {
	if l.Rate == fabric.Unlimited {
		return nil
	}
	m := &linkMeter{link: l, capacity: b.level(l.Name, record.Capacity, "bit/s"), available: b.new(l.Name, record.Available, "bit/s")}
	m.throughput, m.waited = b.new(l.Name, record.Throughput, "bit/s"), b.new(l.Name, record.QueueDelay, "ms")
	m.length = b.level(l.Name, record.QueueLength, "bytes")
	m.arrivals = b.new(l.Name, record.Arrivals, "count")
	m.drops, m.marks = b.count(l.Name, record.Drops), b.count(l.Name, record.Marks)
	b.beginDistribution(&m.waits, l.Name, record.QueueDelays)
	m.capacity.value = float64(l.Rate)
	b.meters = append(b.meters, m)
	return m
}

// pathMeter measures the packets of a flow, from entering the network to
// arrival.
type pathMeter struct {
	*packetMeter
	name                       string
	lostPackets, markedPackets *total
	paths                      []pathFrom // that the flow has taken
}

// packetMeter is what every packet needs of the meter of its flow. Those of all streams stand in a row: of
// thousands there is room in a cache for these, but not for all. Series get what came in a bin when it is over:
// sums of whole numbers are the same whenever they are made.
type packetMeter struct {
	capable                *total       // nil if that goes without saying
	sentUntil              simtime.Time // end of the bin of what was sent last
	sentPackets, sentBytes uint64
	receivedUntil          simtime.Time
	received               uint64
	receivedBytes          uint64
	delay                  float64 // sum of the bin, in ms
	delays                 record.Distribution

	lost, marked uint64 // marked CE by a queue on the way
	booked       booked
}

// booked is what a meter's series have.
type booked struct {
	sentPackets, sentBytes  uint64
	received, receivedBytes uint64

	sendRate, packets, receiveRate, delay *record.Series
}

// pathFrom is the path from a bin on.
type pathFrom struct {
	bin   int
	links []*fabric.Link
}

// crossings returns how many times the flow's path in a bin leads over a link: once
// for each copy, if it is relayed. In the bin in which it changes, the new one
// counts.
func (m *pathMeter) crossings(l *fabric.Link, bin int) int {
	var now []*fabric.Link
	for _, p := range m.paths {
		if p.bin <= bin {
			now = p.links
		}
	}
	n := 0
	for _, o := range now {
		if o == l {
			n++
		}
	}
	return n
}

// begin begins with the series of a flow.
func (m *pathMeter) begin(b *book, name string) {
	m.name = name
	k := &m.booked
	k.sendRate, k.receiveRate = b.new(name, record.SendRate, "bit/s"), b.new(name, record.ReceiveRate, "bit/s")
	k.packets = b.new(name, record.SentPackets, "count")
	m.lostPackets, m.markedPackets = b.count(name, record.LostPackets), b.count(name, record.MarkedPackets)
	k.delay = b.new(name, record.OneWayDelay, "ms")
	b.beginDistribution(&m.delays, name, record.PacketDelays)
	b.meters = append(b.meters, m.packetMeter)
}

func (m *packetMeter) packetSent(now simtime.Time, p *packet.Packet) {
	if m.capable != nil && p.ECN != packet.NotECT {
		m.capable.add(now, 1)
	}
	if now >= m.sentUntil {
		m.bookSent()
		m.sentUntil = binEnd(now)
	}
	m.sentPackets++
	m.sentBytes += uint64(p.Size)
}

// bookSent gives the series what was sent in the last bin in which something was.
func (m *packetMeter) bookSent() {
	if m.sentUntil == 0 {
		return
	}
	k, i := &m.booked, bin(m.sentUntil-1)
	fill(k.sendRate, i, 0).Values = append(k.sendRate.Values, float64(m.sentBytes-k.sentBytes)*perBin)
	fill(k.packets, i, 0).Values = append(k.packets.Values, float64(m.sentPackets-k.sentPackets))
	k.sentBytes, k.sentPackets = m.sentBytes, m.sentPackets
}

func (m *packetMeter) packetDelivered(now simtime.Time, p *packet.Packet) {
	owd := now.Sub(p.SentAt)
	if now >= m.receivedUntil {
		m.bookReceived()
		m.receivedUntil, m.delay = binEnd(now), 0
	}
	m.received++
	m.receivedBytes += uint64(p.Size)
	m.delay += ms(owd)
	m.delays.Add(now, owd)
}

// bookReceived is bookSent for what has come.
func (m *packetMeter) bookReceived() {
	if m.receivedUntil == 0 {
		return
	}
	k, i := &m.booked, bin(m.receivedUntil-1)
	fill(k.receiveRate, i, 0).Values = append(k.receiveRate.Values, float64(m.receivedBytes-k.receivedBytes)*perBin)
	fill(k.delay, i, math.NaN()).Values = append(k.delay.Values, m.delay/float64(m.received-k.received))
	k.receivedBytes, k.received = m.receivedBytes, m.received
}

// finish completes the series.
func (m *packetMeter) finish(bins int) {
	m.bookSent()
	m.bookReceived()
	fill(m.booked.delay, bins, math.NaN())
}

func (m *pathMeter) packetLost(now simtime.Time) {
	m.lostPackets.add(now, 1)
	m.lost++
}

func (m *pathMeter) packetMarked(now simtime.Time) {
	m.markedPackets.add(now, 1)
	m.marked++
}

// flowMeter measures one media stream, from its sender to its receiver. Of a stream
// that is relayed, frames are measured at the first of all receivers.
type flowMeter struct {
	pathMeter
	flow   *topologies.Flow
	pauses []endpoints.Pause // those of the flow, and when it was held

	encoded, goodput, frames *total
	frozen, undecodable      *total
	repair                   *total // nil if nothing is repaired
	restored, refreshes      *total
	repairFrames             *total // nil if none does less than a key frame
	repairFrameSize          *mean
	goal                     *level
	frameDelay               *mean
	frameDelays              *record.Distribution
	audio                    *audioMeter // nil of video
	sound                    *audioMeter // that goes with a video; nil if there is none
	avSkew                   *mean
	avSkews                  *record.Distribution
	score                    *record.Series // of video
	bufferDelay              *mean          // of the jitter buffer
	bufferTarget             *mean
	playedSoFar              uint64
	reportedLoss, jitter     *level // as the sender knows them
	reportedMarks            *total // nil if it is told of none
	reportedSoFar            uint64 // of reportedOf
	reportedOf               *endpoints.Stream
	totals                   flowTotals
	firstFrame, lastFrame    simtime.Time // rendered
	begun                    bool         // there is nothing more to note of its beginning
	anew                     bool         // its sender has been started anew, and no frame of it shown since
}

// rendered notes when a picture was shown.
func (m *flowMeter) rendered(at simtime.Time) {
	if m.totals.rendered == 1 {
		m.firstFrame = at
	}
	m.lastFrame = at
}

// openFreeze returns how long the picture has stood still at the end of the run
// or of the stream, if that is a freeze: receivers notice one only when it ends.
// The limits are those of webrtc-stats' freezeCount, with the mean over all of
// the stream.
func (m *flowMeter) openFreeze(end simtime.Time) (from, to simtime.Time, frozen bool) {
	n := m.totals.rendered
	if m.frozen == nil || n < 2 {
		return 0, 0, false
	}
	to = min(end, m.flow.Stop)
	mean := m.lastFrame.Sub(m.firstFrame) / time.Duration(n-1)
	return m.lastFrame, to, to.Sub(m.lastFrame) >= max(3*mean, mean+150*time.Millisecond)
}

// hold notes that the stream is held from a time on, or goes on.
func (m *flowMeter) hold(at simtime.Time, held bool) {
	if held {
		m.pauses = append(m.pauses, endpoints.Pause{From: at, To: simtime.Never})
		return
	}
	for i := range m.pauses {
		if p := &m.pauses[i]; p.To == simtime.Never {
			p.To = at
		}
	}
}

type flowTotals struct {
	encoded                    uint64
	rendered, late, lostFrames uint64
	undecodable                uint64
	concealed, discarded       uint64
	restored, refreshes        uint64
	repairBytes                uint64
	freezes                    uint64
	frozen                     time.Duration
}

// newFlowMeter makes a meter whose packets are measured in a place.
func newFlowMeter(b *book, packets *packetMeter, f *topologies.Flow) *flowMeter {
	n := f.Flow()
	m := &flowMeter{pathMeter: pathMeter{packetMeter: packets}, flow: f, pauses: slices.Clone(f.Pauses)}
	m.begin(b, n)
	m.encoded, m.goodput = b.rate(n, record.EncoderRate), b.rate(n, record.Goodput)
	m.frameDelay, m.frameDelays = b.delay(n, record.FrameDelay), b.distribution(n, record.FrameDelays)
	m.reportedLoss, m.jitter = b.level(n, record.ReportedLoss, "1"), b.level(n, record.Jitter, "ms")
	m.reportedLoss.value, m.jitter.value = math.NaN(), math.NaN()
	m.bufferDelay, m.bufferTarget = b.delay(n, record.BufferDelay), b.delay(n, record.BufferTarget)
	if f.Sender.HearsMarks() {
		m.reportedMarks, m.capable = b.count(n, record.ReportedMarks), b.count(n, record.CapablePackets)
	}
	if f.Kind == endpoints.Audio {
		m.audio = newAudioMeter(b, f)
	}
	if f.Kind == endpoints.Video {
		m.goal = b.level(n, record.EncoderGoal, "bit/s")
		m.frames = b.perSecond(n, record.FrameRate)
		m.frozen = b.milliseconds(n, record.FreezeTime)
		m.undecodable = b.count(n, record.Undecodable)
		m.restored = b.count(n, record.Restored)
		m.refreshes = b.count(n, record.Refreshes)
		if f.Sender.HasRepairs() {
			m.repair = b.rate(n, record.RepairRate)
		}
		if f.Sender.RepairsPictures() {
			m.repairFrames = b.count(n, record.RepairFrames)
			m.repairFrameSize = b.factor(n, record.RepairFrameSize)
		}
	} else if f.Sender.HasRedundancy() {
		m.restored = b.count(n, record.Restored)
	}
	return m
}

func (m *flowMeter) sample(now simtime.Time) {
	if m.goal != nil {
		m.goal.set(now, float64(m.flow.Sender.Goal()))
	}
	if m.reportedMarks != nil {
		if of := m.flow.Sender.Main(); of != m.reportedOf {
			m.reportedOf, m.reportedSoFar = of, 0
		}
		marked := m.reportedOf.Marked()
		m.reportedMarks.add(now, float64(marked-m.reportedSoFar))
		m.reportedSoFar = marked
	}
	if played := m.totals.rendered; played != m.playedSoFar { // in the bin that ends now
		m.playedSoFar = played
		if delay, target, ok := m.flow.Receiver.PlayOut(m.flow.Sender.SSRC()); ok {
			m.bufferDelay.add(now-1, ms(delay))
			m.bufferTarget.add(now-1, ms(target))
		}
	}
	for i, r := range m.flow.Sender.Main().Reports() {
		if i == 0 || r.FractionLost > m.reportedLoss.value {
			m.reportedLoss.set(now, r.FractionLost)
		}
		if i == 0 || ms(r.Jitter) > m.jitter.value {
			m.jitter.set(now, ms(r.Jitter))
		}
	}
}

// endpointMeter measures the RTCP of an endpoint in all its sessions.
type endpointMeter struct {
	name      string
	sessions  []*endpoints.Session
	rtcpRate  *total
	rtcpCount *total
	rtcpShare *level
	timeouts  *total
	messages  messages
	rtcpBytes uint64
	// checks and handshakes are of calls that are signalled; nil elsewhere.
	checks, handshakes *total
	relayed            *level // nil where nothing can be
}

func newEndpointMeter(b *book, name string, signalled, gathers bool) *endpointMeter {
	m := &endpointMeter{
		name:      name,
		rtcpRate:  b.rate(name, record.RTCPRate),
		rtcpCount: b.count(name, record.RTCPPackets),
		rtcpShare: b.level(name, record.RTCPShare, "bit/s"),
		timeouts:  b.count(name, record.Timeouts),
	}
	if signalled {
		m.checks, m.handshakes = b.count(name, record.Checks), b.count(name, record.Handshakes)
	}
	if gathers {
		m.relayed = b.level(name, record.Relayed, "")
	}
	return m
}

// packetSent notes a packet that makes a connection, by its first octet (RFC 7983 §7).
func (m *endpointMeter) packetSent(now simtime.Time, p *packet.Packet) {
	payload := turn.Unwrap(p.Payload)
	if p.Protocol != packet.UDP || len(payload) == 0 {
		return
	}
	switch b := payload[0]; {
	case b < 4:
		if isBinding(payload) {
			m.checks.add(now, 1)
		}
	case b >= 20 && b < 64:
		m.handshakes.add(now, 1)
	}
}

// isBinding reports whether a message of STUN has the method Binding, of whatever class (RFC 8489 §5).
func isBinding(payload []byte) bool {
	return len(payload) >= 2 && binary.BigEndian.Uint16(payload)&^0x0110 == 0x0001
}

// routed notes that what the endpoint sends goes another way.
func (m *endpointMeter) routed(now simtime.Time) {
	if m.relayed == nil {
		return
	}
	share := 0.0
	for _, s := range m.sessions { // of a fork there are several
		if s.Relayed() {
			share = 1
		}
	}
	m.relayed.set(now, share)
}

func (m *endpointMeter) rtcpSent(at simtime.Time, size units.Bytes) {
	m.rtcpRate.add(at, float64(size))
	m.rtcpCount.add(at, 1)
	m.rtcpBytes += uint64(size)
}

func (m *endpointMeter) sample(b *book, now simtime.Time) {
	share := 0.0
	for _, s := range m.sessions {
		share += float64(s.RTCPShare())
	}
	m.rtcpShare.set(now, share)
	m.count(b, now)
}

// count notes what RTCP has been sent since this was asked last: in the bin that ends now.
func (m *endpointMeter) count(b *book, now simtime.Time) {
	if now == 0 {
		return
	}
	var sent wire.Census
	for _, s := range m.sessions {
		for k, n := range s.RTCPCensus() {
			sent[k] += n
		}
	}
	m.messages.count(b, now-1, m.name, &sent)
}

// connMeter measures one end of a session.
type connMeter struct {
	conn       *endpoints.Session
	self, peer packet.IPv4 // its ends, of a call
	call       bool
	since      int         // how many SSRCs of streams were known when those below were noted
	heard      ssrcs.Index // that have come
	flows      []*flowMeter
	endpoint   *endpointMeter
	target     *level
	pacing     *level
	backlog    *level
	rtt        *mean
	members    *level
	signals    []*mean
	values     []float64              // scratch
	reports    []*record.Distribution // by section
	lastReport []simtime.Time
}

func newConnMeter(b *book, c *endpoints.Session, e *endpointMeter) *connMeter {
	m := &connMeter{conn: c, endpoint: e, rtt: b.delay(c.Name(), record.RTT), members: b.level(c.Name(), record.Members, "count")}
	if c.HasController() {
		m.target = b.level(c.Name(), record.Target, "bit/s")
		m.pacing = b.level(c.Name(), record.PacingRate, "bit/s")
		m.backlog = b.level(c.Name(), record.PacerDelay, "ms")
	}
	for _, s := range c.SignalNames() {
		m.signals = append(m.signals, b.samples(c.Name(), record.SignalPrefix+s.Name, s.Unit))
	}
	for _, s := range c.Sections() {
		m.reports = append(m.reports, b.distribution(c.Endpoint()+"/"+s.Name(), record.Intervals))
		m.lastReport = append(m.lastReport, simtime.Never)
	}
	return m
}

func (m *connMeter) sample(now simtime.Time) {
	m.members.set(now, float64(m.conn.Members()))
	if m.target != nil {
		t := m.conn.Target()
		m.target.set(now, float64(t.Media))
		m.pacing.set(now, float64(t.Pacing))
		m.backlog.set(now, ms(m.conn.Backlog()))
	}
	m.values = m.conn.Signals(m.values[:0])
	for i, v := range m.values {
		if !math.IsNaN(v) {
			m.signals[i].add(now, v)
		}
	}
}

// trafficMeter measures the packets of traffic from its sources to its sinks.
type trafficMeter struct {
	pathMeter
	flow        *topologies.CrossFlow
	windows     []topologies.WindowSource // of TCP
	window      *level
	resent      *total
	resentSoFar uint64
}

func newTrafficMeter(b *book, f *topologies.CrossFlow) *trafficMeter {
	m := &trafficMeter{pathMeter: pathMeter{packetMeter: &packetMeter{}}, flow: f}
	m.begin(b, f.Name)
	for _, e := range f.Ends {
		if w, ok := e.(topologies.WindowSource); ok {
			m.windows = append(m.windows, w)
		}
	}
	if len(m.windows) > 0 {
		m.window = b.level(f.Name, record.CongestionWindow, "bytes")
		m.resent = b.count(f.Name, record.Retransmissions)
	}
	return m
}

// sample books what was sent again in the time before to the bin that ends now.
func (m *trafficMeter) sample(now simtime.Time) {
	if m.window == nil {
		return
	}
	var window, resent uint64
	for _, w := range m.windows {
		window += uint64(w.CongestionWindow())
		resent += w.Retransmitted()
	}
	m.window.set(now, float64(window))
	if now > 0 {
		m.resent.add(now-1, float64(resent-m.resentSoFar))
	}
	m.resentSoFar = resent
}
