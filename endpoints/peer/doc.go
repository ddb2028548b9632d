// Package peer is a PeerConnection as an application sees it (RFC 8829), that can be cloned (seed document 000): states,
// descriptions, streams, and what they take of what a device has. It is passive and without packets; whoever owns one
// makes SDP of its descriptions, runs its media in the directions that are in effect, and says how its ICE fares. After any
// method of a Connection or Transport it drains PollEvent of the connections.
//
// An offer reserves encoders, decoders and uplink, a provisional answer frees nothing, an answer what it doesn't need
// (RFC 8829 §3.2, §4.1.10). What a Connection and its clones do with that, by the rules of 000:
//
//  1. A clone is a Connection like any other. There is nothing in it that tells.
//  2. Clone takes nothing but a name. Configuration comes from what is cloned.
//  3. Clones are cloned in the same way, and none knows of the others. The Transport closes behind the last one.
//  4. ErrNoLocal, ErrGathering and ErrICEClosed; and ErrClosed, as a closed connection has neither.
//  5. Connection.inherit: streams with their SSRCs, and the local description; the Transport has the candidates.
//     What is added later is each one's own.
//  6. Remote and RemoteStreams return nothing.
//  7. The state is Opening, or have-local-offer, so that an answer can be applied at once.
//  8. SetICE is about one connection. To gather is a matter of the Transport, as is to close its port; that ICE is closed at one
//     connection leaves it open for the others. Transport.Connection tells apart what comes in.
//  9. The state of ICE is ICEWaiting.
//  10. Pool. What an offer reserves its connection and the clones hold together, and the first one that has a use for
//     it uses it; the next one needs more of the pool. A stream has one encoder, however many send it.
//  11. What an answer has freed a clone reserves anew for its local description, as far as it is there. Capabilities, and the
//     next offer, show what that is. The description remains the one that others may have got.
//  12. SetDirection. Each connection that sends takes a stream's rate of the uplink.
//  13. An event of kind Conflict, or a LackError from strict connections, says that directions don't go together.
//
// Cloning late, for one more answer, is CloneFor, which finds that the local description has changed. It is not an error of
// Clone: "It can also be used to clone a stable PC if desired for other reasons", whatever was negotiated there before. With
// strict connections cloning fails for lack of resources, else it never does (000, thread). The thread's
// alternative, to clone the transport alone, is CloneTransport.
package peer
