package xr_test

import (
	"fmt"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints/xr"
	"rtpfabric/sim/simtime"
)

// A receiver reports on a stream of which it lost a packet, and measures the
// round-trip time though it sends nothing.
func Example() {
	trace := xr.NewTrace(0x1111, 1024)
	for _, seq := range []uint16{100, 101, 103} {
		trace.Record(xr.Arrival{Seq: seq})
	}
	measurement := xr.NewRoundTrip(0x2222)
	report := &rtcp.ExtendedReport{SenderSSRC: 0x2222, Reports: []rtcp.ReportBlock{
		trace.LossRLE(200), measurement.Block(0),
	}}
	trace.Advance()
	fmt.Println(xr.Size(report), "octets")
	octets, _ := report.Marshal()

	received, _, _ := xr.Unmarshal(octets)
	loss := received.Reports[0].(*rtcp.LossRLEReportBlock)
	_, n, _ := xr.Reported(loss.BeginSeq, loss.EndSeq, loss.T)
	came, _ := xr.Decode(nil, loss.Chunks, n)
	fmt.Println("from", loss.BeginSeq, "on:", came)

	var responder xr.Responder
	reference := received.Reports[1].(*rtcp.ReceiverReferenceTimeReportBlock)
	responder.OnReferenceTime(simtime.At(20*time.Millisecond), received.SenderSSRC, reference)
	answer := responder.Block(simtime.At(500*time.Millisecond), 100)
	rtt, _ := measurement.OnDLRR(simtime.At(520*time.Millisecond), answer)
	fmt.Println("round trip:", rtt.Round(time.Millisecond))
	// Output:
	// 36 octets
	// from 100 on: [true true false true]
	// round trip: 40ms
}
