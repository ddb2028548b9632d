package wire

import (
	"encoding/binary"
	"errors"
	"math/bits"

	"github.com/pion/rtcp"

	"rtpfabric/sim/units"
)

// maxREMB bounds what a message may ask for: beyond it no rate means anything, and
// exponents of 63 don't fit 64 bits.
const maxREMB units.BitRate = 1 << 40

var errNoREMB = errors.New("wire: not a REMB message")

// NewREMB returns a receiver's estimate (draft-alvestrand-rmcat-remb-03 §2.2), at most
// as large as rate: the rate goes as 18 bits with an exponent, and is rounded down so
// that nobody is promised more. The second result is what the message says.
func NewREMB(sender uint32, rate units.BitRate, ssrcs []uint32) (rtcp.ReceiverEstimatedMaximumBitrate, units.BitRate) {
	rate = min(max(rate, 0), maxREMB)
	exponent := max(bits.Len64(uint64(rate))-18, 0)
	rate = rate >> exponent << exponent
	// 18 bits fit those of a float32.
	return rtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: sender, Bitrate: float32(rate), SSRCs: ssrcs}, rate
}

// REMBRate returns the rate of a REMB message from its octets, at most 2^40 bit/s:
// pion takes a mantissa of 0 for 2^23.
func REMBRate(b []byte) (units.BitRate, error) {
	if len(b) < feedbackSize+8 || isForeignAFB(rtcp.Header{Type: rtcp.TypePayloadSpecificFeedback, Count: formatAFB}, b) {
		return 0, errNoREMB
	}
	v := binary.BigEndian.Uint32(b[feedbackSize+4:])
	exponent, mantissa := int(v>>18&0x3f), uint64(v&(1<<18-1))
	if mantissa == 0 {
		return 0, nil
	}
	if bits.Len64(mantissa)+exponent > bits.Len64(uint64(maxREMB)) {
		return maxREMB, nil
	}
	return min(units.BitRate(mantissa<<exponent), maxREMB), nil
}
