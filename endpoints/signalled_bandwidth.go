package endpoints

import (
	"math"
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// signalledBandwidth keeps what is sent within a bandwidth that the peer's description
// names, b=AS or b=CT (RFC 8866 §5.8), which must be followed (RFC 8834 §7.1). It counts
// RTP with UDP and IP headers, repairs included; RTCP comes on top (RFC 3550 §6.2).
//
// It is a bucket that fills at that rate. What was taken out of it for a key frame or for
// repairs, beyond the rate, is made up for later.
type signalledBandwidth struct {
	rate  units.BitRate // 0 is no limit
	level float64       // bytes, at most what may be saved up; it may become negative
	at    simtime.Time
}

// bandwidthAim leaves a little for what the model of a stream doesn't know.
const bandwidthAim = 0.99

// How much may be saved up, the time within which what was taken of it is made up for,
// and the debt with which nothing is repaired any more; as time at the rate.
const (
	bandwidthBurst   = 100 * time.Millisecond
	bandwidthPayback = 2 * time.Second
	bandwidthDebt    = 500 * time.Millisecond
)

func (b *signalledBandwidth) bytesIn(d time.Duration) float64 {
	return float64(float64(b.rate)*d.Seconds()) / 8
}

func (b *signalledBandwidth) fill(now simtime.Time) {
	b.level = min(b.level+b.bytesIn(now.Sub(b.at)), b.bytesIn(bandwidthBurst))
	b.at = now
}

// spend takes a packet's size on the wire out of the bucket.
func (b *signalledBandwidth) spend(now simtime.Time, size units.Bytes) {
	if b.rate == 0 {
		return
	}
	b.fill(now)
	b.level -= float64(size)
}

// allowed returns the rate that may be sent at, in bit/s; infinite without a limit.
func (b *signalledBandwidth) allowed(now simtime.Time) float64 {
	if b.rate == 0 {
		return math.Inf(1)
	}
	b.fill(now)
	taken := b.bytesIn(bandwidthBurst) - b.level
	return float64(bandwidthAim*float64(b.rate)) - float64(8*taken)/bandwidthPayback.Seconds()
}

// overdrawn reports whether so much was sent that there is nothing left for repairs.
func (b *signalledBandwidth) overdrawn(now simtime.Time) bool {
	if b.rate == 0 {
		return false
	}
	b.fill(now)
	return b.level < -b.bytesIn(bandwidthDebt)
}

// spend takes a packet out of what its medium and the connection may send.
func (m *Section) spend(now simtime.Time, size units.Bytes) {
	m.bandwidth.spend(now, size)
	if m.session.bounded {
		m.session.connection.bandwidth.spend(now, size)
	}
}

// mayRepair reports whether signalled bandwidths leave anything for retransmissions.
func (m *Section) mayRepair(now simtime.Time) bool {
	return !m.bandwidth.overdrawn(now) && !m.session.connection.bandwidth.overdrawn(now)
}

// repairRate is what a section's retransmissions and FEC take now, in bit/s.
func (m *Section) repairRate(now simtime.Time) float64 {
	rate := 0.0
	if m.resend != nil {
		rate += float64(m.resend.budget.Rate(now))
	}
	if share := m.repairShare(); share > 0 && m.active(now) {
		rate += float64(share * float64(m.config.Send.Model.Wire(m.Goal())))
	}
	return rate
}

// allowance is what the connection's signalled bandwidth leaves to one of its sessions,
// in bit/s. Each gets what its audio needs; the rest goes to the others by the levels of
// their video, up to what their controllers allow and their encoders can use.
func (c *Connection) allowance(now simtime.Time, of *Session) float64 {
	total := c.bandwidth.allowed(now)
	if len(c.sessions) < 2 || c.bandwidth.rate == 0 {
		return total
	}
	c.shares = c.shares[:0]
	at := -1
	for i, s := range c.sessions {
		if s == of {
			at = i
		}
		c.shares = append(c.shares, s.demand(now))
	}
	if at < 0 {
		return total // it is being made
	}
	divide(c.shares, total)
	return c.shares[at].rate
}

// demand is what a session can use of its connection's bandwidth.
func (s *Session) demand(now simtime.Time) share {
	var d share
	for _, m := range s.sections {
		if !m.active(now) {
			continue
		}
		model := m.config.Send.Model
		most := float64(model.Wire(model.Max))
		d.ceiling += most
		if m.config.Kind == Audio {
			d.floor += most
			continue
		}
		d.ceiling += m.repairRate(now)
		d.weight += model.Level.weight()
	}
	d.ceiling = max(min(d.ceiling, float64(s.lastTarget.Media), s.estimated), d.floor)
	return d
}
