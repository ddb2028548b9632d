package wifi

import (
	"time"

	"rtpfabric/sim/units"
)

// Frames of the MAC with their FCS (IEEE 802.11-2016 §9.3.1). The block ack is
// the compressed one.
const (
	rtsBytes      units.Bytes = 20
	ctsBytes      units.Bytes = 14
	ackBytes      units.Bytes = 14
	blockAckBytes units.Bytes = 32
)

// Standard names a physical layer with its parameters.
type Standard string

// The standards.
const (
	// FHSS is the frequency-hopping layer with which Bianchi validates his
	// model (IEEE JSAC 18(3), 2000, Table II): 1 Mbit/s, slots of 50 µs.
	FHSS Standard = "bianchi-fhss"
	// B is 802.11b: DSSS and CCK up to 11 Mbit/s.
	B Standard = "802.11b"
	// A is 802.11a: OFDM at 5 GHz up to 54 Mbit/s.
	A Standard = "802.11a"
	// G is 802.11g: OFDM at 2.4 GHz with short slots, and 802.11b's modes for
	// slow stations. What 802.11b stations entail for the others, long slots and
	// protection frames, is left to the configuration.
	G Standard = "802.11g"
	// N is 802.11n at 5 GHz, 20 MHz, mixed format, one to four streams: MCS0
	// to MCS31. At 2.4 GHz SIFS is 6 µs shorter and a frame 6 µs longer.
	N Standard = "802.11n"
)

// Standards lists all of them.
func Standards() []Standard { return []Standard{FHSS, B, A, G, N} }

// Mode is one way to send a frame.
type Mode struct {
	// Name is how a configuration says it: "11Mbps", "54Mbps", "MCS11".
	Name string
	Rate units.BitRate
	// Preamble is what goes before the PSDU, headers of the PLCP included.
	Preamble time.Duration
	// Extension is the silence that belongs to the end of the frame.
	Extension time.Duration
	// Symbol and BitsPerSymbol are those of OFDM; BitsPerSymbol is 0 for a layer
	// that sends single bits at Rate, in whole multiples of Symbol.
	Symbol        time.Duration
	BitsPerSymbol int64
	// Extra is the SERVICE field and the tail, in bits.
	Extra int64
	// Sensitivity is the received power from which the mode works, in dBm.
	Sensitivity float64
	// Streams is the number of spatial streams.
	Streams int
}

// Duration returns how long a PSDU of n bytes is on the air, headers included
// (TXTIME).
func (m *Mode) Duration(n units.Bytes) time.Duration {
	bits := int64(n)*8 + m.Extra
	if m.BitsPerSymbol > 0 {
		symbols := (bits + m.BitsPerSymbol - 1) / m.BitsPerSymbol
		return m.Preamble + time.Duration(symbols)*m.Symbol + m.Extension
	}
	d := m.Rate.TimeToSend(n)
	return m.Preamble + (d+m.Symbol-1)/m.Symbol*m.Symbol
}

// Modes returns what the standard offers, in rising order of rate within a
// number of streams. The guard interval is 802.11n's, the preamble 802.11b's.
func (s Standard) Modes(shortGI, shortPreamble bool) []Mode {
	switch s {
	case FHSS:
		return []Mode{{
			Name: "1Mbps", Rate: units.Mbps, Preamble: 128 * time.Microsecond,
			Symbol: time.Microsecond, Sensitivity: -80, Streams: 1,
		}}
	case B:
		return dsssModes(shortPreamble)
	case A:
		return ofdmModes(0)
	case G:
		return append(dsssModes(shortPreamble), ofdmModes(6*time.Microsecond)...)
	case N:
		return htModes(shortGI)
	}
	return nil
}

// dsssModes are those of clauses 15 and 16. The long preamble with its header
// takes 192 µs, the short one 96 µs, and 1 Mbit/s has only the long one. The
// standard gives a minimum sensitivity for 2 and 11 Mbit/s only; the other two
// are set 3 dB below and 2 dB below the next.
func dsssModes(short bool) []Mode {
	modes := []Mode{
		{Name: "1Mbps", Rate: units.Mbps, Sensitivity: -83},
		{Name: "2Mbps", Rate: 2 * units.Mbps, Sensitivity: -80},
		{Name: "5.5Mbps", Rate: 5500 * units.Kbps, Sensitivity: -78},
		{Name: "11Mbps", Rate: 11 * units.Mbps, Sensitivity: -76},
	}
	for i := range modes {
		m := &modes[i]
		m.Preamble, m.Symbol, m.Streams = 192*time.Microsecond, time.Microsecond, 1
		if short && i > 0 {
			m.Preamble = 96 * time.Microsecond
		}
	}
	return modes
}

// ofdmModes are those of clause 17 for 20 MHz: a preamble of 16 µs and SIGNAL of
// 4 µs, symbols of 4 µs, 16 service and 6 tail bits; sensitivities of
// Table 17-18. extension is 6 µs at 2.4 GHz (§18.3.2.4).
func ofdmModes(extension time.Duration) []Mode {
	table := [...]struct {
		name        string
		mbps        int64
		sensitivity float64
	}{
		{"6Mbps", 6, -82},
		{"9Mbps", 9, -81},
		{"12Mbps", 12, -79},
		{"18Mbps", 18, -77},
		{"24Mbps", 24, -74},
		{"36Mbps", 36, -70},
		{"48Mbps", 48, -66},
		{"54Mbps", 54, -65},
	}
	modes := make([]Mode, 0, len(table))
	for _, t := range table {
		modes = append(modes, Mode{
			Name: t.name, Rate: units.BitRate(t.mbps) * units.Mbps, Preamble: 20 * time.Microsecond,
			Symbol: 4 * time.Microsecond, BitsPerSymbol: 4 * t.mbps, Extra: 22, Extension: extension,
			Sensitivity: t.sensitivity, Streams: 1,
		})
	}
	return modes
}

// htModes are those of clause 19 for 20 MHz and equal modulation, in the mixed
// format: 20 µs of legacy preamble, HT-SIG 8 µs, HT-STF 4 µs, and an HT-LTF of
// 4 µs for each stream, four for three streams; sensitivities of Table 19-23.
func htModes(shortGI bool) []Mode {
	perStream := [...]int64{26, 52, 78, 104, 156, 208, 234, 260} // bits in a symbol
	sensitivity := [...]float64{-82, -79, -77, -74, -70, -66, -65, -64}
	training := [...]time.Duration{1: 4, 2: 8, 3: 16, 4: 16}
	symbol := 4 * time.Microsecond
	if shortGI {
		symbol = 3600 * time.Nanosecond
	}
	var modes []Mode
	for streams := 1; streams <= 4; streams++ {
		for i, bits := range perStream {
			bits *= int64(streams)
			modes = append(modes, Mode{
				Name: mcsName(8*(streams-1) + i), Rate: units.BitRate(bits * int64(time.Second) / int64(symbol)),
				Preamble: 32*time.Microsecond + training[streams]*time.Microsecond,
				Symbol:   symbol, BitsPerSymbol: bits, Extra: 22, Sensitivity: sensitivity[i], Streams: streams,
			})
		}
	}
	return modes
}
