// Package tcp is a TCP whose segments carry complete headers and a body of
// zeros that nobody stores: the cross traffic of a simulation, with the
// handshakes, timers, acknowledgments and congestion control of the RFCs. A
// connection may carry octets as well ([Conn.WriteContent]).
//
// Implemented are RFC 9293 (states, sequence numbers modulo 2^32, MSS), 7323
// (window scale, timestamps, PAWS), 2018 and 6675 (SACK), 5681, 6582, 3042,
// 6298, 6928, 3168, 8511 and the header part of 9768 (accurate ECN). Not
// implemented are urgent data, simultaneous open, path MTU discovery and RACK: a
// retransmission that is lost again costs a timeout, as it does in RFC 6675. A
// receiver here reads at once, unless [Config.Backpressure] says that somebody
// else does.
package tcp

import (
	"errors"
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Conn is one end of a connection. It is passive: it never blocks, schedules or
// reads a clock. After any of Dial, Write, Close, Abort, HandlePacket and
// HandleTimeout its host drains PollPacket, then re-reads NextTimeout, which
// then lies in the future.
type Conn struct {
	config Config
	pool   *packet.Pool
	state  State
	err    error

	// The sender.
	board     scoreboard
	log       sentLog
	window    window
	control   controller
	peerWnd   int64 // octets from board.una
	synWindow bool  // peerWnd is of a SYN, which can't be scaled
	writeEnd  seq   // where the application's data ends so far
	finQueued bool
	lastSent  simtime.Time // data
	recovery
	// limitedTo is SND.NXT when a window or the pacer last held data back.
	limitedTo seq
	// newMarks is what the segment at hand newly reports, and markedNow that
	// the window was reduced for it.
	newMarks  int64
	markedNow bool
	rtt       rttEstimator
	pacer     pacer
	rate      rateEstimator

	receiver receiver
	content  content
	ecn      ecnState

	// What was negotiated.
	sack, timestamps  bool
	sendScale, rScale uint8

	// Segments to be sent besides data.
	synPending, ackPending, rstPending bool
	synSentAt                          simtime.Time
	synRetries                         int

	rtoAt, delackAt, timeWaitAt simtime.Time
	probes                      probes
	nagle                       bool

	header Header // scratch
	ack    acknowledgment
	stats  Stats
}

// Errors of a connection that ended without a FIN.
var (
	ErrReset   = errors.New("tcp: connection reset by the other end")
	ErrAborted = errors.New("tcp: connection aborted")
	ErrTimeout = errors.New("tcp: the other end doesn't answer")
)

func newConn(cfg Config, pool *packet.Pool) (*Conn, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Conn{config: cfg, pool: pool}
	c.stopTimers()
	c.rtt = newRTTEstimator(cfg.MinRTO)
	c.control = newController(&cfg)
	if b, ok := c.control.(*bbr); ok {
		b.rate = &c.rate
	}
	c.rate.on = cfg.Control == ControlBBR
	c.writeEnd = 1
	c.recover = -1
	c.receiver.size = int64(cfg.ReceiveWindow)
	for c.receiver.size>>c.rScale > 0xffff {
		c.rScale++
	}
	return c, nil
}

// Dial opens a connection from cfg.Local to cfg.Remote: PollPacket then returns
// the SYN. An error says what is wrong with cfg.
func Dial(cfg Config, pool *packet.Pool, now simtime.Time) (*Conn, error) {
	c, err := newConn(cfg, pool)
	if err != nil {
		return nil, err
	}
	c.become(SynSent)
	c.synPending = true
	c.board.nxt = 1
	c.synSentAt = now
	return c, nil
}

// Listen waits for a connection to cfg.Local, from cfg.Remote if that is set.
// An error says what is wrong with cfg.
func Listen(cfg Config, pool *packet.Pool) (*Conn, error) {
	c, err := newConn(cfg, pool)
	if err != nil {
		return nil, err
	}
	c.become(Listening)
	return c, nil
}

// Unlimited is more data than a run can send.
const Unlimited units.Bytes = 1 << 60

// Write queues n octets for sending, in any state before Close. There is no
// bound, and what doesn't fill a segment goes alone, unless [Conn.Nagle] keeps it back.
func (c *Conn) Write(n units.Bytes) {
	if !c.finQueued {
		c.writeEnd = min(c.writeEnd+seq(n), seq(Unlimited))
	}
}

// Truncate takes back queued data that hasn't been sent, such as the rest of
// Unlimited.
func (c *Conn) Truncate() {
	if !c.finQueued {
		c.writeEnd = max(c.board.nxt, 1)
	}
}

// Close queues a FIN behind the data written so far. Closing twice does
// nothing; closing a listener, or an unanswered SYN with nothing to send, ends
// the connection at once.
func (c *Conn) Close() {
	if c.state == Listening || c.state == SynSent && c.writeEnd == 1 {
		c.become(Closed)
	}
	c.finQueued = c.finQueued || c.state != Closed
}

// Abort ends the connection with a RST.
func (c *Conn) Abort() {
	if c.state == SynReceived || c.state.synchronized() {
		c.rstPending = true
	}
	c.fail(ErrAborted)
}

func (c *Conn) fail(err error) {
	if c.state != Closed {
		c.err = err
		c.become(Closed)
	}
}

// HandlePacket takes a packet of this connection, and its ownership.
func (c *Conn) HandlePacket(now simtime.Time, p *packet.Packet) {
	ecn, body, src := p.ECN, int64(p.Body), p.Src
	defer c.pool.Release(p)
	if p.Protocol != packet.TCP || c.header.Parse(p.Payload) != nil {
		c.stats.Malformed++
		return
	}
	c.content.body = p.Payload[c.header.dataOffset(p.Payload):]
	body += int64(len(c.content.body))
	c.stats.SegmentsReceived++
	c.probes.heard(now)
	h := &c.header
	switch c.state {
	case Closed:
	case Listening:
		c.handleListening(now, h, src)
	case SynSent:
		c.handleSynSent(now, h, ecn)
	case SynReceived, Established, FinWait1, FinWait2, CloseWait, Closing, LastAck, TimeWait:
		c.handleSynchronized(now, h, ecn, body)
	}
}

// HandleTimeout does everything that is due. An early call does nothing.
func (c *Conn) HandleTimeout(now simtime.Time) {
	if c.delackAt <= now {
		c.delackAt = simtime.Never
		c.ackPending = true
	}
	if c.rtoAt <= now {
		c.handleRTO(now)
	}
	if c.timeWaitAt <= now {
		c.become(Closed)
	}
	if min(c.probes.persistAt, c.probes.keepAt) <= now {
		c.handleProbes(now)
	}
}

// NextTimeout returns the next deadline; simtime.Never if there is none.
func (c *Conn) NextTimeout() simtime.Time {
	return min(c.rtoAt, c.delackAt, c.timeWaitAt, c.pacer.wake, c.probes.persistAt, c.probes.keepAt)
}

// Held returns how many packets the connection owns between calls: none.
func (c *Conn) Held() int { return 0 }

func (c *Conn) stopTimers() {
	c.rtoAt, c.delackAt, c.timeWaitAt = simtime.Never, simtime.Never, simtime.Never
	c.pacer.wake, c.probes.persistAt, c.probes.keepAt = simtime.Never, simtime.Never, simtime.Never
	c.synPending, c.ackPending, c.probes.due = false, false, false
}

func (c *Conn) armRTO(now simtime.Time) { c.rtoAt = now.Add(c.rtt.rto) }

// timestamp is the clock of RFC 7323 §4.1, one tick a millisecond. It starts
// above 0, which some readers take for no timestamp.
func timestamp(now simtime.Time) uint32 { return uint32(now.Duration()/time.Millisecond) + 1 }
