package headerext

import "unicode/utf8"

// PutText writes a MID, RID or repaired RID into data of its length.
func PutText(data []byte, text string) { copy(data, text) }

// ReadMID returns the identification-tag of a media section: UTF-8, not
// terminated (RFC 9143 §15.2). It is a part of the packet.
func ReadMID(data []byte) (mid []byte, ok bool) {
	if len(data) == 0 || !utf8.Valid(data) {
		return nil, false
	}
	return data, true
}

// ReadRID returns the identifier of a stream, or of the one that a stream
// repairs: letters and digits of ASCII (RFC 8852 §3). It is a part of the packet.
func ReadRID(data []byte) (rid []byte, ok bool) {
	if !ValidRID(string(data)) {
		return nil, false
	}
	return data, true
}

// ValidRID reports whether a RID has only letters and digits of ASCII, 1 to 255
// of them (RFC 8852 §3).
func ValidRID(rid string) bool {
	if rid == "" || len(rid) > twoByteMaxLength {
		return false
	}
	for i := range len(rid) {
		c := rid[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}
