// Package tmmbr is what media senders and media receivers do with temporary
// maximum media stream bit rates (RFC 5104 §3.5.4, §4.2): [Sender] keeps the
// limits that receivers set and tells which of them count, [Receiver] asks for
// a limit where that changes anything. Neither knows when RTCP may be sent.
package tmmbr

import (
	"rtpfabric/endpoints/wire"
	"rtpfabric/sim/units"
)

// Tuple is a limit with its owner: at most MxTBR bit/s with Overhead octets in
// every packet. SSRC is the owner's.
type Tuple = wire.Limit

// NetRate returns the greatest net media bit rate, that is of RTP payloads,
// that all tuples allow at a packet rate in packets/s (RFC 5104 §3.5.4.2,
// equation 1). ok is false if there are none, and so no limit.
func NetRate(tuples []Tuple, packetRate float64) (rate units.BitRate, ok bool) {
	_, rate, ok = Binding(tuples, packetRate)
	return rate, ok
}

// Binding returns the tuple that is the strictest at a packet rate in packets/s,
// and the net media bit rate that it allows; ok is false if there are none. Of
// equally strict ones the first counts.
func Binding(tuples []Tuple, packetRate float64) (t Tuple, rate units.BitRate, ok bool) {
	for i, u := range tuples {
		net := max(units.BitRate(float64(u.MxTBR)-float64(packetRate*float64(8*u.Overhead))), 0)
		if i == 0 || net < rate {
			t, rate = u, net
		}
	}
	return t, rate, len(tuples) > 0
}

// NetRateOfSize returns the greatest net media bit rate with payloads of the
// given mean size, where the packet rate follows from the bit rate. ok is false
// if there are no tuples. payload is at least one octet.
func NetRateOfSize(tuples []Tuple, payload units.Bytes) (rate units.BitRate, ok bool) {
	for i, u := range tuples {
		// net + net/(8*payload) * 8*overhead = MxTBR
		net := units.BitRate(float64(u.MxTBR) * (float64(payload) / float64(payload+u.Overhead)))
		if i == 0 || net < rate {
			rate = net
		}
	}
	return rate, len(tuples) > 0
}

// TotalRate returns what [NetRate] allows with the overhead per packet that the
// caller has at its own reference layer.
func TotalRate(tuples []Tuple, packetRate float64, overhead units.Bytes) (rate units.BitRate, ok bool) {
	net, ok := NetRate(tuples, packetRate)
	if !ok {
		return 0, false
	}
	return net + units.BitRate(packetRate*float64(8*overhead)), true
}

// SwitchOver returns the packet rate in packets/s at which two tuples allow the
// same (equation 3); ok is false if they have the same overhead, or if one of
// them is the stricter at every packet rate.
func SwitchOver(a, b Tuple) (packetRate float64, ok bool) {
	if b.Overhead < a.Overhead {
		a, b = b, a
	}
	if a.Overhead == b.Overhead || b.MxTBR < a.MxTBR {
		return 0, false
	}
	return float64(b.MxTBR-a.MxTBR) / float64(8*(b.Overhead-a.Overhead)), true
}
