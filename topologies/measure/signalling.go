package measure

import (
	"fmt"
	"time"

	"rtpfabric/endpoints"
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
		of := ""
		if e.Peer != "" {
			of = " to " + e.Peer
		}
		detail = "offer " + e.Offer.String() + of + detail
	}
	r.events = append(r.events, record.Event{At: e.At, Entity: e.Node, Kind: e.Kind.String(), Detail: detail, Peer: e.Peer})
	if _, known := r.agreed[e.Node]; !known && (e.Kind == signalling.OfferAccepted || e.Kind == signalling.Agreed) {
		r.agreed[e.Node] = e.At
	}
}

// begins notes the first frame of a stream that is played, and the first one that was captured after its sender had agreed
// on the call, which is signalled.
func (r *Recorder) begins(f *flowMeter, e *endpoints.Event) {
	captured := e.At.Add(-e.Delay)
	note := func(kind string) {
		r.events = append(r.events, record.Event{At: e.At, Entity: f.name, Kind: kind, Detail: fmt.Sprintf("captured at %v", captured), Delay: e.Delay})
	}
	if f.totals.rendered == 1 {
		note(record.FirstFrame)
	}
	if agreed, known := r.agreed[f.flow.From]; known && captured >= agreed {
		f.begun = true
		note(record.FirstOfCall)
	}
}
