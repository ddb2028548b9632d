package turn

import (
	"encoding/binary"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// A server may have clients that reach it by streams, such as those of TCP (RFC 8656 §2.1). Whoever hosts the server has the streams:
// it takes messages out of them and puts messages in.

// client is an address from which requests come, by datagrams or by a stream: with the server's address it is the 5-tuple.
type client struct {
	packet.Addr
	stream bool
}

// NextMessage returns how long the message is with which a stream begins, in octets, and how many octets it takes there: ChannelData
// are padded to a multiple of four (RFC 8656 §12.5). Both are 0 as long as it isn't known. ok is false if no message begins like
// that, so that none will be found any more.
func NextMessage(b []byte) (length, taken int, ok bool) {
	if len(b) > 0 && b[0] >= 4 && b[0]>>4 != firstChannel>>12 {
		return 0, 0, false
	}
	if len(b) < channelHead {
		return 0, 0, true
	}
	length = int(binary.BigEndian.Uint16(b[2:]))
	if b[0] < 4 {
		length += headerSize
		return length, length, length%4 == 0
	}
	length += channelHead
	return length, (length + 3) &^ 3, true
}

// HandleStream takes a message that has come from p.Src by a stream, as the payload of a packet, and owns that. What is relayed of it
// goes on in the packet as a new one.
func (s *Server) HandleStream(now simtime.Time, p *packet.Packet) {
	s.HandleTimeout(now)
	s.fromClient(now, p, client{p.Src, true})
}

// PollStream returns a message for the stream of p.Dst, which is the caller's then; nil when there is none. It has no padding.
func (s *Server) PollStream() *packet.Packet { return s.streamed.Pop() }

// Hangup ends the allocation of a client whose stream has ended.
func (s *Server) Hangup(now simtime.Time, from packet.Addr) {
	if a := s.byClient[client{from, true}]; a != nil {
		s.counts.Deleted++
		s.remove(now, a)
		s.schedule(now)
	}
}

// Streamed reports whether what comes to a relayed address leaves the server by a stream.
func (s *Server) Streamed(relayed packet.Addr) bool {
	a := s.byPort[relayed.Port]
	return a != nil && a.relayed == relayed && a.client.stream
}

// push puts a packet where it goes.
func (s *Server) push(p *packet.Packet, to client) {
	if to.stream {
		s.streamed.Push(p)
	} else {
		s.out.Push(p)
	}
}
