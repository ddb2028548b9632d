package external

import (
	"fmt"
	"strconv"
	"strings"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// alphaRTC is the protocol of AlphaRTC's command-line inference: a JSON line for every
// packet that has arrived, then a request, which one integer in bit/s answers.
//
// Deviation: there the estimator sits at the receiver and is asked by a clock, here it
// is asked with every feedback message.
type alphaRTC struct {
	controller *Controller
	message    []byte
}

// What a controller doesn't know about packets, and estimators don't need.
const (
	alphaPayloadType = 125
	alphaSSRC        = 1
	// alphaHeader is IPv4, UDP and RTP: with it, header and payload are what a packet
	// takes on the wire.
	alphaHeader units.Bytes = 20 + 8 + 12
)

func (*alphaRTC) begin() []byte { return nil }

func (*alphaRTC) begun([]byte) error { return nil }

func (*alphaRTC) sent(simtime.Time, ccontrol.Sent) {}

func (*alphaRTC) timeout(simtime.Time) []byte { return nil }

func (a *alphaRTC) feedback(_ simtime.Time, r *ccontrol.Report) []byte {
	if !r.AboutPackets() {
		return nil
	}
	b := a.message[:0]
	for i := range r.Packets {
		p := &r.Packets[i]
		if !p.Received {
			continue
		}
		b = append(b, `{"send_time_ms":`...)
		b = strconv.AppendInt(b, p.Sent.Duration().Milliseconds(), 10)
		b = strconv.AppendInt(append(b, `,"arrival_time_ms":`...), p.Arrival.Duration().Milliseconds(), 10)
		b = strconv.AppendInt(append(b, `,"payload_type":`...), alphaPayloadType, 10)
		b = strconv.AppendInt(append(b, `,"sequence_number":`...), int64(uint16(p.Seq)), 10)
		b = strconv.AppendInt(append(b, `,"ssrc":`...), alphaSSRC, 10)
		b = append(b, `,"padding_length":0`...)
		b = strconv.AppendInt(append(b, `,"header_length":`...), int64(alphaHeader), 10)
		b = strconv.AppendInt(append(b, `,"payload_size":`...), int64(max(p.Size-alphaHeader, 0)), 10)
		b = append(b, "}\n"...)
	}
	a.message = append(b, "RequestBandwidth\n"...)
	return a.message
}

func (a *alphaRTC) replied(_ simtime.Time, text []byte) error {
	rate, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || rate < 0 {
		return fmt.Errorf("one whole number is expected, in bit/s")
	}
	l := a.controller.config.Limits
	a.controller.setTarget(min(max(units.BitRate(rate), l.Min), l.Max)) // which estimators don't know
	return nil
}
