package measure

import (
	"fmt"
	"time"

	"rtpfabric/endpoints/signalling"
	"rtpfabric/sim/record"
	"rtpfabric/topologies"
)

// passed notes a message of signalling.
func (r *Recorder) passed(p topologies.SignallingPassed) {
	r.messages = append(r.messages, record.Message{
		Sent: p.Sent, Arrived: p.Arrived, From: p.From, To: p.To, Protocol: p.Protocol, Title: p.Message.Title(), Text: string(p.Message.Marshal()),
	})
}

// signalled notes what happens at a node of signalling.
func (r *Recorder) signalled(e signalling.Event) {
	detail := e.Reason
	if e.Wait > 0 {
		detail = fmt.Sprintf("after %v", e.Wait.Round(time.Millisecond))
	}
	if e.Offer != (signalling.OfferID{}) {
		if detail != "" {
			detail = ": " + detail
		}
		detail = "offer " + e.Offer.String() + detail
	}
	r.event(e.At, e.Node, e.Kind.String(), detail)
}
