package rtx

import (
	"time"

	"rtpfabric/endpoints/nack"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// BudgetConfig says how much may be sent again.
type BudgetConfig struct {
	// Share is the rate of retransmission as part of the media's, such as 0.2.
	Share units.Ratio
	// Burst is how much may be saved up, as time at that rate.
	Burst time.Duration
	// Floor is how much may be saved up at least, so that a slow stream can send a
	// packet again, too.
	Floor units.Bytes
}

// DefaultBudget is a fifth of the media's rate, and at once what that is in half a
// second, or three packets.
func DefaultBudget() BudgetConfig {
	return BudgetConfig{Share: 0.2, Burst: 500 * time.Millisecond, Floor: 4500}
}

// Budget limits retransmissions, which add to congestion where that is why packets
// were lost (RFC 4588 §7): a bucket that fills at a share of the media's rate. The
// important packets may empty it, others have to leave something for them.
//
// What was spent comes off the media's rate: Rate tells.
type Budget struct {
	config BudgetConfig
	rate   units.BitRate // of retransmission
	level  float64       // bytes
	at     simtime.Time
	meter  meter

	refused [nack.Levels]uint64
}

// reserve is the part of the bucket that a packet of each importance has to leave.
var reserve = [nack.Levels]float64{nack.Discardable: 0.5, nack.Base: 0.25, nack.Key: 0}

// reserveOften is the part that a packet has to leave that has been sent again twice already, whatever its
// importance: whoever goes on asking may have it, and not take note (pion's receivers don't).
const (
	reserveOften = 0.75
	often        = 2
)

// NewBudget returns a full bucket for media of the given rate.
func NewBudget(now simtime.Time, c BudgetConfig, media units.BitRate) *Budget {
	b := &Budget{config: c, at: now}
	b.SetMediaRate(now, media)
	b.level = b.size()
	return b
}

// SetMediaRate tells the rate of the original stream.
func (b *Budget) SetMediaRate(now simtime.Time, media units.BitRate) {
	b.fill(now)
	b.rate = units.BitRate(float64(b.config.Share) * float64(media))
}

// size is the bucket's, in bytes.
func (b *Budget) size() float64 {
	return max(float64(float64(b.rate)*b.config.Burst.Seconds())/8, float64(b.config.Floor))
}

func (b *Budget) fill(now simtime.Time) {
	b.level = min(b.level+float64(float64(b.rate)*now.Sub(b.at).Seconds())/8, b.size())
	b.at = now
}

// Spend takes a packet's size on the wire out of the bucket, or reports false: it
// isn't to be sent again. That is counted. times is how often it has been sent again before.
func (b *Budget) Spend(now simtime.Time, size units.Bytes, importance nack.Importance, times int) bool {
	b.fill(now)
	left := reserve[importance]
	if times >= often {
		left = reserveOften
	}
	if b.level-float64(size) < float64(left*b.size()) {
		b.refused[importance]++
		return false
	}
	b.level -= float64(size)
	b.meter.add(now, size)
	return true
}

// Rate returns the rate of retransmissions in the last half second or so, which
// the media have to give way to (RFC 4588 §7, RFC 8834 §6).
func (b *Budget) Rate(now simtime.Time) units.BitRate { return b.meter.rate(now) }

// Refused returns how many packets of an importance weren't sent again.
func (b *Budget) Refused(importance nack.Importance) uint64 { return b.refused[importance] }

const (
	binWidth = 50 * time.Millisecond
	bins     = 10
)

// meter measures a rate over bins of time.
type meter struct {
	bytes  [bins]units.Bytes
	newest int64 // its number, in bins since the start
}

// turn empties bins that are too old.
func (m *meter) turn(now simtime.Time) {
	bin := int64(now) / int64(binWidth)
	for m.newest < bin {
		if bin-m.newest > bins {
			m.newest = bin - bins
		}
		m.newest++
		m.bytes[m.newest%bins] = 0
	}
}

func (m *meter) add(now simtime.Time, n units.Bytes) {
	m.turn(now)
	m.bytes[m.newest%bins] += n
}

func (m *meter) rate(now simtime.Time) units.BitRate {
	m.turn(now)
	sum := units.Bytes(0)
	for _, n := range m.bytes {
		sum += n
	}
	// The newest bin isn't full yet.
	covered := time.Duration((bins-1)*int64(binWidth) + int64(now)%int64(binWidth))
	return units.BitRate(float64(8*sum) / covered.Seconds())
}
