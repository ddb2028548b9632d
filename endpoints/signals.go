package endpoints

import "rtpfabric/ccontrol"

// SignalNames returns what the controller shows of itself, and the receiver's half of
// the peer's.
func (s *Session) SignalNames() []ccontrol.Signal {
	var names []ccontrol.Signal
	if _, ok := s.config.Controller.(ccontrol.Observable); ok {
		names = append(names, s.config.Signals...)
	}
	if _, ok := s.estimate.Estimator.(ccontrol.Observable); ok {
		names = append(names, s.config.EstimatorSignals...)
	}
	return names
}

// Signals appends the present values of what SignalNames returns.
func (s *Session) Signals(values []float64) []float64 {
	if o, ok := s.config.Controller.(ccontrol.Observable); ok {
		values = o.Signals(values)
	}
	if o, ok := s.estimate.Estimator.(ccontrol.Observable); ok {
		values = o.Signals(values)
	}
	return values
}
