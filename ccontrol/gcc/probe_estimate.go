package gcc

import (
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Constants of libwebrtc's goog_cc/probe_bitrate_estimator.cc.
const (
	leastReceived    = 0.8 // of a probe's packets and bytes
	maxReceivedRatio = 2   // of the arrival rate to the sending rate
	unsaturated      = 0.9 // of the sending rate arrives while there is room
	probeUtilization = 0.95
	maxProbeTime     = time.Second
)

// probesKept bounds the probes whose packets may be under way.
const probesKept = 8

// cluster is what has come back of one probe.
type cluster struct {
	id      uint32
	packets int         // that must arrive
	bytes   units.Bytes // that must arrive

	n                   int
	size                units.Bytes
	firstSent, lastSent simtime.Time
	sizeLastSent        units.Bytes
	firstArrival        simtime.Time
	lastArrival         simtime.Time
	sizeFirstArrival    units.Bytes
}

// probeEstimator measures how fast probes arrive.
type probeEstimator struct {
	clusters [probesKept]cluster
	next     int
}

// expect notes a probe that is about to be sent.
func (e *probeEstimator) expect(p *ccontrol.Probe) {
	e.clusters[e.next] = cluster{
		id:      p.ID,
		packets: int(leastReceived * float64(p.Packets)),
		bytes:   units.Bytes(leastReceived * float64(p.Bytes)),
	}
	e.next = (e.next + 1) % probesKept
}

// add takes a packet of a probe. It returns the bandwidth in bit/s once enough
// of the probe has arrived, and again with every further packet.
func (e *probeEstimator) add(p *ccontrol.PacketResult) (float64, bool) {
	for i := range e.clusters {
		if c := &e.clusters[i]; c.id == p.Probe && c.id != 0 {
			c.add(p)
			return c.estimate()
		}
	}
	return 0, false
}

func (c *cluster) add(p *ccontrol.PacketResult) {
	if c.n > 0 && p.Arrival.Sub(c.lastArrival) > maxProbeTime {
		// libwebrtc forgets a probe of which nothing more came for a second.
		*c = cluster{id: c.id, packets: c.packets, bytes: c.bytes}
	}
	if c.n == 0 || p.Sent < c.firstSent {
		c.firstSent = p.Sent
	}
	if c.n == 0 || p.Sent > c.lastSent {
		c.lastSent, c.sizeLastSent = p.Sent, p.Size
	}
	if c.n == 0 || p.Arrival < c.firstArrival {
		c.firstArrival, c.sizeFirstArrival = p.Arrival, p.Size
	}
	if c.n == 0 || p.Arrival > c.lastArrival {
		c.lastArrival = p.Arrival
	}
	c.n++
	c.size += p.Size
}

// estimate compares the rates of departure and arrival. A rate leaves out the
// packet at whose end, or beginning, its time begins.
func (c *cluster) estimate() (float64, bool) {
	sending, arriving := c.lastSent.Sub(c.firstSent), c.lastArrival.Sub(c.firstArrival)
	if c.n < c.packets || c.size < c.bytes ||
		sending <= 0 || sending > maxProbeTime || arriving <= 0 || arriving > maxProbeTime {
		return 0, false
	}
	sent := float64(8*(c.size-c.sizeLastSent)) / sending.Seconds()
	arrived := float64(8*(c.size-c.sizeFirstArrival)) / arriving.Seconds()
	if arrived > maxReceivedRatio*sent {
		return 0, false // a queue elsewhere was let go at once
	}
	if arrived < unsaturated*sent {
		// That is the capacity: aim a little below it.
		return probeUtilization * arrived, true
	}
	return min(sent, arrived), true
}
