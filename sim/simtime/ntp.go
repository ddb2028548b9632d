package simtime

import "time"

// Epoch is the wall-clock instant at which every run starts, as Unix time.
// It only shows in NTP timestamps, captures and logs. 2026-01-01T00:00:00Z.
const Epoch int64 = 1767225600

// ntpEpochOffset is the number of seconds from 1900 to 1970 (RFC 3550 §4).
const ntpEpochOffset = 2208988800

// NTP is a 64-bit NTP timestamp: 32 bits of seconds since 1900 and 32 bits of
// fraction (RFC 3550 §4).
type NTP uint64

// ToNTP returns the NTP timestamp that a clock without error shows at t.
func ToNTP(t Time) NTP {
	sec := int64(t) / int64(time.Second)
	nsec := int64(t) % int64(time.Second)
	if nsec < 0 {
		sec--
		nsec += int64(time.Second)
	}
	frac := (uint64(nsec) << 32) / uint64(time.Second)
	return NTP(uint64(Epoch+ntpEpochOffset+sec)<<32 | frac)
}

// Time is the inverse of [ToNTP], within a nanosecond.
func (n NTP) Time() Time {
	sec := int64(n>>32) - Epoch - ntpEpochOffset
	nsec := (uint64(n&0xffffffff)*uint64(time.Second) + 1<<31) >> 32
	return Time(sec*int64(time.Second) + int64(nsec))
}

// Middle returns the middle 32 bits: 16 bits of seconds and 16 bits of
// fraction, as LSR, DLSR and RFC 8888's report timestamp use them.
func (n NTP) Middle() uint32 { return uint32(n >> 16) }

// FromMiddle returns the time nearest to now whose NTP timestamp has the given
// middle 32 bits. The value wraps every 18 hours; resolution is 15 µs.
func FromMiddle(m uint32, now Time) Time {
	diff := int32(m - ToNTP(now).Middle())
	return now + MiddleToTime(diff)
}

// MiddleToTime converts a difference in units of 1/65536 s to nanoseconds.
func MiddleToTime(d int32) Time {
	return Time((int64(d)*int64(time.Second) + 1<<15) >> 16)
}
