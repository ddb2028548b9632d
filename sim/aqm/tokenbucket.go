package aqm

import (
	"fmt"
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// nano is how many of a bucket's units make a bit: what a bit per second gives
// in a nanosecond is one unit, so that no rounding ever happens.
const nano = 1_000_000_000

// maxBurst keeps a bucket's units within 63 bits.
const maxBurst units.Bytes = 1 << 30

// bucket holds tokens in billionths of a bit. It starts full.
type bucket struct {
	rate         int64 // bit/s
	full, tokens int64
	at           simtime.Time // when tokens was right
}

func newBucket(rate units.BitRate, burst units.Bytes) bucket {
	full := int64(burst) * 8 * nano
	return bucket{rate: int64(rate), full: full, tokens: full}
}

func cost(n units.Bytes) int64 { return int64(n) * 8 * nano }

// fill adds what came in since the last call.
func (b *bucket) fill(now simtime.Time) {
	elapsed := int64(now.Sub(b.at))
	b.at = now
	if b.rate == 0 {
		return
	}
	if missing := b.full - b.tokens; elapsed > missing/b.rate {
		b.tokens = b.full
	} else {
		b.tokens += elapsed * b.rate
	}
}

// take removes the tokens for n bytes if they are there.
func (b *bucket) take(n units.Bytes) bool {
	if c := cost(n); b.tokens >= c {
		b.tokens -= c
		return true
	}
	return false
}

// wait returns how long it takes from the last fill until n bytes conform. The
// rate must not be 0, nor n more than the burst.
func (b *bucket) wait(n units.Bytes) time.Duration {
	return time.Duration((cost(n) - b.tokens + b.rate - 1) / b.rate)
}

func validBucket(rate units.BitRate, burst units.Bytes) error {
	if rate <= 0 {
		return fmt.Errorf("rate is %v: write a rate greater than zero, such as 2Mbps", rate)
	}
	if burst < packet.HeaderIPv4UDP || burst > maxBurst {
		return fmt.Errorf("burst is %v: write a size from one packet to %v, such as 15000B", burst, maxBurst)
	}
	return nil
}
