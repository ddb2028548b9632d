package breaker

import (
	"time"
)

// Settings say which conditions a breaker watches, and how. The zero value watches
// those of §4.1 to §4.3 with what the RFC recommends.
type Settings struct {
	// NoReportTimeout, NoMediaTimeout and NoCongestion leave out the conditions of
	// §4.1, §4.2 and §4.3.
	NoReportTimeout, NoMediaTimeout, NoCongestion bool
	// Equation estimates the throughput of TCP.
	Equation Equation
	// Reduce lets the rate be a tenth first when there is congestion, and ceases
	// when it triggers again (§4.3). Factor is by how much, at least 10; 0 is 10.
	Reduce bool
	Factor float64
	// Recover is how long after a reduction the rate may double, and again after as
	// long, until it is what it was; 0 is never.
	Recover time.Duration
	// Sustained lets congestion trip only if every report over CB_INTERVAL reporting
	// intervals has shown it. By §4.3 the first that does trips: as losses are a mean over
	// the time before, and the round-trip time is that of now, it may be the first after
	// the queue has filled, when no controller has had time to react.
	Sustained bool
	// K is the non-reporting threshold; 0 stands for 5.
	K int
	// TrrInterval is T_rr_interval of the receiver (RFC 4585 §3.4); 0 without AVPF.
	TrrInterval time.Duration
	// IgnoreECN doesn't count packets that were marked CE as lost (§5, but see §7).
	IgnoreECN bool
	// Usability is what makes media useless (§4.4).
	Usability Usability
}

// Usability is a condition of §4.4: more loss than Loss, or a longer round trip than
// RTT, for as long as For. What is 0 isn't watched.
type Usability struct {
	Loss float64
	RTT  time.Duration
	For  time.Duration
}

// Exceeded reports whether media with that share of loss and that round-trip time is
// useless. A round-trip time of 0 isn't known.
func (u *Usability) Exceeded(loss float64, rtt time.Duration) bool {
	return u.Loss > 0 && loss > u.Loss || u.RTT > 0 && rtt > u.RTT
}

// What the RFC says where settings don't.
const (
	// Tmin is the least Td (§4.1).
	Tmin = 5 * time.Second
	// Silent is how many Td without a report are a timeout (§4.1).
	Silent = 3
	// DefaultK is the non-reporting threshold (§4.2).
	DefaultK = 5
	// Tenfold is how much more than TCP a stream may send (§4.3).
	Tenfold = 10
)

// maxK bounds the non-reporting threshold.
const maxK = 1000

func (s Settings) withDefaults() Settings {
	if s.K <= 0 {
		s.K = DefaultK
	}
	s.K = min(s.K, maxK)
	if !(s.Factor >= Tenfold) { // NaN, too
		s.Factor = Tenfold
	}
	return s
}
