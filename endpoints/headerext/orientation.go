package headerext

// Orientation is how a video's picture lies when it is sent (3GPP TS 26.114
// §7.4.5, coordination of video orientation with a granularity of 2 bits).
type Orientation struct {
	// BackCamera says that the camera faces away from the user.
	BackCamera bool
	// Flipped says that the picture is mirrored left to right.
	Flipped bool
	// Turns is by how many quarter turns counter-clockwise the picture is
	// rotated, 0 to 3. The receiver turns it back.
	Turns uint8
}

const (
	cameraBit = 0x08
	flipBit   = 0x04
	turnBits  = 0x03
)

// PutOrientation writes the orientation, 1 octet.
func PutOrientation(data []byte, o Orientation) {
	data[0] = o.Turns & turnBits
	if o.BackCamera {
		data[0] |= cameraBit
	}
	if o.Flipped {
		data[0] |= flipBit
	}
}

// ReadOrientation is the inverse of [PutOrientation]. The upper four bits are
// ignored.
func ReadOrientation(data []byte) (o Orientation, ok bool) {
	if len(data) != 1 {
		return o, false
	}
	b := data[0]
	return Orientation{BackCamera: b&cameraBit != 0, Flipped: b&flipBit != 0, Turns: b & turnBits}, true
}
