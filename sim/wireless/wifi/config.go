package wifi

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"rtpfabric/sim/units"
)

// Endless as a retry limit means that a packet is tried until it gets through.
const Endless = -1

// Config describes a channel. [Defaults] returns one for a standard, of which
// fields may then be changed; the zero value is not valid.
type Config struct {
	Standard Standard
	// Slot, SIFS and Propagation are the standard's; DIFS is SIFS + 2 slots.
	// Propagation is one way over the air (δ in Bianchi's paper).
	Slot, SIFS, Propagation time.Duration
	// CWMin and CWMax bound the contention window of DCF: a counter is drawn
	// from 0 to CW, which begins at CWMin and becomes 2·CW+1 after a failure.
	// Both are a power of two less one.
	CWMin, CWMax int
	// RetryLimit is how often a packet is retried before it is given up: after
	// RetryLimit+1 attempts. Endless is for ever.
	RetryLimit int
	// ShortGI is 802.11n's guard interval of 400 ns.
	ShortGI bool
	// ShortPreamble is 802.11b's of 96 µs.
	ShortPreamble bool
	// BasicRate is the highest rate for ACK, block ack, RTS and CTS; they go at
	// the highest mandatory rate above neither it nor the data's. 0 leaves it
	// to the data's rate. The mandatory rates are 1 and 2 Mbit/s for 802.11b's
	// modes, else 6, 12 and 24 Mbit/s.
	BasicRate units.BitRate
	// MACHeader is what the MAC adds to a frame, FCS included; LLCHeader is the
	// LLC and SNAP header inside.
	MACHeader, LLCHeader units.Bytes
	// RTSThreshold is the length of a frame above which RTS and CTS go before
	// it; 0 is never.
	RTSThreshold units.Bytes
	// Aggregation is for 802.11n only.
	Aggregation Aggregation
	// EIFS makes everybody wait for SIFS and an ACK at the lowest rate in
	// addition after a collision (IEEE 802.11-2016 §10.3.2.3.7). Bianchi's
	// model is without.
	EIFS bool
	// StrictFreeze is DCF's rule to the letter (§10.3.4.3): a slot in which the
	// channel became busy takes nothing off the counters. Otherwise it takes one
	// off, as EDCA says (§10.22.2.4), and as in Bianchi's model.
	StrictFreeze bool
	// WMM turns the access categories on, each with its own contender. A
	// packet's category follows from its DSCP if the link's queue is a
	// [ClassQueue], else it is that of the station.
	WMM bool
	// Categories are the parameters of EDCA.
	Categories [categories]CategoryParams
	// PathLoss says how rates follow from distances.
	PathLoss PathLoss
	// Station is what a station is like for which nothing was set.
	Station StationConfig
}

// Aggregation bounds an A-MPDU. A single MPDU goes whatever its length.
type Aggregation struct {
	// MaxFrames is the number of MPDUs, at most 64; 1 turns aggregation off.
	MaxFrames int
	// MaxBytes is the length of the A-MPDU, at most 65,535.
	MaxBytes units.Bytes
	// MaxDuration is the time on the air, at most 10 ms; 0 is no bound of its
	// own.
	MaxDuration time.Duration
}

// StationConfig describes a station, or one link of it.
type StationConfig struct {
	// Mode names the rate of data frames, such as "54Mbps" or "MCS11". With a
	// distance it is the fastest one that may be chosen.
	Mode string
	// PER is the probability that an MPDU is damaged, from 0 to less than 1.
	PER float64
	// Distance to the other end in metres; 0 leaves the rate at Mode.
	Distance float64
	// Category is the one for packets of a queue that isn't a [ClassQueue].
	Category AccessCategory
}

// Defaults returns the parameters of a standard: 20 MHz, fastest rate of one
// stream (802.11n: MCS11, as RFC 8869 §3.1.2 says), no aggregation, no RTS, a
// retry limit of 7, DCF. Bianchi's has his W = 32 and m = 3, retries without
// end, and his header lengths. An unknown standard gives a configuration that
// isn't valid.
func Defaults(s Standard) Config {
	c := Config{
		Standard: s, RetryLimit: 7, CWMin: 15, CWMax: 1023, EIFS: true, Propagation: time.Microsecond,
		MACHeader: 28, LLCHeader: 8, Aggregation: Aggregation{MaxFrames: 1, MaxBytes: 65535},
		PathLoss: DefaultPathLoss(),
	}
	switch s {
	case FHSS:
		c.Slot, c.SIFS = 50*time.Microsecond, 28*time.Microsecond
		c.CWMin, c.CWMax = 31, 255
		c.RetryLimit, c.EIFS = Endless, false
		c.MACHeader, c.LLCHeader = 34, 0
		c.Station.Mode = "1Mbps"
	case B:
		c.Slot, c.SIFS = 20*time.Microsecond, 10*time.Microsecond
		c.CWMin = 31
		c.Station.Mode = "11Mbps"
	case A:
		c.Slot, c.SIFS = 9*time.Microsecond, 16*time.Microsecond
		c.Station.Mode = "54Mbps"
	case G:
		c.Slot, c.SIFS = 9*time.Microsecond, 10*time.Microsecond
		c.Station.Mode = "54Mbps"
	case N:
		c.Slot, c.SIFS = 9*time.Microsecond, 16*time.Microsecond
		c.MACHeader = 30
		c.Aggregation.MaxDuration = 5484 * time.Microsecond
		c.Station.Mode = "MCS11"
	}
	c.Categories = DefaultCategories(c.CWMin, c.CWMax, s == B || s == FHSS)
	return c
}

// Validate says what is wrong with the configuration, in one line.
func (c Config) Validate() error {
	if len(c.Standard.Modes(false, false)) == 0 {
		return fmt.Errorf("standard %q is unknown: write one of %s, %s, %s, %s, %s", c.Standard, FHSS, B, A, G, N)
	}
	switch {
	case c.Slot <= 0:
		return fmt.Errorf("slot %v: write a positive time, such as 9µs", c.Slot)
	case c.SIFS <= 0:
		return fmt.Errorf("sifs %v: write a positive time, such as 16µs", c.SIFS)
	case c.Propagation < 0 || c.Propagation > c.SIFS:
		return fmt.Errorf("propagation %v: write a time from 0 to SIFS, %v", c.Propagation, c.SIFS)
	case c.RetryLimit < Endless:
		return fmt.Errorf("retry limit %d: write 0 or more, or %d for retries without end", c.RetryLimit, Endless)
	case c.MACHeader < 0 || c.LLCHeader < 0:
		return fmt.Errorf("headers of %d and %d bytes: write lengths of zero or more", c.MACHeader, c.LLCHeader)
	case c.RTSThreshold < 0:
		return fmt.Errorf("rts threshold %d: write a length in bytes, or 0 for no RTS", c.RTSThreshold)
	case c.BasicRate < 0:
		return fmt.Errorf("basic rate %v: write a bit rate, or 0 for what the data's rate implies", c.BasicRate)
	}
	if err := validateWindow("", c.CWMin, c.CWMax); err != nil {
		return err
	}
	if err := c.Aggregation.validate(c.Standard); err != nil {
		return err
	}
	for ac, p := range c.Categories {
		if err := p.validate(AccessCategory(ac)); c.WMM && err != nil {
			return err
		}
	}
	if err := c.PathLoss.validate(); err != nil {
		return err
	}
	if err := c.Station.validate(c); err != nil {
		return fmt.Errorf("default station: %w", err)
	}
	return nil
}

func validateWindow(of string, lo, hi int) error {
	power := func(n int) bool { return n >= 0 && n <= 32767 && n&(n+1) == 0 }
	if !power(lo) || !power(hi) || lo > hi {
		return fmt.Errorf("%scontention window %d to %d: write powers of two less one in rising order, such as 15 to 1023", of, lo, hi)
	}
	return nil
}

func (a Aggregation) validate(s Standard) error {
	switch {
	case a.MaxFrames < 1 || a.MaxFrames > blockAckWindow:
		return fmt.Errorf("aggregation of %d frames: write 1 (off) to %d", a.MaxFrames, blockAckWindow)
	case a.MaxFrames > 1 && s != N:
		return fmt.Errorf("aggregation with %s: write max frames 1, or choose %s", s, N)
	case a.MaxBytes < 1 || a.MaxBytes > 65535:
		return fmt.Errorf("aggregation of %d bytes: write 1 to 65535", a.MaxBytes)
	case a.MaxDuration < 0 || a.MaxDuration > 10*time.Millisecond:
		return fmt.Errorf("aggregation for %v: write at most 10ms, or 0 for no bound", a.MaxDuration)
	}
	return nil
}

func (s StationConfig) validate(c Config) error {
	if !(s.PER >= 0 && s.PER < 1) {
		return fmt.Errorf("frame error rate %v: write a probability from 0 to less than 1", s.PER)
	}
	if s.Category >= categories {
		return fmt.Errorf("access category %d: write one of best-effort, background, video, voice", s.Category)
	}
	_, err := s.mode(c)
	return err
}

// mode returns how the station's data is sent.
func (s StationConfig) mode(c Config) (Mode, error) {
	modes := c.Standard.Modes(c.ShortGI, c.ShortPreamble)
	name := s.Mode
	if name == "" {
		name = c.Station.Mode
	}
	for i, m := range modes {
		if !strings.EqualFold(m.Name, name) {
			continue
		}
		if s.Distance != 0 {
			return c.PathLoss.choose(modes[:i+1], s.Distance)
		}
		return m, nil
	}
	return Mode{}, fmt.Errorf("mode %q isn't one of %s: write %s to %s",
		s.Mode, c.Standard, modes[0].Name, modes[len(modes)-1].Name)
}

// controlMode returns how control frames are sent that belong to data of the
// given mode: at the fastest mandatory rate that is no faster.
func (c Config) controlMode(data Mode) Mode {
	mandatory := c.Standard.mandatory(c.ShortPreamble)
	if c.Standard == G && data.BitsPerSymbol == 0 {
		mandatory = B.mandatory(c.ShortPreamble)
	}
	best := mandatory[0]
	for _, m := range mandatory {
		if m.Rate <= data.Rate && (c.BasicRate == 0 || m.Rate <= c.BasicRate) {
			best = m
		}
	}
	return best
}

// eifsExtra is EIFS less DIFS.
func (c Config) eifsExtra() time.Duration {
	lowest := c.Standard.mandatory(c.ShortPreamble)[0]
	return c.SIFS + lowest.Duration(ackBytes)
}

// mandatory returns the modes of control frames in rising order.
func (s Standard) mandatory(shortPreamble bool) []Mode {
	switch s {
	case B:
		return dsssModes(shortPreamble)[:2]
	case A, N:
		m := ofdmModes(0)
		return []Mode{m[0], m[2], m[4]}
	case G:
		m := ofdmModes(6 * time.Microsecond)
		return []Mode{m[0], m[2], m[4]}
	case FHSS:
	}
	return s.Modes(false, false)
}

func mcsName(i int) string { return "MCS" + strconv.Itoa(i) }
