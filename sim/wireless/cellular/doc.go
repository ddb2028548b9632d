// Package cellular is one direction of one cell as a medium that its users'
// links share: a scheduler gives resource blocks of each transmission time
// interval (TTI) to the users that have something to send, whose rates follow
// their radio channels (RFC 8869 §2).
//
// Each link on the cell is one user, that is one radio bearer with a queue of its
// own. Uplink and downlink are two cells. TTIs begin at multiples of
// [Config.TTI]; nothing runs while nobody has anything to send.
//
// # A TTI
//
// The scheduler orders the users that have a backlog and a rate, and gives the
// first one as many of the TTI's resource blocks as its backlog needs, then the
// next, until none are left; round robin too passes over a user whose channel is
// too bad for any rate. What a user gets takes bytes off its packets in
// order; a packet may go in parts over several TTIs, as RLC segments it. A packet
// leaves the cell at the end of the TTI that carries its last byte.
//
// With a block error rate, what a user sends in one TTI is lost with that
// probability and sent again [Config.HARQDelay] later, in as many resource
// blocks, before the scheduler gives out the rest. What the user sent meanwhile
// waits at the receiver, so that packets stay in order. No packet is lost.
//
// # The radio channel
//
// A user has a constant rate, or a rate as a function of time, or a mean
// signal-to-noise ratio, which may follow from its distance. Speed adds Rayleigh
// fading with the Doppler spectrum of Clarke's model to it. The rate at a TTI
// follows from the ratio by Shannon's formula, attenuated and truncated as in
// 3GPP TR 36.942 annex A.
//
// # What the model leaves out
//
// The scheduler knows the channel of the TTI exactly: there is no delay or
// error of CQI reports and no outer loop. Fading is flat over the band, so that a
// user's resource blocks are all alike. Other cells are a constant interference
// at full load, without fading, scheduling or movement of their users; antennas
// are a gain in the main direction, without a pattern, and MIMO shows only in the
// rate's parameters. Users don't move: distance, mean and shadowing stay until a
// handover. There are no headers of PDCP, RLC and MAC, no control channels, no
// scheduling requests and grants of the uplink, no DRX, no priorities of
// bearers, no power control. HARQ always succeeds in the end.
package cellular
