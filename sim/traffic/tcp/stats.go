package tcp

import (
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/units"
)

// Stats counts what one end has done so far.
type Stats struct {
	SegmentsSent     uint64 // of all kinds
	DataSegmentsSent uint64 // with data or a FIN, repeated ones included
	Retransmitted    uint64
	// Recoveries is how often fast recovery began; Timeouts counts every RTO,
	// TimeoutSequences only the first of a row.
	Recoveries, Timeouts, TimeoutSequences uint64
	// Acked is how many positions of the sequence space were acknowledged.
	Acked int64
	// CEReceived are packets that came marked; CEEchoed is what the other end
	// reported, in packets with accurate ECN and in acknowledgments without.
	CEReceived    uint64
	CEEchoed      int64
	ECNReductions uint64
	// Probes asked for the other end's window, or whether it is there.
	Probes uint64

	SegmentsReceived, DataSegmentsReceived uint64
	OutOfOrder                             uint64 // segments beyond a gap
	OldDuplicates                          uint64 // refused by PAWS
	Malformed                              uint64
}

// Stats returns the counts so far.
func (c *Conn) Stats() Stats { return c.stats }

// State returns the connection's state.
func (c *Conn) State() State { return c.state }

// Err returns why the connection ended, if not by FINs.
func (c *Conn) Err() error { return c.err }

// Established says that the handshake has been completed, and that the
// connection hasn't ended.
func (c *Conn) Established() bool { return c.state.synchronized() }

// Local and Remote return the two ends.
func (c *Conn) Local() packet.Addr { return c.config.Local }

// Remote returns the other end; zero for a listener that nobody has called.
func (c *Conn) Remote() packet.Addr { return c.config.Remote }

// Acked returns how much of the data written has been acknowledged: the
// goodput of the sender, in octets.
func (c *Conn) Acked() units.Bytes {
	return units.Bytes(max(0, min(c.board.una, c.writeEnd)-1))
}

// Received returns how much data has come in order.
func (c *Conn) Received() units.Bytes { return units.Bytes(c.receiver.octets()) }

// Cwnd returns the congestion window in octets.
func (c *Conn) Cwnd() units.Bytes { return units.Bytes(c.window.cwnd) }

// Ssthresh returns the slow start threshold in octets; it starts at 2^50.
func (c *Conn) Ssthresh() units.Bytes { return units.Bytes(c.window.ssthresh) }

// SMSS returns the largest body of a segment, known after the handshake.
func (c *Conn) SMSS() units.Bytes { return units.Bytes(c.window.smss) }

// InFlight returns the estimate of what is in the network (RFC 6675's pipe), in
// octets.
func (c *Conn) InFlight() units.Bytes { return units.Bytes(c.board.pipe()) }

// SRTT and RTO return the state of RFC 6298; SRTT is 0 before the first
// measurement.
func (c *Conn) SRTT() time.Duration { return c.rtt.srtt }

// RTO returns the retransmission timeout with its back-off.
func (c *Conn) RTO() time.Duration { return c.rtt.rto }

// Recovering says whether a loss is being repaired.
func (c *Conn) Recovering() bool { return c.phase != phaseOpen }

// PeerClosed says that the other end's FIN and all data before it have come.
func (c *Conn) PeerClosed() bool {
	return c.receiver.fin != 0 && c.receiver.next > c.receiver.fin
}

// PacingRate returns the present rate; 0 without pacing.
func (c *Conn) PacingRate() units.BitRate { return c.control.pacing(&c.window, c.rtt.srtt) }

// ECN returns what the two ends agreed on.
func (c *Conn) ECN() ECN { return c.ecn.mode }
