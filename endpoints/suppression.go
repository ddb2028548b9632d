package endpoints

import (
	"github.com/pion/rtcp"

	"rtpfabric/endpoints/nack"
	"rtpfabric/sim/simtime"
)

// heardRequest takes a NACK of another receiver, about a stream of a third member.
// What it asks for comes to everybody (RFC 4585 §3.5.2 step 5).
func (s *Session) heardRequest(now simtime.Time, n *rtcp.TransportLayerNack) {
	src := s.sourceOf(n.MediaSSRC)
	if s.config.Repair.IgnoreOthers || src == nil || src.missing == nil || s.ours(n.SenderSSRC) != nil {
		return
	}
	for _, seq := range nack.Unpack(nil, n.Nacks) {
		src.missing.Asked(now, src.extended(seq))
	}
}
