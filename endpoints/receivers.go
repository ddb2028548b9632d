package endpoints

import (
	"rtpfabric/ccontrol"
	"rtpfabric/endpoints/feedback"
	"rtpfabric/sim/simtime"
)

// A sender behind a relay has several receivers, each with a path of its own (RFC 7667 §4.1). A
// controller that is made for that tells them apart by their CNAMEs, as a receiver may have
// several SSRCs.

// receiver returns who gives feedback with an SSRC; nil if that must be known and isn't yet.
func (s *Session) receiver(ssrc uint32) *feedback.Receiver {
	if _, several := s.config.Controller.(ccontrol.Multicast); !several {
		return s.history.Receiver("")
	}
	if name := s.table.CNAME(ssrc); name != "" {
		return s.history.Receiver(name)
	}
	return nil
}

// tell hands the controller what an SSRC has said.
func (s *Session) tell(now simtime.Time, by uint32, r *ccontrol.Report) {
	if cc, several := s.config.Controller.(ccontrol.Multicast); !several {
		s.config.Controller.OnFeedback(now, r)
	} else if name := s.table.CNAME(by); name != "" {
		cc.OnFeedbackFrom(now, name, r)
	}
	s.applyTarget(now)
}

// strike forgets an SSRC that has left, and the receiver that had no other one.
func (s *Session) strike(now simtime.Time, ssrc uint32) {
	name := s.table.CNAME(ssrc)
	s.table.Remove(ssrc)
	cc, several := s.config.Controller.(ccontrol.Multicast)
	if several && name != "" && !s.table.Uses(name) {
		s.history.Forget(name)
		cc.Left(now, name)
	}
}
