package dtls

import (
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// flightItem is a handshake message or a ChangeCipherSpec, and the epoch that it
// is always sent in (RFC 6347 §4.1: what is sent again keeps its epoch).
type flightItem struct {
	typ     contentType
	version uint16
	epoch   uint16
	message message // of handshakeRecord
}

// sender makes records.
type sender struct {
	epoch  uint16 // of whatever is sent next
	seq    [2]uint64
	cipher *protection // of epoch 1

	flight   []flightItem // the last one
	last     bool         // it is the last of the handshake
	stateful bool         // the timer runs for it
	again    int          // how often it was sent again
	nextSeq  uint16       // message_seq of the next message
	answers  uint16       // messages of the other end below this are of earlier flights
}

// record appends a record with the next sequence number of its epoch.
func (s *sender) record(b []byte, typ contentType, version, epoch uint16, body []byte) []byte {
	r := record{typ: typ, version: version, epoch: epoch, seq: s.seq[epoch]}
	s.seq[epoch]++
	if epoch == 0 {
		return append(appendRecordHeader(b, &r, len(body)), body...)
	}
	sealed := s.cipher.seal(&r, body)
	return append(appendRecordHeader(b, &r, len(sealed)), sealed...)
}

// add puts a message into the flight and returns it.
func (s *sender) add(typ messageType, body []byte) message {
	m := message{typ: typ, seq: s.nextSeq, body: body}
	s.nextSeq++
	version := version12
	if typ == clientHello || typ == helloVerifyRequest {
		version = version10
	}
	s.flight = append(s.flight, flightItem{typ: handshakeRecord, version: version, epoch: s.epoch, message: m})
	return m
}

// changeCipherSpec puts that into the flight; what follows is protected.
func (s *sender) changeCipherSpec(p *protection) {
	s.flight = append(s.flight, flightItem{typ: changeCipherSpec, version: version12})
	s.cipher, s.epoch = p, 1
}

// start begins the client's handshake.
func (c *Conn) start(now simtime.Time) {
	if c.state == Preparing {
		c.clientFlight1()
		c.transmit(now)
	}
}

// prepare empties the buffer for the next flight, which answers all that came.
func (c *Conn) prepare() {
	c.to(Preparing)
	c.timer.answered(c.send.again, c.config.InitialTimeout)
	c.send.flight, c.send.again = nil, 0
	c.send.last, c.send.stateful = false, true
	c.send.answers = c.messages.next
}

// transmit sends the flight, and waits for the next one unless it is the last.
func (c *Conn) transmit(now simtime.Time) {
	c.to(Sending)
	if c.send.again == 0 {
		c.stats.Flights++
	} else {
		c.stats.Retransmissions++
	}
	c.pack()
	if c.send.last {
		c.to(Finished)
		return
	}
	c.to(Waiting)
	if c.send.stateful {
		c.timer.restart(now)
	}
}

// retransmit sends the flight once more.
func (c *Conn) retransmit(now simtime.Time) {
	c.send.again++
	c.transmit(now)
}

// expired is the timer's.
func (c *Conn) expired(now simtime.Time) {
	c.stats.Timeouts++
	if !c.timer.backOff(c.config.MaxTimeouts, c.config.MaxTimeout) {
		c.over(ErrTimeout)
		return
	}
	c.retransmit(now)
}

// repeated is called when the other end sent its last flight again: it has
// probably missed ours (RFC 6347 §4.2.4).
func (c *Conn) repeated(now simtime.Time) {
	if len(c.send.flight) > 0 && (c.state == Waiting || c.state == Finished && c.send.last) {
		c.retransmit(now)
	}
}

// pack puts the flight into datagrams: a record for each message, as many to a
// datagram as fit, and only messages that don't fit into one of their own in
// fragments (RFC 6347 §4.1.1, §4.2.3).
func (c *Conn) pack() {
	mtu := int(c.config.MTU)
	var datagram []byte
	for i := range c.send.flight {
		item := &c.send.flight[i]
		if item.typ == changeCipherSpec {
			if len(datagram)+recordHeader+1 > mtu {
				c.emit(datagram)
				datagram = nil
			}
			datagram = c.send.record(datagram, changeCipherSpec, item.version, 0, []byte{1})
			continue
		}
		overhead := recordHeader + messageHeader
		if item.epoch > 0 {
			overhead += protectionOverhead
		}
		m := &item.message
		for offset := 0; ; {
			if need := overhead + len(m.body) - offset; len(datagram) > 0 && len(datagram)+need > mtu {
				c.emit(datagram)
				datagram = nil
			}
			end := min(len(m.body), offset+mtu-overhead-len(datagram))
			datagram = c.send.record(datagram, handshakeRecord, item.version, item.epoch, m.appendFragment(nil, offset, end))
			c.stats.FragmentsSent++
			if offset = end; offset == len(m.body) {
				break
			}
		}
	}
	if datagram != nil {
		c.emit(datagram)
	}
}

// emit hands a datagram out.
func (c *Conn) emit(b []byte) {
	c.out = append(c.out, b)
	c.stats.Datagrams++
	c.stats.Bytes += units.Bytes(len(b))
}
