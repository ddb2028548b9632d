package gym

import (
	"fmt"

	"rtpfabric/ccontrol"
)

// Field is one number of an observation, or the action.
type Field struct {
	Name string `json:"name"`
	Unit string `json:"unit"` // empty for plain numbers
	// Low and High bound it; what is beyond them is held there.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	Help string  `json:"help"`
}

// The numbers of an observation, in their order.
const (
	fieldTarget = iota
	fieldSendRate
	fieldReceiveRate
	fieldLoss
	fieldMarked
	fieldRTT
	fieldQueueDelay
	fieldGradient
	fieldSilence
	fieldReports
	numFields
)

// Bounds of what isn't a rate.
const (
	maxSeconds  = 10
	maxGradient = 10
	maxReports  = 1000
	// rateMargin is how far above the highest target rates are told: packets leave, and
	// queues empty, faster than the target for a while.
	rateMargin = 2
)

// observed describes observations for actions up to a rate in bit/s.
func observed(high float64) []Field {
	rate := rateMargin * high
	return []Field{
		fieldTarget:      {"target", "bit/s", 0, rate, "the target that was in force"},
		fieldSendRate:    {"send-rate", "bit/s", 0, rate, "what was sent during the step"},
		fieldReceiveRate: {"receive-rate", "bit/s", 0, rate, fmt.Sprintf("what arrived, over the time in which it did, by the last step that brought news; 0 after %v without a report", silenceMax)},
		fieldLoss:        {"loss", "", 0, 1, "lost packets among those that the step's reports have news about"},
		fieldMarked:      {"marked", "", 0, 1, "packets marked CE among those received by these reports"},
		fieldRTT:         {"rtt", "s", 0, maxSeconds, "the last round-trip time that a report showed; 0 before the first"},
		fieldQueueDelay:  {"queue-delay", "s", 0, maxSeconds, "mean one-way delay above the least of the episode, by the last step that brought news"},
		fieldGradient:    {"delay-gradient", "s/s", -maxGradient, maxGradient, "change of that mean by the time between the packets' sending; 0 without news"},
		fieldSilence:     {"silence", "s", 0, maxSeconds, "time since the last report, or since the beginning"},
		fieldReports:     {"reports", "", 0, maxReports, "reports during the step"},
	}
}

// action describes the action for media with these limits.
func action(l ccontrol.Limits) Field {
	return Field{"target", "bit/s", float64(l.Min), float64(l.Max), "rate on the wire that media should aim at; it is held between the limits of the episode"}
}
