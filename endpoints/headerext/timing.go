package headerext

import (
	"encoding/binary"
	"time"

	"rtpfabric/sim/simtime"
)

// PutTransportSeq writes a transport-wide sequence number, 2 octets
// (draft-holmer-rmcat-transport-wide-cc-extensions-01 §2).
func PutTransportSeq(data []byte, seq uint16) { binary.BigEndian.PutUint16(data, seq) }

// ReadTransportSeq is the inverse of [PutTransportSeq].
func ReadTransportSeq(data []byte) (seq uint16, ok bool) {
	if len(data) != 2 {
		return 0, false
	}
	return binary.BigEndian.Uint16(data), true
}

// PutAbsSendTime writes the time of sending, 3 octets: 6 bits of seconds and 18
// of fraction, which wrap every 64 s and have a resolution of 3.8 µs.
func PutAbsSendTime(data []byte, sent simtime.NTP) { putUint24(data, uint32(sent>>14)) }

// ReadAbsSendTime returns the 24 bits.
func ReadAbsSendTime(data []byte) (sent uint32, ok bool) {
	if len(data) != 3 {
		return 0, false
	}
	return uint24(data), true
}

// AbsSendTimeNear returns the time with the given 24 bits that is nearest to
// near, such as the time of arrival.
func AbsSendTimeNear(sent uint32, near simtime.NTP) simtime.NTP {
	diff := int32(sent<<8-uint32(near>>14)<<8) >> 8
	return near&^(1<<14-1) + simtime.NTP(int64(diff)<<14)
}

// MaxTransmissionOffset is the greatest offset of RFC 5450 in ticks of the RTP
// clock; the least is -MaxTransmissionOffset-1.
const MaxTransmissionOffset = 1<<23 - 1

// PutTransmissionOffset writes how many ticks of the RTP clock after its
// nominal time the packet is sent, 3 octets (RFC 5450 §3). What 24 bits can't
// express becomes the nearest that they can.
func PutTransmissionOffset(data []byte, ticks int32) {
	putUint24(data, uint32(max(-MaxTransmissionOffset-1, min(ticks, MaxTransmissionOffset))))
}

// ReadTransmissionOffset is the inverse of [PutTransmissionOffset]. A packet
// without the element was sent at its nominal time, if the element is
// signalled.
func ReadTransmissionOffset(data []byte) (ticks int32, ok bool) {
	if len(data) != 3 {
		return 0, false
	}
	return int32(uint24(data)<<8) >> 8, true
}

// PutNTP64 writes the NTP timestamp of the instant that the packet's RTP
// timestamp stands for, 8 octets (RFC 6051 §3.3, variant A). It comes from the
// clock that sender reports are made with.
func PutNTP64(data []byte, t simtime.NTP) { binary.BigEndian.PutUint64(data, uint64(t)) }

// ReadNTP64 is the inverse of [PutNTP64].
func ReadNTP64(data []byte) (t simtime.NTP, ok bool) {
	if len(data) != 8 {
		return 0, false
	}
	return simtime.NTP(binary.BigEndian.Uint64(data)), true
}

// PutNTP56 writes the lower 56 bits of such a timestamp, 7 octets (RFC 6051
// §3.3, variant B).
func PutNTP56(data []byte, t simtime.NTP) {
	putUint24(data, uint32(t>>32))
	binary.BigEndian.PutUint32(data[3:], uint32(t))
}

// ReadNTP56 returns the 56 bits: 24 of seconds, 32 of fraction.
func ReadNTP56(data []byte) (t uint64, ok bool) {
	if len(data) != 7 {
		return 0, false
	}
	return uint64(uint24(data))<<32 | uint64(binary.BigEndian.Uint32(data[3:])), true
}

// ExtendNTP56 completes a 56-bit timestamp with the upper 8 bits of the seconds
// of a sender report (RFC 6051 §3.3), or with those next to them if the time
// would else be more than 97 days away from the report.
func ExtendNTP56(t uint64, sr simtime.NTP) simtime.NTP {
	return sr + simtime.NTP(int64(t<<8-uint64(sr)<<8)>>8)
}

// PutCaptureTime writes when the frame was captured, by the capturing end's
// clock, 8 octets; and into 16 also by how much that clock is ahead of the
// sender's, a signed 32.32 fixed-point number of seconds
// (WebRTC's abs-capture-time).
func PutCaptureTime(data []byte, captured simtime.NTP, offset int64) {
	binary.BigEndian.PutUint64(data, uint64(captured))
	if len(data) >= 16 {
		binary.BigEndian.PutUint64(data[8:], uint64(offset))
	}
}

// ReadCaptureTime is the inverse of [PutCaptureTime]; hasOffset says whether
// there was an offset.
func ReadCaptureTime(data []byte) (captured simtime.NTP, offset int64, hasOffset, ok bool) {
	if len(data) != 8 && len(data) != 16 {
		return 0, 0, false, false
	}
	if hasOffset = len(data) == 16; hasOffset {
		offset = int64(binary.BigEndian.Uint64(data[8:]))
	}
	return simtime.NTP(binary.BigEndian.Uint64(data)), offset, hasOffset, true
}

// playoutUnit is the unit of playout delays, of which 12 bits make 40.95 s.
const playoutUnit = 10 * time.Millisecond

// PutPlayoutDelay writes the least and the greatest delay from capture to
// playout, 3 octets, in steps of 10 ms up to 40.95 s.
func PutPlayoutDelay(data []byte, least, most time.Duration) {
	steps := func(d time.Duration) uint32 { return uint32(max(0, min(d/playoutUnit, 0xfff))) }
	putUint24(data, steps(least)<<12|steps(most))
}

// ReadPlayoutDelay is the inverse of [PutPlayoutDelay].
func ReadPlayoutDelay(data []byte) (least, most time.Duration, ok bool) {
	if len(data) != 3 {
		return 0, 0, false
	}
	v := uint24(data)
	return time.Duration(v>>12) * playoutUnit, time.Duration(v&0xfff) * playoutUnit, true
}

func putUint24(b []byte, v uint32) { b[0], b[1], b[2] = byte(v>>16), byte(v>>8), byte(v) }

func uint24(b []byte) uint32 { return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]) }
