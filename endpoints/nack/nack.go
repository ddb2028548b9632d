// Package nack is what the two ends of a stream do with generic negative
// acknowledgements (RFC 4585 §6.2.1): at the receiver [Generator] finds out what
// is missing and decides what is worth asking for, and when; at the sender
// [History] keeps packets that may be asked for and decides which are worth
// sending again. Neither knows when RTCP may be sent, nor how a packet is sent
// again (package rtx).
//
// Packets of the original stream alone have numbers here. Those of the
// retransmission stream are never asked for (RFC 4588 §6.3).
package nack

// Importance says what the loss of a packet does (RFC 8834 §6.1: "the importance
// of the lost packet").
type Importance uint8

// The levels, in rising order.
const (
	// Discardable packets are missed by none but themselves.
	Discardable Importance = iota
	// Base packets are predicted from.
	Base
	// Key packets belong to a decoder refresh point.
	Key

	// Levels is how many there are.
	Levels
)
