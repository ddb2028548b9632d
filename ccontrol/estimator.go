package ccontrol

import (
	"fmt"
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Estimator is the receiver's half of a [Controller]: it sees packets arrive and says
// what the sender should not exceed. Its host calls OnArrival for every RTP packet of
// any of the sender's streams, OnRTT when it has measured the round-trip time, and
// OnTimeout when NextTimeout is reached; after each it reads Estimate. When that is
// told to the sender, and by which message, is the host's to decide.
//
// Like controllers, estimators are pure, and count what is on the wire.
type Estimator interface {
	OnArrival(now simtime.Time, a Arrival)
	OnRTT(rtt time.Duration)
	OnTimeout(now simtime.Time)
	// NextTimeout returns when OnTimeout is due, or simtime.Never.
	NextTimeout() simtime.Time
	// Estimate returns the rate that the path carries; 0 as long as nobody knows.
	Estimate() units.BitRate
	// Streams appends the SSRCs that the estimate is about: those whose packets
	// still come.
	Streams(ssrcs []uint32) []uint32
}

// Arrival is an RTP packet that has come.
type Arrival struct {
	// At is when, by the receiver's clock, which may be set and drifts.
	At   simtime.Time
	SSRC uint32
	Size units.Bytes
	// SendTime are the 24 bits of the header extension abs-send-time: seconds, by
	// the sender's clock, with 18 bits of fraction. Only valid if Stamped.
	SendTime uint32
	Stamped  bool
}

// HasEstimator reports whether the controller has a half at the receiver.
func (s Spec) HasEstimator() bool { return s.NewEstimator != nil }

// BuildEstimator makes the receiver's half of a controller with the same settings as
// [Spec.Build].
func (s Spec) BuildEstimator(settings map[string]string) (Estimator, error) {
	if s.NewEstimator == nil {
		return nil, fmt.Errorf("controller %s has no half at the receiver", s.Name)
	}
	v, err := s.values(settings)
	if err != nil {
		return nil, err
	}
	e, err := s.NewEstimator(v)
	if err != nil {
		return nil, fmt.Errorf("controller %s: %w", s.Name, err)
	}
	return e, nil
}
