package tcp

import (
	"fmt"
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/units"
)

// ECN is what a connection offers or accepts of explicit congestion
// notification.
type ECN uint8

// The modes. An end that knows more accepts less.
const (
	// NoECN sends packets that may not be marked.
	NoECN ECN = iota
	// ClassicECN is RFC 3168: codepoint ECT0, and one congestion signal a round trip.
	ClassicECN
	// AccurateECN is the ACE field of RFC 9768, which counts marks.
	AccurateECN
)

// String returns the mode's name.
func (e ECN) String() string { return [...]string{"off", "classic", "accurate"}[e] }

// Config describes one end of a connection. The zero value of every field but
// the addresses is a sensible default.
type Config struct {
	// Local and Remote are the two ends. Remote of a listener may be zero: the
	// first SYN sets it.
	Local, Remote packet.Addr
	// MSS is the value of the MSS option, by RFC 6691 the size of an IP packet
	// minus 40 octets, so that 1460, the default, gives packets of 1500 octets.
	// Options take their place out of it.
	MSS units.Bytes
	// Control names the congestion control, one of [Controls]; newreno is the
	// default. Prague turns AccurateECN on, bbr turns ECN off.
	Control string
	ECN     ECN
	// NoSACK and NoTimestamps switch off RFC 2018 and RFC 7323 §3.
	NoSACK, NoTimestamps bool
	// NoLimitedTransmit switches off RFC 3042, as far as it isn't SACK's way of
	// counting what is in flight.
	NoLimitedTransmit bool
	// DelayedAck is how long an acknowledgment waits for a second segment, at
	// most 500 ms (RFC 1122 §4.2.3.2). 0 is 40 ms; negative acknowledges every
	// segment at once.
	DelayedAck time.Duration
	// MinRTO is the lower bound of the retransmission timeout; 0 is the 1 s of
	// RFC 6298 §2.4. Deployed stacks use 200 ms.
	MinRTO time.Duration
	// InitialWindow in segments; 0 is 10 (RFC 6928).
	InitialWindow int
	// ReceiveWindow is the receiver's buffer; 0 is 16 MiB.
	ReceiveWindow units.Bytes
	// Backpressure lets octets that have come, and nobody has read, leave less of the window: with [Conn.Read] the
	// application sets the pace.
	Backpressure bool
	// DSCP of all packets.
	DSCP uint8
	// ISS is the initial send sequence number.
	ISS uint32
	// TimeWait is twice the maximum segment lifetime; 0 is 60 s.
	//
	// Deviation (RFC 9293 §3.4.2): the RFC's lifetime of 2 minutes is an
	// engineering choice that no stack follows.
	TimeWait time.Duration
	// HalfClose keeps this end open when the other one closes, until Close.
	HalfClose bool
	// PerAckIncrease makes newreno use equation (3) of RFC 5681 §3.1, SMSS²/cwnd
	// for every acknowledgment, in place of counting octets.
	PerAckIncrease bool
	// SlowStartLimit is L of RFC 3465: how many segments slow start may add for
	// one acknowledgment; 0 is the 1 of RFC 5681 §3.1, but 8 in cubic with
	// HyStart++ (RFC 9406 §4.3).
	SlowStartLimit int
	// NoHyStart switches HyStart++ (RFC 9406) off in cubic.
	NoHyStart bool
	// ABE makes newreno and cubic back off less for a mark than for a loss
	// (RFC 8511): to 0.8 and 0.85 of the window.
	ABE bool
}

func (c Config) withDefaults() (Config, error) {
	if c.MSS == 0 {
		c.MSS = 1460
	}
	if c.Control == "" {
		c.Control = ControlNewReno
	}
	if c.DelayedAck == 0 {
		c.DelayedAck = 40 * time.Millisecond
	}
	if c.MinRTO == 0 {
		c.MinRTO = time.Second
	}
	if c.InitialWindow == 0 {
		c.InitialWindow = 10
	}
	if c.ReceiveWindow == 0 {
		c.ReceiveWindow = 16 << 20
	}
	if c.TimeWait == 0 {
		c.TimeWait = time.Minute
	}
	switch c.Control {
	case ControlPrague:
		c.ECN = AccurateECN
	case ControlBBR:
		c.ECN = NoECN
	}
	return c, c.check()
}

func (c *Config) check() error {
	switch {
	case c.MSS < 88 || c.MSS > 65495:
		return fmt.Errorf("tcp: MSS is %d: it must be 88 to 65495", c.MSS)
	case c.DelayedAck > 500*time.Millisecond:
		return fmt.Errorf("tcp: delayed acknowledgment of %v: it must be at most 500ms (RFC 1122)", c.DelayedAck)
	case c.MinRTO < 0 || c.MinRTO > maxRTO:
		return fmt.Errorf("tcp: minimum RTO of %v: it must be at most %v", c.MinRTO, maxRTO)
	case c.InitialWindow < 0 || c.SlowStartLimit < 0:
		return fmt.Errorf("tcp: a window of %d segments and a limit of %d: both must be positive", c.InitialWindow, c.SlowStartLimit)
	case c.ReceiveWindow < 2*c.MSS || c.ReceiveWindow > 1<<30:
		return fmt.Errorf("tcp: receive window of %d: it must be two segments to 1 GiB", c.ReceiveWindow)
	case c.DSCP > 63:
		return fmt.Errorf("tcp: DSCP is %d: it must be at most 63", c.DSCP)
	case c.ECN > AccurateECN:
		return fmt.Errorf("tcp: ECN mode %d is unknown", c.ECN)
	case c.Control == ControlBBR && c.NoSACK:
		return fmt.Errorf("tcp: control %s needs selective acknowledgments", c.Control)
	}
	if !known(c.Control) {
		return fmt.Errorf("tcp: unknown control %q: write one of %v", c.Control, Controls())
	}
	return nil
}
