package gym

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"rtpfabric/sim/detmath"
)

// Weights say what counts in the reward of a step:
//
//	rate × parts.rate − delay × parts.delay − loss × parts.loss
type Weights struct {
	Rate  float64 `json:"rate"`
	Delay float64 `json:"delay"` // for each second
	Loss  float64 `json:"loss"`
}

// DefaultWeights let a queue of 50 ms, or a loss of 5 %, cost as much as a fifth of the
// rate brings.
func DefaultWeights() Weights { return Weights{Rate: 1, Delay: 5, Loss: 5} }

// Set changes a weight; the text is its name, =, and a number from 0 to 10^6.
func (w *Weights) Set(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return fmt.Errorf("%s: there is no value: write %s=1", text, text)
	}
	into := map[string]*float64{"rate": &w.Rate, "delay": &w.Delay, "loss": &w.Loss}[name]
	if into == nil {
		return fmt.Errorf("%s: there is no weight %q: write rate, delay or loss", text, name)
	}
	x, err := strconv.ParseFloat(value, 64)
	if err != nil || !possibleWeight(x) {
		return fmt.Errorf("%s: %s isn't possible: write a number from 0 to %d", text, value, maxWeight)
	}
	*into = x
	return nil
}

const maxWeight = 1_000_000

func possibleWeight(x float64) bool { return x >= 0 && x <= maxWeight && !math.IsNaN(x) }

// Parts are what the reward is made of.
type Parts struct {
	// Rate is ln(1 + receive-rate / 100 kbit/s).
	Rate float64 `json:"rate"`
	// Delay is the queue-delay, in seconds.
	Delay float64 `json:"delay"`
	// Loss is the fraction of packets that were lost.
	Loss float64 `json:"loss"`
}

// unitRate, in bit/s, is the rate below which the reward is about proportional to the
// rate, and above which about to its logarithm.
const unitRate = 100_000

// partsOf makes the parts of an observation.
func partsOf(observation []float64) Parts {
	return Parts{
		Rate:  detmath.Log(1 + observation[fieldReceiveRate]/unitRate),
		Delay: observation[fieldQueueDelay],
		Loss:  observation[fieldLoss],
	}
}

// reward returns what a step earns. Products are rounded one by one, for the same reward
// on every machine.
func (w Weights) reward(p Parts) float64 {
	return float64(w.Rate*p.Rate) - float64(w.Delay*p.Delay) - float64(w.Loss*p.Loss)
}
