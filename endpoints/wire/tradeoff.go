package wire

import "encoding/binary"

// MaxTradeOff is the index that asks for the highest frame rate; 0 asks for
// the highest spatial quality (RFC 5104 §4.3.2.1).
const MaxTradeOff = 31

const tradeOffSize = 8

// TradeOff is an FCI entry of TSTR and TSTN.
type TradeOff struct {
	// SSRC is the media sender in a TSTR, the requester in a TSTN.
	SSRC uint32
	// Seq numbers the requests of a requester to a media sender. A repetition
	// keeps it.
	Seq uint8
	// Index is 0 to MaxTradeOff.
	Index uint8
}

func putTradeOffs(fci []byte, entries []TradeOff) error {
	for i, e := range entries {
		if e.Index > MaxTradeOff {
			return ErrRange
		}
		binary.BigEndian.PutUint32(fci[tradeOffSize*i:], e.SSRC)
		fci[tradeOffSize*i+4] = e.Seq
		fci[tradeOffSize*i+7] = e.Index
	}
	return nil
}

// appendTradeOffs reads an FCI of one or more whole entries.
func appendTradeOffs(entries []TradeOff, fci []byte) ([]TradeOff, error) {
	switch {
	case len(fci) == 0:
		return entries, ErrCount
	case len(fci)%tradeOffSize != 0:
		return entries, ErrLength
	}
	for ; len(fci) > 0; fci = fci[tradeOffSize:] {
		// Reserved bits SHALL be ignored.
		entries = append(entries, TradeOff{
			SSRC: binary.BigEndian.Uint32(fci), Seq: fci[4], Index: fci[7] & MaxTradeOff,
		})
	}
	return entries, nil
}

func tradeOffSSRCs(entries []TradeOff) []uint32 {
	out := make([]uint32, len(entries))
	for i, e := range entries {
		out[i] = e.SSRC
	}
	return out
}
