package runner

import (
	"rtpfabric/scenarios"
	"rtpfabric/topologies"
)

// ControlLoops returns what controls the rate in each direction of each call of a
// scenario. The errors are those of [Config].
func ControlLoops(s *scenarios.Scenario) ([]topologies.ControlLoops, error) {
	c, err := Config(s)
	if err != nil {
		return nil, err
	}
	return c.ControlLoops(), nil
}
