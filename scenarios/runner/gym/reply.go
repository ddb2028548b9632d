package gym

import (
	"rtpfabric/ccontrol/feedlog"
	"rtpfabric/sim/record"
)

// Spec is what hello is answered with.
type Spec struct {
	Type     string `json:"type"` // spec
	Protocol string `json:"protocol"`
	Version  string `json:"version"`  // of the program
	Scenario string `json:"scenario"` // its file as given
	Title    string `json:"title"`
	// Session is what the agent sends in, one of Sessions.
	Session  string   `json:"session"`
	Sessions []string `json:"sessions"`
	// Duration is that of the first variation, Step that of all steps but the last.
	Duration float64 `json:"duration_s"`
	Step     float64 `json:"step_s"`
	// Seed is the first episode's, if its reset names none.
	Seed        uint64      `json:"seed"`
	Observation []Field     `json:"observation"`
	Action      Field       `json:"action"`
	Weights     Weights     `json:"weights"`
	Variations  []Variation `json:"variations"`
}

// Variation is one combination of the axes of the matrix, but for the seed.
type Variation struct {
	Name     string           `json:"name"`
	Settings []record.Setting `json:"settings"`
}

type resetReply struct {
	Type        string    `json:"type"` // reset
	Observation []float64 `json:"observation"`
	Info        resetInfo `json:"info"`
}

type resetInfo struct {
	Now       int64          `json:"t_ns"`
	Seed      uint64         `json:"seed"`
	Variation int            `json:"variation"`
	Name      string         `json:"name"` // of the variation
	Duration  float64        `json:"duration_s"`
	Limits    feedlog.Limits `json:"limits"` // of actions, in this episode
	Weights   Weights        `json:"weights"`
	Episode   int            `json:"episode"` // from 1
}

type stepReply struct {
	Type        string    `json:"type"` // step
	Observation []float64 `json:"observation"`
	Reward      float64   `json:"reward"`
	Terminated  bool      `json:"terminated"`
	Truncated   bool      `json:"truncated"`
	Info        stepInfo  `json:"info"`
}

type stepInfo struct {
	Now int64 `json:"t_ns"`
	// Target is the action as it was applied.
	Target int64   `json:"target"`
	Parts  Parts   `json:"parts"`
	End    *result `json:"episode,omitempty"` // with the last step
}

// result is what is known when an episode has come to its end.
type result struct {
	Number   int              `json:"number"`
	Digest   string           `json:"digest"`
	Passed   bool             `json:"passed"`
	Verdicts []record.Verdict `json:"verdicts"`
	Record   string           `json:"record,omitempty"` // its folder
}

type closedReply struct {
	Type string `json:"type"` // closed
}

type errorReply struct {
	Error string `json:"error"`
}
