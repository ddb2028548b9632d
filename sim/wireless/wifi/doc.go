// Package wifi is one IEEE 802.11 radio channel as a medium that several links
// share: the distributed coordination function (DCF) with binary exponential
// backoff, and as options RTS/CTS, A-MPDU aggregation, EDCA's four access
// categories, frame errors, and rates chosen by distance (RFC 8869 §3).
//
// A station is a transmitting node. All links that leave one node for the
// channel, such as an access point's links to its clients, share the node's
// backoff; it serves them round-robin, one exchange each, and a link whose
// packet is being retried keeps its turn until that packet is done. Each link
// keeps a fabric queue of its own, from which a packet is taken when the station
// has won the channel, so that a discipline sees the whole wait.
//
// # Channel access
//
// Time after the end of an exchange is cut into slots that begin at SIFS after
// it. A contender with the arbitration number AIFSN (2 with DCF, so that
// DIFS = SIFS + 2 slots) and the backoff counter b sends at the slot boundary
// AIFSN + b. When another one sends first, its counter is frozen with what is
// left. [Config.StrictFreeze] says whether the boundary at which the channel
// became busy has counted. After each attempt a new counter is drawn, and it
// counts down also while nothing waits (post-backoff). A packet that comes to a
// contender without backoff left goes at the next slot boundary if the channel
// is idle, and after a newly drawn backoff if it is busy. Contenders that send
// at one boundary collide, and everything sent is lost; inside one station the
// higher access category sends, and the lower one backs off as if it had
// collided.
//
// After an exchange, and after a frame that wasn't acknowledged because of a
// frame error, others wait until the time that its duration field announced,
// then AIFS. After a collision they wait for EIFS if [Config.EIFS] is set; the
// stations that collided wait for the acknowledgement's timeout, which is taken
// to end at the same time.
//
// # What the model leaves out
//
// All stations hear each other: there are no hidden or exposed nodes. There is
// no capture: overlapping frames are all lost. Frame errors are independent with
// one probability per station whatever the frame's length and rate; control
// frames are never damaged. There is no rate adaptation (a rate is chosen once,
// by hand or by distance), no fading, no interference from other networks, no
// beacons, association or power saving, no fragmentation, no A-MSDU, no
// multicast, no block-ack session set-up, no MIMO beyond the data rate, no
// protection frames, no multi-user OFDMA. Stations of a channel have one standard
// and one slot time; slow ones of another are stood for by a slow mode. Short and long
// retry limits are one. Propagation on the air shows only in the length of
// exchanges, the link's own delay comes on top.
package wifi
