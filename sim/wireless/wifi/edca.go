package wifi

import (
	"fmt"
	"time"
)

// AccessCategory is one of EDCA's four, with its ACI as value
// (IEEE 802.11-2016 Table 9-136).
type AccessCategory uint8

// The categories.
const (
	BestEffort AccessCategory = iota
	Background
	Video
	Voice
	categories
)

// byPriority lists the highest priority first.
var byPriority = [categories]AccessCategory{Voice, Video, BestEffort, Background}

// String returns the category's name.
func (a AccessCategory) String() string {
	return [...]string{"best-effort", "background", "video", "voice"}[a]
}

// CategoryParams is how a category competes.
type CategoryParams struct {
	// AIFSN is the number of slots to wait after SIFS, 2 to 15.
	AIFSN        int
	CWMin, CWMax int
	// TXOPLimit is for how long a winner may send one frame after the other,
	// SIFS apart; 0 is a single exchange. A single MPDU goes even if it takes
	// longer.
	TXOPLimit time.Duration
}

func (p CategoryParams) validate(a AccessCategory) error {
	if p.AIFSN < 2 || p.AIFSN > 15 {
		return fmt.Errorf("%v aifsn %d: write 2 to 15", a, p.AIFSN)
	}
	if p.TXOPLimit < 0 {
		return fmt.Errorf("%v txop limit %v: write a time of zero or more", a, p.TXOPLimit)
	}
	return validateWindow(a.String()+" ", p.CWMin, p.CWMax)
}

// DefaultCategories returns the parameters of IEEE 802.11-2016 Table 9-137 for
// the contention window of the physical layer. TXOP limits are longer for DSSS.
func DefaultCategories(cwMin, cwMax int, dsss bool) [categories]CategoryParams {
	video, voice := 3008*time.Microsecond, 1504*time.Microsecond
	if dsss {
		video, voice = 6016*time.Microsecond, 3264*time.Microsecond
	}
	return [categories]CategoryParams{
		Background: {AIFSN: 7, CWMin: cwMin, CWMax: cwMax},
		BestEffort: {AIFSN: 3, CWMin: cwMin, CWMax: cwMax},
		Video:      {AIFSN: 2, CWMin: (cwMin+1)/2 - 1, CWMax: cwMin, TXOPLimit: video},
		Voice:      {AIFSN: 2, CWMin: (cwMin+1)/4 - 1, CWMax: (cwMin+1)/2 - 1, TXOPLimit: voice},
	}
}

// UserPriority maps a DSCP to one of the eight user priorities as RFC 8325 §4
// recommends. What it doesn't name is best effort, 0.
func UserPriority(dscp uint8) uint8 {
	switch dscp {
	case 56, 48: // CS7, CS6: network control
		return 7
	case 46, 44: // EF, VOICE-ADMIT
		return 6
	case 40: // CS5: signalling
		return 5
	case 34, 36, 38, 32, 26, 28, 30, 24: // AF4x, CS4, AF3x, CS3
		return 4
	case 18, 20, 22: // AF2x
		return 3
	case 8: // CS1
		return 1
	}
	return 0
}

// CategoryOf returns the access category of a user priority
// (IEEE 802.11-2016 Table 10-1).
func CategoryOf(userPriority uint8) AccessCategory {
	switch userPriority {
	case 1, 2:
		return Background
	case 4, 5:
		return Video
	case 6, 7:
		return Voice
	}
	return BestEffort
}
